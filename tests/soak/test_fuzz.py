"""Every parser of outside data, fed with damaged documents: it parses them or refuses them with an error of ours.

`make test` tries some hundred of each, `make soak` for ten minutes of CPU time each, with another seed every time.
"""

from __future__ import annotations

import gzip
import json
import random
import tarfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.bibliography.formats import parse_bibliography
from digest.db.outbox.message_ids import read_message_ids
from digest.errors import DigestError
from digest.mail import bounces
from digest.mail.bounces import ses_notification
from digest.mail.mime.message_builder import parse_return_path
from digest.mail.smtp import refusal_cause
from digest.mail.smtp.mail_log import read_mail_log
from digest.mail.smtp.reply_outcome import classify_reply
from digest.matching.query.parser import parse_query
from digest.services.backup import archive
from digest.services.bounces import sns_reports
from digest.services.runs import personal_mail
from digest.signing import UNSUBSCRIBE, Signer
from digest.sources import crossref, feed_document, feed_papers, registry
from digest.sources.author_line import authors_of
from digest.sources.feed_discovery import feeds_named_by
from digest.sources.pubmed_search import parse_search
from digest.text import plain_text, tex
from digest.web.http.client_ip import client_of
from seeds import loader
from tests.soak import fuzz_seeds as seeds

CPU_SECONDS = 600.0  # of each parser in the soak
CPU_SECONDS_OF_CALL = 20.0  # far more than a linear parser needs for documents of some kilobytes
KEY = "a key for tests of at least 32 bytes"
NOW = datetime(2025, 11, 20, tzinfo=UTC)
TRICKY = [
    *(b"", b"\x00", b"\xff\xfe", b"<", b">", b"&#0;", b"]]>", b"{", b"}", b'"', b"\\", b"\r", b"\n\n", b"$", b"%00"),
    *(b"(" * 200, b"[" * 3000, b"1e999", b"-1", b"9" * 400, b"null", b"=?utf-8?q?=00?=", b"--x--"),
    "\u202e\u0301".encode(),
]

Parse = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class FuzzedParser:
    """A parser of bytes from outside, and documents to begin with. Errors of ours are refusals, all others faults."""

    name: str
    parse: Parse
    documents: list[bytes]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _ses(data: bytes) -> object:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return ses_notification.recipient_outcomes(event) if isinstance(event, dict) else None


def _read_feed(data: bytes) -> object:
    return feed_papers.read_papers(feed_document.read_feed(data, url="https://j.example/feed"), date(2025, 11, 20))


def _in_file(parse: Callable[[Path], object], folder: Path) -> Parse:
    def parse_file(data: bytes) -> object:
        (folder / "fuzzed").write_bytes(data)
        return parse(folder / "fuzzed")

    return parse_file


def _source_parser(name: str) -> FuzzedParser:
    parser = registry.SOURCES[name].parser
    return FuzzedParser(f"source {name}", lambda data: list(parser([("fuzzed", data)])), seeds.DOCUMENTS)


TOKEN = Signer((KEY,)).sign(UNSUBSCRIBE, 5).encode()
PARSERS = [
    *(_source_parser(name) for name in registry.SOURCES),
    FuzzedParser("feed", _read_feed, seeds.FEEDS),
    FuzzedParser("feeds of a page", lambda data: feeds_named_by(data, "https://j.example/"), [seeds.WEB_PAGE]),
    FuzzedParser("Crossref", crossref.parse, [seeds.CROSSREF]),
    FuzzedParser("search of PubMed", parse_search, [seeds.ESEARCH]),
    FuzzedParser("bibliography", parse_bibliography, seeds.LIBRARIES),
    FuzzedParser(
        "returned mail",
        lambda data: bounces.classify_message(data, bounces.AttributionKeys((KEY,), "digest.example")),
        [seeds.BOUNCE, seeds.SES],
    ),
    FuzzedParser("notification of SES", _ses, [seeds.SES]),
    FuzzedParser("message of SNS", sns_reports._parse, [seeds.SNS]),
    FuzzedParser(
        "SMTP reply",
        lambda data: (classify_reply("RCPT", 550, _text(data)), refusal_cause.classify(_text(data))),
        seeds.REPLIES,
    ),
    FuzzedParser("mail log", lambda data: read_mail_log(_text(data).splitlines(), now=NOW), seeds.LOG_LINES),
    FuzzedParser("query", lambda data: parse_query(_text(data)[:500]), seeds.QUERIES),
    FuzzedParser("TeX", lambda data: (tex.readable(_text(data)), plain_text.normalize(_text(data))), seeds.TEX),
    FuzzedParser("authors", lambda data: authors_of(_text(data)), seeds.AUTHORS),
    FuzzedParser(
        "Message-ID",
        lambda data: list(read_message_ids(_text(data))),
        [b"<digest.5.abcdefghijklmnopqrstuvwxyz@d.example>"],
    ),
    FuzzedParser(
        "return path", lambda data: parse_return_path(_text(data), KEY), [b"bounces+5-abcdefghij@digest.example"]
    ),
    FuzzedParser("token of a link", lambda data: Signer((KEY,)).read(UNSUBSCRIBE, _text(data)), [TOKEN]),
    FuzzedParser(
        "forwarded addresses",
        lambda data: client_of("127.0.0.1", _text(data), ("127.0.0.1",)),
        [b"203.0.113.7, [2001:db8::1]:443"],
    ),
    FuzzedParser(
        "seed document",
        lambda data: loader.parse(_text(data), today=date(2025, 11, 20)),
        [*seeds.AUTHORS, seeds.IDENTIFIERS],
    ),
]


