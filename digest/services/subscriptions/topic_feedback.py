"""Feedback by topic on the preferences page: likes and dislikes, mute, cap, papers counted; removing likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content
from digest.compose.email.template_context import LESS, MORE
from digest.db.core import engine
from digest.db.papers import papers as paper_store
from digest.db.subscribers import feedback as feedback_store
from digest.db.subscribers import subscribers
from digest.errors import BadInput, NotFound
from digest.i18n import localize
from digest.matching.profile import Profile, Topic
from digest.models import Subscriber
from digest.models.types import stored_id
from digest.services.subscriptions import feedback, preference_fields, preference_versions
from digest.services.subscriptions.edition_history import main_topic
from digest.services.subscriptions.preference_fields import MAX_LIMIT
from digest.text.tex import readable

COUNTED_DAYS = 90  # how far back papers are counted
MAX_LIKES_LISTED = 50  # liked papers listed


@dataclass(frozen=True, slots=True)
class TopicFeedback:
    """One topic: papers of the last 90 days whose score it dominated, and all feedback on its papers."""

    text: str
    cap: int | None
    muted: bool
    papers: int
    liked: int
    less: int


@dataclass(frozen=True, slots=True)
class FeedbackOverview:
    """What the preferences page shows. `liked`: (paper, title), newest first."""

    topics: tuple[TopicFeedback, ...]
    liked: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class TopicSetting:
    """At most `cap` papers a mail from a topic (None: no limit), or none while muted."""

    cap: int | None = None
    muted: bool = False


def feedback_overview(subscriber_id: int) -> FeedbackOverview:
    """Papers and feedback by topic, and the liked papers. Raises NotFound after erasure."""
    since = clock.now().date() - timedelta(days=COUNTED_DAYS)
    with engine.reading() as session:
        profile = subscribers.profile_of(session, _require_subscriber(session, subscriber_id))
        opinions = feedback_store.feedback_of(session, subscriber_id)
        editions = feedback_store.feedback_editions(session, subscriber_id, since)
        liked = [opinion.paper_id for opinion in opinions if opinion.verb == MORE][:MAX_LIKES_LISTED]
        titles = [
            (stored_id(paper), readable(record.title))
            for paper, record in paper_store.newest_versions_chunked(session, liked)
        ]
    paper_counts: Counter[str] = Counter()
    for edition, version in editions:
        edition_topics = Profile.from_json(version.profile).topics
        paper_counts.update(
            edition_topics[i].text
            for entry in Content.from_json(edition.content).entries
            if 0 <= (i := main_topic(entry)) < len(edition_topics)
        )
    verb_counts = Counter((opinion.verb, opinion.topic) for opinion in opinions)
    topics = (
        TopicFeedback(
            topic.text,
            topic.cap,
            topic.muted,
            paper_counts[topic.text],
            verb_counts[MORE, topic.text],
            verb_counts[LESS, topic.text],
        )
        for topic in profile.topics
    )
    return FeedbackOverview(tuple(topics), tuple(titles))


def save_topic_settings(subscriber_id: int, settings_by_topic: Mapping[str, TopicSetting]) -> None:
    """Set caps and mutes by topic; a topic that no longer exists is ignored. Raises NotFound, BadInput."""
    _check_caps(settings_by_topic)
    with engine.transaction() as session:
        subscriber = _require_subscriber(session, subscriber_id, lock=True)
        profile = subscribers.profile_of(session, subscriber)
        topics = tuple(
            replace(topic, cap=settings_by_topic[topic.text].cap, muted=settings_by_topic[topic.text].muted)
            if topic.text in settings_by_topic
            else topic
            for topic in profile.topics
        )
        feedback.store_profile(session, subscriber, replace(profile, topics=topics), now=clock.now())


def _check_caps(settings_by_topic: Mapping[str, TopicSetting]) -> None:
    """Raises BadInput."""
    for text, topic_setting in settings_by_topic.items():
        if topic_setting.cap is not None and not 1 <= topic_setting.cap <= MAX_LIMIT:
            raise BadInput(
                localize(
                    "cap of ‘%(topic)s’: use a number from 1 to %(most)s, or leave it empty",
                    topic=text[:60],
                    most=MAX_LIMIT,
                ),
                field="cap",
            )


@dataclass(frozen=True, slots=True)
class TopicChange:
    """A topic as its row was submitted. `new_text`: the topic after editing; empty to delete it."""

    text: str
    new_text: str
    setting: TopicSetting = TopicSetting()


def save_topic_rows(
    subscriber_id: int, rows: Sequence[TopicChange], new_topics: Sequence[str], *, shown_versions: str = ""
) -> None:
    """Edit, limit, mute and delete topics, and add further ones. Topics without a row stay.

    `shown_versions`: see `preference_versions.field_versions`. Raises NotFound, BadInput, and Refused as
    `save_section` does.
    """
    _check_caps({row.text: row.setting for row in rows})
    by_text = {row.text: row for row in rows}
    with engine.transaction() as session:
        subscriber = _require_subscriber(session, subscriber_id, lock=True)
        profile = subscribers.profile_of(session, subscriber)
        preference_versions.require_unchanged(shown_versions, subscriber, profile, ("topics",))
        topics = tuple(_edited(topic, by_text.get(topic.text)) for topic in profile.topics)
        texts = dict.fromkeys([*(topic.text for topic in topics if topic.text), *new_topics])
        stored_texts = preference_fields.preference_texts(subscriber, profile)
        checked = preference_fields.validate(
            preference_fields.Preferences,
            stored_texts | {"topics": "\n".join(texts)},
            stored=preference_fields.stored_lists(profile),
        )
        edited = checked.profile(replace(profile, topics=tuple(topic for topic in topics if topic.text)))
        feedback.store_profile(session, subscriber, edited, now=clock.now())


def _edited(topic: Topic, row: TopicChange | None) -> Topic:
    if row is None:
        return topic
    return replace(topic, text=row.new_text.strip(), cap=row.setting.cap, muted=row.setting.muted)


def remove_like(subscriber_id: int, paper_id: int | None = None) -> None:
    """Remove the like of a paper; without a paper, all likes and dislikes. Raises NotFound."""
    with engine.transaction() as session:
        subscriber = _require_subscriber(session, subscriber_id, lock=True)
        for verb in (MORE,) if paper_id else (MORE, LESS):
            feedback_store.delete_feedback(session, subscriber_id, verb, paper_id)
        feedback.update_likes(session, subscriber, now=clock.now())


def liked_papers(subscriber_id: int) -> list[int]:
    """Ids of all papers that the subscriber likes, newest like first. Raises NotFound after erasure."""
    with engine.reading() as session:
        _require_subscriber(session, subscriber_id)
        opinions = feedback_store.feedback_of(session, subscriber_id)
    return [opinion.paper_id for opinion in opinions if opinion.verb == MORE]


def _require_subscriber(session: Session, subscriber_id: int, *, lock: bool = False) -> Subscriber:
    subscriber = subscribers.by_id(session, subscriber_id, lock=lock)
    if subscriber is None:
        raise NotFound(localize("this subscription no longer exists"))
    return subscriber
