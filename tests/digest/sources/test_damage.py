"""Damaged answers of sources: every whole paper is stored, every damaged one is kept in `rejects` with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from digest import clock
from digest.db.core.engine import reading
from digest.errors import SourceDown
from digest.models import Paper, PaperVersion, Reject, SourceDay
from digest.services.ingestion import catch_up, source_status
from tests.digest.sources.test_command import ingest
from tests.wire_server import Spoil, WireServer, Work, body

DAY = date(2025, 9, 29)

# The damage to the item of the paper with that number: repaired and stored, or refused with this reason.
REPAIRED: list[tuple[bytes, bytes]] = [
    (b"a \x08 control", b"a control"),
    (b"a \x00 zero", b"a zero"),
    (b"a &#8; b &#x0; c &#xD800; d &#99999999999; e", b"a b c d e"),
    (b"caf&eacute;&nbsp;bar", "café bar".encode()),
    (b"R&D at AT&T", b"R&D at AT&T"),
    (b"an &unknown; name", b"an &unknown; name"),
    (b"half \xed\xa0\x80 a character", b"half a character"),
    (b"Schr\xf6dinger", "Schrödinger".encode()),
    (b"no \xff byte", b"no byte"),
    (b"p < 0.05 and 3 <= 4", b"p < 0.05 and 3 <= 4"),
    (b"an end ]]> of nothing", b"an end ]]> of nothing"),
    (b"<![CDATA[the <item> of a </item> & more]]>", b"the <item> of a </item> & more"),
    (b"<!-- <item> </item> -- -->commented", b"commented"),
]
REFUSED: list[tuple[bytes, str]] = [
    (b"<b>not closed", "mismatched tag"),
    (b"</title>", "mismatched tag"),
    (b'<b c="1" c="2"/>', "duplicate attribute"),
    (b"<b c=1/>", "not well-formed"),
    (b'<b c="1/>', "not well-formed"),
    (b"<foo:bar/>", "no title"),
    (b"<![CDATA[not closed", "unclosed CDATA"),
    (b"<!-- not closed", "unclosed token"),
    (b"<!DOCTYPE a [<!ENTITY b 'c'>]>&b;", "not well-formed"),
    (b"<b " + b" ".join(b'a%d="x"' % n for n in range(200_000)) + b"/>", "longer than"),
    (b"<b>" * 1000 + b"</b>" * 1000, "nested more than"),
    (b"</title></item>", "malformed"),
]


def works(count: int, day: date = DAY) -> list[Work]:
    return [
        Work(f"2509.{n:05}", f"Paper number {n}", f"What paper {n} says.", ("Ada Byron",), ("cs.CL",), day)
        for n in range(1, count + 1)
    ]


def damaged(*changes: tuple[bytes, bytes]) -> Spoil:
    """The answer with these replacements."""

    def spoil(handler: object, data: bytes) -> None:
        for old, new in changes:
            assert old in data
            data = data.replace(old, new, 1)
        handler.give(data, "application/xml")  # type: ignore[attr-defined]

    return spoil


def cut(before: bytes) -> Spoil:
    """The answer, broken off where that begins."""
    return lambda handler, data: handler.give(data[: data.index(before)], "application/xml")


def stored() -> dict[str, str]:
    """Titles by arXiv id."""
    with reading() as session:
        rows = session.exec(select(Paper.arxiv_id, PaperVersion.title).join(PaperVersion)).all()
    return {str(arxiv_id): title for arxiv_id, title in rows}


def rejects() -> list[tuple[int, str]]:
    with reading() as session:
        rows = session.exec(select(Reject.position, Reject.reason).order_by(col(Reject.position))).all()
    return [(position, reason) for position, reason in rows]


def days() -> list[date]:
    with reading() as session:
        return list(session.exec(select(SourceDay.day)).all())


def test_a_feed_with_twenty_kinds_of_damage_costs_the_damaged_papers_alone(wire: WireServer, database: str) -> None:
    kinds = [text for text, _ in (*REPAIRED, *REFUSED)]
    wire.today = clock.now().astimezone(clock.ARXIV_ZONE).date()
    wire.works = works(2 * len(kinds) + 1, wire.today)  # undamaged items before, between and behind
    changes = [(b"<title>Paper number %d<" % (2 * n + 2), b"<title>" + text + b"<") for n, text in enumerate(kinds)]
    wire.fail("rss", damaged(*changes), times=9)

    output = json.loads(ingest("arxiv-rss", "--json").stdout)

    undamaged = {f"2509.{n:05}": f"Paper number {n}" for n in range(1, 2 * len(kinds) + 2, 2)}
    mended = {f"2509.{2 * n + 2:05}": text.decode() for n, (_, text) in enumerate(REPAIRED)}
    assert stored() == undamaged | mended
    assert output["bad"] == len(rejects()) >= len(REFUSED)
    reasons = dict(rejects())
    for n, (_, reason) in enumerate(REFUSED[:-1], start=len(REPAIRED)):
        assert reason in reasons[2 * n + 2]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("spoil", "refused"),
    [
        (damaged((b"</item><item><title>Paper number 3<", b"<item><title>Paper number 3<")), [(2, "not closed")]),
        (damaged((b"</item></channel>", b"</channel>")), [(4, "not closed")]),
        (damaged((b"<item><title>Paper number 2<", b"<itm><title>Paper number 2<")), [(2, "without having been")]),
        (damaged((b"<channel>", b"<channel><x>")), []),
        (damaged((b'version="2.0">', b'version="2.0>')), []),
        (damaged((b'xmlns:dc="http://purl.org/dc/elements/1.1/"', b"")), []),
        (damaged((b'encoding="UTF-8"', b'encoding="UTF-16"')), []),
        (damaged((b"<?xml", b"\xef\xbb\xbf\n  <?xml")), []),
        (lambda handler, data: handler.give(data.decode().encode("utf-16"), "application/xml"), []),
        (lambda handler, data: handler.give(data + b"<junk", "application/xml"), []),
    ],
)
def test_damage_between_papers_costs_the_papers_beside_it_alone(
    wire: WireServer, database: str, spoil: Spoil, refused: list[tuple[int, str]]
) -> None:
    wire.works = works(4)
    wire.fail("rss", spoil, times=9)
    catch_up.ingest("arxiv-rss")

    lost = {f"2509.{position:05}" for position, _ in refused}
    assert set(stored()) == {work.id for work in wire.works} - lost
    assert [
        (position, reason_part in reason)
        for (position, reason), (_, reason_part) in zip(rejects(), refused, strict=True)
    ] == [(position, True) for position, _ in refused]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_feed_that_breaks_off_gives_what_is_whole_and_its_day_stays_open(wire: WireServer, database: str) -> None:
    wire.works = works(4)
    wire.fail("rss", cut(b"What paper 4 says"), times=9)
    catch_up.ingest("arxiv-rss")
    partial = set(stored()), days(), [reason for _, reason in rejects()]
    wire.faults.clear()
    catch_up.ingest("arxiv-rss")

    assert partial == ({"2509.00001", "2509.00002", "2509.00003"}, [], ["the document breaks off here, line 4"])
    assert (len(stored()), days()) == (4, [DAY])


def oai_page(number: int, spoil: Spoil) -> Callable[[WireServer], None]:
    return lambda wire: wire.fail("oai", spoil, times=9, after=number - 1)


def test_a_bad_record_on_page_2_of_3_loses_neither_page_1_nor_page_3(wire: WireServer, database: str) -> None:
    wire.works, wire.page = works(9), 3
    wire.fail("oai", damaged((b"Paper number 5<", b"<b>Paper number 5<")), after=1)
    counts = catch_up.ingest("arxiv-oai", first=DAY, last=DAY).counts

    assert (counts.new, counts.bad) == (8, 1)
    assert set(stored()) == {work.id for work in wire.works} - {"2509.00005"}
    assert rejects()[0][0] == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "spoil",
    [
        body(b"<html><body>Busy</body></html>", "text/html"),
        cut(b"What paper 5 says"),
        cut(b"<resumptionToken"),
        damaged((b"<resumptionToken>", b"<resumptionTokn>")),
        body(b"\x1f\x8b broken"),
    ],
)
def test_pages_before_a_failing_one_are_stored_and_the_day_stays_open(
    wire: WireServer, database: str, spoil: Spoil
) -> None:
    wire.works, wire.page = works(9), 3
    wire.fail("oai", spoil, times=9, after=1)
    with pytest.raises(SourceDown):
        catch_up.ingest("arxiv-oai", first=DAY, last=DAY)
    stored_ids, open_days = set(stored()), days()
    wire.faults.clear()
    catch_up.ingest("arxiv-oai", first=DAY, last=DAY)

    assert {"2509.00001", "2509.00002", "2509.00003"} <= stored_ids
    assert open_days == []
    assert (len(stored()), days()) == (9, [DAY])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_damage_beside_the_resumption_token_does_not_stop_the_list(wire: WireServer, database: str) -> None:
    wire.works, wire.page = works(9), 3
    wire.fail("oai", damaged((b"</responseDate>", b"</responseDat>"), (b"Paper number 2<", b"<b>Paper number 2<")))
    counts = catch_up.ingest("arxiv-oai", first=DAY, last=DAY).counts

    assert (counts.new, counts.bad) == (8, 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_answer_of_the_api_that_breaks_off_goes_on_behind_what_was_whole(wire: WireServer, database: str) -> None:
    wire.works, wire.slice = works(6), 6
    wire.fail("api", cut(b"What paper 4 says"), times=4)
    counts = catch_up.ingest("arxiv-api", first=DAY, last=DAY).counts

    assert (counts.new, counts.bad) == (6, 0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_record_with_a_date_beyond_all_calendars_is_refused_alone(wire: WireServer, database: str) -> None:
    wire.works = works(3)
    version = b'<id>2509.00002</id><version version="v1"><date>'
    impossible_date = b"<id>2509.00002</id><version><date>Fri, 31 Dec 9999 23:59:59 GMT</date></version>"
    wire.fail("oai", damaged((version, impossible_date + version.removeprefix(b"<id>2509.00002</id>"))))
    counts = catch_up.ingest("arxiv-oai", first=DAY, last=DAY).counts

    assert (counts.new, [reason for _, reason in rejects()]) == (2, ["version: 9999-12-31 is not the date of a paper"])


LISTING = [
    {"paper": {"id": f"2509.0000{n}", "title": f"Title {n}", "submittedOnDailyAt": "2025-09-29T00:00:00Z"}}
    for n in range(1, 5)
]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        (b'"Title 2"', b'"Title 2'),
        (b'"Title 2"', b"Title 2"),
        (b'"title": "Title 2"', b'"title"'),
        (b'"Title 2"', b'"\\x Title 2"'),
        (b'"Title 2"', b'["Title 2"]'),
    ],
)
def test_one_damaged_row_of_a_listing_costs_that_row_alone(
    wire: WireServer, database: str, change: tuple[bytes, bytes]
) -> None:
    wire.daily = {"2025-09-29": LISTING}
    wire.fail("hf", damaged(change))
    catch_up.ingest("huggingface", first=DAY, last=DAY)

    assert set(stored()) == {"2509.00001", "2509.00003", "2509.00004"}
    assert [position for position, _ in rejects()] == [2]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_listing_that_breaks_off_leaves_its_day_open(wire: WireServer, database: str) -> None:
    wire.daily = {"2025-09-29": LISTING}
    wire.fail("hf", cut(b"Title 4"), times=5)
    result = catch_up.ingest("huggingface", first=DAY, last=DAY)

    assert (result.counts.new, result.outcome, days()) == (3, "partial", [])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_control_characters_and_broken_bytes_in_json_cost_nothing(wire: WireServer, database: str) -> None:
    wire.daily = {"2025-09-29": LISTING}
    wire.fail(
        "hf", damaged((b"Title 2", b"Title\x08 2"), (b"Title 3", b"Title\xff 3"), (b"Title 4", b"Title\\ud800 4"))
    )
    catch_up.ingest("huggingface", first=DAY, last=DAY)

    assert stored() == {f"2509.0000{n}": f"Title {n}" for n in range(1, 5)}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_source_that_was_never_fetched_is_complete_through_no_day(wire: WireServer, database: str) -> None:
    wire.fail("oai", body(b"no"), times=99)
    with pytest.raises(SourceDown):
        catch_up.ingest("arxiv-oai", first=DAY, last=DAY)

    assert {
        status.source: status.complete_through
        for status in source_status.source_statuses(clock.now() + timedelta(minutes=1))
    } == {
        "arxiv-rss": None,
        "arxiv-oai": None,
        "huggingface": None,
    }
