"""Keeping up with the sources over real days, against a local server with faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlmodel import Session, col, select

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers.papers import newest_versions
from digest.db.papers.quality_figures import author_figures
from digest.errors import BadInput, SourceDown
from digest.models import Announcement, Batch, Paper, PaperVersion, Reject, Signal, SourceDay
from digest.papers import Record
from digest.services.ingestion import catch_up, fetch_schedule, source_status
from tests.combinations import MAINLY_SQLITE
from tests.digest.sources.conftest import WEEK, real_days
from tests.wire_server import (
    API_ERROR,
    BOMB,
    FEED_ERROR,
    SourceFault,
    Spoil,
    WireHandler,
    WireServer,
    body,
    drop_connection,
    endless,
    half_body,
    packed_bomb,
    status,
)

MON, TUE, WED, THU, FRI = WEEK
PER_DAY = 30
EMPTY_PAGE = b'<feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title></feed>'


@pytest.fixture
def real(wire: WireServer, database: str, shared: Path) -> WireServer:
    """A server with a week of real papers, and a database of each kind."""
    wire.works = real_days(shared, PER_DAY)
    return wire


@pytest.fixture
def set_clock() -> Iterator[Callable[..., None]]:
    """Sets the clock to a time in New York; it goes on from there."""
    travels: list[time_machine.travel] = []

    def go(day: date, hour: int = 0, minute: int = 10) -> None:
        if travels:
            travels.pop().stop()
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock.ARXIV_ZONE)
        travels.append(time_machine.travel(local.astimezone(UTC), tick=True))
        travels[0].start()

    yield go
    for travel in travels:
        travel.stop()


def state(source: str) -> str:
    return next(entry.state for entry in source_status.source_statuses() if entry.source == source)


def stored() -> dict[str, date | None]:
    """ArXiv ids with the announcement on which they were new."""
    with reading() as session:
        rows = session.exec(select(Paper.arxiv_id, Paper.announcement_id)).all()
    assert len(rows) == len({arxiv_id for arxiv_id, _ in rows})
    return {str(i): None if n is None else date.fromordinal(n) for i, n in rows}


def expected(wire: WireServer, *days: date) -> dict[str, date]:
    return {work.id: work.day for work in wire.works if work.day in (days or WEEK)}


def record(session: Session, arxiv_id: str) -> Record:
    number = session.exec(select(Paper.id).where(Paper.arxiv_id == arxiv_id)).one()
    return newest_versions(session, [number or 0])[number or 0][1]


# --- feeds


def test_a_feed_is_stored_once_and_again_changes_nothing(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    first = catch_up.ingest("arxiv-rss").counts
    second = catch_up.ingest("arxiv-rss").counts

    assert (first.new, second.new, second.updated, second.unchanged) == (PER_DAY, 0, 0, PER_DAY)
    assert stored() == expected(real, MON)
    assert state("arxiv-rss") == "on time"
    with reading() as session:
        assert len(session.exec(select(Batch)).all()) == 1


@MAINLY_SQLITE
def test_all_categories_are_requested_together(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")

    assert len(real.requests_to("rss")) == 1


@pytest.mark.parametrize("fault", [status(503, Retry_After="0"), status(429), drop_connection, half_body, status(500)])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_passing_fault_costs_no_paper(real: WireServer, set_clock: Callable[..., None], fault: object) -> None:
    set_clock(MON)
    real.fail("rss", fault)  # type: ignore[arg-type]
    catch_up.ingest("arxiv-rss")

    assert stored() == expected(real, MON)
    assert len(real.requests_to("rss")) == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_retry_after_is_waited_for_in_seconds(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    real.fail("rss", status(503, Retry_After="1"))
    catch_up.ingest("arxiv-rss")
    first, second = real.requests_to("rss")

    assert 1.0 <= second.began_at - first.began_at < 2.0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_long_retry_after_puts_the_next_attempt_off(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    real.fail("rss", status(503, Retry_After="Mon, 29 Sep 2025 07:00:00 GMT"))
    with pytest.raises(SourceDown):
        catch_up.ingest("arxiv-rss")

    assert state("arxiv-rss") == "down"
    assert "arxiv-rss" not in fetch_schedule.due_sources(datetime(2025, 9, 29, 6, 59, tzinfo=UTC))
    assert "arxiv-rss" in fetch_schedule.due_sources(datetime(2025, 9, 29, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (body(FEED_ERROR), "Feed error"),
        (body(BOMB), "entities"),
        (body(b"<rss><channel>"), "malformed XML"),
        (status(404), "404"),
        (endless(2 * 1024**3), "over the limit"),
        (packed_bomb(50_000_000), "over the limit"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_lasting_fault_is_reported_and_nothing_is_stored(
    real: WireServer, set_clock: Callable[..., None], configured: Callable[..., None], fault: object, says: str
) -> None:
    set_clock(MON)
    configured(SOURCE_LIMIT=1_000_000)
    real.fail("rss", fault, times=9)  # type: ignore[arg-type]
    with pytest.raises(SourceDown, match=says):
        catch_up.ingest("arxiv-rss")

    assert (stored(), state("arxiv-rss")) == ({}, "down")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_old_content_under_a_fresh_date_is_stale_and_stored_under_no_day(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    set_clock(TUE)
    real.today, real.feed_of = TUE, MON
    catch_up.ingest("arxiv-rss")

    assert state("arxiv-rss") == "stale"
    assert stored() == expected(real, MON)
    with reading() as session:
        assert session.exec(select(Announcement.day)).all() == [MON]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_new_content_under_yesterdays_date_is_todays(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    set_clock(TUE)
    real.today, real.feed_of = MON, TUE
    catch_up.ingest("arxiv-rss")

    assert stored() == expected(real, MON, TUE)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_empty_feed_is_quiet_on_a_holiday_and_late_on_a_mailing_day(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(FRI)
    real.today = FRI
    catch_up.ingest("arxiv-rss")
    set_clock(FRI + timedelta(days=1))
    real.today = FRI + timedelta(days=1)
    catch_up.ingest("arxiv-rss")
    on_saturday = state("arxiv-rss")
    set_clock(FRI + timedelta(days=3), 1)
    real.today = FRI + timedelta(days=3)
    catch_up.ingest("arxiv-rss")

    assert (on_saturday, state("arxiv-rss")) == ("quiet", "late")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_feed_that_was_cut_off_is_partial_and_oai_brings_the_rest(
    real: WireServer, set_clock: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(MON)
    monkeypatch.setattr("digest.sources.arxiv_feed.MAX_ITEMS", PER_DAY)
    catch_up.ingest("arxiv-rss")
    partial = state("arxiv-rss"), catchup_gaps()
    catch_up.ingest("arxiv-oai")

    assert partial == ("partial", [])
    assert stored() == expected(real, MON)
    with reading() as session:
        assert session.exec(select(SourceDay.source, SourceDay.day)).all() == [("arxiv-oai", MON)]


def catchup_gaps() -> list[date]:
    with reading() as session:
        return catch_up.missing_announcements(session, clock.now())


# --- announcements


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_replacement_is_a_new_version_and_not_new(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    work = next(w for w in real.works if w.day == MON)
    real.change(work.id, TUE, version=2, title="Another title of it", categories=("stat.ML", "cs.CL"))
    set_clock(TUE)
    real.today = TUE
    counts = catch_up.ingest("arxiv-rss").counts

    assert (counts.new, counts.updated) == (PER_DAY, 1)
    assert stored()[work.id] == MON
    with reading() as session:
        assert record(session, work.id).title == "Another title of it"
        assert record(session, work.id).categories[0] == "stat.ML"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_replacement_of_an_unknown_paper_is_never_new(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(TUE)
    work = next(w for w in real.works if w.day == MON)
    real.change(work.id, TUE, version=3)
    real.today = TUE
    catch_up.ingest("arxiv-rss")

    assert stored()[work.id] is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_strongest_announce_type_is_kept_whatever_query_showed_it(
    real: WireServer, set_clock: Callable[..., None], configured: Callable[..., None]
) -> None:
    set_clock(MON)
    crossed = next(w for w in real.works if w.day == MON and w.categories[0] != "cs.CL" and "cs.CL" in w.categories)
    configured(ARXIV_CATEGORIES="cs.CL")
    catch_up.ingest("arxiv-rss")
    before = announce_type(crossed.id)
    configured(ARXIV_CATEGORIES=f"cs.CL,{crossed.categories[0]}")
    catch_up.ingest("arxiv-rss")

    assert (before, announce_type(crossed.id)) == ("cross", "new")


def announce_type(arxiv_id: str) -> str | None:
    with reading() as session:
        return session.exec(select(Paper.announce_type).where(Paper.arxiv_id == arxiv_id)).one()


def test_withdrawn_and_deleted_papers_are_marked(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    removed, deleted = (w.id for w in real.works[:2])
    real.change(removed, TUE, version=2, comment="This paper has been withdrawn by the author")
    real.change(deleted, TUE, deleted=True)
    set_clock(TUE, 9)
    catch_up.ingest("arxiv-oai", first=TUE, last=TUE)

    with reading() as session:
        marked = session.exec(select(Paper.arxiv_id).where(col(Paper.withdrawn).is_(True))).all()
    assert {removed, deleted} <= set(marked)


# --- OAI-PMH


@pytest.mark.parametrize("forms", [("arXivRaw", "arXiv"), ("arXiv",)])
def test_a_week_is_filled_by_oai_day_by_day_in_order(
    real: WireServer, set_clock: Callable[..., None], forms: tuple[str, ...]
) -> None:
    real.forms, real.page, real.today = forms, 7, FRI
    set_clock(FRI, 9)
    counts = catch_up.ingest("arxiv-oai", first=MON, last=FRI).counts
    second_ingest = catch_up.ingest("arxiv-oai", first=MON, last=FRI).counts

    assert (counts.new, counts.updated) == (5 * PER_DAY, 0)
    assert (second_ingest.new, second_ingest.updated, second_ingest.unchanged) == (0, 0, 5 * PER_DAY)
    assert stored() == expected(real)
    with reading() as session:
        announcement_ids = session.exec(select(Batch.announcement_id).order_by(col(Batch.id))).all()
    assert announcement_ids == [day.toordinal() for day in WEEK]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_expired_token_begins_the_window_again(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON, 9)
    real.page = 7
    real.fail("oai", lambda handler, _body: (real.tokens.clear(), handler.give(_body, "text/xml")), after=1)
    catch_up.ingest("arxiv-oai", first=MON, last=MON)

    assert stored() == expected(real, MON)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "fault", [status(503, Retry_After="0"), status(429, Retry_After="0"), drop_connection, half_body]
)
def test_a_fault_in_the_middle_of_a_harvest_costs_no_paper(
    real: WireServer, set_clock: Callable[..., None], fault: object
) -> None:
    set_clock(TUE, 9)
    real.page, real.today = 7, TUE
    real.fail("oai", fault, after=2)  # type: ignore[arg-type]
    catch_up.ingest("arxiv-oai", first=MON, last=TUE)

    assert stored() == expected(real, MON, TUE)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_day_that_can_not_be_read_stays_open_and_those_before_it_stay_stored(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(WED, 9)
    real.today = WED
    real.fail("oai", body(b"<OAI-PMH>"), times=99, after=3)  # one request a category: Monday is complete
    with pytest.raises(SourceDown):
        catch_up.ingest("arxiv-oai", first=MON, last=WED)
    after_fault = stored(), state("arxiv-oai"), catchup_gaps()
    real.faults.clear()
    catch_up.ingest("arxiv-oai")

    assert after_fault == (expected(real, MON), "down", [TUE, WED])
    assert stored() == expected(real, MON, TUE, WED)
    assert (state("arxiv-oai"), catchup_gaps()) == ("on time", [])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_late_day_is_fetched_again_until_it_is_there(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    set_clock(TUE, 1)
    real.today = TUE
    real.visible = MON
    catch_up.ingest("arxiv-oai")
    before_dawn = state("arxiv-oai"), stored()
    set_clock(TUE, 8)
    real.visible = TUE
    second_ingest = fetch_schedule.due_sources()
    catch_up.ingest("arxiv-oai")

    assert before_dawn == ("late", expected(real, MON))
    assert "arxiv-oai" in second_ingest
    assert (state("arxiv-oai"), stored()) == ("on time", expected(real, MON, TUE))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_after_an_outage_the_gap_is_known_and_filled_and_todays_feed_goes_on(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    set_clock(FRI)
    real.today = FRI
    catch_up.ingest("arxiv-rss")
    gap = catchup_gaps(), state("arxiv-rss")
    catch_up.ingest("arxiv-oai")

    assert gap == ([TUE, WED, THU], "partial")
    assert (catchup_gaps(), state("arxiv-rss")) == ([], "on time")
    assert stored() == expected(real)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_paper_of_the_gap_that_was_revised_since_is_new_all_the_same(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    work = next(w for w in real.works if w.day == WED)
    real.change(work.id, FRI, version=2)
    set_clock(FRI)
    real.today = FRI
    catch_up.ingest("arxiv-rss")
    as_replacement = stored()[work.id]
    set_clock(FRI, 9)
    catch_up.ingest("arxiv-oai")

    assert as_replacement is None
    assert stored()[work.id] == FRI


# --- the API


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_api_fills_days_page_by_page(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(FRI, 9)
    real.slice, real.today = 11, FRI
    counts = catch_up.ingest("arxiv-api", first=MON, last=FRI).counts

    assert counts.new == 5 * PER_DAY
    assert stored() == expected(real)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_short_or_empty_page_is_requested_again(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON, 9)
    real.fail("api", body(EMPTY_PAGE))
    catch_up.ingest("arxiv-api", first=MON, last=MON)

    assert stored() == expected(real, MON)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_held_paper_is_new_where_the_days_before_are_stored(real: WireServer, set_clock: Callable[..., None]) -> None:
    held_paper = next(w for w in real.works if w.day == TUE)
    real.works.remove(held_paper)
    set_clock(WED, 9)
    real.today = WED
    catch_up.ingest("arxiv-api", first=MON, last=WED)
    real.works.append(held_paper)  # sent in for Tuesday, let through on Thursday
    set_clock(THU, 9)
    real.today = THU
    catch_up.ingest("arxiv-api", first=THU, last=THU)

    assert stored() == expected(real, MON, TUE, WED, THU) | {held_paper.id: THU}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_paper_of_a_day_that_was_never_stored_is_not_taken_for_a_held_one(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(THU, 9)
    real.today = THU
    catch_up.ingest("arxiv-api", first=MON, last=MON)
    catch_up.ingest("arxiv-api", first=THU, last=THU)

    assert stored() == expected(real, MON, THU)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_error_entry_of_the_api_is_reported_at_once(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON, 9)
    real.fail("api", body(API_ERROR), times=9)
    with pytest.raises(SourceDown, match="incorrect id format"):
        catch_up.ingest("arxiv-api", first=MON, last=MON)

    assert len(real.requests_to("api")) == 1


# --- Hugging Face and citations


def listing(*rows: tuple[str, int | None]) -> list[dict[str, object]]:
    return [
        {"paper": {"id": i, "title": f"Title of {i}", "upvotes": votes, "submittedOnDailyAt": "2025-09-29T00:00:00Z"}}
        for i, votes in rows
    ]


def test_a_listing_joins_the_current_announcement_and_keeps_its_counters(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    known_id = real.works[0].id
    set_clock(MON, 12)
    real.daily = {"2025-09-29": listing((known_id, 12), ("2509.99999", None)), "trending": listing((known_id, 12))}
    catch_up.ingest("huggingface")

    with reading() as session:
        rows = session.exec(select(Signal.name, Signal.value).order_by(Signal.name, Signal.value)).all()
    assert stored()["2509.99999"] == MON
    assert stored()[known_id] == MON
    assert sorted(set(rows)) == [("rank", 1.0), ("upvotes", 12.0)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_week_s_listing_brings_new_counts_to_known_papers_and_no_papers(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(MON, 12)
    known_id, unknown = "2509.90001", "2509.90002"
    real.daily = {"2025-09-29": listing((known_id, 1))}
    catch_up.ingest("huggingface")
    set_clock(TUE, 12)
    real.daily |= {"2025-W40": listing((known_id, 19), (unknown, 7)), "2025-W39": listing((unknown, 7))}
    catch_up.ingest("huggingface")

    with reading() as session:
        votes = session.exec(select(Signal.value).order_by(Signal.taken_at)).all()
    assert set(stored()) == {known_id}
    assert (votes[0], votes[-1]) == (1.0, 19.0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_listings_are_caught_up_date_by_date(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON, 12)
    real.daily = {"2025-09-29": listing(("2509.90001", 1))}
    catch_up.ingest("huggingface")
    set_clock(THU, 12)
    real.daily |= {"2025-09-30": listing(("2509.90002", 2)), "2025-10-01": listing(("2510.90003", 3))}
    catch_up.ingest("huggingface")
    requests_by_day = Counter(entry.params.get("date") for entry in real.requests_to("hf"))

    assert set(stored()) == {"2509.90001", "2509.90002", "2510.90003"}
    assert requests_by_day["2025-09-29"] == 2
    assert requests_by_day["2025-10-02"] == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("source", ["semantic-scholar", "openalex"])
def test_citations_come_to_known_papers_and_make_none(
    real: WireServer, set_clock: Callable[..., None], source: str
) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    known_ids = stored()
    set_clock(TUE)
    catch_up.ingest(source)
    counted = len(real.log)
    catch_up.ingest(source)

    with reading() as session:
        assert len(session.exec(select(Signal).where(Signal.name == "citations")).all()) == PER_DAY
    assert stored() == known_ids
    assert len(real.log) == counted  # counted once a week


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_openalex_adds_author_figures_of_stored_papers_and_may_lack_works(
    real: WireServer, set_clock: Callable[..., None]
) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    removed = real.works.pop(0)
    author = next(work.authors[0] for work in real.works if work.id in stored() and len(work.authors) < 10)
    set_clock(TUE)
    catch_up.ingest("openalex")

    with reading() as session:
        counted = session.exec(select(Paper.arxiv_id).join(Signal).where(Signal.name == "citations")).all()
        figures = author_figures(session, [author])[author]
    assert set(counted) == set(stored()) - {removed.id}
    assert {name: figures[name] for name in ("h_index", "papers", "citations")} == {
        "h_index": 6,
        "papers": 12,
        "citations": 345,
    }


# --- the whole week with everything at once


def test_a_week_of_faults_ends_with_every_paper_once_and_every_day_whole(
    real: WireServer, set_clock: Callable[..., None], configured: Callable[..., None]
) -> None:
    configured(SOURCE_LIMIT=2_000_000)
    observations: list[tuple[str, int, list[date]]] = []
    injected: list[SourceFault] = []

    def ask(source: str, *faults: Spoil, times: int = 1, after: int = 0) -> None:
        """Fetch with these faults; return the state, the stored papers and the missing days."""
        service = source.removeprefix("arxiv-")
        now = [SourceFault(service, fault, times, after) for fault in faults]
        real.faults += now
        with suppress(SourceDown):
            catch_up.ingest(source)
        injected.extend(now)
        real.faults.clear()
        observations.append((state(source), len(stored()), catchup_gaps()))

    def expired(handler: WireHandler, data: bytes) -> None:
        real.tokens.clear()
        handler.give(data, "text/xml")

    set_clock(MON)
    ask("arxiv-rss", status(503, Retry_After="0"))
    set_clock(TUE)
    real.today = TUE
    ask("arxiv-rss", drop_connection, half_body)
    set_clock(WED)
    real.today, real.feed_of, real.visible = WED, TUE, TUE  # old content under a fresh date, and a late day
    ask("arxiv-rss")
    set_clock(WED, 2)
    ask("arxiv-oai")
    real.feed_of, real.visible, real.page = None, None, 7
    set_clock(WED, 4)
    ask("arxiv-oai", status(429, Retry_After="0"), expired, after=1)
    set_clock(THU)
    real.today = THU
    for fault in (body(FEED_ERROR), body(BOMB), body(b"<rss><channel>"), endless(2 * 1024**3), packed_bomb(10**8)):
        ask("arxiv-rss", fault, times=5)
    ask("arxiv-api", body(API_ERROR), times=5)
    real.slice = 11
    ask("arxiv-api", body(EMPTY_PAGE))
    set_clock(FRI)
    real.today = FRI
    real.change(real.works[0].id, FRI, version=2, categories=("stat.ML", *real.works[0].categories))
    ask("arxiv-rss")
    ask("arxiv-oai")
    set_clock(FRI + timedelta(days=1))
    real.today = FRI + timedelta(days=1)
    ask("arxiv-rss")

    assert all(fault.times < 5 for fault in injected)
    assert len(injected) == 12
    assert observations == [
        ("on time", PER_DAY, []),
        ("on time", 2 * PER_DAY, []),
        ("stale", 2 * PER_DAY, [WED]),
        ("late", 2 * PER_DAY, [WED]),
        ("on time", 3 * PER_DAY, []),
        *[("down", 3 * PER_DAY, [THU])] * 6,
        ("on time", 4 * PER_DAY, []),
        ("on time", 5 * PER_DAY, []),
        ("on time", 5 * PER_DAY, []),
        ("quiet", 5 * PER_DAY, []),
    ]
    assert stored() == expected(real)
    with reading() as session:
        days = session.exec(select(Announcement.day).order_by(Announcement.day)).all()
        versions = session.exec(select(PaperVersion.paper_id, PaperVersion.revision)).all()
        assert record(session, real.works[0].id).categories[0] == "stat.ML"
    assert list(days) == WEEK
    assert len(versions) == len(set(versions))


# --- bounds


@pytest.mark.parametrize(
    ("source", "first", "last", "says"),
    [
        ("arxiv-rss", MON, None, "only what is current"),
        ("arxiv-oai", FRI, MON, "there is no day"),
        ("nowhere", None, None, "'nowhere' is unknown"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_wrong_days_and_sources_are_refused(
    real: WireServer, set_clock: Callable[..., None], source: str, first: date | None, last: date | None, says: str
) -> None:
    set_clock(FRI)
    with pytest.raises(BadInput, match=says):
        catch_up.ingest(source, first=first, last=last)

    assert real.log == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_work_is_cut_in_pieces_and_goes_on(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    catch_up.ingest("arxiv-rss")
    set_clock(FRI, 9)
    real.today = FRI
    pieces = 0
    while catch_up.ingest("arxiv-oai", seconds=0).is_incomplete:
        pieces += 1

    assert pieces == 4
    assert stored() == expected(real)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_can_not_be_read_is_kept_with_its_reason(real: WireServer, set_clock: Callable[..., None]) -> None:
    set_clock(MON)
    real.works[3] = type(real.works[3])("0811.36489", "T", "A", ("B",), ("cs.CL",), MON)
    catch_up.ingest("arxiv-rss")

    with reading() as session:
        (reject,) = session.exec(select(Reject)).all()
    assert reject.reason == "id: '0811.36489v1' is not an arXiv identifier"
    assert state("arxiv-rss") == "partial"
