"""The sources as administrators see them: state, last and next fetch, items left out, and which feeds are confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import feed_sources
from digest.db.papers.feed_sources import FeedMove
from digest.db.reporting import admin_listings
from digest.i18n import localize, localize_plural
from digest.models import FeedSource
from digest.services.ingestion import fetch_schedule, source_status
from digest.services.ingestion.source_status import SourceStatus
from digest.sources import feed_source, registry


class DoctorLine(NamedTuple):
    """A line of `digest doctor` with its cure."""

    text: str
    cure: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source. `kind`: `built-in` or `feed`; `rejects`: items left out so far.

    For feeds also `address`, `former_address` (before a permanent redirect), `moved_at` (None where that is too long
    ago), whether it is `confirmed`, `max_a_day`, and how many papers are `held` over that limit.
    `next_at`: in the past where it is fetched within a minute, None where it is not fetched.
    """

    name: str
    title: str
    kind: str
    state: str
    detail: str
    last_at: datetime | None
    next_at: datetime | None
    rejects: int
    is_paused: bool
    address: str = ""
    former_address: str = ""
    moved_at: datetime | None = None
    confirmed: bool | None = None
    max_a_day: int | None = None
    held: int = 0

    def to_json(self) -> dict[str, Any]:
        """The row as a JSON object."""
        row = asdict(self)
        for name in ("last_at", "next_at", "moved_at"):
            row[name] = row[name].isoformat(timespec="seconds") if row[name] else None
        return row


def source_rows() -> list[SourceRow]:
    """All built-in sources and feeds, those that are fetched first."""
    now = clock.now()
    statuses = {status.source: status for status in source_status.source_statuses(now)}
    next_fetches = fetch_schedule.next_fetches(now)
    with reading() as session:
        feeds = {feed.name: feed for feed in feed_sources.feeds(session)}
        rejects = admin_listings.reject_counts(session)
        held_counts = feed_sources.held_counts(session)
        moves = feed_sources.moves(session)
    rows = []
    for name, source in registry.all_sources().items():
        status = statuses.get(name) or SourceStatus(name, source_status.NOT_ENABLED)
        next_at = next_fetches.get(name)
        rows.append(
            SourceRow(
                name=name,
                title=source.label or name,
                kind="feed" if name in feeds else "built-in",
                state=status.state,
                detail=status.detail,
                last_at=status.attempted_at,
                next_at=max(next_at, now) if next_at else None,
                rejects=rejects.get(name, 0),
                is_paused=status.state == source_status.PAUSED,
                **_feed_fields(feeds.get(name), held_counts.get(name, 0), moves),
            )
        )
    return sorted(rows, key=lambda row: row.next_at is None and not row.is_paused)


def _feed_fields(feed: FeedSource | None, held: int, moves: Sequence[FeedMove]) -> dict[str, Any]:
    if feed is None:
        return {}
    move = feed_sources.last_move(feed, moves)
    return {
        "address": feed.url,
        "former_address": feed.former_url,
        "moved_at": move.at if move else None,
        "confirmed": feed.confirmed_at is not None,
        "max_a_day": feed_source.papers_a_day(feed),
        "held": held,
    }


def feed_note(row: SourceRow) -> str:
    """What an administrator should know about a feed, '' for nothing."""
    notes = []
    if row.confirmed is False:
        notes.append(
            localize_plural(
                "not confirmed: at most %(n)s paper a day is mailed",
                "not confirmed: at most %(n)s papers a day are mailed",
                row.max_a_day or 0,
            )
        )
    elif row.held:
        notes.append(localize_plural("more than %(n)s paper a day", "more than %(n)s papers a day", row.max_a_day or 0))
    if row.held:
        notes.append(localize_plural("%(n)s waits", "%(n)s wait", row.held))
    if row.former_address:
        moved = localize("moved from %(former)s to %(address)s", former=row.former_address, address=row.address)
        notes.append(localize("%(moved)s on %(day)s", moved=moved, day=row.moved_at.date()) if row.moved_at else moved)
    return "; ".join(notes)


def unconfirmed_lines() -> list[DoctorLine]:
    """A line for each feed that nobody has confirmed."""
    return [
        DoctorLine(f"{row.name}: {feed_note(row)}", f"look at its papers, then: digest sources confirm {row.name}")
        for row in source_rows()
        if row.confirmed is False
    ]
