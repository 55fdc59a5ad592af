"""Matched words, found again in what is shown."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose.text.highlighting import compile_pattern, escape_text, mark_words


@pytest.mark.parametrize(
    ("topic", "text", "hit"),
    [
        ("Lambda CDM", "Tests of ΛCDM today", "ΛCDM"),
        ("ΛCDM", "Tests of Lambda-CDM today", "Lambda-CDM"),
        ("CO2", "Capture of CO₂ in rock", "CO₂"),
        ("beta-VAE", "Why β-VAEs work", "β-VAEs"),
        ("H alpha", "The Hα line", "Hα"),
        ("kappa", "A κ that is not kappas", "κ"),
    ],
)
def test_a_greek_letter_and_its_name_mark_each_other(topic: str, text: str, hit: str) -> None:
    assert hit in marked(text, topic)


def marked(text: str, *words: str) -> list[str]:
    """What is marked in a text for matched words as typed."""
    html = mark_words(text, compile_pattern(words), escape_text(text))
    return [unescape(mark) for mark in re.findall(r"<span [^>]*>(.*?)</span>", html)]


@pytest.mark.parametrize(
    ("typed", "text", "hits"),
    [
        ("optimization", "Optimizing the optimal optimizer", ["Optimizing", "optimizer"]),
        ("interpretability", "Interpreting interpretable models", ["interpretable"]),
        ("policies", "One policy, two policies", ["policy", "policies"]),
        ("matrix", "Random matrices", ["matrices"]),
        ("behavior", "Emergent behaviours", ["behaviours"]),
        ("generalisation", "How models generalize", ["generalize"]),
        ("Schrodinger bridge", "The Schro\u0308dinger Bridge problem", ["Schro\u0308dinger Bridge"]),
        ("multi-agent systems", "A multiagent system", ["multiagent system"]),
        ("multi agent", "Multi- agent games", ["Multi- agent"]),
        ("dataset", "Two data sets", ["data sets"]),
        ("GPT", "Why GPT4 fails", ["GPT"]),
        ("learni*", "Learned while learning", ["learning"]),
        ('ti:"diffusion model*"', "A diffusion modeling kit", ["diffusion modeling"]),
        ("self-play", "We play against a self", ["play", "self"]),
        ("self-play", "We play; self-play helps", ["self-play"]),
        ("state of the art", "The state-of-the-art of art", ["state-of-the-art"]),
        ("the", "The words of the text", []),
        ("graph neural network", "Graph networks are neural", []),
    ],
)
def test_marked_is_what_the_matcher_finds(typed: str, text: str, hits: list[str]) -> None:
    assert marked(text, typed) == hits


def test_matched_words_side_by_side_share_a_mark() -> None:
    assert marked("On KV-cache compression of keys", "cache", "KV", "compression") == ["KV-cache compression"]


@given(st.text(), st.lists(st.text(max_size=8), max_size=4))
def test_marking_changes_no_text(text: str, words: list[str]) -> None:
    html = mark_words(text, compile_pattern(tuple(words)), escape_text(text))

    assert re.sub(r"<span [^>]*>|</span>", "", html) == escape_text(text)
