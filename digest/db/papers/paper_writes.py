"""Writes papers: the lock that orders batches, bulk inserts, rejected items."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.exc import DataError
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore, insert_pairs, insert_rows, next_ids
from digest.models import Paper, PaperIdentifier, PaperKey, PaperVersion, Reject, Signal
from digest.papers import RejectedItem
from digest.text.plain_text import one_line

REFUSED_VALUE = DataError  # the database refuses a value, such as a text longer than its column (PostgreSQL)


def lock_batches(session: Session) -> None:
    """Let one ingest at a time commit, so that batch ids are in the order of commits (SQLite: BEGIN IMMEDIATE).

    Sequential scans are off: an ingest looks up by keys only, and PostgreSQL would scan a table that was filled a
    moment ago, because it has no statistics of it yet.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE batch IN EXCLUSIVE MODE"))
        session.execute(text("SET LOCAL enable_seqscan = off"))


def insert_papers(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store new papers, all with the same columns. Returns their ids in order. Needs the lock of `lock_batches`."""
    if not rows:
        return []
    paper_ids = next_ids(session, Paper, len(rows))
    insert_rows(session, Paper, [{"id": paper_id, **row} for paper_id, row in zip(paper_ids, rows, strict=True)])
    return paper_ids


def update_papers(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update papers by their `id`."""
    if rows:
        session.execute(update(Paper), list(rows))


def insert_versions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store versions, which never change."""
    insert_rows(session, PaperVersion, rows)


def insert_keys(session: Session, pairs: Iterable[tuple[str, int]], *, is_new: bool = False) -> None:
    """Store lookup keys, skipping existing ones; `is_new`: the papers have no keys yet."""
    insert_pairs(session, PaperKey, ("key", "paper_id"), list(set(pairs)), is_new=is_new)


def insert_identifiers(session: Session, pairs: Iterable[tuple[str, int]]) -> None:
    """Store further identifiers, skipping those that a paper has already."""
    insert_ignore(
        session, PaperIdentifier, [{"identifier": identifier, "paper_id": paper_id} for identifier, paper_id in pairs]
    )


def merge_paper(session: Session, duplicate: int, survivor: int, *, revision: int) -> None:
    """Move one paper's further identifiers to another and remove its own.

    It stays for the editions that showed it. `revision`: its new one, of which it is withdrawn.
    """
    session.execute(update(Paper).where(col(Paper.merged_into) == duplicate).values(merged_into=survivor))
    session.execute(
        update(Paper)
        .where(col(Paper.id) == duplicate)
        .values(merged_into=survivor, arxiv_id=None, doi=None, withdrawn=True, revision=revision)
    )
    session.execute(update(PaperIdentifier).where(col(PaperIdentifier.paper_id) == duplicate).values(paper_id=survivor))


def insert_signals(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store snapshots, skipping existing ones."""
    insert_ignore(session, Signal, rows)


def reject_keys(source: str, document: str, rejected: Sequence[RejectedItem]) -> list[str]:
    """32 hexadecimal digits for each item, the same whenever it comes again in that document of the source.

    Equal items of one document are told apart by their order.
    """
    counts: Counter[str] = Counter()
    keys = []
    for item in rejected:
        identity = item.identity or item.excerpt or item.reason
        counts[identity] += 1
        parts = (source, document, identity, str(counts[identity]))
        keys.append(hashlib.blake2b("\n".join(parts).encode(errors="replace"), digest_size=16).hexdigest())
    return keys


def update_known_rejects(session: Session, rejected: Mapping[str, RejectedItem], at: datetime) -> set[str]:
    """Count items that are stored already once more, with their newest reason. Returns their keys.

    `rejected`: items by key.
    """
    rows = session.execute(
        select(col(Reject.id), col(Reject.key), col(Reject.times_seen)).where(
            in_values(session, col(Reject.key), list(rejected))
        )
    ).all()
    changes = [
        {"id": row_id, "times_seen": times_seen + 1, "last_seen_at": at, **_reject_columns(rejected[key])}
        for row_id, key, times_seen in rows
    ]
    if changes:
        session.execute(update(Reject), changes)
    return {key for _, key, _ in rows}


def insert_rejects(session: Session, batch_id: int, document: str, rejected: Mapping[str, RejectedItem]) -> None:
    """Store items by key that could not be used, with the reasons."""
    for key, item in rejected.items():
        columns = _reject_columns(item)
        session.add(Reject(batch_id=batch_id, document=one_line(document)[:200], key=key, **columns))


def _reject_columns(item: RejectedItem) -> dict[str, Any]:
    return {
        "position": item.position,
        "reason": one_line(item.reason)[:300],
        "excerpt": one_line(item.excerpt)[:300],
    }
