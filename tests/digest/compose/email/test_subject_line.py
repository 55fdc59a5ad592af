"""Subjects name the best paper and count the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email import subject_line
from tests.digest.compose import samples

RECIPIENT = replace(samples.RECIPIENT, topics=("KV cache", "speculative decoding"))
TITLE = "Towards ten million tokens of context with a cache that forgets nothing of what it was given"


def edition(*topics: int, section: str = NEW) -> Content:
    return Content(tuple(Entry(n, 1, section, topic=topic) for n, topic in enumerate(topics)))


def test_the_best_paper_comes_first_and_the_others_are_counted() -> None:
    assert (
        subject_line.subject(edition(0, 0, 0), RECIPIENT, ["Smaller caches"])
        == "Smaller caches, and 2 more on KV cache"
    )


def test_the_only_paper_stands_alone() -> None:
    assert subject_line.subject(edition(0), RECIPIENT, ["Smaller caches"]) == "Smaller caches"


def test_a_topic_that_did_not_bring_all_says_so() -> None:
    text = subject_line.subject(edition(0, 0, 0, 1), RECIPIENT, ["Smaller caches"])

    assert text == "Smaller caches, and 3 more on KV cache etc."


@pytest.mark.parametrize("kind", ["digest", "welcome", "resend"])
@pytest.mark.parametrize("title", [TITLE, "x" * 200, "word " * 40, "学" * 90, "é" * 200, TITLE.replace("a", "ä")])
@pytest.mark.parametrize("topics", [(0,), (0, 0), (0, 1, -1), (-1, -1)])
def test_a_subject_is_never_too_long_nor_folded(kind: str, title: str, topics: tuple[int, ...]) -> None:
    text = subject_line.subject(edition(*topics), replace(RECIPIENT, kind=kind), [title])

    assert len(text) <= subject_line.MAX_SUBJECT_LENGTH
    assert text.isascii() or len(text.encode()) <= 52
    assert "……" not in text
    assert "...." not in text
    assert "...," not in text
    assert len(topics) == 1 or f"and {len(topics) - 1} more" in text


def test_a_title_is_shortened_at_a_word_that_can_end_it() -> None:
    text = subject_line.subject(edition(0, 0), RECIPIENT, [TITLE])

    assert text == "Towards ten million tokens of context... and 1 more on KV cache"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Exploring beyond ΛCDM with the weak lensing of far galaxies", "Exploring beyond LambdaCDM with the weak"),
        ("Naïve PAINE: lightweight generation of many a picture and more", "Naive PAINE: lightweight generation"),
        ("DS²-Instruct: domain-specific data for the tuning of instructions", "DS2-Instruct: domain-specific data"),
        ("α-divergences of order ≥ 2 for the learning of policies in robots", "alpha-divergences of order >= 2"),
    ],
)
def test_a_long_title_is_not_cut_for_an_accent_or_a_symbol(title: str, shown: str) -> None:
    text = subject_line.subject(edition(0, 0), RECIPIENT, [title])

    assert text.startswith(shown)
    assert text.endswith("and 1 more on KV cache")


def test_a_short_title_keeps_its_accents() -> None:
    assert subject_line.subject(edition(0), RECIPIENT, ["Naïve caches"]) == "Naïve caches"


def test_a_long_name_in_another_script_gives_way_to_the_count() -> None:
    name = "Александр Александрович Александров"
    content = Content((Entry(0, 1, FOLLOWED, followed=(name,)), Entry(1, 1, NEW, topic=0)))

    assert "and 1 more" in subject_line.subject(content, RECIPIENT, ["Smaller caches"])


def test_a_followed_author_is_named() -> None:
    content = Content((Entry(0, 1, FOLLOWED, followed=("Yuejie Chi",)), Entry(1, 1, NEW, topic=0)))

    assert subject_line.subject(content, RECIPIENT, ["Smaller caches"]) == (
        "Yuejie Chi: Smaller caches, and 1 more on KV cache"
    )


@pytest.mark.parametrize("kind", ["digest", "welcome", "resend"])
@pytest.mark.parametrize("more", [0, 1, 250])
@pytest.mark.parametrize("title", [TITLE, "Regret of order Õ(d√(∑ₖ₌₁ᴷσₖ²)) in offline learning from few samples"])
def test_a_title_is_not_cut_to_a_few_words_for_an_author(kind: str, more: int, title: str) -> None:
    entries = (Entry(0, 1, FOLLOWED, followed=("Bartholomew Featherstone",)), *edition(*[0] * more).entries)
    text = subject_line.subject(Content(entries), replace(RECIPIENT, kind=kind), [title])
    start = next(word for word in ("Towards", "Regret") if word in text)

    assert len(text[text.index(start) :].partition("... and")[0]) >= 28


def test_a_formula_that_no_subject_can_hold_is_left_out() -> None:
    title = "Regret of order Õ(d√(∑ₖ₌₁ᴷσₖ²)) in offline learning"

    assert subject_line.subject(edition(0, 0), RECIPIENT, [title]) == (
        "Regret of order ... in offline learning, and 1 more on KV cache"
    )


@pytest.mark.parametrize("title", ["KV caches forget", "Forgetting in the kv-cache"])
def test_a_topic_that_the_title_names_is_not_named_again(title: str) -> None:
    assert subject_line.subject(edition(0, 0), RECIPIENT, [title]) == f"{title}, and 1 more"


def test_a_topic_that_the_shortened_title_does_not_reach_is_named() -> None:
    title = "Towards ten million tokens of context in spite of a small and forgetful KV cache"

    assert subject_line.subject(edition(0, 0), RECIPIENT, [title]).endswith("... and 1 more on KV cache")


def test_a_query_is_no_name_for_a_subject() -> None:
    recipient = replace(RECIPIENT, topics=('"KV cache" AND llm',))

    assert subject_line.subject(edition(0, 0), recipient, ["Smaller caches"]) == "Smaller caches, and 1 more"


@pytest.mark.parametrize("section", [NEW, RISING])
def test_a_subject_names_no_topics_where_there_are_none(section: str) -> None:
    recipient = replace(RECIPIENT, topics=())

    assert "topics" not in subject_line.headline(edition(-1, -1, section=section), recipient)
    assert subject_line.headline(Content(), recipient) == "Nothing new for you today"


def test_a_shortened_title_in_the_preheader_ends_with_a_word_that_can_end_it() -> None:
    title = "A large and rather slow method for the compression of the caches of language models"

    assert subject_line.preheader(edition(0, 0), RECIPIENT, ["First", title[:67] + " models in memory"]).endswith("…")
    assert " of the…" not in subject_line.preheader(edition(0, 0), RECIPIENT, ["First", title])


def test_the_preheader_does_not_repeat_the_subject() -> None:
    text = subject_line.preheader(edition(0, 0, 0), RECIPIENT, ["First", "Second", "Third"])

    assert text == "Second; Third"
