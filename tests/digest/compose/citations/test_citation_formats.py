"""Citation files: golden files, and what independent parsers read from them."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import bibtexparser
import pytest
import rispy
from citeproc.source.json import CiteProcJSON
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import BibliographyData, parse_string

from digest.compose.citations.citation_formats import BIBTEX, CSL_JSON, RIS, CitationFormat
from digest.compose.citations.tex_encoding import split_formulas
from digest.papers import Record
from digest.text.tex import readable
from tests.digest.compose.citations.samples import RECORDS, cite, exported

GOLDEN = Path(__file__).parent / "golden"
UNICODE_ESCAPES = {
    "{\\textbackslash}": "\\", "{\\textbraceleft}": "\ue000", "{\\textbraceright}": "\ue001",
    "{\\textasciitilde}": "~", "{\\textasciicircum}": "^", "\\%": "%", "\\&": "&", "\\#": "#", "\\_": "_", "\\$": "$",
}  # fmt: skip
# titles as sources have them, and worse: TeX, quotes, comments, single braces, entries in entries
FRAGMENTS = st.sampled_from(
    [
        "a", "GPT-4", "100%", "#1", "A&B", "{", "}", "\\{", "\\", "$", "$x_1$", "$\\mathcal{O}(n)$", '"', "'", "``",
        "''", "~", "^", "_", "@misc{x,", "and", "others", "Ö", "ß", "Łódź", "ế", "α²", "∈", "ℝ", "—", "日本", "<b>",
        "\\textit{it}", "\\'e", ",", "=", "\n", "  ",
    ]
)  # fmt: skip
TITLES = st.lists(FRAGMENTS, min_size=1, max_size=8).map(" ".join) | st.text(min_size=1, max_size=60)


def decoded(value: str) -> str:
    """A field that was written in Unicode, without BibTeX's escapes and braces."""
    for escaped, character in UNICODE_ESCAPES.items():
        value = value.replace(escaped, character)
    return value.replace("{", "").replace("}", "").replace("\ue000", "{").replace("\ue001", "}")


def titles(records: list[Record]) -> list[str]:
    return [item.title for item in cite(records)]


def pybtex_of(text: str) -> BibliographyData:
    return parse_string(text, "bibtex")


@pytest.mark.parametrize(
    ("name", "file_format", "tex"),
    [
        ("papers.bib", BIBTEX, False),
        ("papers-tex.bib", BIBTEX, True),
        ("papers.ris", RIS, False),
        ("papers.json", CSL_JSON, False),
    ],
)
def test_a_file_is_as_stored_here(name: str, file_format: CitationFormat, tex: bool) -> None:
    assert exported(RECORDS, file_format, tex=tex).encode() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", ["papers.bib", "papers-tex.bib"])
def test_both_parsers_read_the_same_entries_from_bibtex(name: str) -> None:
    text = (GOLDEN / name).read_text(encoding="utf-8")
    library, database = bibtexparser.parse_string(text), pybtex_of(text)

    assert library.failed_blocks == []
    assert [entry.key for entry in library.entries] == list(database.entries)
    for entry in library.entries:
        other = database.entries[entry.key]
        assert entry.entry_type == other.type
        assert entry.fields_dict["title"].value == other.fields["title"]
        assert (entry.fields_dict["eprint"].value if "eprint" in entry.fields_dict else None) == other.fields.get(
            "eprint"
        )


def test_names_keep_their_parts_in_bibtex() -> None:
    people = pybtex_of(exported(RECORDS, BIBTEX)).entries["schmidhuber2023dpzero"].persons["author"]

    assert (people[1].prelast_names, people[1].last_names) == (["van", "der"], ["Waals"])
    assert (people[2].first_names, people[2].last_names) == ([], ["{ATLAS Collaboration}"])
    assert people[3].lineage_names == ["Jr."]


def test_a_name_alone_stands_in_double_braces_if_it_is_a_collaboration_s() -> None:
    assert "author = {{ATLAS Collaboration}}," in exported([Record("T", authors=("ATLAS Collaboration",))], BIBTEX)


