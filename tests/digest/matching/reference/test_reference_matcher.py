"""Which papers, in which order, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.matching.profile import Candidate, Counts, Profile, Topic
from digest.matching.reference.reference_matcher import close_floor_of, match, match_all
from digest.matching.scoring.bm25 import Weights, impact, score, topic_weight, words_needed
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.topic_context import NO_CONTEXTS, TopicContext
from digest.papers import Record

COUNTS = Counts(1000, 10.0, {"graph": 100, "neural": 200, "network": 200, "protein": 10, "fold": 20, "learn": 500})


LEARNING, GRAPHS = TopicContext({"learn": 255}, 1), TopicContext({"graph": 255}, 1)
GENERAL_CONTEXT = {"graph neural network": TopicContext({"learn": 255}, 0)}  # any paper is near it


def papers(*titles: str, day: int = 1, trending: int = 0) -> list[Candidate]:
    return [Candidate(number, Record(title), day, trending) for number, title in enumerate(titles, 1)]


def topics(*texts: str) -> Profile:
    return Profile(topics=tuple(Topic(text) for text in texts))


def ids(
    profile: Profile,
    candidates: list[Candidate],
    tau: int | None = None,
    sent: frozenset[int] = frozenset(),
    contexts: Mapping[str, TopicContext] = NO_CONTEXTS,
) -> list[int]:
    matches = match(profile, candidates, COUNTS, tau=tau, sent=sent, contexts=contexts)
    return [found_match.paper for found_match in matches]


def test_relevance_is_the_formula_of_the_page() -> None:
    (paper_match,) = match(topics("protein"), papers("A protein"), COUNTS, tau=None)
    norm = 300 + 900_000 * 2 // 10_000

    assert paper_match.relevance == 16 * impact(Weights(COUNTS).idf("protein"), 3, norm)


def test_a_word_once_in_an_average_abstract_is_worth_its_idf() -> None:
    assert impact(777, 1, Weights(COUNTS).norm(10)) == 777


@pytest.mark.parametrize(("topics", "expected"), [(1, 16), (2, 22), (3, 27), (4, 32), (9, 48), (20, 71)])
def test_a_word_of_several_topics_weighs_by_the_square_root_of_their_number(topics: int, expected: int) -> None:
    assert topic_weight(topics) == expected


def test_a_rarer_word_weighs_more_and_an_unknown_one_most() -> None:
    weights = Weights(COUNTS)

    assert weights.idf("learn") < weights.idf("graph") < weights.idf("protein") < weights.idf("unheard")


def test_a_prefix_weighs_as_all_its_words_together() -> None:
    weights = Weights(COUNTS)

    assert weights.idf("ne", prefix=True) == Weights(Counts(1000, 10.0, {"ne": 400})).idf("ne")


def test_a_prefix_longer_than_its_stem_weighs_as_the_stem() -> None:
    assert Weights(COUNTS).idf("learni", prefix=True) == Weights(COUNTS).idf("learn")


def test_adjacent_words_in_query_order_count_twice_as_much_as_apart() -> None:
    apart, together = papers("Folding of a big protein", "Of a big protein folding")
    relevance_by_paper = {
        m.paper: m.relevance for m in match(topics("protein folding"), [apart, together], COUNTS, tau=0)
    }

    assert relevance_by_paper[together.id] == 2 * relevance_by_paper[apart.id]


def test_a_phrase_in_a_query_counts_as_much_as_a_topic() -> None:
    paper = papers("A graph neural network")
    plain, quoted = (
        match(topics(text), paper, COUNTS, tau=0)[0] for text in ("graph neural network", '"graph neural network"')
    )

    assert plain.relevance == quoted.relevance


def test_the_floor_is_six_fifths_of_the_cheapest_topic_of_rare_words_with_all_its_words() -> None:
    idf = Weights(COUNTS).idf
    cheapest = 16 * (idf("protein") + idf("fold"))

    assert close_floor_of(topics("protein folding", "learning"), COUNTS) == cheapest * 6 // 5


def test_without_a_topic_of_rare_words_the_floor_is_seven_quarters_of_the_cheapest() -> None:
    idf = Weights(COUNTS).idf
    cheapest = min(16 * (idf("graph") + idf("neural") + idf("network")), 16 * idf("learn"))

    assert close_floor_of(topics("graph neural network", "learning"), COUNTS) == cheapest * 7 // 4


def test_words_of_a_topic_of_common_words_apart_in_an_abstract_are_not_close() -> None:
    common, rare = "Neural graph, network", "Folding, a protein"
    by_title = [Candidate(1, Record(common), 1), Candidate(2, Record(rare), 1)]
    mixed = [Candidate(1, Record("Network here", common), 1), Candidate(2, Record("Folding here", rare), 1)]

    assert ids(topics("graph neural network"), by_title, contexts=GENERAL_CONTEXT) == [1]
    assert ids(topics("graph neural network"), mixed, contexts=GENERAL_CONTEXT) == []
    assert ids(topics("protein folding"), by_title) == [2]
    assert ids(topics("protein folding"), mixed) == [2]


def test_one_word_of_a_phrase_is_not_close() -> None:
    assert ids(topics("graph neural network"), papers("A network")) == []


def test_a_topics_words_apart_in_an_average_abstract_are_less_than_a_close_match_needs() -> None:
    abstract = "folding of birds and of trees, a protein"
    in_abstract = [Candidate(1, Record("Birdsong here", abstract), 1)]
    in_title = [Candidate(2, Record("Folding here", abstract), 1)]

    assert ids(topics("protein folding"), in_abstract) == []
    assert ids(topics("protein folding"), in_title) == [2]


def test_a_close_match_must_be_above_the_threshold() -> None:
    candidates = papers("Folding of a protein")
    relevance = match(topics("protein folding"), candidates, COUNTS, tau=None)[0].relevance

    assert ids(topics("protein folding"), candidates, tau=relevance) == []
    assert ids(topics("protein folding"), candidates, tau=relevance - 1) == [1]


def test_without_a_threshold_three_close_papers_of_each_announcement_pass() -> None:
    first_day = papers(*["Folding protein"] * 5, day=1)
    second_day = [Candidate(number, Record("Folding: protein"), 2) for number in range(11, 16)]

    assert ids(topics("protein folding"), first_day + second_day) == [11, 12, 13, 1, 2, 3]


def test_what_was_sent_is_not_sent_again_nor_makes_room_for_more_close_ones() -> None:
    candidates = papers(*["Folding protein"] * 5)

    assert ids(topics("protein folding"), candidates, sent=frozenset({1, 2})) == [3]


def test_a_topic_of_common_words_has_no_close_papers_while_its_context_is_unknown() -> None:
    candidates = papers("Neural graph, network")

    assert ids(topics("graph neural network"), candidates) == []
    assert ids(topics("graph neural network"), candidates, contexts=GENERAL_CONTEXT) == [1]


def test_words_of_several_topics_are_not_close_while_contexts_are_unknown() -> None:
    two_topics = topics("protein folding", "neutron star")

    assert ids(two_topics, papers("Neutron protein", "Folding a neutron protein")) == [2]


def test_a_close_paper_is_near_the_context_of_a_topic_and_holds_its_words() -> None:
    two_topics = topics("protein folding", "neutron star")
    contexts = {"protein folding": LEARNING, "neutron star": GRAPHS}
    lacking, complete, of_the_other = papers(
        "Learning a neutron protein", "Learning folding of a protein", "Graphs: folding of a protein"
    )

    assert ids(two_topics, [lacking, complete, of_the_other], contexts=contexts) == [complete.id]


def test_a_paper_near_the_contexts_of_two_topics_need_only_hold_the_rarest_word_of_one() -> None:
    two_topics = topics("protein folding", "protein neural graph")
    near_one, lacking, near_both = papers(
        "Learning of proteins, neural", "Learning folding, neural: graphs", "Learning of proteins, neural: graphs"
    )
    contexts = {"protein folding": LEARNING, "protein neural graph": TopicContext({"graph": 255, "fold": 255}, 1)}

    assert ids(two_topics, [near_one, lacking, near_both], contexts=dict.fromkeys(contexts, LEARNING)) == [3, 1]
    assert ids(two_topics, [near_one, lacking, near_both], contexts=contexts) == [3]


def test_of_a_topic_without_a_context_a_close_paper_has_all_words() -> None:
    long_topic = "protein folding in neutron stars"
    most, complete = papers("Neutron stars: a protein", "Neutron stars: folding a protein")

    assert ids(topics(long_topic), [most, complete], contexts={long_topic: TopicContext({})}) == [2]
    assert ids(topics(long_topic), [most, complete], contexts={long_topic: TopicContext({"neutron": 1}, 0)}) == [2, 1]


@pytest.mark.parametrize("common_words", ["graph neural network", "A-graph"])
def test_a_topic_of_common_words_has_no_close_papers_without_a_context(common_words: str) -> None:
    candidates = papers("Network of graphs, neural")
    contexts = {common_words: TopicContext({})}

    assert ids(topics(common_words), candidates, contexts=contexts) == []


@pytest.mark.parametrize(("words", "least_words"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 4), (7, 5), (11, 7)])
def test_of_more_than_three_words_half_of_the_others_are_needed(words: int, least_words: int) -> None:
    assert words_needed(words) == least_words


def test_the_floor_of_a_long_topic_is_that_of_its_four_heaviest_words() -> None:
    idf = Weights(COUNTS).idf
    heaviest = 16 * (2 * idf("neutron") + idf("protein") + idf("fold"))

    assert close_floor_of(topics("neutron stars learning protein folding network"), COUNTS) == heaviest * 6 // 5


def test_order_is_by_score_then_newer_then_id() -> None:
    candidates = [
        Candidate(1, Record("Protein of a graph of a network"), 5),
        Candidate(2, Record("Protein"), 3),
        Candidate(4, Record("Protein"), 4),
        Candidate(3, Record("Protein"), 4),
    ]

    assert ids(topics("protein"), candidates) == [3, 4, 2, 1]


def test_trending_lifts_a_score_by_thirty_per_cent_at_most() -> None:
    assert (score(1000, 0), score(1000, 50), score(1000, 100)) == (1000, 1150, 1300)


def test_the_limit_and_a_topics_cap_only_limit() -> None:
    profile = Profile(topics=(Topic("protein", cap=1), Topic("graph")), limit=2)

    assert ids(profile, papers("Protein", "Protein here", "Graph", "Graph here")) == [1, 3]


def test_followed_authors_stand_on_top_past_caps_and_categories() -> None:
    profile = Profile((Topic("protein"),), categories=("cs.LG",), authors=("Yingbin Liang",), limit=1)
    candidates = [
        Candidate(1, Record("Protein", categories=("cs.LG",)), 1),
        Candidate(2, Record("Cooking", authors=("Y. Liang",), categories=("math.CO",)), 1),
        Candidate(3, Record("Protein", authors=("Yingbin Liang",)), 1),
    ]

    assert ids(profile, candidates) == [3, 2]
    assert ids(replace(profile, limit=3), candidates) == [3, 2, 1]


def test_a_followed_authors_paper_says_so_and_counts_against_no_topic() -> None:
    profile = Profile((Topic("protein"),), authors=("Yingbin Liang",))
    (paper_match,) = match(profile, [Candidate(1, Record("Cooking", authors=("Y. Liang",)), 1)], COUNTS, tau=None)

    assert (paper_match.followed, paper_match.topic, paper_match.matched) == (("Yingbin Liang",), -1, ())


def test_a_withdrawn_paper_matches_nothing() -> None:
    assert ids(topics("protein"), [Candidate(1, Record("Protein", withdrawn=True), 1)]) == []


def test_a_muted_topic_finds_nothing() -> None:
    assert ids(Profile(topics=(Topic("protein", muted=True),)), papers("Protein")) == []


def test_a_profile_without_topics_gets_nothing() -> None:
    assert ids(Profile(categories=("cs.LG",)), papers("Protein")) == []


def test_a_query_is_never_close() -> None:
    assert ids(topics('"graph neural network" OR "protein folding"'), papers("Neural graph network folding")) == []


def test_the_topic_that_gives_most_comes_first_and_takes_the_paper() -> None:
    (paper_match,) = match(topics("learning", "protein folding"), papers("Learning protein folding"), COUNTS, tau=None)

    assert (paper_match.topic, paper_match.matched) == (1, ((1, ("protein folding",)), (0, ("learning",))))


def test_a_close_match_shows_its_words_as_typed() -> None:
    (paper_match,) = match(topics("Protein Foldings"), papers("Folding of a protein"), COUNTS, tau=None)

    assert (paper_match.strict, paper_match.matched, paper_match.mask) == (False, ((0, ("Protein", "Foldings")),), 0b11)


def test_a_close_topic_that_adds_no_word_is_not_shown() -> None:
    (paper_match,) = match(topics("protein folding", "proteins unfolded"), papers("Folding a protein"), COUNTS, tau=0)

    assert paper_match.matched == ((0, ("protein", "folding")),)


def test_a_topic_with_half_of_its_words_is_not_shown() -> None:
    (paper_match,) = match(
        topics("protein folding", "graph learning"), papers("Folding a protein graph"), COUNTS, tau=0
    )

    assert (paper_match.matched, paper_match.mask) == (((0, ("protein", "folding")),), 0b0111)


def test_a_topic_that_holds_is_shown_though_it_adds_no_word() -> None:
    (paper_match,) = match(topics("protein folding", "folding"), papers("A protein, folding"), COUNTS, tau=0)

    assert paper_match.matched == ((0, ("protein folding",)), (1, ("folding",)))


def test_the_mask_numbers_the_profiles_terms() -> None:
    (paper_match,) = match(topics("graph neural", "protein"), papers("Protein graph"), COUNTS, tau=None)

    assert paper_match.mask == 0b101


def test_an_author_followed_twice_counts_once() -> None:
    candidates = [Candidate(1, Record("Cooking", authors=("Y. Liang",)), 1)]
    named_once = match(Profile((), authors=("Yingbin Liang",)), candidates, COUNTS, tau=None)[0]
    twice = match(Profile((Topic('au:"Yingbin Liang"'),), authors=("Yingbin Liang",)), candidates, COUNTS, tau=None)[0]

    assert (named_once.relevance, twice.strict) == (twice.relevance, True)


def test_matches_are_not_capped() -> None:
    assert len(match_all(topics("protein"), papers(*["Protein"] * 30), COUNTS, tau=None)) == 30


WORDS = st.sampled_from(
    ["graph", "neural", "network", "Protein", "folding", "learning", "multi-agent", "of", "Poincaré"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
TOPICS = st.lists(st.lists(WORDS.filter(lambda word: word != "of"), min_size=1, max_size=3).map(" ".join), max_size=4)


@given(TOPICS, st.lists(TEXTS, max_size=8))
def test_matching_minds_neither_case_nor_accents_nor_hyphens(texts: list[str], titles: list[str]) -> None:
    def shout(text: str) -> str:
        return text.upper().replace("É", "e").replace("-", " ")

    plain = match(topics(*texts), papers(*titles), COUNTS, tau=0)
    shouted = match(topics(*map(shout, texts)), papers(*map(shout, titles)), COUNTS, tau=0)

    assert [replace(m, matched=()) for m in plain] == [replace(m, matched=()) for m in shouted]


@given(TOPICS, st.lists(TEXTS, max_size=8), st.integers(0, 40_000))
def test_a_higher_threshold_only_takes_away(texts: list[str], titles: list[str], tau: int) -> None:
    low = {m.paper for m in match_all(topics(*texts), papers(*titles), COUNTS, tau=0)}
    high = {m.paper for m in match_all(topics(*texts), papers(*titles), COUNTS, tau=tau)}

    assert high <= low


@given(TOPICS, st.lists(TEXTS, max_size=8))
def test_a_prepared_paper_matches_as_the_paper_itself(texts: list[str], titles: list[str]) -> None:
    candidates = papers(*titles)
    prepared = match(topics(*texts), [prepare_document(c) for c in candidates], Weights(COUNTS), tau=0)

    assert prepared == match(topics(*texts), candidates, COUNTS, tau=0)


@given(TOPICS, st.lists(TEXTS, max_size=8), st.permutations(range(8)))
def test_the_order_in_which_papers_come_does_not_matter(texts: list[str], titles: list[str], order: list[int]) -> None:
    candidates = papers(*titles)
    shuffled = [candidates[i] for i in order if i < len(candidates)]

    assert match(topics(*texts), shuffled, COUNTS, tau=0) == match(topics(*texts), candidates, COUNTS, tau=0)