def _tar() -> bytes:
    """A backup's content before it is compressed."""
    stream = BytesIO()
    manifest = {
        "release": "1",
        "created_at": "2025-11-17T07:00:00Z",
        "database": "sqlite",
        "revision": "0015",
        "tables": [],
    }
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in (("manifest.json", json.dumps(manifest | {"sha256": {"env": "0" * 64}})), ("env", "A=1")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content.encode()))
    return stream.getvalue()[:2048]


def _verify_compressed(file: Path) -> object:
    file.write_bytes(gzip.compress(file.read_bytes(), compresslevel=1))
    return archive.verify(file)


FILE_PARSERS = {
    "backup": (archive.verify, [b"\x1f\x8b\x08\x00" + bytes(40), gzip.compress(_tar())]),
    "content of a backup": (_verify_compressed, [_tar()]),
    "file of topics": (personal_mail.read_topics, seeds.QUERIES),
}


def _damage(document: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """The document with parts removed and others put in; positions are taken modulo its length."""
    for position, removed, inserted in edits:
        start = position % (len(document) + 1)
        document = document[:start] + inserted + document[start + removed :]
    return document


def _check(parser: FuzzedParser, data: bytes) -> None:
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        try:
            parser.parse(data)
        except DigestError as error:
            assert len(str(error)) < 2000, "an error is one line for a person"  # noqa: PT017
    assert time.process_time() - started < CPU_SECONDS_OF_CALL


EDIT = st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from(TRICKY) | st.binary(max_size=6))


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_damaged_document_is_parsed_or_refused(parser: FuzzedParser) -> None:
    @hypothesis.settings(max_examples=40, suppress_health_check=list(hypothesis.HealthCheck))
    @given(st.sampled_from(parser.documents), st.lists(EDIT, max_size=6))
    def try_damage(document: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        _check(parser, _damage(document, edits))

    try_damage()


@pytest.mark.parametrize("name", FILE_PARSERS)
def test_a_damaged_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    read, documents = FILE_PARSERS[name]
    parser = FuzzedParser(name, _in_file(read, tmp_path), documents)

    @hypothesis.settings(max_examples=80, suppress_health_check=list(hypothesis.HealthCheck))
    @given(st.sampled_from(documents), st.lists(EDIT, max_size=6))
    def try_damage(document: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        _check(parser, _damage(document, edits))

    try_damage()


@pytest.mark.soak
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_ten_minutes_of_damage_find_no_fault(parser: FuzzedParser, tmp_path: Path) -> None:
    _try_for_ten_minutes(parser, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", FILE_PARSERS)
def test_ten_minutes_of_damaged_files_find_no_fault(name: str, tmp_path: Path) -> None:
    read, documents = FILE_PARSERS[name]
    _try_for_ten_minutes(FuzzedParser(name, _in_file(read, tmp_path), documents), tmp_path)


def _try_for_ten_minutes(parser: FuzzedParser, tmp_path: Path) -> None:
    seed, until = random.randrange(1 << 32), time.process_time() + CPU_SECONDS
    generator = random.Random(seed)
    tried = 0
    while time.process_time() < until:
        data = _random_damage(parser.documents, generator)
        try:
            _check(parser, data)
        except BaseException:
            (tmp_path / "fault").write_bytes(data)
            print(f"seed {seed}, input {tried}: {tmp_path / 'fault'}")
            raise
        tried += 1
    print(f"{parser.name}: {tried} inputs, seed {seed}")
    assert tried


def _random_damage(documents: list[bytes], generator: random.Random) -> bytes:
    """A document with up to twenty edits; sometimes a part of another document is put in, or all of it repeated."""
    document = generator.choice(documents)
    if generator.random() < 0.2:
        other = generator.choice(documents)
        start = generator.randrange(len(other) + 1)
        document = _damage(document, [(generator.randrange(10_000), 0, other[start : start + 300])])
    edits = [
        (
            generator.randrange(10_000),
            generator.choice((0, 0, 1, 3, 40)),
            generator.choice(TRICKY) if generator.random() < 0.5 else generator.randbytes(generator.randrange(5)),
        )
        for _ in range(generator.randrange(20))
    ]
    return _damage(document, edits) * (generator.randrange(2, 30) if generator.random() < 0.05 else 1)
