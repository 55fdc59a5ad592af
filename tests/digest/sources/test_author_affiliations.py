"""Lists of authors hold people and groups that write, whatever else sources put between the commas."""

from __future__ import annotations

import pytest

from digest.sources import crossref
from digest.sources.author_line import authors_of
from digest.sources.feed_authors import title_and_authors
from digest.sources.feed_document import FeedEntry
from tests.digest.sources.feed_server import work

TWO = ("Ada Byron", "Emmy Noether")


@pytest.mark.parametrize(
    "line",
    [
        "Ada Byron, Dept. of Physics, University of Oslo, Emmy Noether",
        "Ada Byron, University of Oslo; Emmy Noether, University of Göttingen",
        "Ada Byron, Department of Physics and Astronomy, Emmy Noether",
        "Ada Byron, School of Arts & Sciences, Boston, Emmy Noether",
        "Ada Byron Dept. of Physics, Emmy Noether",
        "Ada Byron - University of Oslo; Emmy Noether",
        "Ada Byron, Institute of Physics, 10115 Berlin, Germany; Emmy Noether",
        "Max Planck Institute for Physics, Ada Byron, Emmy Noether",
        "Ada Byron, Emmy Noether, Universidad de Chile, Santiago",
        "Ada Byron, MD, PhD, Emmy Noether, PhD",
        "Ada Byron MD PhD, Emmy Noether Ph. D.",
        "Ada Byron, Ph.D. and Emmy Noether, M.D.",
        "Byron, Ada, MD; Noether, Emmy, PhD, MPH",
        "Byron, Ada MD; Noether, Emmy",
        "Prof. Ada Byron, Dr. Emmy Noether",
        "Google Inc., Ada Byron and Emmy Noether",
    ],
)
def test_institutions_degrees_and_titles_are_no_authors(line: str) -> None:
    assert authors_of(line).names == TWO


@pytest.mark.parametrize(
    "names",
    [
        ("The HELIX Collaboration",),
        ("Ada Byron", "University of Oslo Heart Study Group"),
        ("University of Oslo",),
        ("Maria School", "John College", "Peter Center"),
        ("Wei Ma", "Qi Do", "Min Ba"),
        ("Xiao Ming MA", "Thanh Nga DO", "Jean DUPONT"),
        ("Wei Wang", "Wei Wang"),
        ("Michel de l'Hospital", "G. de L’Hôpital"),
    ],
)
def test_groups_people_with_such_names_and_an_institution_alone_stay(names: tuple[str, ...]) -> None:
    assert authors_of(", ".join(names)).names == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Byron, A., MD, Noether, E., PhD, University of Oslo", ("A. Byron", "E. Noether")),
        ("Byron, B. A.; Noether, M. D.", ("B. A. Byron", "M. D. Noether")),
        ("van Byron, M.D., Noether, E.", ("M.D. van Byron", "E. Noether")),
        ("Byron, MD; Noether, RN", ("MD Byron", "RN Noether")),  # initials
        ("University of Oslo, Byron, A., Noether, E.", ("A. Byron", "E. Noether")),
        ("Ada Byron, Jr., MD", ("Ada Byron Jr.",)),
    ],
)
def test_initials_behind_a_family_name_are_no_degrees(line: str, names: tuple[str, ...]) -> None:
    assert authors_of(line).names == names


@pytest.mark.parametrize(
    "creators",
    [
        ("Ada Byron", "University of Oslo", "Emmy Noether"),
        ("Department of Physics", "Ada Byron", "MD", "Emmy Noether"),
        ("Ada Byron MD", "Emmy Noether PhD"),
        ("Byron, Ada, Dept. of Physics", "Noether, Emmy, PhD"),
        ("Ada ByronUniversity of Oslo", "Emmy Noether"),
        ("Universität Wien", "Ada Byron", "Emmy Noether"),
        ("Ada Byron; Department of Physics; Emmy Noether",),
        ("Ada Byron and Emmy Noether, University of Oslo",),
        ("Nature Editorial Department", "Ada Byron", "Emmy Noether"),
    ],
)
def test_of_a_feeds_authors_only_people_stay(creators: tuple[str, ...]) -> None:
    entry = FeedEntry(title="Synapses grow", authors=creators)

    assert title_and_authors(entry, "Synapses grow")[1].names == TWO


def test_of_a_work_of_crossref_people_lose_degrees_and_organisations_stay() -> None:
    authors = [
        {"given": "Ada", "family": "Byron MD, PhD"},
        {"given": "Emmy", "family": "Noether", "suffix": "Ph.D."},
        {"name": "University of Oslo"},
        {"name": "The HELIX Collaboration"},
    ]

    assert crossref.parse(work("10.1234/a", author=authors)).record.authors == (
        *TWO,
        "University of Oslo",
        "The HELIX Collaboration",
    )
