"""A sign-up with the address of an active subscriber: its topics and authors can be added to the subscription."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from digest.db.subscribers import subscribers
from digest.errors import Refused
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.matching.profile_limits import MAX_TOPICS
from digest.matching.query.profile_limit_checks import check_cost
from digest.models import SignUpRequest, Subscriber
from digest.models.types import stored_id
from digest.services.security.link_and_session_lifetimes import lifetime
from digest.services.subscriptions.preference_parsers import MAX_AUTHORS
from digest.signing import CONFIRM


def new_parts(requested: Profile, current: Profile) -> Profile | None:
    """The requested topics and authors that the subscription lacks; None if there are none."""
    texts = {topic.text for topic in current.topics}
    topics = tuple(topic for topic in requested.topics if topic.text not in texts)
    authors = tuple(name for name in requested.authors if name not in current.authors)
    return Profile(topics=topics, authors=authors) if topics or authors else None


def profile_addition(
    session: Session, subscriber: Subscriber, request: SignUpRequest, *, now: datetime
) -> Profile | None:
    """The topics and authors that this sign-up would add to the active subscription; None if it adds nothing.

    A sign-up from before the subscription was confirmed adds nothing, nor does one whose link is out of date.
    """
    is_later = subscriber.confirmed_at is not None and request.created_at > subscriber.confirmed_at
    if not is_later or request.confirmed_at is not None or request.created_at < now - lifetime(CONFIRM):
        return None
    return new_parts(Profile.from_json(request.profile), subscribers.profile_of(session, subscriber))


def store_addition(
    session: Session, subscriber: Subscriber, request: SignUpRequest, addition: Profile, *, now: datetime
) -> None:
    """Store the profile with the addition. Raises Refused for too many topics or authors, BadInput if too costly."""
    before = subscribers.profile_of(session, subscriber)
    topics, authors = (*before.topics, *addition.topics), (*before.authors, *addition.authors)
    if len(topics) > MAX_TOPICS or len(authors) > MAX_AUTHORS:
        raise Refused(
            localize(
                "that would be more than %(topics)s topics or %(authors)s authors; remove some in your preferences",
                topics=MAX_TOPICS,
                authors=MAX_AUTHORS,
            )
        )
    profile = replace(before, topics=topics, authors=authors)
    check_cost(profile)
    subscriber.profile_id = subscribers.add_profile_version(session, stored_id(subscriber), profile, now=now).id
    request.confirmed_at = now
