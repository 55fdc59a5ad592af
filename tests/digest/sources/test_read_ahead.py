"""Large files of JSON Lines, read by a process of its own: the same papers, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import SQLModel, col, select

from digest.db.core import engine
from digest.db.core.engine import reading
from digest.errors import BadInput, Transient
from digest.models import Announcement, Paper, PaperKey, PaperVersion, Reject
from digest.papers import identity, keys_of
from digest.services.ingestion.import_document import IngestCounts
from digest.services.ingestion.import_files import ingest_files
from digest.sources import jsonl, read_ahead
from digest.sources.read_ahead import ReadAhead
from tests.conftest import ROOT
from tests.patience import PATIENCE, wait_for
from tests.processes import children, has_ended

# The command, as on a machine of two processors, whatever this one has.
COMMAND = (
    "from digest.sources import read_ahead; read_ahead.processor_count = lambda: 2; from workers.main import run; run()"
)
DAYS, PAPERS = 30, 480


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "processor_count", lambda: 2)


def row(number: int) -> dict[str, Any]:
    abstract = " ".join(f"word{chr(97 + (number * index) % 26)}{chr(97 + index % 26)}" for index in range(2600))
    day = date(2025, 9, 1) + timedelta(days=number % DAYS)
    title = f"On the matter of things, number {number}"
    return {
        "title": title,
        "abstract": abstract,
        "authors": ["Ada Byron"],
        "announced": None if number == 7 else str(day),
    }


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Papers in more bytes than are read at once, with two lines that are no papers."""
    file = tmp_path_factory.mktemp("large") / "large.jsonl"
    lines = [json.dumps({"id": f"2509.{n:05}"} | row(n)) for n in range(PAPERS + 2)]
    lines[20], lines[300] = "{", json.dumps(row(300) | {"id": "nonsense"})
    file.write_text("\n".join(lines) + "\n")

    assert file.stat().st_size > read_ahead.MIN_BYTES
    return file


def ingest(file: Path) -> IngestCounts:
    return ingest_files("jsonl", [file], seeds=lambda *_: ())


def content() -> list[Any]:
    with reading() as session:
        queries = (
            select(Paper.id, Paper.arxiv_id, Paper.announcement_id, Paper.batch_id).order_by(col(Paper.id)),
            select(PaperVersion.paper_id, PaperVersion.title).order_by(col(PaperVersion.id)),
            select(PaperKey.key, PaperKey.paper_id).order_by(col(PaperKey.key), col(PaperKey.paper_id)),
            select(Reject.position, Reject.reason).order_by(col(Reject.id)),
            select(Announcement.day).order_by(col(Announcement.id)),
        )
        return [session.exec(query).all() for query in queries]  # type: ignore[call-overload]


def test_the_same_documents_come_in_the_same_order(large: Path) -> None:
    with ReadAhead([large]) as documents_read:
        documents = list(documents_read)

    assert documents == list(read_ahead.read_files([large]))


def test_keys_come_with_the_papers_while_most_are_new(large: Path) -> None:
    with ReadAhead([large]) as documents_read:
        parts = iter(documents_read)
        first = next(part for _, part in parts if part.papers)
        documents_read.mostly_new = False
        last = list(parts)[-1][1]

    assert [item.keys for item in first.papers] == [keys_of(item.record) for item in first.papers]
    assert {item.keys for item in last.papers} == {None}


def test_the_same_large_file_again_changes_no_row(database: str, large: Path) -> None:
    counts, stored = ingest(large), content()
    second_counts = ingest(large)

    assert (counts.new, counts.bad) == (PAPERS, 2)
    assert (second_counts.new, second_counts.updated, second_counts.unchanged, second_counts.bad) == (0, 0, PAPERS, 2)
    assert content()[:3] == stored[:3]


def test_a_file_that_is_not_there_is_named(large: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match=r"absent\.jsonl: No such file"),
        ReadAhead([large, tmp_path / "absent.jsonl"]) as documents_read,
    ):
        list(documents_read)


def test_a_child_process_that_dies_is_reported(large: Path) -> None:
    with ReadAhead([large]) as documents_read:
        parts = iter(documents_read)
        next(parts)
        for pid in children(os.getpid()):
            if b"digest.sources.read_ahead" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)

        with pytest.raises(Transient, match="what was stored stays"):
            list(parts)


@pytest.fixture
def importer(tmp_path: Path, configured: Callable[..., None], large: Path) -> Iterator[subprocess.Popen[bytes]]:
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'digest.db'}")
    SQLModel.metadata.create_all(engine.engine())
    command = [sys.executable, "-c", COMMAND, "ingest", "jsonl", "--file", str(large)]
    with subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_an_ingest_that_is_ended_leaves_no_process_and_can_be_taken_up(
    sign: signal.Signals, importer: subprocess.Popen[bytes], large: Path
) -> None:
    child_pids: list[int] = []
    while not child_pids and importer.poll() is None:
        child_pids = children(importer.pid)
    importer.send_signal(sign)
    importer.wait(PATIENCE)

    assert child_pids
    wait_for(lambda: all(has_ended(pid) for pid in child_pids))
    counts = ingest(large)
    assert counts.new + counts.unchanged == PAPERS


DATES = st.sampled_from([None, "", "2025-09-01", "2025-09-02T10:00:00Z", " 2025-09-03", "2025-13-01", "soon", 5])
VALUES = st.recursive(
    st.sampled_from(['"announced":"2024-01-01"', "}", "{", 'a "quoted" word', "\\", 1, None]) | DATES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["announced", "x"]), inner, max_size=2),
    max_leaves=5,
)


@given(st.lists(st.tuples(st.sampled_from(["title", "announced", "abstract", "x", "signals"]), VALUES), max_size=5))
def test_a_line_is_dated_by_its_own_field_wherever_that_word_stands(fields: list[tuple[str, Any]]) -> None:
    line = ("{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fields) + "}").encode()
    parts = list(jsonl.parse([line]))

    announced = json.loads(line).get("announced")
    if any(part.papers for part in parts):
        assert [part.announced for part in parts if part.papers] == [
            date.fromisoformat(announced[:10]) if announced else None
        ]


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=80) | st.text(alphabet="abcdz0189ABÅé-_ {}\\$", max_size=80)
)
def test_words_of_an_abstract_are_runs_of_three_letters_and_numbers_of_four_digits(text: str) -> None:
    bare = identity._fold(text)
    expected = [word for word in re.findall(r"[a-z]{3,}|\d{4,}", bare) if word not in identity._TEX]

    assert list(identity.abstract_words(text)) == expected
