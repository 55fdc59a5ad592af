"""Feedback from a mail: like a paper, mute what the reader names, follow an author. Looking changes nothing.

'Less' guesses nothing: the reader names a topic or an author. Every step is a further version of the profile, so each
can be taken back in the preferences.
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
from digest.db.subscribers import feedback as store
from digest.db.subscribers import subscribers, threshold_store
from digest.errors import BadInput, NotFound, Refused
from digest.matching.profile import MAX_TOPICS, Profile
from digest.matching.scoring import relevance_feedback as rule
from digest.models import Edition, ProfileVersion, Subscriber
from digest.services.catalog import epochs
from digest.services.subscriptions.preference_parsers import MAX_AUTHORS, MAX_NAME
from digest.text.tex import readable

JUST_THIS, TOPIC, AUTHOR = "paper", "topic", "author"
NAMED = 8  # authors offered by name


@dataclass(frozen=True, slots=True)
class Said:
    """A paper that a reader may say something of. `topics`: those that brought it, as typed; `authors`: its first."""

    subscriber_id: int
    paper_id: int
    title: str
    topics: tuple[str, ...]
    authors: tuple[str, ...]
    profile: Profile

    def options(self, verb: str) -> tuple[tuple[str, str], ...]:
        """What can be named with this verb: (value, words)."""
        topics = tuple((f"{TOPIC}:{i}", topic) for i, topic in enumerate(self.topics))
        authors = tuple((f"{AUTHOR}:{i}", author) for i, author in enumerate(self.authors))
        return {MORE: (), LESS: topics + authors, MUTE: topics, FOLLOW: authors}[verb]


def look(edition_id: int, paper_id: int) -> Said:
    """The paper of that edition. Raises NotFound."""
    with engine.reading() as session:
        return _said(session, edition_id, paper_id)[0]


def say(edition_id: int, paper_id: int, verb: str, choice: str = "") -> str:
    """Do what was said; returns one line that tells it. May be repeated: a second time changes nothing.

    `choice`: one of the verb's options, or JUST_THIS with LESS. Raises NotFound, BadInput, Refused.
    """
    now = clock.now()
    with engine.transaction() as session:
        said, reader = _said(session, edition_id, paper_id, lock=True)
        named = _named(said, verb, choice)
        if verb in {MORE, LESS}:
            topic = said.topics[0] if said.topics else ""
            store.keep(session, said.subscriber_id, paper_id, verb, topic=topic, now=now)
            store.forget(session, said.subscriber_id, LESS if verb == MORE else MORE, paper_id)
            relearn(session, reader, now=now)
        if named is None:
            if verb == MORE:
                return i18n.say("Noted. Papers like it move up in your mail.")
            return i18n.say("Noted. Nothing is muted.")
        kind, name = named
        changed, told = _changed(subscribers.profile_of(session, reader), verb, kind, name)
        keep_profile(session, reader, changed, now=now)
        return told


def relearn(session: Session, reader: Subscriber, *, now: datetime) -> None:
    """Make the likes of the reader's profile anew from all papers liked."""
    liked = [one.paper_id for one in store.of(session, reader.id or 0) if one.verb == MORE][: rule.NEWEST]
    records = [record for _, record in paper_store.newest_many(session, liked)]
    words = rule.likes(records, epochs.weights(runs.newest_epoch(session)))
    keep_profile(session, reader, replace(subscribers.profile_of(session, reader), likes=words), now=now)


def keep_profile(session: Session, reader: Subscriber, profile: Profile, *, now: datetime) -> None:
    """A further version where something changed. Likes decide no threshold, so those stand as they are."""
    before = subscribers.profile_of(session, reader)
    if profile == before:
        return
    made = subscribers.new_profile(session, reader.id or 0, profile, now=now)
    if reader.profile_id and made.id and replace(profile, likes=before.likes) == before:
        threshold_store.copy(session, reader.profile_id, made.id)
    reader.profile_id = made.id


def _named(said: Said, verb: str, choice: str) -> tuple[str, str] | None:
    """What the reader named: (kind, name); None where nothing needs a name."""
    if verb == MORE or (verb == LESS and choice == JUST_THIS):
        return None
    options = dict(said.options(verb))
    if not choice and verb == MUTE and len(options) == 1:
        choice = next(iter(options))
    if choice not in options:
        raise BadInput(i18n.say("choice: name one of what the page lists"), field="choice")
    return choice.partition(":")[0], options[choice]


def _changed(profile: Profile, verb: str, kind: str, name: str) -> tuple[Profile, str]:
    """The profile with what was named, and one line that tells it. Raises Refused where it is full."""
    if kind == TOPIC:
        if name not in {topic.text for topic in profile.topics}:
            return profile, i18n.say("‘%(topic)s’ is not among your topics any more.", topic=name)
        topics = tuple(replace(topic, muted=topic.muted or topic.text == name) for topic in profile.topics)
        return replace(profile, topics=topics), i18n.say("‘%(topic)s’ is muted.", topic=name)
    if verb == FOLLOW:
        if name not in profile.authors and len(profile.authors) >= MAX_AUTHORS:
            raise Refused(i18n.say("you follow %(n)s authors already; make room in your preferences", n=MAX_AUTHORS))
        authors = tuple(dict.fromkeys((*profile.authors, name)))
        return replace(profile, authors=authors), i18n.say(
            "You follow %(name)s. New papers by them come first.", name=name
        )
    exclusion = f'au:"{name}"'
    if exclusion not in profile.exclusions and len(profile.exclusions) >= MAX_TOPICS:
        raise Refused(i18n.say("you leave out %(n)s things already; make room in your preferences", n=MAX_TOPICS))
    exclusions = tuple(dict.fromkeys((*profile.exclusions, exclusion)))
    return replace(profile, exclusions=exclusions), i18n.say("Papers by %(name)s no longer come.", name=name)


def _said(session: Session, edition_id: int, paper_id: int, *, lock: bool = False) -> tuple[Said, Subscriber]:
    edition = session.get(Edition, edition_id)
    reader = subscribers.by_id(session, edition.subscriber_id, lock=lock) if edition else None
    found = paper_store.paper(session, paper_id)
    if edition is None or reader is None or found is None:
        raise NotFound(i18n.say("this edition no longer exists"))
    entries = [entry for entry in Content.from_json(edition.content).entries if entry.paper == paper_id]
    if not entries:
        raise NotFound(i18n.say("this paper is not in that edition"))
    version = session.get(ProfileVersion, edition.profile_id)
    typed = Profile.from_json(version.profile).topics if version else ()
    topics = tuple(typed[i].text for i, _ in entries[0].matched if 0 <= i < len(typed))
    authors = tuple(dict.fromkeys(filter(None, map(_author, found[1].authors[:NAMED]))))
    profile = subscribers.profile_of(session, reader)
    said = Said(reader.id or 0, paper_id, readable(found[1].title), topics, authors, profile)
    return said, reader


def _author(name: str) -> str:
    """A name as a reader would type it, fit to stand in a query; '' where it is none."""
    plain = " ".join(readable(name).partition("(")[0].replace('"', " ").replace("*", " ").split())[:MAX_NAME]
    return plain if sum(letter.isalpha() for letter in plain) > 1 else ""
