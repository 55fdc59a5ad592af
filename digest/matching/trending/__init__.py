"""The trending score, and the prior for papers without votes."""
