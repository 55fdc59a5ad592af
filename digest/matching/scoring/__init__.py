"""BM25F, boolean matching, word counts, relevance feedback, novelty."""
