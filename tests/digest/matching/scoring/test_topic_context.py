"""The numbers of a context, calculated by hand."""

from __future__ import annotations

from digest.matching.profile import Candidate, Counts
from digest.matching.query.language import ProfileTerm
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.topic_context import (
    TopicContext,
    has_context,
    heaviest_words,
    leave_out,
    nearness,
    nearness_floor,
    nearness_of,
    paper_vector,
)
from digest.papers import Record

WEIGHTS = Weights(Counts(100, 8.0, {"arm": 50, "bandit": 2, "regret": 1, "pull": 20}, 14))


def test_words_weigh_their_mean_share_less_what_any_papers_have_of_it() -> None:
    shares = {"arm": 4000, "bandit": 1000, "regret": 500, "novel": 9}
    papers_with = {"arm": 4, "bandit": 2, "regret": 1, "novel": 2}

    # arm 4000·(4·100 − 4·50)/4 = 200,000, bandit 1000·(2·100 − 4·2)/2 = 96,000, novel 9·2·100/2 = 900
    assert heaviest_words(shares, papers_with, 4, WEIGHTS) == {"arm": 255, "bandit": 122, "novel": 1}


def test_a_word_that_the_topics_papers_have_no_oftener_than_others_is_left_out() -> None:
    assert heaviest_words({"arm": 4000, "pull": 900}, {"arm": 2, "pull": 2}, 4, WEIGHTS) == {"pull": 255}


def test_the_floor_is_the_average_plus_three_standard_deviations() -> None:
    # Σx = 4, Σx² = 16, c = 4: ⌊√(4·16 − 16)⌋ = 6, (4 + 3·6)/4 = 5.5
    assert nearness_floor([0, 0, 0, 4]) == 5
    assert nearness_floor([7, 7]) == 7
    assert nearness_floor([]) == 1


def test_nearness_is_the_product_in_parts_of_the_papers_length() -> None:
    assert nearness(10, 3) == 13_653


def test_the_nearness_of_a_paper_counts_the_words_that_two_papers_of_the_epoch_have() -> None:
    document = prepare_document(Candidate(1, Record("Bandits", "An arm and a regret for those who pull."), 0))
    vector = paper_vector(document.tf, document.length, WEIGHTS)

    # Ten tokens, eight on average: the norm is 1425. bandit in the title has 3·2200/4425 of its idf 947; arm and pull
    # in the abstract have 2200/2425 of theirs, 177 and 408; regret and novel words have nothing: Σ² = 2156244.
    assert {stem: value for stem in vector.tf if (value := vector.impact(stem))} == {
        "bandit": 1412,
        "arm": 160,
        "pull": 370,
    }
    assert nearness_of(TopicContext({"arm": 255, "pull": 2, "cell": 9}), vector) == 4096 * (255 * 160 + 2 * 370) // 1468


def test_the_own_words_of_a_topic_are_left_out_and_of_a_prefix_all_that_begin_with_it() -> None:
    own = [ProfileTerm("", "bandit"), ProfileTerm("", "learni", True)]

    assert leave_out(own, {"bandit": 1, "learning": 2, "learn": 3}) == {"learn": 3}


def test_queries_and_fields_have_no_context() -> None:
    assert has_context("multi-armed bandits")
    assert not has_context("bandits AND arms")
    assert not has_context("ti:bandits")
