"""Mails without papers: what was looked at and since when, which topic is silent, and one piece of advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content
from digest.compose.email import other_emails
from digest.compose.email.subject_line import SILENCE_WINDOW_DAYS, QuietDay, WeekFigures
from digest.compose.email.template_context import Links, MailService, Recipient, RenderedMail
from digest.db.core.engine import reading
from digest.db.runs.editions import editions_between
from digest.db.subscribers import subscribers
from digest.models import Edition
from digest.models.delivery import FIRST_NOTICE, WELCOME
from digest.services.editions import welcome
from digest.services.subscriptions import send_schedule

MIN_SILENT_DAYS = 7  # a topic without a paper for fewer days is not mentioned
_SILENCE_WINDOW, _WEEK_BEFORE = timedelta(days=SILENCE_WINDOW_DAYS), timedelta(days=6)


@dataclass(frozen=True, slots=True)
class _PastEdition:
    """What an edition tells about quiet days. `since`: the day from which on its papers were announced."""

    day: date
    since: date
    considered: int
    papers: int
    topics: tuple[str, ...]
    matched_topics: frozenset[str]


def topic_texts(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """The topics of a stored profile version, as typed."""
    return tuple([topic["text"] for topic in profile.get("topics", ())])


def muted_topics(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """The topics of a stored profile version that bring nothing because they are muted, as typed."""
    return tuple([topic["text"] for topic in profile.get("topics", ()) if topic.get("muted")])


def mail_without_papers(
    content: Content, subscriber_id: int, recipient: Recipient, links: Links, muted: Sequence[str], service: MailService
) -> RenderedMail:
    """The mail of an edition without papers. A muted topic is not called silent."""
    topics = [topic for topic in recipient.topics if topic not in muted]
    past_editions = _past_editions(subscriber_id, recipient.day)
    quiet = QuietDay(
        silent_topic(past_editions, recipient.day, topics),
        bool(recipient.topics) and not topics,
        week_figures(past_editions, recipient.day),
    )
    return other_emails.no_matches_notice(
        recipient,
        links,
        content.considered,
        quiet=quiet,
        notice=content.notice,
        days_back=content.days_back,
        service=service,
    )


def first_notice(
    subscriber_id: int, at: datetime, links: Links, service: MailService, *, considered: int, since: date | None
) -> RenderedMail | None:
    """The mail to a new subscriber for whom there is no paper yet; None where the subscriber was deleted.

    `at`: when it was queued; `considered`: papers looked at, which were announced from the day `since` on.
    """
    with reading() as session:
        subscriber = subscribers.by_id(session, subscriber_id)
        if subscriber is None:
            return None
        version = subscribers.profile_versions(session, {subscriber.profile_id or 0}).get(subscriber.profile_id or 0)
    profile: Mapping[str, Any] = version.profile if version else {}
    zone = clock.zone_info(subscriber.time_zone)
    recipient = Recipient(
        topics=topic_texts(profile),
        confirmed=(subscriber.confirmed_at or subscriber.created_at).astimezone(zone).date(),
        day=at.astimezone(zone).date(),
        kind=FIRST_NOTICE,
        categories=tuple(profile.get("categories", ())),
    )
    next_day = send_schedule.due_after(subscriber, at).astimezone(zone).date()
    return other_emails.first_notice(
        recipient,
        links,
        considered,
        since=since,
        next_day=next_day,
        comes_anyway=subscriber.quiet_day == "notice",
        service=service,
    )


def week_figures(past_editions: Sequence[_PastEdition], day: date) -> WeekFigures | None:
    """The papers looked at and mailed in the seven days up to `day`, or since the first edition; None without any."""
    week = [edition for edition in past_editions if edition.day >= day - _WEEK_BEFORE]
    if not week:
        return None
    before = past_editions[: len(past_editions) - len(week)]
    since = before[-1].day if before else week[0].since
    return WeekFigures(
        considered=sum(edition.considered for edition in week),
        mailed=sum(edition.papers for edition in week),
        since=since,
        is_whole=since <= day - _WEEK_BEFORE,
    )


def silent_topic(past_editions: Sequence[_PastEdition], day: date, topics: Sequence[str]) -> tuple[str, int] | None:
    """The topic without a paper for the most days before `day`, and how many; None within MIN_SILENT_DAYS.

    A topic counts by its text, from the first edition on that was chosen with it: earlier days are not known.
    """
    last_days: dict[str, date] = {}
    for edition in past_editions:
        for text in edition.topics:
            last_days.setdefault(text, edition.since)
        last_days |= dict.fromkeys(edition.matched_topics, edition.day)
    silences = [((day - last_days[topic]).days, topic) for topic in topics if topic in last_days]
    days, topic = max(silences, default=(0, ""), key=lambda silence: silence[0])
    return (topic, days) if days >= MIN_SILENT_DAYS else None


def _past_editions(subscriber_id: int, day: date) -> list[_PastEdition]:
    """The subscriber's editions of the SILENCE_WINDOW_DAYS up to `day`, by day."""
    with reading() as session:
        editions = editions_between(session, subscriber_id, day - _SILENCE_WINDOW, day)
        versions = subscribers.profile_versions(session, {edition.profile_id for edition in editions})
        texts = {version_id: topic_texts(version.profile) for version_id, version in versions.items()}
        return [_past_edition(session, edition, texts.get(edition.profile_id, ())) for edition in editions]


def _past_edition(session: Session, edition: Edition, topics: tuple[str, ...]) -> _PastEdition:
    content = Content.from_json(edition.content)
    looks_back = edition.kind == WELCOME or content.days_back > 0
    # what stood beyond the limit is not known any more: a topic may have been there
    since = _first_announcement(session, edition) if looks_back and not content.more else edition.day
    matched = [topics[index] for entry in content.entries for index, _ in entry.matched if index < len(topics)]
    return _PastEdition(edition.day, since, content.considered, edition.papers, topics, frozenset(matched))


def _first_announcement(session: Session, edition: Edition) -> date:
    """The day of the first announcement that a first edition looks at."""
    oldest = min(welcome.announcements_of_two_weeks(session, edition.announcement_id), default=None)
    return min(date.fromordinal(oldest), edition.day) if oldest else edition.day
