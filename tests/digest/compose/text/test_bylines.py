"""Names as mails show them, and which have the star of a followed author."""

from __future__ import annotations

import pytest

from digest.compose.text.bylines import byline, short_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Yingbin Liang", "Y. Liang"),
        ("Liang, Yingbin", "Y. Liang"),
        ("Jean-Pierre Serre", "J.-P. Serre"),
        ("M. -A. Breton", "M.-A. Breton"),
        ("Felix X. -F. Ye", "F. X.-F. Ye"),
        ("Ludwig van Beethoven", "L. van Beethoven"),
        ("van der Waals", "van der Waals"),
        ("Van der Waals", "Van der Waals"),
        ("John Smith Jr.", "J. Smith Jr."),
        ("Smith, John, Jr.", "J. Smith Jr."),
        ("Smith Jr.", "Smith Jr."),
        ("Yu. A. Petrov", "Yu. A. Petrov"),
        ("JP Morgan", "JP Morgan"),
        ("NVIDIA", "NVIDIA"),
        ("王 芳", "王 芳"),
        ("ATLAS Collaboration", "ATLAS Collaboration"),
        ("The LIGO Scientific Collaboration", "The LIGO Scientific Collaboration"),
        ("LIGO, Virgo and KAGRA Collaborations", "LIGO, Virgo and KAGRA Collaborations"),
        ("Event Horizon Telescope Consortium", "Event Horizon Telescope Consortium"),
        ("Gemini Team", "Gemini Team"),
    ],
)
def test_a_name_is_shortened_only_where_a_person_has_given_names(name: str, expected: str) -> None:
    assert short_name(name) == expected


@pytest.mark.parametrize(
    ("followed", "authors", "starred"),
    [
        ("Wei Wang", ("Wenhai Wang", "Wei Wang", "Y. Wang"), "W. Wang, W. Wang ★ and Y. Wang"),
        ("Wei Wang", ("W. Wang", "Wei Wang"), "W. Wang and W. Wang ★"),
        ("Wei Wang", ("W. Wang", "Y. Wang"), "W. Wang ★ and Y. Wang"),
        ("W. Wang", ("Wei Wang", "Ye Wang"), "W. Wang ★ and Y. Wang"),
        ("Wei Wang", ("Wenhai Wang", "Weiming Wang"), "W. Wang and W. Wang"),
        ("van der Waals", ("J. D. van der Waals", "J. de Waals"), "J. D. van der Waals ★ and J. de Waals"),
        ("Liang, Yingbin", ("Y. Liang", "Percy Liang"), "Y. Liang ★ and P. Liang"),
        ("HELIX Collaboration", ("The HELIX Collaboration", "A. Byron"), "The HELIX Collaboration ★ and A. Byron"),
        ("ATLAS Collaboration", ("ALICE Collaboration", "A. Byron"), "ALICE Collaboration and A. Byron"),
    ],
)
def test_the_star_stands_at_the_author_who_matches(followed: str, authors: tuple[str, ...], starred: str) -> None:
    assert byline(authors, followed=(followed,)) == starred
