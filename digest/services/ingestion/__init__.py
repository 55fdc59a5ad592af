"""Fetching and importing papers: catch-up, storing, de-duplication, the state of each source."""
