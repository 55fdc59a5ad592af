"""Fetches and imports papers: catch-up, storage, deduplication, the state of each source."""
