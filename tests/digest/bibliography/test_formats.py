"""Every format that people bring, by the samples of the real programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from digest.bibliography.entry import BibliographyEntry, ParsedBibliography
from digest.bibliography.formats import parse_bibliography
from digest.errors import BadInput

FOLDERS = ("bibtex", "ris", "medline_nbib", "csl_json", "bbt_json", "endnote", "wos_isi", "csv", "zotero_api", "orcid")
# File, format, entries, titles, DOIs, arXiv ids, PubMed ids, problems.
TABLE = [
    ("bibtex/ads_export.bib", "BibTeX", 24, 24, 9, 2, 0, 0),
    ("bibtex/arxiv_export.bib", "BibTeX", 2, 2, 0, 2, 0, 0),
    ("bibtex/gbk_encoded.bib", "BibTeX", 1, 1, 0, 0, 0, 0),
    ("bibtex/encodings/tiny-BE-noBOM.bib", "BibTeX", 1, 1, 1, 0, 0, 0),
    ("bibtex/encodings/tiny-LE-withBOM.bib", "BibTeX", 1, 1, 1, 0, 0, 0),
    ("bibtex/inspire_pyhf_general_citations.bib", "BibTeX", 20, 20, 10, 15, 0, 0),
    ("bibtex/bbt_web_page_and_other_mendeley_idiocy.bib", "BibTeX", 65, 65, 17, 0, 1, 6),
    ("bibtex/zotero_plain_export.bib", "BibTeX", 1, 1, 1, 1, 0, 0),
    ("ris/zotero_export.ris", "RIS", 2, 2, 1, 1, 0, 0),
    ("ris/endnote_export.ris", "RIS", 1, 1, 1, 0, 0, 0),
    ("ris/jabref_RisImporterCorrupted.ris", "RIS", 1, 1, 1, 0, 0, 1),
    ("ris/rispy_example_extraneous_data.ris", "RIS", 2, 2, 0, 0, 0, 0),
    ("medline_nbib/pubmed_result2.txt", "MEDLINE", 4, 4, 3, 0, 4, 0),
    ("medline_nbib/eric.nbib", "MEDLINE", 1, 1, 1, 0, 0, 0),
    ("medline_nbib/jabref_MedlinePlainImporterStringOutOfBounds.txt", "MEDLINE", 2, 2, 0, 0, 2, 1),
    ("csl_json/commonmeta_csl-list.json", "CSL-JSON", 17, 17, 14, 1, 1, 0),
    ("bbt_json/arXiv_identifiers_in_BibLaTeX_export_n460.json", "Better BibTeX JSON", 3, 3, 2, 3, 0, 0),
    ("endnote/ais_enl.txt", "EndNote", 6, 6, 0, 0, 0, 0),
    ("endnote/EndnoteXmlImporterTestArticle2.xml", "EndNote XML", 2, 2, 0, 0, 0, 0),
    ("wos_isi/rispy_example_wos.ris", "Web of Science", 2, 2, 2, 0, 2, 0),
    ("csv/ieee.csv", "CSV", 2, 2, 2, 0, 0, 0),
    ("csv/springer.csv", "CSV", 1, 1, 1, 0, 0, 0),
    ("zotero_api/group_items.json", "Zotero", 2, 2, 1, 2, 1, 0),
    ("orcid/works_large.json", "ORCID", 74, 74, 54, 0, 40, 0),
]


def sources(shared: Path) -> Path:
    return shared / "data" / "sources"


def counts(parsed: ParsedBibliography) -> tuple[str | int, ...]:
    entries = parsed.entries
    identifiers = [sum(bool(getattr(entry, name)) for entry in entries) for name in ("doi", "arxiv_id", "pmid")]
    return (parsed.form, len(entries), sum(bool(entry.title) for entry in entries), *identifiers, len(parsed.problems))


def outcome(data: bytes) -> tuple[Sequence[BibliographyEntry], str]:
    """The entries, or the reason of the refusal."""
    try:
        return parse_bibliography(data).entries, ""
    except BadInput as error:
        return (), str(error)


@pytest.mark.parametrize(("name", "expected"), [(row[0], row[1:]) for row in TABLE])
def test_a_sample_is_read_whole(shared: Path, name: str, expected: tuple[str | int, ...]) -> None:
    path = sources(shared) / name
    if not path.exists():
        pytest.skip(f"shared data absent: {name}")

    assert counts(parse_bibliography(path.read_bytes())) == expected


def test_every_sample_is_read_or_refused_with_a_reason(shared: Path) -> None:
    for path in (
        path for folder in FOLDERS for path in sorted((sources(shared) / folder).rglob("*")) if path.is_file()
    ):
        entries, refusal = outcome(path.read_bytes())
        assert bool(entries) != bool(refusal), path
        assert all(entry.title or entry.doi or entry.arxiv_id or entry.pmid for entry in entries), path


@pytest.mark.parametrize(
    ("text", "identifiers"),
    [
        ("2401.00001", ["2401.00001"]),
        ("arXiv:2401.00001v3, hep-th/9901001", ["2401.00001", "hep-th/9901001"]),
        ("https://arxiv.org/pdf/2401.00001v1.pdf", ["2401.00001"]),
        ("https://doi.org/10.1000/Abc(1)\n10.5555/x.", ["10.1000/abc(1)", "10.5555/x"]),
        ("doi:10.48550/arXiv.2401.00001", ["2401.00001"]),
        ("https://pubmed.ncbi.nlm.nih.gov/12345/ PMID:77", ["12345", "77"]),
        ("https://huggingface.co/papers/2401.00001", ["2401.00001"]),
    ],
)
def test_pasted_identifiers_are_read(text: str, identifiers: list[str]) -> None:
    entries = parse_bibliography(text.encode()).entries

    assert [entry.arxiv_id or entry.doi or entry.pmid for entry in entries] == identifiers


def test_pasted_text_that_is_no_identifier_is_named_beside_the_others() -> None:
    parsed = parse_bibliography(b"2401.00001\nsomething else\n2401.99\n")

    assert [(problem.position, problem.detail) for problem in parsed.problems] == [
        (2, "something else"),
        (3, "2401.99"),
    ]


REFWORKS = """RT Journal Article
SR Electronic(1)
A1 Doe,John;Roe,Ada
T1 Salmon migrate
upstream
AB We followed salmon.
YR 2010
DO 10.1000/RW

