"""A reader's topics by what they brought and how it was liked; their caps and mutes; likes taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content, Entry
from digest.compose.email.template_context import LESS, MORE
from digest.db.core import engine
from digest.db.papers import papers as paper_store
from digest.db.subscribers import feedback as store
from digest.db.subscribers import subscribers
from digest.errors import BadInput, NotFound
from digest.i18n import say
from digest.matching.profile import Profile
from digest.models import Subscriber
from digest.services.subscriptions import feedback
from digest.services.subscriptions.preference_fields import MAX_LIMIT
from digest.text.tex import readable

DAYS = 90  # how far back papers are counted
SHOWN = 50  # liked papers listed


@dataclass(frozen=True, slots=True)
class Figures:
    """One topic: papers of the last 90 days for which it gave most of the score, and what was said of them in all."""

    text: str
    cap: int | None
    muted: bool
    papers: int
    liked: int
    less: int


@dataclass(frozen=True, slots=True)
class Opinions:
    """What the preferences show of it. `liked`: (paper, title), newest first."""

    topics: tuple[Figures, ...]
    liked: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Tuning:
    """How much of a topic a reader wants: at most `cap` papers a mail (None: no bound), or none while muted."""

    cap: int | None = None
    muted: bool = False


def opinions(subscriber_id: int) -> Opinions:
    """What topics brought and what was liked. Raises NotFound after erasure."""
    since = clock.now().date() - timedelta(days=DAYS)
    with engine.reading() as session:
        profile = subscribers.profile_of(session, _present(session, subscriber_id))
        said = store.of(session, subscriber_id)
        editions = store.editions(session, subscriber_id, since)
        liked = [one.paper_id for one in said if one.verb == MORE][:SHOWN]
        titles = [(paper.id or 0, readable(record.title)) for paper, record in paper_store.newest_many(session, liked)]
    brought: Counter[str] = Counter()
    for edition, version in editions:
        typed = Profile.from_json(version.profile).topics
        brought.update(
            typed[i].text for e in Content.from_json(edition.content).entries if 0 <= (i := _of(e)) < len(typed)
        )
    told = Counter((one.verb, one.topic) for one in said)
    topics = (
        Figures(t.text, t.cap, t.muted, brought[t.text], told[MORE, t.text], told[LESS, t.text]) for t in profile.topics
    )
    return Opinions(tuple(topics), tuple(titles))


def tune(subscriber_id: int, wanted: Mapping[str, Tuning]) -> None:
    """Set caps and mutes of topics by their text; a topic that is gone is passed over. Raises NotFound, BadInput."""
    for text, tuning in wanted.items():
        if tuning.cap is not None and not 1 <= tuning.cap <= MAX_LIMIT:
            raise BadInput(
                say("cap of ‘%(topic)s’: a number from 1 to %(most)s, or nothing", topic=text[:60], most=MAX_LIMIT),
                field="cap",
            )
    with engine.transaction() as session:
        reader = _present(session, subscriber_id, lock=True)
        profile = subscribers.profile_of(session, reader)
        topics = tuple(
            replace(topic, cap=wanted[topic.text].cap, muted=wanted[topic.text].muted)
            if topic.text in wanted
            else topic
            for topic in profile.topics
        )
        feedback.keep_profile(session, reader, replace(profile, topics=topics), now=clock.now())


def take_back(subscriber_id: int, paper_id: int | None = None) -> None:
    """Forget that this paper was liked; without a paper, all likes and dislikes. Raises NotFound."""
    with engine.transaction() as session:
        reader = _present(session, subscriber_id, lock=True)
        for verb in (MORE,) if paper_id else (MORE, LESS):
            store.forget(session, subscriber_id, verb, paper_id)
        feedback.relearn(session, reader, now=clock.now())


def _of(entry: Entry) -> int:
    """The topic that gave most of the score; -1 for none."""
    return entry.topic if entry.topic >= 0 else (entry.matched[0][0] if entry.matched else -1)


def _present(session: Session, subscriber_id: int, *, lock: bool = False) -> Subscriber:
    reader = subscribers.by_id(session, subscriber_id, lock=lock)
    if reader is None:
        raise NotFound(say("this subscription no longer exists"))
    return reader
