"""Matched words, found again in what is shown."""

from __future__ import annotations

import pytest

from digest.compose.text.highlighting import compile_pattern, escape_text, fold_for_search, mark_words


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
    html = mark_words(text, fold_for_search(text), compile_pattern((topic,)), escape_text(text))

    assert f">{hit}</span>" in html