def test_a_list_of_authors_that_the_source_cut_ends_with_others() -> None:
    assert "author = {Wang, Wei and others}" in exported(RECORDS, BIBTEX)


@given(st.lists(TITLES, min_size=1, max_size=4))
def test_bibtex_in_unicode_read_back_has_the_same_titles(texts: list[str]) -> None:
    records = [Record(text, authors=("Ada Byron",)) for text in texts]
    text = exported(records, BIBTEX)
    library, database = bibtexparser.parse_string(text), pybtex_of(text)

    assert library.failed_blocks == []
    assert [decoded(entry.fields_dict["title"].value) for entry in library.entries] == titles(records)
    assert [" ".join(decoded(entry.fields["title"]).split()) for entry in database.entries.values()] == titles(records)


@given(st.lists(TITLES, min_size=1, max_size=4))
def test_bibtex_in_tex_is_read_by_both_parsers_alike(texts: list[str]) -> None:
    text = exported([Record(text, text, authors=("Ada Byron",)) for text in texts], BIBTEX, tex=True)
    library, database = bibtexparser.parse_string(text), pybtex_of(text)

    assert library.failed_blocks == []
    assert len(library.entries) == len(database.entries) == len(texts)


@given(st.lists(TITLES, min_size=1, max_size=4))
def test_ris_read_back_has_the_same_titles(texts: list[str]) -> None:
    records = [Record(text, authors=("Ada Byron",)) for text in texts]
    text = exported(records, RIS)

    assert [item["title"] for item in rispy.loads(text)] == titles(records)
    assert [line[6:] for line in text.split("\r\n") if line.startswith("TI  - ")] == titles(records)


@given(st.lists(TITLES, min_size=1, max_size=4), st.lists(TITLES, max_size=4))
def test_csl_json_read_back_has_the_same_titles_and_names(texts: list[str], names: list[str]) -> None:
    records = [Record(text, authors=tuple(names)) for text in texts]
    items = json.loads(exported(records, CSL_JSON))

    assert [item["title"] for item in items] == titles(records)
    assert all(len(item.get("author", [])) == len(cite(records)[0].authors) for item in items)


@given(st.lists(TITLES, min_size=1, max_size=4))
def test_any_name_is_one_author_for_both_parsers_of_bibtex(names: list[str]) -> None:
    records = [Record("Title", authors=tuple(names))]
    (entry,) = pybtex_of(exported(records, BIBTEX)).entries.values()

    assert len(entry.persons.get("author", [])) == len(cite(records)[0].authors)


def test_titles_in_tex_read_back_are_the_same_words() -> None:
    records = [
        Record("Łukasiewicz logic—naïve “proofs” of β² ≤ ∞ in ℝ"),
        Record(r"A $\tilde{O}(d\sqrt{K})$ bound for LaFeAsO$_{1-x}$F$_x$"),
        Record("Việt Nam, İstanbul & Ærø: 50%"),
    ]
    database = pybtex_of(exported(records, BIBTEX, tex=True))

    assert [plain(entry.fields["title"]) for entry in database.entries.values()] == [
        plain(record.title) for record in records
    ]
    assert exported(records[:2], BIBTEX, tex=True).isascii()


def plain(text: str) -> str:
    """Without differences that TeX does not print: blanks, kinds of quotes, grouping."""
    folded = unicodedata.normalize("NFKC", readable(text)).translate(str.maketrans("“”‘’", "\"\"''"))
    return re.sub(r"[\s()]|''", "", folded).replace('"', "")


def test_ris_has_only_tags_of_the_format_and_ends_each_record() -> None:
    lines = exported(RECORDS, RIS).split("\r\n")
    tags = {"TY", "ID", "TI", "AU", "PY", "DA", "JO", "PB", "DO", "AN", "UR", "L1", "KW", "N1", "AB", "ER"}

    assert lines.pop() == ""
    assert all(re.fullmatch(r"[A-Z][A-Z0-9]  - .*", line) for line in lines)
    assert {line[:2] for line in lines} <= tags
    assert sum(line.startswith("TY  - ") for line in lines) == lines.count("ER  - ") == len(RECORDS)


