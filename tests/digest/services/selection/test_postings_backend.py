"""A preview looks papers up in posting lists: it shows the papers, reasons and counts that a mail would bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import event
from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content
from digest.db.core.engine import engine, reading
from digest.db.papers import papers as store
from digest.matching.profile import Profile, Topic
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.catalog import announcements, epochs
from digest.services.ingestion.import_document import store_document
from digest.services.preview.preview import preview
from digest.services.selection import candidate_papers, selector
from digest.services.selection.edition_sections import SelectionRequest
from tests.digest.matching.profiles import RandomProfiles
from tests.digest.services.selection.test_back_ends_agree import DAY, real_days

PAPERS_A_DAY, PROFILES = 16, 40
FIRST_DAY = date(2025, 9, 15)  # fewer than 14 announcements are before it
HAND_MADE = (
    Profile((Topic("learning"),)),
    Profile((Topic("reinforcement learning"), Topic("graph neural network*"))),
    Profile((Topic("model*"),), exclusions=("survey", "large language model*")),
    Profile((Topic("language model"),), categories=("cs.CL",), primary_only=True, exclusions=("ti:survey ANDNOT x",)),
    Profile((Topic("neural network"),), minimum="high"),
    Profile((), categories=("cs.LG",), exclusions=("diffusion",), limit=3),
    Profile((), categories=("cs.*", "math.OC"), authors=("Wei Zhang",)),
    Profile((Topic("learning", muted=True),), authors=("Li*",)),
    Profile(),
)


@pytest.fixture(scope="module")
def records(shared: Path) -> list[tuple[date, list[Record]]]:
    return list(real_days(shared, PAPERS_A_DAY))


@pytest.fixture
def stored(
    database: str, configured: Callable[..., None], records: list[tuple[date, list[Record]]]
) -> Iterator[list[Profile]]:
    """Seventeen real announcements with votes and withdrawn papers; random profiles of their words."""
    configured(SECRET_KEY="a key for tests of at least 32 bytes")
    with time_machine.travel(datetime(2025, 9, 30, 12, tzinfo=UTC), tick=True):
        for day, papers in records:
            listed = tuple(
                ListedPaper(record, "new", (("upvotes", 7.0 * (place % 5)),) * (place % 4 == 0))
                for place, record in enumerate(papers)
            )
            store_document("jsonl", day.isoformat(), ParsedDocument(papers=listed), day=day)
        make = RandomProfiles([record for _, papers in records for record in papers], seed=23)
        generated = [make.profile() for _ in range(PROFILES)]
        yield [*HAND_MADE, *generated]


def mailed(session: Session, profile: Profile, last_day: date) -> list[tuple[date, Content]]:
    """What the matcher of small installations selects on each of the last 14 days."""
    announcement_ids = store.announcements_between(session, last_day - timedelta(days=13), last_day)
    weights = epochs.weights_before(session, announcement_ids[-1])
    window = announcements.announcement_days(session, store.announcement_window(session, announcement_ids[-1] - 1, 14))
    taus = selector.thresholds(session, window, weights, {0: profile}, by_reference=True)
    contents = []
    for announcement_id in announcement_ids:
        day = date.fromordinal(announcement_id)
        end = datetime.combine(day + timedelta(days=1), time(0), tzinfo=clock.ARXIV_ZONE)
        pool = candidate_papers.pool_of(session, [announcement_id], signals_at=end, weights=weights)
        request = SelectionRequest(profile, tau=taus[0], rising=False)
        contents += [(day, content) for content in selector.choose(session, pool, [request], by_reference=True)]
    return contents


@pytest.mark.parametrize("count", [12, pytest.param(PROFILES, marks=pytest.mark.soak)])
@pytest.mark.parametrize("last_day", [DAY, FIRST_DAY])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_preview_shows_what_the_mails_would_have_brought(stored: list[Profile], last_day: date, count: int) -> None:
    paper_count = 0
    for profile in stored[: len(HAND_MADE) + count]:
        with reading() as session:
            expected = [
                (
                    day,
                    [(entry.paper, entry.score, entry.strict) for entry in content.entries[: profile.limit]],
                    [
                        tuple((profile.topics[index].text, words) for index, words in entry.matched)
                        for entry in content.entries[: profile.limit]
                    ],
                    len(content.entries) + content.more,
                )
                for day, content in mailed(session, profile, last_day)
            ]

        days = preview(profile, until=last_day, whole=True).days

        assert [
            (
                day.date,
                [(paper.id, paper.score, paper.strict) for paper in day.papers],
                [paper.matched for paper in day.papers],
                day.total,
            )
            for day in days
        ] == expected, profile
        paper_count += sum(day.total for day in days)
    assert paper_count > count


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_titles_that_a_preview_has_shown_are_not_read_again(database: str, configured: Callable[..., None]) -> None:
    configured(SECRET_KEY="a key for tests of at least 32 bytes")
    record = Record("Bandits of the sea", "Graphs.", arxiv_id="2509.00001")
    statements: list[str] = []
    with time_machine.travel(datetime(2025, 9, 30, 12, tzinfo=UTC), tick=True):
        store_document("jsonl", "day", ParsedDocument(papers=(ListedPaper(record, "new"),)), day=date(2025, 9, 30))
        first = preview(Profile((Topic("bandits"),))).best_papers(5)
        event.listen(engine(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
        second = preview(Profile((Topic("sea"),))).best_papers(5)

    assert [paper.title for paper in (*first, *second)] == [record.title] * 2
    assert statements
    assert not [statement for statement in statements if "title" in statement]


@pytest.mark.parametrize(
    ("record", "source"),
    [
        (Record("Bandits of the sea", "Graphs.", arxiv_id="2509.00001", outlets=("A Server",)), ""),
        (Record("Bandits of the sea", "Graphs.", outlets=("A Server",)), "A Server"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_preview_names_the_source_of_a_paper_outside_arxiv(
    database: str, configured: Callable[..., None], record: Record, source: str
) -> None:
    configured(SECRET_KEY="a key for tests of at least 32 bytes")
    with time_machine.travel(datetime(2025, 9, 30, 12, tzinfo=UTC), tick=True):
        store_document("jsonl", "day", ParsedDocument(papers=(ListedPaper(record, "new"),)), day=date(2025, 9, 30))
        papers = preview(Profile((Topic("bandits"),))).best_papers(5)

    assert [paper.source for paper in papers] == [source]
