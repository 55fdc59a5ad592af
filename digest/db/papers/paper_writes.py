"""Writes papers: the lock that orders batches, bulk inserts, rejected items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.exc import DataError
from sqlmodel import Session, col

from digest.db.core.dialect import insert_ignore, insert_pairs, insert_rows, next_ids
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


def merge_paper(session: Session, dropped: int, survivor: int, *, revision: int) -> None:
    """Move one paper's further identifiers to another and remove its own.

    It stays for the editions that showed it. `revision`: its new one, of which it is withdrawn.
    """
    session.execute(update(Paper).where(col(Paper.merged_into) == dropped).values(merged_into=survivor))
    session.execute(
        update(Paper)
        .where(col(Paper.id) == dropped)
        .values(merged_into=survivor, arxiv_id=None, doi=None, withdrawn=True, revision=revision)
    )
    session.execute(update(PaperIdentifier).where(col(PaperIdentifier.paper_id) == dropped).values(paper_id=survivor))


def insert_signals(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store snapshots, skipping existing ones."""
    insert_ignore(session, Signal, rows)


def insert_rejects(session: Session, batch_id: int, document: str, rejected: Iterable[RejectedItem]) -> None:
    """Store the items that could not be used, with the reasons."""
    for item in rejected:
        session.add(
            Reject(
                batch_id=batch_id,
                document=one_line(document)[:200],
                position=item.position,
                reason=one_line(item.reason)[:300],
                excerpt=one_line(item.excerpt)[:300],
            )
        )
