"""Reasons say per topic whether it matched as written or closely."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.compose.edition import FOLLOWED, NEW, RISING, Entry
from digest.compose.email.match_reason import matching_category, reason_line
from digest.compose.email.topic_groups import group_label
from tests.digest.compose import samples

RECIPIENT = replace(
    samples.RECIPIENT, topics=("KV cache", "speculative decoding", "mixture of experts", "ti:cache AND llm")
)


def why(*matched: tuple[int, tuple[str, ...]], strict: bool = True, category: str = "", section: str = NEW) -> str:
    return reason_line(Entry(0, 1, section, strict=strict, matched=matched), RECIPIENT, category)


def test_beside_a_topic_that_matched_a_close_one_is_no_reason() -> None:
    text = why((1, ("decoding", "speculation")), (0, ("KV cache",)), (2, ("mixture", "experts")))

    assert text == "matches KV cache"


def test_close_topics_are_the_reason_where_none_matched() -> None:
    text = why((0, ("cache",)), (1, ("decoding",)), strict=False)

    assert text == "close to KV cache and speculative decoding: decoding"


def test_a_close_paper_names_the_topic_whose_words_it_holds_alone() -> None:
    text = why((1, ("decoding",)), (2, ("mixture", "experts")), strict=False)

    assert text == "close to mixture of experts"


def test_a_close_paper_is_listed_under_the_topic_whose_words_it_holds() -> None:
    entry = Entry(0, 1, NEW, topic=1, matched=((1, ("decoding",)), (2, ("mixture", "experts"))))

    assert group_label(entry, RECIPIENT) == "mixture of experts"


def test_a_close_paper_need_not_hold_every_word_of_a_long_topic() -> None:
    recipient = replace(RECIPIENT, topics=("learning management system", "automated grading of student essays"))
    matched = ((1, ("automated", "grading", "student")), (0, ("learning", "system")))

    text = reason_line(Entry(0, 1, NEW, matched=matched), recipient, "")

    assert text == "close to automated grading of student essays: automated, grading, student"


def test_a_paper_is_listed_under_a_topic_that_its_reason_names() -> None:
    entry = Entry(0, 1, NEW, strict=True, topic=1, matched=((1, ("decoding",)), (0, ("KV cache",))))

    assert group_label(entry, RECIPIENT) == "KV cache"


def test_beside_a_followed_author_some_words_of_a_topic_are_no_reason() -> None:
    entry = Entry(0, 1, FOLLOWED, matched=((1, ("decoding",)),), followed=("Mara Lind",))

    assert reason_line(entry, RECIPIENT, "") == "you follow Mara Lind"


def test_a_paper_that_is_only_close_never_says_matches() -> None:
    assert why((1, ("decoding",)), strict=False) == "close to speculative decoding: decoding"


def test_a_query_matches_strictly() -> None:
    assert why((3, ("cache",))).startswith("matches ")


def test_of_a_query_the_words_that_matched_are_named() -> None:
    assert why((3, ("ti:cache", '"diffusion model*"', "llm"))) == "matches cache, diffusion model, llm"


def test_two_topics_are_named_and_the_others_counted() -> None:
    text = why((0, ("KV cache",)), (1, ("speculative decoding",)), (2, ("mixture of experts",)))

    assert text == "matches KV cache and speculative decoding · 1 more topic"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("speculative decoding", "draft model"), "like ‘Drafts & targets’: speculative decoding, draft model"),
        ((), "like ‘Drafts & targets’"),
    ],
)
def test_a_paper_like_an_example_names_its_title_and_what_they_share(words: tuple[str, ...], reason: str) -> None:
    entry = Entry(0, 1, NEW, example="Drafts & targets", example_words=words)

    assert reason_line(entry, RECIPIENT, "cs.CL") == reason


def test_an_example_that_is_announced_is_not_called_like_itself() -> None:
    entry = Entry(0, 1, NEW, example="Drafts & targets", example_words=("draft",))

    assert reason_line(entry, RECIPIENT, "cs.CL", "Drafts & Targets") == "one of your example papers"


def test_topics_come_before_the_example() -> None:
    entry = Entry(0, 1, NEW, strict=True, matched=((0, ("KV cache",)),), example="Caches", example_words=("cache",))

    assert reason_line(entry, RECIPIENT, "") == "matches KV cache · like ‘Caches’: cache"


@pytest.mark.parametrize(
    ("subscribed", "categories", "named"),
    [
        (("cs.CL",), ("cs.LG", "cs.CL"), "cs.CL"),
        (("cs.cl",), ("cs.LG", "cs.CL"), "cs.CL"),
        (("stat",), ("cs.LG", "stat.ML"), "stat.ML"),
        (("stat.*",), ("cs.LG", "stat.ML"), "stat.ML"),
        (("math",), ("cs.LG", "math-ph"), "cs.LG"),
        ((), ("cs.LG",), "cs.LG"),
        (("cs.CL",), (), ""),
    ],
)
def test_a_subscriber_of_a_category_sees_that_category_as_the_reason(
    subscribed: tuple[str, ...], categories: tuple[str, ...], named: str
) -> None:
    assert matching_category(subscribed, categories) == named


def test_a_category_is_the_reason_where_no_topic_matched() -> None:
    assert why(category="cs.CL") == "new in cs.CL"
    assert why(section=RISING) == ""


def test_counters_stand_beside_the_category_and_small_ones_are_left_out() -> None:
    entry = Entry(0, 1, NEW, signals=(("comments", 1.0), ("stars", 4.0), ("upvotes", 23.0)))

    assert reason_line(entry, RECIPIENT, "cs.CL") == "new in cs.CL · 23 votes"
    assert reason_line(entry._replace(signals=(("stars", 5.0),)), RECIPIENT, "cs.CL") == "new in cs.CL · 5 stars"
    assert reason_line(entry._replace(signals=(("upvotes", 1.0),)), RECIPIENT, "cs.CL") == "new in cs.CL"
