"""BibTeX and BibLaTeX as people have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.bibliography.bibtex_import import parse, split_names
from digest.errors import BadInput
from tests.digest.bibliography.damaged_library import damaged_library


def reasons(text: str) -> list[tuple[int, str]]:
    return [(item.position, item.reason % {"detail": item.detail}) for item in parse(text).problems]


def test_an_entry_is_read_with_its_fields() -> None:
    [entry] = parse(
        "@article{noether1918,\n title = {Invariante {V}ariationsprobleme},\n author = {Noether, Emmy and {The ATLAS "
        'Collaboration}},\n year = 1918, doi = "https://doi.org/10.1000/ABC_1.", abstract = {One.\n\nTwo.}}'
    ).entries

    assert (entry.title, entry.authors) == (
        "Invariante Variationsprobleme",
        ("Emmy Noether", "The ATLAS Collaboration"),
    )
    assert (entry.year, entry.doi, entry.abstract) == (1918, "10.1000/abc_1", "One. Two.")
    assert (entry.key, entry.position) == ("noether1918", 1)


@pytest.mark.parametrize(
    "fields",
    [
        "eprint = {2401.00001v2}, archiveprefix = {arXiv}",
        "eprint = {2401.00001}, eprinttype = {arxiv}",
        "eprint = {arXiv:2401.00001}, archivePrefix = {arXiv}",
        "journal = {arXiv preprint arXiv:2401.00001}",
        "url = {https://arxiv.org/abs/2401.00001v1}",
        "url = {http://arxiv.org/pdf/2401.00001.pdf}",
        "doi = {10.48550/arXiv.2401.00001}",
        "note = {arXiv:2401.00001 [cs]}",
    ],
)
def test_arxiv_ids_are_found_in_every_field_that_holds_them(fields: str) -> None:
    [entry] = parse(f"@misc{{a, title = {{T}}, {fields}}}").entries

    assert (entry.arxiv_id, entry.doi) == ("2401.00001", None)


def test_abbreviations_and_concatenation_are_expanded() -> None:
    text = (
        '@string{first = "Deep "}\n@string(both = first # "learning")\n@misc{a, title = both # " for all", year = 2020}'
    )

    assert parse(text).entries[0].title == "Deep learning for all"


def test_an_abbreviation_that_grows_without_end_is_named() -> None:
    lines = ['@string{s0 = "aaaaaaaaaa"}', *(f"@string{{s{n} = s{n - 1} # s{n - 1}}}" for n in range(1, 60))]

    parsed = parse("\n".join([*lines, "@misc{a, title = {One} # s59}"]))

    assert parsed.entries[0].title == "One"
    assert parsed.problems[0].position == 10
    assert "5,000 characters" in parsed.problems[0].reason


def test_an_unclosed_brace_costs_no_other_entry() -> None:
    text = "@misc{a, title = {One},\n}\n@misc{b, title = {Two,\n  year = {2020}\n}\n@misc{c, title = {Three}}"

    parsed = parse(text)

    assert [entry.title for entry in parsed.entries] == ["One", "Two", "Three"]
    assert {problem.key for problem in parsed.problems} == {"b"}


def test_an_entry_cut_off_by_the_end_of_the_file_is_used_and_named() -> None:
    parsed = parse("@misc{a, title = {One}, year = {2020}, abstract = {We show that")

    assert [entry.title for entry in parsed.entries] == ["One"]
    assert {problem.key for problem in parsed.problems} == {"a"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@misc{a, title = {One} year = {2020}}", "no comma after ‘title’"),
        ("@misc{a, title = {One}}, year = {2020}\n}", "a closing brace too many after ‘title’"),
        ("@misc{title = {One}}", "no key"),
        ("@misc{a, title = {One}, doi = {in press}}", "in press is not a DOI"),
        ("@misc{a, title = {One}, eprint = {none}, archiveprefix = {arXiv}}", "none is not an arXiv id"),
        ("@misc{a, doi = {10.1000/1}}", "no title; it can be found by its identifier only"),
        ("@misc{a, title = nonsense, doi = {10.1000/1}}", "the abbreviation ‘nonsense’ is not defined"),
        ("@misc{a, year = {2020}}", "neither a title nor a DOI, arXiv id or PubMed id"),
        ("@misc{a, title = {One}}\n@misc{a, title = {Two}}", "the key stands at line 1 too"),
        (
            "@misc{a, title = One two three,\n year = {2020}}",
            "the value of ‘title’ has neither braces nor quotation marks",
        ),
    ],
)
def test_each_mistake_is_named(text: str, reason: str) -> None:
    assert reason in [text for _, text in reasons(text)]


def test_comments_preambles_and_text_between_entries_are_no_entries() -> None:
    text = (
        'Scopus\nEXPORT DATE: 1\n@comment{jabref-meta: x}\n@preamble{"\\newcommand"}\n% no\n@misc{a, title={One}}\nend'
    )

    assert [(entry.title, entry.position) for entry in parse(text).entries] == [("One", 6)]
    assert parse(text).problems == ()


def test_entries_behind_a_percent_sign_are_commented_out() -> None:
    parsed = parse("% @misc{a, title = {One},\n%  year = 2020\n% }\n@misc{b, title = {Two} % a note\n, year = 2021}")

    assert [(entry.title, entry.year) for entry in parsed.entries] == [("Two", 2021)]
    assert parsed.problems == ()


def test_names_are_split_outside_of_braces_only() -> None:
    assert split_names("A and {Barnes and Noble}\n and  C") == ["A", "Barnes and Noble", "C"]


def test_every_damaged_entry_of_a_large_library_is_named_and_no_other(shared: Path) -> None:
    library = damaged_library(shared)

    parsed = parse(library.text)

    named = {problem.position for problem in parsed.problems}
    assert named == set(library.damaged)
    lost = {problem.position for problem in parsed.problems if problem.is_lost}
    assert {library.damaged[line][0] for line in lost} == {"no title and no identifier"}
    assert len(parsed.entries) + len(lost) == 500


def test_a_damaged_library_keeps_its_titles(shared: Path) -> None:
    library = damaged_library(shared)
    untitled = {"no title", "no title and no identifier"}

    titled = {entry.position for entry in parse(library.text).entries if entry.title}

    assert titled >= {line for line, (kind, _) in library.damaged.items() if kind not in untitled}


def test_a_file_of_nothing_but_mistakes_is_refused() -> None:
    with pytest.raises(BadInput, match="more than 20000 entries are damaged"):
        parse("@misc{a,}\n" * 20_001)


@given(st.text(alphabet='@{}"\\,=#%()\n aA1', max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_text_breaks_the_parser(text: str) -> None:
    parsed = parse(f"@misc{{first, title = {{One}}}}\n{text}\n@misc{{last, title = {{Two}}}}\n")

    assert parsed.entries[0].title == "One"
