"""Feeds as sources, which of their entries were seen, paused sources, and the DOIs that Crossref was asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, func, or_, select, update
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import Audit, CrossrefLookup, FeedItem, FeedSource, SourceDay, SourcePause, SourceState

MOVE_FEED, RESTORE_FEED = "move feed", "restore feed address"  # actions of the audit
_MAX_MOVES = 1000  # the newest; of earlier ones neither date nor former addresses are shown
ANNOUNCED, HELD, BACKLOG, LEFT_OUT = "announced", "held", "backlog", "left-out"
_MAX_ETAG = 400


class FeedMove(NamedTuple):
    """A permanent redirect of a feed, and when its new address was stored."""

    source: str
    former_address: str
    address: str
    at: datetime


def feeds(session: Session) -> list[FeedSource]:
    """All feeds, by name."""
    return list(session.execute(select(FeedSource).order_by(col(FeedSource.name))).scalars())


def feed(session: Session, name: str) -> FeedSource | None:
    """The feed of that name."""
    return session.get(FeedSource, name)


def feed_at(session: Session, address: str) -> FeedSource | None:
    """The feed of that address, now or before it moved, perhaps several times."""
    is_there = or_(col(FeedSource.url) == address, col(FeedSource.former_url) == address)
    row: FeedSource | None = session.execute(select(FeedSource).where(is_there)).scalars().first()
    if row is not None:
        return row
    source = next((move.source for move in moves(session) if move.former_address == address), None)
    return None if source is None else session.get(FeedSource, source)


def moves(session: Session) -> list[FeedMove]:
    """The newest permanent redirects of feeds, the newest first. The audit keeps them as long as other actions."""
    if session.execute(select(col(FeedSource.name)).where(col(FeedSource.former_url) != "").limit(1)).first() is None:
        return []
    statement = select(Audit).where(col(Audit.action) == MOVE_FEED).order_by(col(Audit.id).desc()).limit(_MAX_MOVES)
    return [
        FeedMove(str(row.detail.get("source")), str(row.detail.get("from")), str(row.detail.get("to")), row.at)
        for row in session.execute(statement).scalars()
    ]


def last_move(feed: FeedSource, moves_of_all: Iterable[FeedMove]) -> FeedMove | None:
    """How a feed came to its present address, of `moves`; None where it never moved, or too long ago."""
    if not feed.former_url:
        return None
    return next((move for move in moves_of_all if (move.source, move.address) == (feed.name, feed.url)), None)


def delete_feed(session: Session, name: str) -> None:
    """Delete a feed with its entries and its state. Its papers stay."""
    for table, column in (
        (FeedItem, FeedItem.source),
        (FeedSource, FeedSource.name),
        (SourcePause, SourcePause.source),
        (SourceState, SourceState.source),
        (SourceDay, SourceDay.source),
    ):
        session.execute(delete(table).where(col(column) == name))


def store_validators(session: Session, name: str, *, etag: str, last_modified: str) -> None:
    """Keep the validators of the last answer (RFC 9110, section 8.8). A feed that was removed meanwhile stays so."""
    session.execute(
        update(FeedSource)
        .where(col(FeedSource.name) == name)
        .values(etag=etag if len(etag) <= _MAX_ETAG else "", last_modified=last_modified[:100])
    )


def move_feed(session: Session, name: str, *, address: str, at: datetime) -> bool:
    """Store the new address of a feed, audited. False where the feed was removed or another one has that address."""
    row = session.get(FeedSource, name)
    feed_there = feed_at(session, address)
    if row is None or (feed_there is not None and feed_there.name != name):
        return False
    detail = {"source": name, "from": row.url, "to": address}
    session.add(Audit(at=at, actor="service", action=MOVE_FEED, detail=detail))
    row.former_url, row.url = row.url, address
    return True


def restore_address(session: Session, row: FeedSource, *, at: datetime, actor: str) -> None:
    """Give a feed that moved its former address back, audited; the one before that becomes the former one."""
    detail = {"source": row.name, "from": row.url, "to": row.former_url}
    session.add(Audit(at=at, actor=actor, action=RESTORE_FEED, detail=detail))
    row.url = row.former_url
    earlier_moves = (move for move in moves(session) if (move.source, move.address) == (row.name, row.url))
    row.former_url = next((move.former_address for move in earlier_moves), "")
    row.etag = row.last_modified = ""  # of the other address's answer


def item_states(session: Session, source: str, keys: Sequence[str]) -> dict[str, str]:
    """The states of entries by key."""
    statement = select(col(FeedItem.key), col(FeedItem.state)).where(
        col(FeedItem.source) == source, in_values(session, col(FeedItem.key), keys)
    )
    return {str(key): str(state) for key, state in session.execute(statement)}


def keys_by_text(session: Session, source: str, text_keys: Sequence[str]) -> dict[str, set[str]]:
    """The keys of entries by their text key."""
    statement = select(col(FeedItem.text_key), col(FeedItem.key)).where(
        col(FeedItem.source) == source, in_values(session, col(FeedItem.text_key), text_keys)
    )
    keys: dict[str, set[str]] = {}
    for text_key, key in session.execute(statement):
        keys.setdefault(str(text_key), set()).add(str(key))
    return keys


def count_items(session: Session, source: str, state: str, *, since: date | None = None) -> int:
    """The number of a feed's entries in a state, of those since a day."""
    statement = select(func.count()).where(col(FeedItem.source) == source, col(FeedItem.state) == state)
    if since is not None:
        statement = statement.where(col(FeedItem.day) >= since)
    return int(session.execute(statement).scalar_one())


