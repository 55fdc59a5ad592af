"""A cue's literals leave out no text that its pattern matches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.compose.text import sentence_scores
from digest.compose.text.cue import Cue
from tests.digest.compose import samples

CUES = {name: value for name, value in vars(sentence_scores).items() if isinstance(value, Cue)}


def texts_of(shared: Path) -> Iterator[str]:
    for record in samples.real(shared)[:300]:
        yield from record.abstract.lower().split(". ")


def test_a_text_with_a_literal_but_without_the_pattern_has_no_cue() -> None:
    cue = Cue(r"\bwe \w+ly show\b", "show")

    assert cue.is_in("here we clearly show it")
    assert not cue.is_in("the show goes on")
    assert cue.replaced("we clearly show it", "we show") == "we show it"


@pytest.mark.parametrize("name", CUES)
@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_what_a_pattern_matches_has_the_cue(name: str, data: st.DataObject) -> None:
    cue = CUES[name]
    text = data.draw(st.from_regex(cue.pattern))

    assert cue.is_in(text)


def test_real_sentences_have_the_cues_whose_patterns_match(shared: Path) -> None:
    for text in texts_of(shared):
        for name, cue in CUES.items():
            assert cue.is_in(text) == (cue.pattern.search(text) is not None), (name, text)
