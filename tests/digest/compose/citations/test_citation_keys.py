"""Citation keys."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from digest.compose.citations.citation_keys import citation_keys
from digest.papers import Record
from tests.digest.compose.citations.samples import cite

DAY = date(2023, 7, 15)


def keys(*records: Record) -> list[str]:
    return list(citation_keys(cite(records)).values())


def test_a_key_is_name_year_and_first_significant_word() -> None:
    assert keys(Record("On the Ångström Scale", authors=("Søren Müller-Øst",), published=DAY)) == [
        "mullerost2023angstrom"
    ]


def test_papers_that_would_share_a_key_are_told_apart_by_their_ids() -> None:
    same = {"authors": ("Wei Wang",), "published": DAY}
    first, second = (
        Record("Deep nets", arxiv_id="2307.00001", **same),
        Record("Deep sets", arxiv_id="2307.00002", **same),
    )

    assert keys(first, second) == ["wang2023deep-230700001", "wang2023deep-230700002"]
    assert sorted(keys(second, first)) == sorted(keys(first, second))


def test_a_key_without_a_name_starts_with_a_letter() -> None:
    assert keys(Record("Deep nets", published=DAY), Record("3DGS vision")) == ["anon2023deep", "anon3dgs"]


def test_a_paper_of_which_nothing_is_known_has_a_key() -> None:
    assert keys(Record("???")) == ["paper-p1"]


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=12))
def test_keys_are_ascii_and_unique_in_a_file(papers: list[tuple[str, str]]) -> None:
    result = keys(*(Record(title, authors=(name,)) for title, name in papers))

    assert len(set(result)) == len(papers)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", key) for key in result)
