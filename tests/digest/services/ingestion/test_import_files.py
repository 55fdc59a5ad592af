"""Saved responses as files: whole records are used, others are counted with position and reason."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlmodel import col, select

from digest.db.core.engine import reading
from digest.errors import BadInput
from digest.models import Paper, PaperVersion, Reject
from digest.services.ingestion.import_document import IngestCounts
from digest.services.ingestion.import_files import ingest_files
from digest.sources import compressed_files
from seeds import loader
from tests.combinations import MAINLY_SQLITE

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>cs.LG updates on arXiv.org</title><pubDate>{date}</pubDate>
<item><title>Linear bandits revisited</title><guid>oai:arXiv.org:2511.00001v1</guid>
<description>arXiv:2511.00001v1 Announce Type: new Abstract: We revisit them.</description>
<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Byron</dc:creator><category>cs.LG</category></item>
<item><title>Without identifier</title><guid>nothing</guid></item>
</channel></rss>
"""
BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'
ROWS = [
    {"id": f"2511.0000{n}", "title": f"A paper about bandits, part {n}", "authors": ["Ada Byron"]} for n in range(3)
]


def ingest(source: str, *files: Path) -> IngestCounts:
    return ingest_files(source, files, seeds=lambda paths, today: loader.load(paths, today=today))


def rejects() -> Sequence[tuple[int, str]]:
    with reading() as session:
        reject_rows = session.exec(select(Reject).order_by(col(Reject.id))).all()
        return [(reject_row.position, reject_row.reason) for reject_row in reject_rows]


