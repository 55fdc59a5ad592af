"""`digest export papers`."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import bibtexparser
import pytest
import rispy

from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.services.subscriptions import feedback
from tests.combinations import MAINLY_SQLITE
from tests.digest.cli.conftest import DAY, Terminal
from tests.small_disk import SmallDisk


@pytest.fixture
def terminal_with_papers(ready: Terminal) -> Terminal:
    for number, (day, title) in enumerate([(DAY, "Linear bandits"), (DAY + timedelta(days=1), "Schrödinger bridges")]):
        record = Record(title, "We study it.", authors=("Ada Byron",), arxiv_id=f"2511.0000{number}")
        store_document("jsonl", "test", ParsedDocument(papers=(ListedPaper(record),)), day=day)
    return ready


def test_papers_are_printed_by_their_identifiers(terminal_with_papers: Terminal) -> None:
    text = terminal_with_papers.ok("export", "papers", "--ids", "2511.00001, 1")

    assert [entry.key for entry in bibtexparser.parse_string(text).entries] == [
        "byron2025schrodinger",
        "byron2025linear",
    ]


def test_papers_announced_since_a_day_are_printed_in_each_format(terminal_with_papers: Terminal) -> None:
    since = ("export", "papers", "--since", (DAY + timedelta(days=1)).isoformat())

    assert [item["title"] for item in json.loads(terminal_with_papers.ok(*since, "--format", "csl-json"))] == [
        "Schrödinger bridges"
    ]
    assert rispy.loads(terminal_with_papers.ok(*since, "--format", "ris"))[0]["title"] == "Schrödinger bridges"
    assert r"{Schr{\"{o}}dinger}" in terminal_with_papers.ok(*since, "--encoding", "tex")


def test_no_paper_is_an_empty_list(terminal_with_papers: Terminal) -> None:
    assert (
        json.loads(terminal_with_papers.ok("export", "papers", "--since", "2030-01-01", "--format", "csl-json")) == []
    )


def test_a_file_has_the_same_lines_as_the_output(terminal_with_papers: Terminal, tmp_path: Path) -> None:
    command = ("export", "papers", "--ids", "1,2", "--format", "ris")
    terminal_with_papers.ok(*command, "--file", str(tmp_path / "papers.ris"))

    lines = (tmp_path / "papers.ris").read_bytes().decode().split("\r\n")
    assert lines == [*terminal_with_papers.ok(*command).splitlines(), ""]


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "use one of --ids, --subscriber and --since"),
        (("--ids", "1", "--since", "2025-11-17"), "use one of"),
        (("--ids", "1,2511.99999"), "not stored here: 2511.99999"),
        (("--ids", ", ,"), "name at least one paper"),
        (("--ids", "1", "--file", "/no/such/folder/x.bib"), "No such file"),
    ],
)
def test_what_can_not_be_exported_is_one_line(
    terminal_with_papers: Terminal, options: tuple[str, ...], message: str
) -> None:
    code, error = terminal_with_papers.refused("export", "papers", *options)

    assert code == 2
    assert message in error


def test_nobody_of_that_address_is_an_error(terminal_with_papers: Terminal) -> None:
    code, error = terminal_with_papers.refused("export", "papers", "--subscriber", "nobody@example.org")

    assert code == 1
    assert "nobody is subscribed as nobody@example.org" in error


@MAINLY_SQLITE
def test_liked_papers_of_a_subscriber_are_printed(terminal_with_papers: Terminal) -> None:
    run = terminal_with_papers
    run.ok("admin", "subscribers", "add", "ada@example.org", "--topic", "bandits", "--consent", "asked", "--no-welcome")
    run.ok("run", "--date", DAY.isoformat(), "--inline")
    feedback.apply_feedback(1, 1, "more")

    assert "byron2025linear" in run.ok("export", "papers", "--subscriber", "ada@example.org")


def test_an_export_that_does_not_fit_on_the_disk_leaves_no_part_of_it(
    terminal_with_papers: Terminal, tmp_path: Path
) -> None:
    with SmallDisk(tmp_path / "small", 1) as disk:
        disk.fill()
        _code, error = terminal_with_papers.refused(
            "export", "papers", "--since", "2020-01-01", "--file", str(disk.folder / "papers.bib")
        )

        assert "papers.bib: No space left on device" in error
        assert [file.name for file in disk.folder.iterdir()] == ["filler"]