CSL_NAME = {"family": str, "given": str, "non-dropping-particle": str, "suffix": str, "literal": str}
CSL_ITEM = {
    "id": str, "type": str, "title": str, "author": list, "issued": dict, "container-title": str, "publisher": str,
    "genre": str, "number": str, "DOI": str, "URL": str, "keyword": str, "note": str, "abstract": str,
}  # fmt: skip


def test_csl_json_has_the_variables_of_its_schema_and_no_others() -> None:
    for item in json.loads(exported(RECORDS, CSL_JSON)):
        assert {"id", "type"} <= set(item)
        assert all(isinstance(value, CSL_ITEM[name]) for name, value in item.items())
        assert item["type"] in {"article", "article-journal"}
        assert all(
            isinstance(value, CSL_NAME[name]) for person in item.get("author", []) for name, value in person.items()
        )
        for parts in item.get("issued", {}).get("date-parts", []):
            assert 1 <= len(parts) <= 3
            assert all(isinstance(part, int) for part in parts)


def test_a_csl_processor_reads_the_items() -> None:
    source = CiteProcJSON(json.loads(exported(RECORDS, CSL_JSON)))

    assert [str(reference.title) for reference in source.values()] == titles(list(RECORDS))
    assert source["schmidhuber2023dpzero"].issued.year == 2023


@pytest.mark.parametrize(
    ("title", "written"),
    [
        (
            "DPZero: private fine-tuning without backpropagation",
            "{DPZero}: private fine-tuning without backpropagation",
        ),
        ("A Survey of Large Language Models", "A Survey of Large Language Models"),
        ("Offline Reinforcement Learning with Gaussian Noise", "Offline Reinforcement Learning with {Gaussian} Noise"),
        ("Tumours in mice from Bavaria", "Tumours in mice from {Bavaria}"),
        ("On Q-Learning and K-Means", "On {Q-Learning} and {K-Means}"),
        ("A STUDY OF EVERYTHING", "A STUDY OF EVERYTHING"),
        ("Attention is all you need: The case of BERT", "Attention is all you need: The case of {BERT}"),
    ],
)
def test_braces_protect_the_capitals_that_a_style_must_not_change(title: str, written: str) -> None:
    assert f"title = {{{written}}}" in exported([Record(title)], BIBTEX)


@pytest.mark.parametrize(
    ("doi", "server"),
    [
        ("10.1101/2023.01.02.522000", "bioRxiv preprint"),
        ("10.1101/2021.03.04.21252532", "medRxiv preprint"),
        ("10.64898/2025.12.01.690000", "bioRxiv preprint"),
    ],
)
def test_a_preprint_names_its_server(doi: str, server: str) -> None:
    text = exported([Record("T", doi=doi)], BIBTEX)

    assert f"howpublished = {{{server}}}" in text
    assert f"doi = {{{doi}}}" in text


@pytest.mark.parametrize(
    ("arxiv_id", "year", "month"),
    [("2307.07907", "2023", "jul"), ("0704.0001", "2007", "apr"), ("hep-th/9901001", "1999", "jan")],
)
def test_a_paper_without_a_date_has_the_month_of_its_arxiv_id(arxiv_id: str, year: str, month: str) -> None:
    text = exported([Record("T", arxiv_id=arxiv_id)], BIBTEX)

    assert f"year = {{{year}}}" in text
    assert f"month = {month}" in text


@pytest.mark.parametrize(
    "formula",
    [
        r"$\write18{id}$",
        r"$\immediate\openout5=x$",
        r"$\directlua{os.exit()}$",
        r"$\gdef\x{}$",
        r"$^^5cwrite18{id}$",
        r"$\input{/etc/passwd}$",
    ],
)
def test_a_formula_that_would_do_more_than_print_is_not_copied(formula: str) -> None:
    assert not any(is_formula for _, is_formula in split_formulas(f"On {formula} and more"))


def test_a_formula_that_prints_is_copied() -> None:
    assert [is_formula for _, is_formula in split_formulas(r"On $\alpha_1 + \frac{1}{2}$ and more")] == [
        False,
        True,
        False,
    ]
