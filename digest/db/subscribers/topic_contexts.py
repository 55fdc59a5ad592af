"""The contexts of topics by epoch. A topic's text is not stored, only its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlmodel import Session, col, delete, func, select

from digest.db.core.dialect import in_values, insert_ignore
from digest.matching.scoring.topic_context import PackedContext
from digest.models import Epoch, StoredTopicContext


def stored_contexts(session: Session, epoch_id: int, topics: Iterable[str]) -> dict[str, PackedContext]:
    """The stored contexts of these topics, by text."""
    text_of = {_hash_of(text): text for text in topics}
    if not text_of:
        return {}
    row = StoredTopicContext
    statement = select(row.topic, row.words, row.floor).where(
        col(row.epoch_id) == epoch_id, in_values(session, col(row.topic), sorted(text_of))
    )
    return {text_of[topic]: PackedContext(words, floor) for topic, words, floor in session.execute(statement)}


def store_contexts(session: Session, epoch_id: int, contexts: Mapping[str, PackedContext]) -> None:
    """Store contexts of an epoch; existing ones stay."""
    rows = [
        {"epoch_id": epoch_id, "topic": _hash_of(text), "words": context.words, "floor": context.floor}
        for text, context in sorted(contexts.items())
    ]
    insert_ignore(session, StoredTopicContext, rows)


def delete_of_epochs_before(session: Session, instant: datetime) -> None:
    """Delete the contexts of epochs that began before then, but not of the newest one."""
    newest = select(func.max(Epoch.id)).scalar_subquery()
    old = select(Epoch.id).where(col(Epoch.created_at) < instant, col(Epoch.id) < newest)
    session.execute(delete(StoredTopicContext).where(col(StoredTopicContext.epoch_id).in_(old)))


def _hash_of(text: str) -> int:
    """A topic's number: 64 bits, so that no two topics of an installation share one."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)
