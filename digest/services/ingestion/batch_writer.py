"""The batch row that one document's papers are stored under."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session

from digest import clock
from digest.db.papers import papers as store
from digest.models import Batch
from digest.models.types import stored_id


class BatchWriter:
    """The batch of one transaction, inserted with the first change, so that an unchanged document leaves no row.

    Future dates are errors of the source and become today.
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
        """The batch's id."""
        return stored_id(self._batch_row())

    @property
    def announcement_id(self) -> int:
        """The id of the announcement that its new papers join."""
        return self._batch_row().announcement_id

    def open(self) -> None:
        """Insert the batch, if it is not there yet."""
        self._batch_row()

    def close(self, *, new: int, updated: int, unchanged: int, bad: int) -> None:
        """Record the counts, if there is a batch; `bad`: items that could not be used and came for the first time."""
        if self._batch is not None:
            self._batch.new, self._batch.updated = new, updated
            self._batch.unchanged, self._batch.bad = unchanged, bad

    def _batch_row(self) -> Batch:
        if self._batch is None:
            self._batch = Batch(
                source=self.source,
                announcement_id=self._announcement_id(),
                started_at=self.now,
                known_at=self.known_at,
            )
            self.session.add(self._batch)
            self.session.flush()
        return self._batch

    def _announcement_id(self) -> int:
        if self.day is not None:
            return store.announcement_for(self.session, self.day)
        current = store.current_announcement(self.session, self.today)
        return current or store.announcement_for(self.session, self.today)
