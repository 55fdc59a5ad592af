"""Followed authors as text: a name alone, or a name and the person."""

from __future__ import annotations

import pytest

from digest.text.person_references import author_name, author_term, parse_author_id, parse_reference, reference_of


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Wei Wang (openalex:A5048491430)", "Wei Wang (openalex:A5048491430)"),
        ("Wei Wang ( OpenAlex : https://openalex.org/a5048491430 )", "Wei Wang (openalex:A5048491430)"),
        ("Wei Wang (ORCID:https://orcid.org/0000-0002-1694-233x)", "Wei Wang (orcid:0000-0002-1694-233X)"),
        ("Wang, Wei (semantic-scholar:1741101)", "Wang, Wei (semantic-scholar:1741101)"),
        ("王伟 (huggingface:675bcf5ed2cb9751b93e0c55)", "王伟 (huggingface:675bcf5ed2cb9751b93e0c55)"),
        ("Wei Wang (arxiv:2401.01234v2)", "Wei Wang (arxiv:2401.01234)"),
        ("Wei Wang (arxiv:hep-th/9901001)", "Wei Wang (arxiv:hep-th/9901001)"),
        ("Wei Wang (doi:10.1101/2024.01.02.ABC)", "Wei Wang (doi:10.1101/2024.01.02.abc)"),
    ],
)
def test_a_person_is_read_in_any_spelling_and_written_in_one(text: str, canonical: str) -> None:
    reference = parse_reference(text)

    assert str(reference) == canonical
    assert parse_reference(canonical) == reference


@pytest.mark.parametrize("text", ["Wei Wang", "Wei Wang (MIT)", "Wei Wang (pubmed:123)", "(openalex:A5048491430)", ""])
def test_other_texts_are_names_alone(text: str) -> None:
    assert parse_reference(text) is None
    assert author_name(text) == text


@pytest.mark.parametrize("person", ["orcid:0000-0002-1694-2331", "openalex:W5048491430", "arxiv:24.1", "doi:10.1/x"])
def test_a_damaged_id_is_an_error_and_never_another_person(person: str) -> None:
    with pytest.raises(ValueError, match=person.partition(":")[0]):
        parse_reference(f"Wei Wang ({person})")

    assert reference_of(f"Wei Wang ({person})") is None


@pytest.mark.parametrize(
    ("text", "canonical", "author_id"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0097", ("orcid", "0000-0002-1825-0097")),
        ("0000\u20110002\u20111694\u2011233x", "0000-0002-1694-233X", ("orcid", "0000-0002-1694-233X")),
        ("0000000218250097", "0000-0002-1825-0097", ("orcid", "0000-0002-1825-0097")),
        ("ORCID:0000-0002-1825-0097", "0000-0002-1825-0097", ("orcid", "0000-0002-1825-0097")),
        ("a5023888391", "A5023888391", ("openalex", "A5023888391")),
        ("openalex:A5023888391", "A5023888391", ("openalex", "A5023888391")),
        ("semantic-scholar:1741101", "semantic-scholar:1741101", ("semantic-scholar", "1741101")),
    ],
)
def test_an_authors_id_in_a_query_is_read_in_any_spelling_and_written_in_one(
    text: str, canonical: str, author_id: tuple[str, str]
) -> None:
    assert parse_author_id(text) == author_id
    assert author_term(text) == canonical
    assert parse_author_id(canonical) == author_id


@pytest.mark.parametrize("name", ["Wei Wang", "A50", "X1", "2000", "R2-D2", "", "Liang*"])
def test_a_name_in_a_query_is_no_id(name: str) -> None:
    assert parse_author_id(name) is None
    assert author_term(name) == name


@pytest.mark.parametrize(
    "text",
    ["0000-0002-1825-0098", "0000-0002-1825", "0000-0002-1825-0097-1", "W2741809807", "orcid:A5023888391", "orcid:"],
)
def test_a_damaged_id_in_a_query_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_author_id(text)
