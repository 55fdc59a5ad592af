"""`digest library check`, and previews that start from papers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from tests.combinations import MAINLY_SQLITE
from tests.digest.bibliography.library_server import LibraryServer
from tests.digest.cli.conftest import DAY, Terminal
from tests.digest.services.subscriptions.lookup_server import DOI, KNOWN, MISSING, PMID, lookup_server, lookup_settings

pytestmark = MAINLY_SQLITE

ORCID_ID = "0000-0002-1825-0097"
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
    assert "1 entry, 0 known here, 1 damaged, 1 lost (read as BibTeX)" in result.stdout
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
    code, line = papers.refused("preview", "--paper", "2511.99999", "--date", date(2025, 11, 17).isoformat())

    assert code == 2
    assert "2511.99999" in line


def test_a_preview_looks_up_unknown_papers_at_once(papers: Terminal, sources: LibraryServer) -> None:
    answer = json.loads(papers.ok("preview", "--paper", KNOWN, "--paper", MISSING, "--format", "json"))

    assert (answer["library"]["entries"], answer["library"]["unknown"]) == (2, [MISSING])


def test_a_preview_says_where_no_source_answers(papers: Terminal, sources: LibraryServer) -> None:
    sources.refuse("/api/query", 404)
    code, line = papers.refused("preview", "--paper", KNOWN)

    assert code == 1
    assert "1 paper could not be looked up: 127.0.0.1 answered 404" in line


def test_a_source_that_fails_leaves_what_the_others_know(papers: Terminal, sources: LibraryServer) -> None:
    sources.refuse("/api/query", 404)
    result = papers.run("preview", "--paper", KNOWN, "--paper", DOI, "--paper", PMID, "--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["library"]["unknown"] == [KNOWN]
    assert "1 paper could not be looked up" in result.stderr


def test_each_source_that_fails_is_named_and_typed_topics_are_used_without_them(
    papers: Terminal, sources: LibraryServer
) -> None:
    sources.refuse("/api/query", 404)
    sources.refuse("/efetch.fcgi", 403)
    topic = ("--topic", "spin glasses", "--date", DAY.isoformat(), "--format", "json")
    result = papers.run("preview", "--paper", KNOWN, "--paper", PMID, *topic)

    assert result.exit_code == 1
    assert TITLES[2] in {paper["title"] for day in json.loads(result.stdout)["days"] for paper in day["papers"]}
    assert "answered 404" in result.stderr
    assert "answered 403" in result.stderr


@pytest.mark.parametrize("command", [("preview", "--bibtex"), ("library", "check")])
def test_a_file_is_used_where_orcid_does_not_answer(
    papers: Terminal, sources: LibraryServer, configured: Callable[..., None], tmp_path: Path, command: tuple[str, str]
) -> None:
    configured(**lookup_settings(sources), ORCID_URL=sources.url)
    sources.refuse(f"/v3.0/{ORCID_ID}/works", 503)
    path = library(tmp_path, f"@misc{{a, title = {{{TITLES[0]}}}, author = {{Noether, Emmy}}}}")
    result = papers.run(*command, path, "--orcid", ORCID_ID)

    assert result.exit_code == 1
    assert "1 entry, 1 known here" in result.stdout
    assert "not read: 127.0.0.1 answered 503" in result.stderr


@pytest.mark.parametrize("option", ["--orcid", "--paper"])
def test_a_preview_starts_from_a_file_papers_and_orcid_together(
    papers: Terminal, sources: LibraryServer, configured: Callable[..., None], tmp_path: Path, option: str
) -> None:
    configured(**lookup_settings(sources), ORCID_URL=sources.url)
    work = {"title": {"title": {"value": TITLES[1]}}, "type": "preprint", "put-code": 1}
    sources.add(f"/v3.0/{ORCID_ID}/works", {"group": [{"work-summary": [work]}]})
    path = library(tmp_path, f"@misc{{a, title = {{{TITLES[0]}}}, author = {{Noether, Emmy}}}}")
    start = ("--paper", "2511.00003", "--bibtex", path, option, ORCID_ID)
    answer = json.loads(papers.ok("preview", *start, "--date", DAY.isoformat(), "--format", "json"))
    titles = {paper["title"] for day in answer["days"] for paper in day["papers"]}

    assert answer["library"]["entries"] == 3
    assert not titles & {TITLES[0], TITLES[2]}


def test_a_command_that_finds_no_source_at_all_ends_with_its_failure(
    papers: Terminal, sources: LibraryServer, configured: Callable[..., None]
) -> None:
    configured(**lookup_settings(sources), ORCID_URL=sources.url)
    sources.refuse(f"/v3.0/{ORCID_ID}/works", 503)

    for command in (("preview",), ("library", "check")):
        code, line = papers.refused(*command, "--orcid", ORCID_ID)
        assert (code, "answered 503" in line) == (1, True)
