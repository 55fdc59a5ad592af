"""`digest library check`, and previews that start from papers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from tests.digest.bibliography.library_server import LibraryServer
from tests.digest.cli.conftest import DAY, Terminal
from tests.digest.services.subscriptions.lookup_server import KNOWN, MISSING, lookup_server, lookup_settings

TITLES = (
    "Offline reinforcement learning with value regularization",
    "Offline reinforcement learning from logged human preferences",
    "Spin glasses at low temperature",
)


@pytest.fixture
def papers(ready: Terminal) -> Terminal:
    """A terminal of an installation with a few papers."""
    listed = tuple(
        ListedPaper(Record(title, f"{title}, studied.", ("Emmy Noether",), arxiv_id=f"2511.0000{number}"), "new")
        for number, title in enumerate(TITLES, start=1)
    )
    ready.ok("migrate")
    store_document("jsonl", "test", ParsedDocument(listed), day=DAY)
    return ready


def library(tmp_path: Path, text: str) -> str:
    path = tmp_path / "library.bib"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_library_is_checked_and_what_is_damaged_is_named(papers: Terminal, tmp_path: Path) -> None:
    path = library(tmp_path, "@misc{a, title = {One paper here}}\n@misc{b, year = 2020}\n")

    result = papers.run("library", "check", path)

    assert result.exit_code == 1
    assert "1 entries, 0 known here, 1 damaged, 1 lost (read as BibTeX)" in result.stdout
    assert "line 2 (b): neither a title nor a DOI, arXiv id or PubMed id" in result.stderr


def test_an_intact_library_is_good(papers: Terminal, tmp_path: Path) -> None:
    path = library(tmp_path, f"@misc{{a, title = {{{TITLES[0]}}}, author = {{Noether, Emmy}}}}")

    value = json.loads(papers.ok("library", "check", path, "--json"))

    assert (value["entries"], value["known"], value["papers"][0]["paper_id"]) == (1, 1, 1)


@pytest.mark.parametrize(("data", "reason"), [(b"%PDF-1.5", "PDF file"), (b"", "empty"), (b"hello", "no bibliography")])
def test_a_file_that_is_no_library_is_refused(papers: Terminal, tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "library.bib"
    path.write_bytes(data)

    code, line = papers.refused("library", "check", str(path))

    assert code == 2
    assert reason in line


def test_a_file_that_is_too_large_is_refused_by_its_size(papers: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "library.bib"
    with path.open("wb") as file:
        file.truncate(50 << 20)

    assert "50 MB" in papers.refused("library", "check", str(path))[1]


def test_a_missing_file_is_named(papers: Terminal) -> None:
    assert "nowhere.bib" in papers.refused("preview", "--bibtex", "nowhere.bib")[1]


def test_a_preview_starts_from_papers(papers: Terminal) -> None:
    output = papers.ok("preview", "--paper", "arXiv:2511.00001v1", "--date", DAY.isoformat(), "--format", "json")

    value = json.loads(output)
    assert (value["library"]["entries"], value["library"]["known"]) == (1, 1)
    assert TITLES[1] in [paper["title"] for day in value["days"] for paper in day["papers"]]


def test_a_preview_of_a_library_lists_its_topics(papers: Terminal, tmp_path: Path) -> None:
    path = library(tmp_path, "\n".join(f"@misc{{k{n}, title = {{{title}}}}}" for n, title in enumerate(TITLES)))

    output = papers.ok("preview", "--bibtex", path, "--date", DAY.isoformat())

    assert "3 entries" in output
    assert "reinforcement learning" in output


@pytest.fixture
def sources(papers: Terminal, configured: Callable[..., None]) -> Iterator[LibraryServer]:
    with lookup_server() as server:
        configured(**lookup_settings(server))
        yield server


def test_papers_that_nobody_knows_are_refused_and_named(papers: Terminal, sources: LibraryServer) -> None:
    code, line = papers.refused("preview", "--paper", MISSING, "--date", date(2025, 11, 17).isoformat())

    assert code == 2
    assert MISSING in line


def test_a_preview_looks_up_unknown_papers_at_once(papers: Terminal, sources: LibraryServer) -> None:
    answer = json.loads(papers.ok("preview", "--paper", KNOWN, "--paper", MISSING, "--format", "json"))

    assert (answer["library"]["entries"], answer["library"]["unknown"]) == (2, [MISSING])


def test_a_preview_says_where_no_source_answers(papers: Terminal, sources: LibraryServer) -> None:
    sources.refuse("/api/query", 404)
    code, line = papers.refused("preview", "--paper", KNOWN)

    assert code == 2
    assert "1 paper could not be looked up" in line
