"""Which papers a profile gets, in which order, and why. Pure."""
