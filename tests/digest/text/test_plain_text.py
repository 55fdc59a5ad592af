"""Which characters of outside text are let through."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text.plain_text import MAX_MARKS, normalize, one_line, remove_controls

UNSEEN = {
    "C0": "\x00\x07\x08\x1b\x7f",
    "C1": "\x80\x9b\x9f",
    "overrides of direction": "\u202a\u202b\u202c\u202d\u202e",
    "isolates": "\u2066\u2067\u2068\u2069",
    "marks of direction": "\u200e\u200f\u061c",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "interlinear": "\ufff9\ufffa\ufffb",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "variation selectors of the supplement": "\U000e0100\U000e01ef",
    "surrogates": "\ud800\udfff",
    "private": "\ue000\uf8ff\U000f0000\U0010fffd",
    "unassigned": "\u0378\ufdd0\uffff\U0001ffff",
    "fillers": "\u3164\u115f\u1160\uffa0\u034f\u00ad",
}


@pytest.mark.parametrize("unseen", UNSEEN.values(), ids=UNSEEN)
def test_what_steers_or_hides_goes(unseen: str) -> None:
    assert remove_controls("".join(f"A{character}" for character in unseen)) == "A" * len(unseen)


@pytest.mark.parametrize(
    "text",
    [
        "Poincaré",
        "強化学習",
        "مرحبا",
        "می\u200cخواهم",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f",
        "a\u00a0b",
        "a\tb\nc",
        "x\u0302\u0331",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert remove_controls(text) == text


def test_controls_that_part_words_become_a_blank() -> None:
    assert one_line("deep\x0blearning\u2028works\x85well") == "deep learning works well"


def test_a_pile_of_marks_is_cut() -> None:
    assert remove_controls("a" + "\u0301\u0323" * 500 + "b") == "a" + "\u0301\u0323" * (MAX_MARKS // 2) + "b"


@given(st.text(st.characters(exclude_categories=())))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    cleaned_once = remove_controls(text)

    assert remove_controls(cleaned_once) == cleaned_once
    assert all(
        character in "\t\n\r\u200c\u200d" or unicodedata.category(character)[0] != "C" for character in cleaned_once
    )


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_normalising_short_texts_is_unicode_s_own(text: str) -> None:
    assert normalize(text) == unicodedata.normalize("NFC", text)
