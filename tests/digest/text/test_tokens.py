"""The same words, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text.fold import fold
from digest.text.tables import CLOSED
from digest.text.tokens import tokens, words

LATIN = st.text(st.characters(max_codepoint=0x24F, categories=("L", "Nd", "Zs", "Pd")), max_size=60)
PLAIN = st.text("abcdesmult 3d-", max_size=60)


def stems(text: str) -> list[str]:
    return [token.stem for token in tokens(text)]


@given(st.text())
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    once = fold(text)

    assert fold(once) == once


@given(st.text())
def test_any_text_has_tokens_that_can_be_found(text: str) -> None:
    assert all(token.word and token.stem for token in tokens(text))


@given(LATIN)
def test_case_does_not_matter(text: str) -> None:
    assert tokens(text.upper()) == tokens(text)


@given(PLAIN)
def test_a_hyphen_is_a_space(text: str) -> None:
    assert tokens(text.replace("-", " ")) == tokens(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Poincaré", "POINCARE"),
        ("Straße", "strasse"),
        ("ﬁne-tuned", "fine tuned"),
        ("Łukasiewicz", "lukasiewicz"),
        ("NF-κB", "NF kappa B"),
        ("x²", "x2"),
        ("soft\u00adhyphen", "softhyphen"),
        ("LLMs and GPUs", "LLM and GPU"),
        ("matrices, spectra", "matrix, spectrum"),
        ("generalisation", "generalization"),
        ("GPT-4o", "GPT4o"),
        ("ResNet-50", "ResNet50"),
        ("back-propagation", "backpropagation"),
        ("self-supervised", "self supervised"),
        ("nonlinear", "non-linear"),
        ("multimodality", "multi-modality"),
        ("pseudolabels", "pseudo labels"),
        ("Bayes's rule", "Bayes rule"),
    ],
)
def test_two_ways_to_write_the_same_are_the_same(one: str, other: str) -> None:
    assert stems(one) == stems(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("AIDS", "aid"), ("GAN", "gang"), ("GPS", "GP"), ("SARS", "SAR"), ("transformer", "transformation"), ("C++", "C")],
)
def test_two_words_that_look_alike_stay_two(one: str, other: str) -> None:
    assert stems(one) != stems(other)


@pytest.mark.parametrize(
    ("tex", "plain"),
    [
        (r"$\ell_2$-norm", "l2 norm"),
        (r"\emph{coarse} grids", "coarse grids"),
        (r"{\bf bold} Erd\H{o}s, G\"odel, \'{e}t\'e", "bold Erdos, Godel, ete"),
        (r"$k$-means", "k-means"),
        (r"$\alpha$-stable", "alpha stable"),
        (r"$O(n \log n)$", "O(n log n)"),
        (r"$\mathcal{O}(T)$", "O(T)"),
        ("mathcal{O}(T)", "O(T)"),
        (r"A $C^*$-algebra", "A C*-algebra"),
        (r"M{\o}ller~scattering", "Moller scattering"),
    ],
)
def test_tex_reads_as_what_it_shows(tex: str, plain: str) -> None:
    assert stems(tex) == stems(plain)


@pytest.mark.parametrize("litter", ["$", "\\", "{}", "\\\\", "$$", "^_^", "\\begin{", "😀", "\u202e", "***"])
def test_litter_is_no_word(litter: str) -> None:
    assert tokens(litter) == []


def test_snake_case_is_words_and_an_index_is_none() -> None:
    assert words("learning_rate of x_1") == ["learning", "rate", "of", "x1"]


def test_a_closed_compound_keeps_the_word_as_written() -> None:
    first, second = tokens("Multiagent")

    assert (first.word, first.whole, first.span, second.word) == ("multi", "multiagent", 2, "agent")


def test_no_compound_is_both_split_and_closed() -> None:
    assert all(len(tokens("".join(pair))) == 1 for pair in CLOSED)


def test_a_text_of_five_megabytes_is_read_to_its_end() -> None:
    assert tokens("word " * 1_000_000 + "last")[-1].word == "last"
