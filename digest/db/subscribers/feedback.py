"""Subscribers' feedback on papers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, col, delete, select

from digest.db.core.dialect import insert_ignore
from digest.models import Edition, Feedback, ProfileVersion


def store_feedback(
    session: Session, subscriber_id: int, paper_id: int, verb: str, *, topic: str, now: datetime
) -> None:
    """Store feedback; repeated feedback changes nothing."""
    row = {"subscriber_id": subscriber_id, "paper_id": paper_id, "verb": verb, "topic": topic, "at": now}
    insert_ignore(session, Feedback, [row])


def feedback_of(session: Session, subscriber_id: int) -> Sequence[Feedback]:
    """All feedback of a subscriber, newest first."""
    statement = select(Feedback).where(Feedback.subscriber_id == subscriber_id)
    return session.exec(statement.order_by(col(Feedback.id).desc())).all()


def delete_feedback(session: Session, subscriber_id: int, verb: str, paper_id: int | None = None) -> None:
    """Delete feedback on one paper, or on all."""
    statement = delete(Feedback).where(col(Feedback.subscriber_id) == subscriber_id, col(Feedback.verb) == verb)
    if paper_id is not None:
        statement = statement.where(col(Feedback.paper_id) == paper_id)
    session.exec(statement)


def feedback_editions(session: Session, subscriber_id: int, since: date) -> Sequence[tuple[Edition, ProfileVersion]]:
    """A subscriber's editions since that day, each with the profile version it was made for."""
    statement = (
        select(Edition, ProfileVersion)
        .join(ProfileVersion, col(ProfileVersion.id) == col(Edition.profile_id))
        .where(Edition.subscriber_id == subscriber_id, Edition.day >= since, col(Edition.cancelled).is_(False))
    )
    return session.exec(statement).all()
