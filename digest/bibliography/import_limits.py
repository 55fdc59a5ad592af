"""How much of a bibliography is read."""

MAX_BYTES = 20 << 20  # of one file
MAX_ENTRIES = 5_000  # of one import; further ones are counted
MAX_PROBLEMS = 20_000  # of one import; the parser refuses a file with more
MAX_TITLE, MAX_ABSTRACT, MAX_AUTHORS, MAX_NAME = 1_000, 10_000, 100, 200  # characters, names; the rest is cut off
