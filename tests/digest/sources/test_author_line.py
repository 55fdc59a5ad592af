"""Author lines in the forms that people type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.sources.author_line import authors_of
from digest.text.person_names import names_agree, parse_name

BOTH = ("A. Byron", "E. Noether")
THREE = (*BOTH, "F. Curie")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("The HELIX Collaboration: A. Byron, E. Noether", ("The HELIX Collaboration", *BOTH)),
        ("A. Byron (for the HELIX Collaboration)", ("A. Byron", "HELIX Collaboration")),
        ("A. Byron, E. Noether, for the HELIX Collaboration", (*BOTH, "HELIX Collaboration")),
        ("A. Byron, E. Noether on behalf of the HELIX Collaboration", (*BOTH, "HELIX Collaboration")),
        ("A. Byron (the HELIX Collaboration)", ("A. Byron", "the HELIX Collaboration")),
        ("LIGO, Virgo and KAGRA Collaborations", ("LIGO, Virgo and KAGRA Collaborations",)),
        ("H.E.S.S. Collaboration: A. Byron, et al", ("H.E.S.S. Collaboration", "A. Byron")),
        ("A. Byron (Univ. of X, E. Noether", BOTH),
        ("A. Byron (Univ. of California, Berkeley, E. Noether", BOTH),
        ("A. Byron Univ. of X), E. Noether", BOTH),
        ("A. Byron (1), E. Noether (2) ((1) MIT, (2) ETH)", BOTH),
        ("A. Byron (1), E. Noether (2) ((1) MIT, (2) ETH", BOTH),
        ("A. Byron (1, 2) and E. Noether (2) ((1) MIT (2) ETH))", BOTH),
        ("A. Byron$^{1,2}$, E. Noether\\textsuperscript{*}", BOTH),
        ("A. Byron1, E. Noether*", BOTH),
        ("Byron, A.; Noether, E.", BOTH),
        ("Byron, A. and Noether, E.", BOTH),
        ("Byron, A., Noether, E., and Curie, F.", THREE),
        ("Byron, Ada; van der Waals, J. D.", ("Ada Byron", "J. D. van der Waals")),
        ("Byron, Ada and Noether, Emmy", ("Ada Byron", "Emmy Noether")),
        ("García Molina, H.; Smith, J., Jr.", ("H. García Molina", "J. Smith Jr.")),
        ("A. Byron; E. Noether; F. Curie", THREE),
        ("A. Byron, E. Noether, and F. Curie", THREE),
        ("A. Byron, E. Noether And F. Curie", THREE),
        ("Authors: A. Byron, E. Noether", BOTH),
        ("John Smith, Jr., Ada Byron III", ("John Smith Jr.", "Ada Byron III")),
        (r"Laur\`ene Jouve, {\L}ukasz Kaiser, P. Erd{\H o}s", ("Laurène Jouve", "Łukasz Kaiser", "P. Erdős")),
        ("Juan de la Cruz, Jean-Pierre Serre, Li Ng", ("Juan de la Cruz", "Jean-Pierre Serre", "Li Ng")),
        ("Abby Byron, Shelby Noether, Anders And", ("Abby Byron", "Shelby Noether", "Anders And")),
        ("李伟, 王芳", ("李伟", "王芳")),
        ("Wei Li, Ada Byron and Emmy Noether, Bo Xu", ("Wei Li", "Ada Byron", "Emmy Noether", "Bo Xu")),
    ],
)
def test_names_come_out_whole(line: str, names: tuple[str, ...]) -> None:
    assert authors_of(line).names == names


@pytest.mark.parametrize("end", [" et al", " et al.", ", et al", ", et. al.", " and others", " and 12 others", ", ..."])
def test_more_authors_than_the_line_names_are_known_to_be_missing(end: str) -> None:
    authors = authors_of(f"A. Byron, E. Noether{end}")

    assert (authors.names, authors.complete) == (BOTH, False)


@pytest.mark.parametrize(
    "line", ["Byron, A.; Noether, E.", "The HELIX Collaboration: A. Byron", "A. Byron (Univ. of X, E. Noether"]
)
def test_a_followed_author_is_found_in_each_form(line: str) -> None:
    assert any(names_agree(parse_name("Ada Byron"), parse_name(author)) for author in authors_of(line).names)


def test_affiliations_of_real_lines_are_removed_completely(shared: Path) -> None:
    page = shared / "data" / "wire" / "oai_captured" / "arXivRaw_page_2014-01-16_1000records.xml"
    lines = re.findall(r"<authors>([^<]*)</authors>", page.read_text())
    names = [author for line in lines for author in authors_of(line).names]

    assert len(names) > 3000
    assert [author for author in names if re.search(r"[();:$\\{}]|\bet al\b|\bUniversity\b", author)] == []


FAMILY = st.from_regex(r"(van der |de la )?[A-ZÉÖŁ][a-zéöł]{2,8}(-[A-Z][a-z]{2,6})?", fullmatch=True)
GIVEN_NAMES = st.from_regex(r"([A-Z]\.|[A-ZÉ][a-zé]{2,8}(-[A-Z][a-z]{2,5})?)( [A-Z]\.)?", fullmatch=True)
SUFFIX = st.sampled_from(["", "", "", " Jr.", " III"])
PEOPLE = st.lists(st.tuples(GIVEN_NAMES, FAMILY, SUFFIX), min_size=1, max_size=8)
JOINED = st.sampled_from([", ", "; ", " and ", " & ", ", and "])


@given(PEOPLE, JOINED, st.sampled_from(["", " (1)", " (Univ. of X, Y)", "$^{1}$", "*"]), st.booleans())
def test_plain_names_come_back_however_they_are_joined(
    people: list[tuple[str, str, str]], joint: str, mark: str, oxford: bool
) -> None:
    names = [f"{given_name} {family}{suffix}" for given_name, family, suffix in people]
    marked = [author + mark for author in names]
    line = joint.join(marked)
    if oxford and joint == ", " and len(marked) > 1:
        line = f"{', '.join(marked[:-1])}, and {marked[-1]}"

    assert authors_of(line).names == tuple(names)


@given(PEOPLE)
def test_inverted_names_are_reordered(people: list[tuple[str, str, str]]) -> None:
    line = "; ".join(f"{family}, {given_name}{',' if suffix else ''}{suffix}" for given_name, family, suffix in people)
    line += ";" if len(people) == 1 else ""

    assert authors_of(line).names == tuple(f"{given_name} {family}{suffix}" for given_name, family, suffix in people)


@given(PEOPLE)
def test_the_members_follow_their_collaboration(people: list[tuple[str, str, str]]) -> None:
    names = [f"{given_name} {family}{suffix}" for given_name, family, suffix in people]

    assert authors_of(f"The HELIX Collaboration: {', '.join(names)}").names == ("The HELIX Collaboration", *names)


@given(st.text(alphabet=st.sampled_from("AbŁ李.,;:()[]{}$^\\&*1 -'"), max_size=200))
def test_any_line_gives_names_without_parentheses(line: str) -> None:
    assert not any(set(author) & set("()") for author in authors_of(line).names)
