"""The rarest of the matched terms comes first."""

from __future__ import annotations

from digest.compose.text.term_rarity import rarest_first


def test_terms_are_sorted_by_their_rarest_word() -> None:
    assert rarest_first(["language models", "model", "speculative decoding"]) == [
        "speculative decoding",
        "language models",
        "model",
    ]


def test_a_prefix_is_as_common_as_all_its_words() -> None:
    assert rarest_first(["mod*", "quantization"]) == ["quantization", "mod*"]


def test_terms_without_words_that_count_come_last_in_order() -> None:
    assert rarest_first(["of", "the", "model"]) == ["model", "of", "the"]
