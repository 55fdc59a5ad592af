"""The batch that one document's papers are stored in: its announcement, and since when it is known."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session

from digest import clock
from digest.db.papers import papers as store
from digest.models import Batch


class BatchWriter:
    """The batch of one transaction, made at the first thing to store: what changes nothing leaves no row.

    A date to come is no date: sources err.
    """

    def __init__(self, session: Session, source: str, day: date | None, known_at: datetime | None) -> None:
        self.session, self.source = session, source
        self.now = clock.now()
        self.today = self.now.astimezone(clock.ARXIV_ZONE).date()
        self.day = min(day, self.today) if day else None
        self.known_at = known_at or (min(self.now, clock.announcement_instant(self.day)) if self.day else self.now)
        self._batch: Batch | None = None

    @property
    def id(self) -> int:
        """The batch's number."""
        return self._row().id or 0

    @property
    def announcement_id(self) -> int:
        """The announcement that its new papers join."""
        return self._row().announcement_id

    def close(self, *, new: int, updated: int, unchanged: int, bad: int) -> None:
        """Note what was done, if anything was."""
        if self._batch is not None:
            self._batch.new, self._batch.updated = new, updated
            self._batch.unchanged, self._batch.bad = unchanged, bad

    def _row(self) -> Batch:
        if self._batch is None:
            self._batch = Batch(
                source=self.source,
                announcement_id=self._announcement(),
                started_at=self.now,
                known_at=self.known_at,
            )
            self.session.add(self._batch)
            self.session.flush()
        return self._batch

    def _announcement(self) -> int:
        if self.day is not None:
            return store.announcement_for(self.session, self.day)
        current = store.current_announcement(self.session, self.today)
        return current or store.announcement_for(self.session, self.today)
