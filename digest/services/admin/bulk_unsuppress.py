"""Bulk removal of suppressions that were made by mistake. Complaints are removed only where named."""

from __future__ import annotations

import re
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

    `reason`: where it names reasons of suppressions in full (`no such address`, `complaints`), only those are removed.
    Any other text, a part of such a reason too, just explains the removal, and suppressions that the service made after
    failures are removed. Raises BadInput.
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
    named = {row.reason for row in suppressions if _names(reason, row.reason)}
    return [row for row in suppressions if row.reason in (named or AUTOMATIC_REASONS)]


def _names(text: str, reason: str) -> bool:
    """Whether all words of a suppression's reason stand in a text, one after the other; its last one may be plural."""
    text_words, reason_words = _words(text), _words(reason)
    return bool(reason_words) and (
        f" {reason_words} " in f" {text_words} " or f" {reason_words}s " in f" {text_words} "
    )


def _words(text: str) -> str:
    """The words of a text in lower case, with one blank between two."""
    return " ".join(re.findall(r"\w+", text.casefold()))


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
