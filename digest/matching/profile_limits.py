"""How much one profile may hold, and how many papers a day it gets by default."""

DEFAULT_LIMIT = 10  # papers a day, unless the subscriber says otherwise
MAX_TOPICS = 20
MAX_QUERY = 500  # characters of one topic
MAX_WORDS = 150  # of all topics, exclusions and followed authors of one profile together
MIN_PREFIX_LENGTH = 3  # letters before a `*`; two begin a tenth of all words. No limit where a character is a word
MAX_PREFIXES = 20  # words with a `*` among them
NAME_COST = 2  # words: a name is looked up in several readings
PREFIX_COST = 2  # words: a prefix stands for many words
