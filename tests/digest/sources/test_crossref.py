"""Crossref's answers: abstracts, notices, rates, and every sample that the shared data has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from digest.errors import BadInput, SourceDown
from digest.papers import Record
from digest.sources import crossref, request_pacing
from tests.digest.sources import feed_server
from tests.digest.sources.feed_server import FeedServer, work


@pytest.fixture
def server(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedServer]:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(request_pacing, "_wait", lambda *_: None)
    with feed_server.serving() as feeds:
        configured(CROSSREF_URL=feeds.url, CROSSREF_MAILTO="root@digest.example", SOURCE_PATIENCE=5)
        yield feeds


def test_a_work_is_asked_for_by_its_doi_with_an_address_of_ours(server: FeedServer) -> None:
    server.works["10.1016/s0092-8674(26)9/x"] = work(
        "10.1016/S0092-8674(26)9/X", abstract="<jats:p>We count them all.</jats:p>"
    )
    fetched = crossref.fetch_work("10.1016/s0092-8674(26)9/x")

    assert fetched is not None
    assert (fetched.record.abstract, fetched.record.doi) == ("We count them all.", "10.1016/s0092-8674(26)9/x")
    assert "mailto=root%40digest.example" in server.requests[0][0]


def test_an_unknown_doi_is_no_failure_and_a_broken_answer_is_one(server: FeedServer) -> None:
    assert crossref.fetch_work("10.1234/unknown") is None
    server.works["10.1234/a"] = b'{"status":"error","message":{}}'
    with pytest.raises(SourceDown):
        crossref.fetch_work("10.1234/a")


def test_the_pause_between_requests_follows_the_answers_headers(server: FeedServer) -> None:
    server.works["10.1234/a"] = work("10.1234/a")
    crossref.fetch_work("10.1234/a")

    assert crossref.PACING.pause_seconds() == pytest.approx(1 / 50)


@pytest.mark.parametrize(
    ("fields", "left_out", "is_retracted"),
    [
        ({}, "", False),
        ({"update-to": [{"type": "correction"}]}, "correction", False),
        ({"update-to": [{"type": "retraction"}]}, "retraction notice", False),
        ({"update-to": [{"type": "new_version"}]}, "", False),
        ({"updated-by": [{"type": "retraction", "source": "retraction-watch"}]}, "", True),
        ({"updated-by": {"update-type": "Retraction"}}, "", True),
        ({"updated-by": [{"label": "Correction"}]}, "", False),
        ({"update-to": [{"type": "withdrawal", "DOI": "https://doi.org/10.1234/A"}]}, "", True),
        ({"update-to": [{"type": "partial_retraction", "DOI": "10.1234/b"}]}, "retraction notice", False),
        ({"title": ["Correction to: Synapses grow"]}, "correction", False),
        ({"title": [" ", "Corrigendum to “Synapses grow” [J. Ex. 1 (2020)]"]}, "correction", False),
        ({"title": ["Retraction Note: Synapses grow"]}, "retraction notice", False),
        ({"title": ["RETRACTED ARTICLE: Synapses grow"]}, "retracted", False),
        ({"title": ["Correction of aberrations in lenses"]}, "", False),
        ({"type": "component"}, "part of a paper", False),
        ({"type": "peer-review"}, "peer review", False),
        ({"title": None, "author": "x", "issued": {"date-parts": [[None]]}, "abstract": 7}, "", False),
    ],
)
def test_notices_and_parts_are_no_papers(fields: dict[str, object], left_out: str, is_retracted: bool) -> None:
    parsed = crossref.parse(work("10.1234/a", **fields))

    assert (parsed.left_out, parsed.is_retracted, parsed.record.withdrawn) == (left_out, is_retracted, is_retracted)


@pytest.mark.parametrize(
    ("parts", "day"),
    [
        ([[2026, 8, 1]], date(2026, 8, 1)),
        ([[2026]], None),
        ([[None]], None),
        ([], None),
        ([[2026, 13, 1]], None),
        ([[10**20, 1, 1]], None),
        ([[2026, 8, -(10**30)]], None),
        ([["2026", "8", "1"]], date(2026, 8, 1)),
        ([[2026, 8]], None),
        ([[1, 2, 3]], None),
    ],
)
def test_only_a_complete_date_is_one(parts: list[list[int]], day: date | None) -> None:
    assert crossref.parse(work("10.1234/a", issued={"date-parts": parts})).record.published == day


def test_every_sample_of_crossref_is_parsed_or_refused_with_a_reason(shared: Path) -> None:
    works = 0
    for path in sorted((shared / "data" / "sources" / "crossref").iterdir()):
        data = path.read_bytes()
        try:
            message = json.loads(data)["message"]
            items = message.get("items", [message])
            works += len([crossref.convert(item) for item in items if "DOI" in item])
        except (ValueError, KeyError, TypeError, AttributeError):
            with pytest.raises(BadInput):
                crossref.parse(data)

    assert works > 100


@pytest.mark.parametrize(
    ("doi", "relation", "expected"),
    [
        (
            "10.1101/2024.04.01.1",
            {"is-preprint-of": [{"id-type": "doi", "id": "10.1016/J.X.1"}]},
            ("10.1016/j.x.1", ("10.1101/2024.04.01.1",)),
        ),
        ("10.1002/a", {"has-preprint": [{"id-type": "doi", "id": "10.1101/1"}]}, ("10.1002/a", ("10.1101/1",))),
        ("10.1002/a", {"is-supplement-to": [{"id-type": "doi", "id": "10.1002/b"}]}, ("10.1002/a", ())),
        ("10.1002/a", {"has-preprint": [{"id-type": "uri", "id": "https://x.example"}, None]}, ("10.1002/a", ())),
        ("10.1002/a", [], ("10.1002/a", ())),
        (
            "10.1101/1",
            {"is-preprint-of": {"id-type": "doi", "id": "https://doi.org/10.1002/A"}},
            ("10.1002/a", ("10.1101/1",)),
        ),
        (
            "10.1002/a",
            {"has-preprint": [{"id-type": "doi", "id": f"10.1101/2026.01.01.123456{v}"} for v in ("", "v1", "v2")]},
            ("10.1002/a", ("10.1101/2026.01.01.123456",)),
        ),
        ("10.1101/1", {"is-preprint-of": [{"id-type": "doi", "id": "10.1101/1"}]}, ("10.1101/1", ())),
    ],
)
def test_a_preprint_and_its_article_are_related_by_their_dois(
    doi: str, relation: object, expected: tuple[str, tuple[str, ...]]
) -> None:
    record = crossref.convert({"DOI": doi, "title": ["A title"], "relation": relation}).record

    assert (record.doi, record.preprint_dois) == expected


def test_a_retracted_work_marks_the_paper_that_it_completes() -> None:
    work_of_paper = crossref.convert({"DOI": "10.1002/a", "updated-by": [{"type": "retraction"}]})
    record = crossref.complete(Record("A title", doi="10.1002/a"), work_of_paper)

    assert (record.withdrawn, record.retracted) == (True, True)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (["<i>Synapses</i> grow\n  with <sup>3</sup>H &amp; more"], "Synapses grow with ³H & more"),
        (
            ['Grows as <mml:math xmlns:mml="x"><mml:mi>α</mml:mi><mml:mo>=</mml:mo><mml:mn>2</mml:mn></mml:math>'],
            "Grows as α=2",
        ),
        (["", "Synapses grow"], "Synapses grow"),
        ("Synapses grow", "Synapses grow"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_title_is_plain_text(title: object, text: str) -> None:
    assert crossref.convert({"DOI": "10.1002/a", "title": title}).record.title == text


def test_authors_are_people_and_groups() -> None:
    people = [
        {"name": "HELIX <i>Collaboration</i>"},
        {"given": "Ada", "family": "Sample", "suffix": "Jr."},
        {"given": "Robin", "family": "Example, PhD"},
        {"family": "Plato"},
        {"family": "et al."},
        {},
        7,
    ]
    record = crossref.convert({"DOI": "10.1002/a", "author": people}).record

    assert record.authors == ("HELIX Collaboration", "Ada Sample Jr.", "Robin Example", "Plato")
