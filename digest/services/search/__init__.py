"""Search over all stored papers: its index, the matching of candidates, facets and order."""
