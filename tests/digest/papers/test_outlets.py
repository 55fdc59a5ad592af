"""Where papers appear: names, keys, and what a paper of several sources has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.papers import Record, merge_records, outlet_key, outlet_keys, outlet_names
from digest.papers.outlets import MAX_OUTLET_KEY


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("arXiv", "arxiv"),
        ("A  Journal of Physics", "a-journal-of-physics"),
        ("Blätter für Physik: A", "blätter-für-physik-a"),
    ],
)
def test_the_key_of_an_outlet_is_its_name_without_case_and_punctuation(name: str, key: str) -> None:
    assert outlet_key(name) == key


@given(st.text(max_size=200))
def test_a_key_is_short_has_no_blanks_and_is_its_own_key(name: str) -> None:
    key = outlet_key(name)

    assert len(key) <= MAX_OUTLET_KEY
    assert key.split() in ([], [key])
    assert outlet_key(key) == key


def test_long_names_with_one_beginning_have_different_keys() -> None:
    name = "Proceedings of the National Academy of Sciences"
    keys = {outlet_key(f"{name}: {part} Sciences") for part in ("Physical", "Biological", "Social")}

    assert len(keys) == 3
    assert all(key.startswith("proceedings-of-the-national-aca") for key in keys)


def test_a_name_without_letters_is_no_outlet() -> None:
    assert outlet_names(Record("A title", outlets=("***", "A Journal"))) == ("A Journal",)


def test_a_paper_with_an_arxiv_id_is_in_arxiv_too() -> None:
    record = Record("A title", arxiv_id="2511.00001", outlets=("A Journal",))

    assert outlet_names(record) == ("arXiv", "A Journal")
    assert outlet_keys(record) == "arxiv a-journal"


def test_a_paper_of_two_sources_has_the_outlets_of_both() -> None:
    preprint, article = (Record("A title", doi="10.1/x", outlets=(name,)) for name in ("A Server", "A Journal"))

    assert merge_records(preprint, article).outlets == ("A Journal", "A Server")
    assert merge_records(preprint, article) == merge_records(article, preprint)


def test_a_paper_without_outlet_has_no_key() -> None:
    assert outlet_keys(Record("A title")) == ""
