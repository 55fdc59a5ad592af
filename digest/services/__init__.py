"""Use cases, one a file. Each begins and ends its own transactions."""
