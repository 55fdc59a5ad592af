"""The numbers that ranking depends on; both matchers, the kernel and docs/MATCHING.md use these."""

from __future__ import annotations

from digest.matching.profile import HIGH, USUAL

WINDOW_ANNOUNCEMENTS = 14  # the announcements before an epoch, from which word counts and thresholds are computed
# A word's tf in a paper: 3 in the title, 1 in the abstract, 4 in both.
TITLE_TF, ABSTRACT_TF = 3, 1
# Close papers in the 14 announcements that set a threshold, by the profile's minimum: about 5 a day, or 1 where it is
# high. τ is the relevance of the next one.
CLOSE_PAPERS = {USUAL: 70, HIGH: 14}
CLOSE_PAPERS_PER_DAY = 3  # close papers of one announcement, while there is no threshold
# A close paper needs 6/5 of the smallest sum of word weights of a plain topic. Of 60 close papers that were judged, 19
# of 37 off-topic ones are below it, and none of 16 relevant ones.
FLOOR_NUMERATOR, FLOOR_DENOMINATOR = 6, 5
# A topic's words are common where their mean idf is below 2.6, that is where they stand in more than 1 of 14 papers
# (their geometric mean). Common words meet by chance: without a topic of rarer words a close paper needs 7/4.
RARE_IDF = 666
COMMON_NUMERATOR, COMMON_DENOMINATOR = 7, 4
FLOOR_WORDS = 4  # the floor takes so many words of a topic, the heaviest; else no paper could reach that of a long one
# A close paper holds the words of a topic: all of up to three; of longer topics three and half of the others, and the
# rarest.
COMPLETE_WORDS = 3
# The idf of words that rarely meet is at least 256·6 together: by chance at most 1 of 400 papers has them all. While
# contexts are unknown, a close paper holds such words of a topic. A topic of commoner words has only a context of
# papers that have it as written, and no close papers without one.
COMPLETE_IDF = 1536
NEAR_TOPICS = 2  # a paper near the contexts of so many topics needs only the rarest word of one; the kernel counts to 2
TOPIC_WEIGHT = 16  # the weight of a word of one topic; of a word in n topics ⌊16·√n⌋
TITLE_SLOTS = 2  # papers with it in the title that each topic gets, while the limit has room for so many of each
TRENDING_PER_MILLE = 3  # thousandths of the score that each percentile of trending adds: at most 30 %
NEARNESS_UNIT = 1 << 12  # the nearness of a paper to a topic's context is their product in these parts of its length
# The impacts of other fields: an author counts like a word that one paper in a thousand has.
FIXED_IMPACTS = {"au": 3000, "inst": 1200, "venue": 600, "co": 256, "cat": 256, "has": 256}
# BM25's k1 and b, in thousandths.
K1_MILLE, B_MILLE = 1200, 750
# Examples: the terms of a profile's example papers; the limit of the heaviest one's weight (in sixteenths) as examples
# increase, and the number of examples at which half of it applies.
EXAMPLE_TERMS = 30  # of a group of examples that are alike
MAX_EXAMPLE_TERMS = 120  # of all groups
EXAMPLE_UNIT = 16
FULL_EXAMPLE_WEIGHT = 12 * EXAMPLE_UNIT
EXAMPLE_SHRINK = 5
# A pair of adjacent words counts by half more than its impact when the terms are chosen.
PAIR_NUMERATOR, PAIR_DENOMINATOR = 3, 2
# Examples admit a paper whose similarity is at least a third of the median similarity of the examples themselves.
EXAMPLE_FLOOR_DIVISOR = 3
