"""Title and excerpt of a paper show the terms that matched."""

from __future__ import annotations

from digest.compose.email.paper_block import MarkedTexts, PaperBlocks
from digest.papers import Record

METHOD = "We propose a model that keeps only the keys which later tokens attend to, and prove that it loses nothing."
COMMON = "The model was trained for a week on the largest of the machines that we had at hand in the laboratory."
RARE = "It helps speculative decoding."
ABSTRACT = f"{METHOD} {COMMON} {RARE}"


def marked(record: Record, *groups: tuple[str, ...]) -> MarkedTexts:
    blocks = PaperBlocks()
    return blocks.marked(1, 1, groups, blocks.block_of(1, 1, record))


def test_of_several_terms_of_a_topic_the_excerpt_shows_the_rarest() -> None:
    texts = marked(Record("A cache", ABSTRACT), ("model", "speculative decoding"))

    assert "speculative decoding" in texts.abstract


def test_a_term_in_the_title_does_not_hide_a_rarer_one() -> None:
    texts = marked(Record("A model of keys", ABSTRACT), ("model", "speculative decoding"))

    assert "speculative decoding" in texts.abstract


def test_with_the_rarest_term_in_the_title_the_excerpt_stays() -> None:
    texts = marked(Record("Speculative decoding", ABSTRACT), ("model", "speculative decoding"))

    assert RARE not in texts.abstract


def test_a_term_that_the_paper_does_not_hold_gives_way_to_the_next() -> None:
    texts = marked(Record("A cache", ABSTRACT), ("decoding", "neutrino", "model"))

    assert "decoding" in texts.abstract


def test_html_and_text_show_the_same_excerpt() -> None:
    texts = marked(Record("A cache", ABSTRACT), ("model", "speculative decoding"))

    assert texts.abstract.striptags().split() == texts.abstract_lines.split()