def jsonl(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def write_file(tmp_path: Path, name: str, data: bytes) -> Path:
    file = tmp_path / name
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends_make_no_difference(database: str, tmp_path: Path, end: bytes) -> None:
    counts = ingest("jsonl", write_file(tmp_path, "a.jsonl", jsonl(*ROWS).replace(b"\n", end)))

    assert (counts.new, counts.bad) == (3, 0)


def test_the_same_file_again_changes_nothing(database: str, tmp_path: Path) -> None:
    file = write_file(tmp_path, "a.jsonl", jsonl(*ROWS))
    ingest("jsonl", file)

    second_ingest = ingest("jsonl", file)

    assert (second_ingest.new, second_ingest.updated, second_ingest.unchanged) == (0, 0, 3)


def test_an_empty_file_holds_no_papers(database: str, tmp_path: Path) -> None:
    assert ingest("jsonl", write_file(tmp_path, "a.jsonl", b"")) == IngestCounts("jsonl")


def test_a_file_cut_in_the_middle_gives_what_is_whole(database: str, tmp_path: Path) -> None:
    counts = ingest("jsonl", write_file(tmp_path, "a.jsonl", jsonl(*ROWS)[:-30]))

    assert (counts.new, counts.bad) == (2, 1)
    assert [position for position, _ in rejects()] == [3]


@MAINLY_SQLITE
def test_an_archive_that_breaks_off_gives_what_was_read(database: str, tmp_path: Path) -> None:
    rows = [ROWS[0] | {"id": f"2511.{n:05d}", "abstract": f"{n * 7919 % 1000} " * 50} for n in range(3000)]
    packed = gzip.compress(jsonl(*rows))

    counts = ingest("jsonl", write_file(tmp_path, "a.jsonl.gz", packed[: len(packed) // 2]))

    assert 0 < counts.new < 3000
    assert counts.bad == 1
    assert "breaks off" in rejects()[0][1]


def test_an_archive_damaged_inside_is_no_traceback(database: str, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(jsonl(*ROWS)))
    packed[30:40] = b"\xff" * 10

    ingest("jsonl", write_file(tmp_path, "a.jsonl.gz", bytes(packed)))

    assert "a.jsonl.gz: breaks off" in rejects()[-1][1]


def test_a_line_without_end_is_refused_and_the_rest_goes_on(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed_files, "MAX_LINE", 5000)
    monkeypatch.setattr("digest.sources.jsonl.MAX_LINE", 5000)
    huge = jsonl(ROWS[0] | {"abstract": "x" * 100_000})

    counts = ingest("jsonl", write_file(tmp_path, "a.jsonl", huge + jsonl(*ROWS[1:])))

    assert (counts.new, counts.bad) == (2, 1)
    assert rejects() == [(1, "line: longer than 5000 bytes")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([], "line: expected an object"),
        ({"abstract": "none"}, "title: missing"),
        ({"title": 7}, "title: expected text"),
        ({"title": "A title of some words", "id": "not an id"}, "id: 'not an id' is not an arXiv identifier"),
        ({"title": "A title of some words", "doi": "10.1/" + "x" * 300}, "doi: longer than 250 characters"),
        ({"title": "A title of some words", "authors": "Ada"}, "authors: expected a list of texts"),
        (
            {"title": "A title of some words", "announced": "9999-12-31"},
            "announced: 9999-12-31 is not the date of a paper",
        ),
        (
            {"title": "A title of some words", "published": "0001-01-01"},
            "published: 0001-01-01 is not the date of a paper",
        ),
        ({"title": "A title of some words", "announced": "soon"}, "announced: 'soon' is not a date (YYYY-MM-DD)"),
        ({"title": "A title of some words", "signals": {"upvotes": float("nan")}}, "signals: 'upvotes' must be"),
        ({"title": "A title of some words", "signals": {"upvotes": 10**400}}, "signals: 'upvotes' must be"),
        ({"title": "A title of some words", "signals": {"rank": -1}}, "signals: 'rank' must be"),
    ],
)
def test_a_bad_row_is_kept_with_its_line_and_reason(database: str, tmp_path: Path, row: object, reason: str) -> None:
    counts = ingest("jsonl", write_file(tmp_path, "a.jsonl", jsonl(ROWS[0], row, ROWS[1])))

    ((line, rejected_for),) = rejects()
    assert (counts.new, counts.bad) == (2, 1)
    assert line == 2
    assert rejected_for.startswith(reason)


def test_signs_that_no_database_keeps_are_dropped(database: str, tmp_path: Path) -> None:
    row = {"title": "Bandits\0 with \ud800 delayed rewards", "authors": ["Ada\0 Byron"]}

    ingest("jsonl", write_file(tmp_path, "a.jsonl", jsonl(row)))

    with reading() as session:
        titles = session.exec(select(PaperVersion.title)).all()
    assert titles == ["Bandits with  delayed rewards"]


def test_a_feed_gives_its_whole_items_and_names_the_others(database: str, tmp_path: Path) -> None:
    feed = FEED.format(date="Mon, 17 Nov 2025 00:00:00 -0500").encode()

    counts = ingest("arxiv-rss", write_file(tmp_path, "a.xml", feed))

    assert (counts.new, counts.bad) == (1, 1)
    assert rejects() == [(2, "no arXiv identifier")]


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Nov 2025 00:00:00 -0500", "Mon, 17 Nov 9999 23:00:00 -2359"]
)
def test_a_feed_with_a_broken_date_joins_the_current_announcement(database: str, tmp_path: Path, date: str) -> None:
    counts = ingest("arxiv-rss", write_file(tmp_path, "a.xml", FEED.format(date=date).encode()))

    assert counts.new == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed XML at line 1"),
        (BOMB.encode(), "this XML declares entities"),
        (b"<html><body>sign in</body></html>", "a page in HTML"),
        (b'<?xml version="1.0" encoding="no-such"?><rss/>', "not a feed"),
        (b"\x00\xff\xfe binary", "malformed XML at line 1"),
    ],
)
def test_what_is_no_feed_is_one_refused_piece(database: str, tmp_path: Path, data: bytes, reason: str) -> None:
    counts = ingest("arxiv-rss", write_file(tmp_path, "a.xml", data))

    ((position, rejected_for),) = rejects()
    assert (counts.new, counts.bad) == (0, 1)
    assert position == 1
    assert re.match(reason, rejected_for)


def test_a_feed_that_unpacks_to_too_much_is_refused(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed_files, "MAX_BYTES", 1000)

    with pytest.raises(BadInput, match="more than 1000 bytes"):
        ingest("arxiv-rss", write_file(tmp_path, "a.xml.gz", gzip.compress(b" " * 100_000)))


@pytest.mark.parametrize("cut", [0, 1, 40, 1000, 20_000])
def test_a_seed_document_cut_anywhere_gives_what_is_whole(database: str, tmp_path: Path, cut: int) -> None:
    name, text = loader.shipped_documents()[1]

    counts = ingest("seeds", write_file(tmp_path, name, text.encode()[:cut].replace(b"\n", b"\r\n")))

    with reading() as session:
        stored = session.exec(select(Paper)).all()
    assert len(stored) == counts.new
    assert counts.new + counts.bad > 0


def test_a_file_that_is_not_there_is_named(database: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl: No such file"):
        ingest("jsonl", tmp_path / "none.jsonl")


def test_an_unknown_source_is_refused_with_those_that_are_known(database: str) -> None:
    with pytest.raises(BadInput, match="source 'ftp' is unknown; one of seeds, jsonl"):
        ingest("ftp")
