"""Sources of papers: each file has a pure parser, a thin fetch and the entry that the registry lists."""
