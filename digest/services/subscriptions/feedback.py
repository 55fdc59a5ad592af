"""Feedback from a mail: like a paper, mute a topic or an author, follow an author.

'Less' never guesses: the subscriber chooses a topic or an author. Each change is a new version of the profile and can
be undone in the preferences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from digest import clock, i18n
from digest.compose.edition import Content
from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE
from digest.db.core import engine
from digest.db.papers import papers as paper_store
from digest.db.runs import runs
from digest.db.subscribers import feedback as feedback_store
from digest.db.subscribers import subscribers, threshold_store
from digest.errors import BadInput, NotFound, Refused
from digest.matching.profile import Profile
from digest.matching.profile_limits import MAX_TOPICS
from digest.matching.scoring import relevance_feedback
from digest.models import Edition, ProfileVersion, Subscriber
from digest.services.catalog import epochs
from digest.services.subscriptions.preference_parsers import MAX_AUTHORS, MAX_NAME
from digest.text.tex import readable

PAPER_ONLY, TOPIC, AUTHOR = "paper", "topic", "author"
MAX_NAMED_AUTHORS = 8


@dataclass(frozen=True, slots=True)
class FeedbackTarget:
    """A paper of an edition. `topics`: those that it matched, as typed; `authors`: its first ones."""

    subscriber_id: int
    paper_id: int
    title: str
    topics: tuple[str, ...]
    authors: tuple[str, ...]
    profile: Profile

    def options(self, verb: str) -> tuple[tuple[str, str], ...]:
        """The options of this verb: (value, text)."""
        topics = tuple((f"{TOPIC}:{i}", topic) for i, topic in enumerate(self.topics))
        authors = tuple((f"{AUTHOR}:{i}", author) for i, author in enumerate(self.authors))
        return {LESS: topics + authors, MUTE: topics, FOLLOW: authors}.get(verb, ())


def feedback_target(edition_id: int, paper_id: int) -> FeedbackTarget:
    """The paper of that edition. Raises NotFound."""
    with engine.reading() as session:
        return _target(session, edition_id, paper_id)[0]


def apply_feedback(edition_id: int, paper_id: int, verb: str, choice: str = "") -> str:
    """Apply the feedback and return a line that describes its effect. Repeating it changes nothing.

    `choice`: one of the verb's options, or PAPER_ONLY with LESS. Raises NotFound, BadInput, Refused.
    """
    now = clock.now()
    with engine.transaction() as session:
        target, subscriber = _target(session, edition_id, paper_id, lock=True)
        option = _chosen_option(target, verb, choice)
        if verb in {MORE, LESS}:
            topic = target.topics[0] if target.topics else ""
            feedback_store.store_feedback(session, target.subscriber_id, paper_id, verb, topic=topic, now=now)
            feedback_store.delete_feedback(session, target.subscriber_id, LESS if verb == MORE else MORE, paper_id)
            update_likes(session, subscriber, now=now)
        if option is None:
            if verb == MORE:
                return i18n.localize("Noted. Papers like it move up in your mail.")
            return i18n.localize("Noted. Nothing is muted.")
        kind, option_text = option
        changed_profile, message = _changed_profile(
            subscribers.profile_of(session, subscriber), verb, kind, option_text
        )
        store_profile(session, subscriber, changed_profile, now=now)
        return message


def update_likes(session: Session, subscriber: Subscriber, *, now: datetime) -> None:
    """Recompute the likes in the profile from all liked papers."""
    liked = [
        opinion.paper_id for opinion in feedback_store.feedback_of(session, subscriber.id or 0) if opinion.verb == MORE
    ][: relevance_feedback.MAX_LIKES]
    records = [record for _, record in paper_store.newest_versions_chunked(session, liked)]
    words = relevance_feedback.word_weights(records, epochs.weights(runs.newest_epoch(session)))
    store_profile(session, subscriber, replace(subscribers.profile_of(session, subscriber), likes=words), now=now)


def store_profile(session: Session, subscriber: Subscriber, profile: Profile, *, now: datetime) -> None:
    """Store a new version if the profile changed. Likes do not affect thresholds, so those are copied."""
    previous = subscribers.profile_of(session, subscriber)
    if profile == previous:
        return
    version = subscribers.add_profile_version(session, subscriber.id or 0, profile, now=now)
    if subscriber.profile_id and version.id and replace(profile, likes=previous.likes) == previous:
        threshold_store.copy_threshold(session, subscriber.profile_id, version.id)
    subscriber.profile_id = version.id


def _chosen_option(target: FeedbackTarget, verb: str, choice: str) -> tuple[str, str] | None:
    """The chosen option: (kind, name); None if the verb needs none."""
    if verb == MORE or (verb == LESS and choice == PAPER_ONLY):
        return None
    options = dict(target.options(verb))
    if not choice and verb == MUTE and len(options) == 1:
        choice = next(iter(options))
    if choice not in options:
        raise BadInput(i18n.localize("choice: choose one of the options on the page"), field="choice")
    return choice.partition(":")[0], options[choice]


def _changed_profile(profile: Profile, verb: str, kind: str, option_text: str) -> tuple[Profile, str]:
    """The changed profile, and a line that describes the change. Raises Refused if a list is full."""
    if kind == TOPIC:
        if option_text not in {topic.text for topic in profile.topics}:
            return profile, i18n.localize("‘%(topic)s’ is no longer among your topics.", topic=option_text)
        topics = tuple(replace(topic, muted=topic.muted or topic.text == option_text) for topic in profile.topics)
        return replace(profile, topics=topics), i18n.localize("‘%(topic)s’ is muted.", topic=option_text)
    if verb == FOLLOW:
        if option_text not in profile.authors and len(profile.authors) >= MAX_AUTHORS:
            raise Refused(
                i18n.localize("you follow %(n)s authors already; remove one in your preferences", n=MAX_AUTHORS)
            )
        authors = tuple(dict.fromkeys((*profile.authors, option_text)))
        return replace(profile, authors=authors), i18n.localize(
            "You follow %(name)s. New papers by them come first.", name=option_text
        )
    exclusion = f'au:"{option_text}"'
    if exclusion not in profile.exclusions and len(profile.exclusions) >= MAX_TOPICS:
        raise Refused(i18n.localize("you exclude %(n)s things already; remove one in your preferences", n=MAX_TOPICS))
    exclusions = tuple(dict.fromkeys((*profile.exclusions, exclusion)))
    return replace(profile, exclusions=exclusions), i18n.localize(
        "Papers by %(name)s are no longer sent.", name=option_text
    )


def _target(
    session: Session, edition_id: int, paper_id: int, *, lock: bool = False
) -> tuple[FeedbackTarget, Subscriber]:
    edition = session.get(Edition, edition_id)
    subscriber = subscribers.by_id(session, edition.subscriber_id, lock=lock) if edition else None
    paper = paper_store.paper_by_id(session, paper_id)
    if edition is None or subscriber is None or paper is None:
        raise NotFound(i18n.localize("this edition no longer exists"))
    entries = [entry for entry in Content.from_json(edition.content).entries if entry.paper == paper_id]
    if not entries:
        raise NotFound(i18n.localize("this paper is not in that edition"))
    version = session.get(ProfileVersion, edition.profile_id)
    edition_topics = Profile.from_json(version.profile).topics if version else ()
    topics = tuple(edition_topics[i].text for i, _ in entries[0].matched if 0 <= i < len(edition_topics))
    authors = tuple(dict.fromkeys(filter(None, map(_plain_author, paper[1].authors[:MAX_NAMED_AUTHORS]))))
    profile = subscribers.profile_of(session, subscriber)
    target = FeedbackTarget(subscriber.id or 0, paper_id, readable(paper[1].title), topics, authors, profile)
    return target, subscriber


def _plain_author(name: str) -> str:
    """A name as a person would type it in a query; empty if it is not a name."""
    plain_name = " ".join(readable(name).partition("(")[0].replace('"', " ").replace("*", " ").split())[:MAX_NAME]
    return plain_name if sum(character.isalpha() for character in plain_name) > 1 else ""