RT Generic
T1 Second title
"""


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        (REFWORKS, "RefWorks", [("Salmon migrate upstream", "10.1000/rw", None), ("Second title", None, None)]),
        (
            "[1] Vaswani et al. Attention. arXiv:1706.03762\n[2] LeCun. Deep learning. doi:10.1038/nature14539.",
            "identifiers",
            [("", None, "1706.03762"), ("", "10.1038/nature14539", None)],
        ),
        (
            "<html><pre>\n@article{a, title={Beams &amp; loads}, doi={10.1000/<b>beams</b>}}\n</pre></html>",
            "BibTeX",
            [("Beams & loads", "10.1000/beams", None)],
        ),
    ],
)
def test_further_exports_are_read(text: str, form: str, expected: list[tuple[str, str | None, str | None]]) -> None:
    parsed = parse_bibliography(text.encode())

    assert parsed.form == form
    assert [(entry.title, entry.doi, entry.arxiv_id) for entry in parsed.entries] == expected
    assert parsed.problems == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\t", "the file is empty"),
        (b"%PDF-1.7 rest", "this is a PDF file"),
        (b"PK\x03\x04rest", "this is a ZIP file"),
        (bytes(range(32)) * 40, "this is a binary file"),
        (b"\x7fELF\x02\x01" + bytes(500), "this is a ELF file"),
        (b"hello world", "this is no bibliography"),
        (b"<html><body>Log in</body></html>", "this is a web page, not a bibliography"),
        (b"<!DOCTYPE html>\n<html><pre> </pre></html>", "this is a web page, not a bibliography"),
        (b"<modsCollection><mods/></modsCollection>", "this XML is not from EndNote"),
        (b'{"error": 1}', "this JSON is no bibliography"),
        (b'[{"title": "cut', "damaged JSON"),
        (b"[" * 100_000, "damaged JSON"),
        (b"[]", "the file has no entries"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>', "damaged XML"),
        (b"x" * ((20 << 20) + 1), "the file has 21 MB; at most 20 MB can be read"),
    ],
)
def test_what_is_no_bibliography_is_refused_in_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as error:
        parse_bibliography(data)

    assert "\n" not in str(error.value)


def test_entries_beyond_the_limit_are_counted() -> None:
    entries = b"".join(b"@misc{k%d, title = {Title %d}}\n" % (number, number) for number in range(5_007))

    parsed = parse_bibliography(entries)

    assert (len(parsed.entries), parsed.left_out) == (5_000, 7)


def test_records_without_their_last_line_are_used_and_named() -> None:
    parsed = parse_bibliography(b"TY  - JOUR\nTI  - First\nTY  - JOUR\nTI  - Second\nER  - \nTY  - JOUR\nTI  - Third")

    assert [entry.title for entry in parsed.entries] == ["First", "Second", "Third"]
    assert [problem.position for problem in parsed.problems] == [1, 6]


def test_text_between_ris_records_is_named() -> None:
    parsed = parse_bibliography(b"TY  - JOUR\nTI  - First\nER  - \n\nstray words\n\nTY  - JOUR\nTI  - Second\nER  - ")

    assert [(problem.position, problem.detail, problem.is_lost) for problem in parsed.problems] == [
        (5, "stray words", True)
    ]


def test_a_blank_line_within_an_abstract_ends_no_record() -> None:
    [entry] = parse_bibliography(b"TY  - JOUR\nTI  - First\nAB  - One.\n\nTwo.\nDO  - 10.1000/1\nER  - ").entries

    assert (entry.abstract, entry.doi) == ("One. Two.", "10.1000/1")


def test_damaged_csl_items_are_named_and_cost_no_other() -> None:
    items = [
        {"title": "First"},
        7,
        {"title": None, "DOI": None},
        {"title": {"a": 1}, "DOI": "10.1000/1"},
        {"title": "Last"},
    ]

    parsed = parse_bibliography(json.dumps(items).encode())

    assert [entry.title for entry in parsed.entries] == ["First", "", "Last"]
    assert [problem.position for problem in parsed.problems if problem.is_lost] == [2, 3]
    assert 4 in [problem.position for problem in parsed.problems]


def test_bytes_of_another_encoding_are_read_or_named() -> None:
    latin = parse_bibliography("@misc{a, title = {Modèles à très petite échelle}}".encode("cp1252"))
    broken = parse_bibliography(b"@misc{a, title = {A \xc3\xa9t\xc3\xa9 \xff\xfe\xff}}")

    assert latin.entries[0].title == "Modèles à très petite échelle"
    assert "encoding" in broken.problems[0].reason


@pytest.mark.parametrize("odd", ["\\ud800", "\\u0000", "\\u202e"])
def test_characters_that_no_database_stores_are_removed_from_identifiers(odd: str) -> None:
    parsed = parse_bibliography(f'[{{"title": "Some paper on maps", "DOI": "10.1234/a{odd}b"}}]'.encode())

    assert [entry.doi for entry in parsed.entries] == ["10.1234/ab"]
