"""The places of tokens: the same tokens as the matcher's, each where it stands."""

from __future__ import annotations

import json
import lzma
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.text.tex import readable
from digest.text.token_places import token_places
from digest.text.tokens import tokens

WRITTEN = st.text(st.sampled_from("abfixzABS -–'’_^~{}$.*+#0123\n\\ßæßﬁéαβγδΣ₁²∞图e\u0301\u0308\u00adİ"), max_size=30)


@given(st.one_of(st.text(), WRITTEN))
@example("a data set; multi- modal, ad- dress, Ω_{m}h², O'Brien's ΛCDM, C++ and 2.5B, β-VAEs, l_{2}-norm")
def test_places_belong_to_the_matchers_tokens(text: str) -> None:
    assert [placed.token for placed in token_places(text)] == tokens(text)


@given(st.one_of(st.text(), WRITTEN))
def test_places_are_in_order_and_in_the_text(text: str) -> None:
    places = token_places(text)

    assert all(0 <= placed.start < placed.end <= len(text) for placed in places)
    assert [placed.start for placed in places] == sorted(placed.start for placed in places)


@pytest.mark.parametrize(
    ("text", "stem", "place"),
    [
        ("Two Self-Supervised nets", "supervis", "Supervised"),
        ("Some multiagent games", "agent", "agent"),
        ("Some multiagent games", "multi", "multi"),
        ("The ad- dress book", "address", "ad- dress"),
        ("The Schro\u0308dinger bridge", "schroding", "Schro\u0308dinger"),
        ("A ΛCDM model", "lambda", "Λ"),
        ("The ℓ₂-norm", "norm", "norm"),
        ("Let x₁ be", "x1", "x₁"),
        ("The l_{2} norm", "l2", "l_{2"),
        ("Bayes’s rule", "bay", "Bayes"),
        ("Two data sets", "dataset", "data sets"),
        ("With GPT4 alone", "gpt", "GPT"),
        ("A bound on Ω_{m}h² alone", "h2", "h²"),
        ("Straße und Wege", "strass", "Straße"),
    ],
)
def test_a_token_stands_where_it_is_written(text: str, stem: str, place: str) -> None:
    [matching_token] = [placed for placed in token_places(text) if placed.token.stem == stem]

    assert text[matching_token.start : matching_token.end] == place


def test_real_titles_have_the_places_of_all_their_words(shared: Path) -> None:
    with lzma.open(shared / "data" / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        titles = [readable(json.loads(line)["title"]) for line in islice(lines, 0, 60_000, 20)]

    assert [title for title in titles if [placed.token for placed in token_places(title)] != tokens(title)] == []
