"""Bulk removal of suppressions that were made by mistake. Complaints are removed only where named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from digest import clock
from digest.db.bounces import reports as store
from digest.db.core.engine import reading, transaction
from digest.errors import BadInput
from digest.models import Audit, Suppression
from digest.models.subscriber import BOUNCE_REASONS
from digest.services.security.audit_actor import command_line_actor
from digest.text.stored_text_redaction import redact_addresses

AUTOMATIC_REASONS = frozenset(BOUNCE_REASONS)  # the reasons of suppressions that the service makes after failures
ROWS_PER_TRANSACTION = 500  # rows a transaction


@dataclass(frozen=True, slots=True)
class UnsuppressResult:
    """The suppressions that were removed, or would be: a row each with address, reason, source and time."""

    suppressions: list[dict[str, object]]
    by_reason: dict[str, int]
    dry_run: bool

    def as_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "released": len(self.suppressions),
            "by_reason": self.by_reason,
            "dry_run": self.dry_run,
            "suppressions": self.suppressions,
        }


def unsuppress_since(since: date, *, reason: str, dry_run: bool = False) -> UnsuppressResult:
    """Allow mail again to addresses suppressed on that day (UTC) or later, and forget their earlier failures. Audited.

    `reason`: where it names reasons of suppressions (`no such address`, `complaint`), only those are removed. Any other
    text just explains the removal, and suppressions that the service made after failures are removed. Raises BadInput.
    """
    if not reason.strip():
        raise BadInput("reason: say which reason to release, or why", field="reason")
    start_of_day = datetime(since.year, since.month, since.day, tzinfo=UTC)
    with reading() as session:
        rows = [_row(suppression) for suppression in _matching(store.suppressed_since(session, start_of_day), reason)]
    by_reason = dict(Counter(str(row["reason"]) for row in rows))
    if not dry_run:
        for start in range(0, len(rows), ROWS_PER_TRANSACTION):
            _release([str(row["address"]) for row in rows[start : start + ROWS_PER_TRANSACTION]], since, reason)
    return UnsuppressResult(rows, by_reason, dry_run)


def _matching(suppressions: Sequence[Suppression], reason: str) -> list[Suppression]:
    """The suppressions whose reason is named; where none is, those that the service made after failures."""
    text = " ".join(reason.lower().split())
    named = {row.reason for row in suppressions if row.reason.lower() in text or text in row.reason.lower()}
    return [row for row in suppressions if row.reason in (named or AUTOMATIC_REASONS)]


def _row(suppression: Suppression) -> dict[str, object]:
    return {
        "address": suppression.address_key,
        "reason": suppression.reason,
        "source": suppression.source,
        "at": suppression.at,
    }


def _release(address_keys: Sequence[str], since: date, reason: str) -> None:
    with transaction() as session:
        released = sum(store.unsuppress(session, key) for key in address_keys)
        forgiven = sum(store.clear_failures(session, key) for key in address_keys)
        detail = {
            "since": since.isoformat(),
            "reason": redact_addresses(reason[:200]),
            "released": released,
            "forgiven": forgiven,
        }
        session.add(Audit(at=clock.now(), actor=command_line_actor(), action="unsuppress", detail=detail))