def held_counts(session: Session) -> dict[str, int]:
    """The number of entries over the daily limit by feed."""
    statement = (
        select(col(FeedItem.source), func.count()).where(col(FeedItem.state) == HELD).group_by(col(FeedItem.source))
    )
    return {source: int(count) for source, count in session.execute(statement)}


def newest_item_day(session: Session, source: str) -> date | None:
    """The day on which the newest entry was seen, None for none."""
    newest: date | None = session.execute(
        select(func.max(col(FeedItem.day))).where(col(FeedItem.source) == source)
    ).scalar_one()
    return newest


def store_items(session: Session, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store entries with `key`, `text_key`, `state`, `day`, `record`; those that are stored are replaced."""
    if not rows:
        return
    keys = [str(row["key"]) for row in rows]
    session.execute(delete(FeedItem).where(col(FeedItem.source) == source, in_values(session, col(FeedItem.key), keys)))
    insert_ignore(session, FeedItem, [{"source": source, **row} for row in rows])


def held_items(session: Session, source: str, *, limit: int) -> list[FeedItem]:
    """The entries over the daily limit, those that were seen first at first."""
    statement = select(FeedItem).where(col(FeedItem.source) == source, col(FeedItem.state) == HELD)
    return list(session.execute(statement.order_by(col(FeedItem.day), col(FeedItem.key)).limit(limit)).scalars())


def pauses(session: Session) -> dict[str, datetime]:
    """Since when each paused source is paused."""
    statement = select(col(SourcePause.source), col(SourcePause.paused_at))
    return {str(source): paused_at for source, paused_at in session.execute(statement)}


def pause(session: Session, source: str, at: datetime) -> bool:
    """Pause a source. False where it is paused already."""
    if session.get(SourcePause, source) is not None:
        return False
    insert_ignore(session, SourcePause, [{"source": source, "paused_at": at}])
    return True


def resume(session: Session, source: str) -> bool:
    """Resume a source. False where it is not paused."""
    row = session.get(SourcePause, source)
    if row is not None:
        session.delete(row)
    return row is not None


def recently_looked_up(session: Session, dois: Sequence[str], since: datetime) -> set[str]:
    """Those of these DOIs that Crossref was asked about since then."""
    statement = select(col(CrossrefLookup.doi)).where(
        in_values(session, col(CrossrefLookup.doi), dois), col(CrossrefLookup.asked_at) > since
    )
    return {str(doi) for doi in session.execute(statement).scalars()}


def store_lookups(session: Session, has_abstract_by_doi: Mapping[str, bool], at: datetime, keep: timedelta) -> None:
    """Remember which DOIs were asked about, and forget those that were asked about before `keep`."""
    session.execute(
        delete(CrossrefLookup).where(
            or_(
                col(CrossrefLookup.asked_at) < at - keep,
                in_values(session, col(CrossrefLookup.doi), list(has_abstract_by_doi)),
            )
        )
    )
    rows = [
        {"doi": doi, "asked_at": at, "has_abstract": has_abstract} for doi, has_abstract in has_abstract_by_doi.items()
    ]
    insert_ignore(session, CrossrefLookup, rows)
