"""Lists of subscribers for administration and retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from digest.matching.profile import Profile
from digest.models import ProfileVersion, Subscriber
from digest.models.subscriber import UNSUBSCRIBED


def all_with_profiles(session: Session) -> list[tuple[Subscriber, Profile]]:
    """Every subscriber with the current profile, an empty one where there is none; oldest first."""
    query = select(Subscriber, ProfileVersion).join(
        ProfileVersion, col(Subscriber.profile_id) == col(ProfileVersion.id), isouter=True
    )
    rows = session.exec(query.order_by(col(Subscriber.id))).all()
    return [(subscriber, Profile.from_json(version.profile) if version else Profile()) for subscriber, version in rows]


def unsubscribed_before(session: Session, before: datetime, *, limit: int) -> Sequence[Subscriber]:
    """Subscribers who left before then; locks their rows."""
    query = select(Subscriber).where(Subscriber.state == UNSUBSCRIBED, col(Subscriber.left_at) < before)
    return session.exec(query.limit(limit).with_for_update()).all()
