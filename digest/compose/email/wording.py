"""The sentences of the mails, in one place: counts, dates, reasons, subjects. Short, concrete, in the second person."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from digest import i18n
from digest.compose.edition import FOLLOWED, RISING, Content, Entry
from digest.compose.email.template_context import Reader
from digest.compose.text.highlighting import fold
from digest.compose.text.text_wrapping import shortened
from digest.i18n import count, say
from digest.text import plain_text

SUBJECT = 70  # characters that a phone still shows
one_line = lru_cache(maxsize=8192)(plain_text.one_line)  # topics, names and facts come again in every mail
_QUERY = re.compile(r"[\"()*:{}<>]|\b(?:AND|OR|ANDNOT)\b")


def short_date(day: date) -> str:
    """`Fri 21 Nov`."""
    return i18n.day(day, say("EEE d MMM"))


def long_date(day: date) -> str:
    """`21 Nov 2025`."""
    return i18n.day(day, say("d MMM y"))


def number(value: float) -> str:
    """A count with a comma at thousands: `1,204`."""
    return i18n.decimal(value)


class _Brought(NamedTuple):
    """How many papers each section has; `by`: the followed author named first, '' for none."""

    followed: int
    new: int
    rising: int
    by: str = ""


def _brought(edition: Content) -> _Brought:
    sections = [entry.section for entry in edition.entries]
    followed, rising = sections.count(FOLLOWED), sections.count(RISING)
    names = [name for entry in edition.section(FOLLOWED) for name in entry.followed] if followed else ()
    return _Brought(followed, len(sections) - rising - followed, rising, names[0] if names else "")


def headline(edition: Content) -> str:
    """What the day brought, section by section: `7 new on your topics · 3 rising`."""
    return _headline(_brought(edition), i18n.tag())


@lru_cache(maxsize=1024)
def _headline(brought: _Brought, _language: str) -> str:
    followed, new, rising, _ = brought
    if followed:  # three parts have to fit a phone's line
        parts = [
            count("%(n)s followed", "%(n)s followed", followed),
            count("%(n)s new", "%(n)s new", new) if new else "",
        ]
    else:
        parts = [count("%(n)s new on your topics", "%(n)s new on your topics", new) if new else ""]
    parts.append(count("%(n)s rising", "%(n)s rising", rising) if rising else "")
    return " · ".join(part for part in parts if part) or say("Nothing new for your topics today")


def subject(edition: Content, reader: Reader) -> str:
    """The mail's subject: counts and the topics that brought most of them; never longer than SUBJECT."""
    return _subject(_brought(edition), *_topics(edition, reader), reader.kind, i18n.tag())


@lru_cache(maxsize=8192)
def _subject(brought: _Brought, topics: tuple[str, ...], number: int, kind: str, _language: str) -> str:
    """`number`: how many topics brought papers, those included that can't be named."""
    before = {"resend": say("Again: "), "welcome": say("Welcome: ")}.get(kind, "")
    for named in (*_named(topics, number), ""):
        line = before + " · ".join(_counts(brought, named))
        if len(line) <= SUBJECT:
            break
    # a line that is ASCII needs no encoding, so it is never folded
    return shortened(line if len(line.encode()) <= 52 else line.replace(" · ", ", "), SUBJECT)


def _counts(brought: _Brought, named: str) -> list[str]:
    """The subject's parts; the topics stand behind the first count only."""
    followed, new, rising, by = brought
    parts = []
    if followed:
        parts.append(
            say("New by %(name)s", name=shortened(one_line(by), 28))
            if by
            else count("%(n)s followed", "%(n)s followed", followed)
        )
    if new and named:
        parts.append(count("%(n)s new on %(topics)s", "%(n)s new on %(topics)s", new, topics=named))
    elif new:
        parts.append(count("%(n)s new for you", "%(n)s new for you", new))
    if rising and named and not new:
        parts.append(count("%(n)s rising on %(topics)s", "%(n)s rising on %(topics)s", rising, topics=named))
    elif rising:
        parts.append(count("%(n)s rising", "%(n)s rising", rising))
    return parts or [say("Nothing new for your topics today")]


def _topics(edition: Content, reader: Reader) -> tuple[tuple[str, ...], int]:
    """The two topics that brought most papers and fit a subject, and how many brought any."""
    counts: dict[int, int] = {}
    for entry in edition.entries:
        if entry.section != FOLLOWED:
            topic = _topic(entry)
            counts[topic] = counts.get(topic, 0) + 1
    known = len(reader.topics)
    most = sorted(counts, key=counts.__getitem__, reverse=True)
    topics = [name for index in most if 0 <= index < known and (name := _short(reader.topics[index]))]
    return tuple(topics[:2]), len(counts)


@lru_cache(maxsize=8192)
def _short(topic: str) -> str:
    """The topic in one line, '' where it is too long for a subject or a query."""
    line = one_line(topic)
    return line if len(line) <= 40 and not _QUERY.search(line) else ""


def _named(topics: tuple[str, ...], number: int) -> list[str]:
    """Ways to name the topics, the fullest first: two, one; `and more` where others brought papers too."""
    named = [(", ".join(topics[:n]), number > n) for n in (2, 1) if len(topics) >= n]
    return [say("%(topics)s and more", topics=some) if more else some for some, more in named]


def _topic(entry: Entry) -> int:
    """The topic that gave most of an entry's score; -1 for none."""
    return entry.topic if entry.topic >= 0 else (entry.matched[0][0] if entry.matched else -1)


def preheader(titles: list[str]) -> str:
    """What an inbox shows behind the subject: how the first titles begin."""
    return shortened("; ".join(shortened(title, 70) for title in titles[:3]), 140)


def reason(entry: Entry, reader: Reader, category: str) -> str:
    """Why this paper is here: names, topics and words; '' where it rises and nothing matched."""
    parts = []
    if entry.followed:
        parts.append(say("you follow %(names)s", names=say(" and ").join(one_line(name) for name in entry.followed)))
    known = len(reader.topics)
    matches = [_match(reader.topics[index], words) for index, words in entry.matched if 0 <= index < known]
    if matches:
        topics = "; ".join(matches[:3])
        parts.append(
            say("matches %(topics)s", topics=topics) if entry.strict else say("close to %(topics)s", topics=topics)
        )
    if not parts and entry.section != RISING:
        parts.append(signals(entry) or (say("new in %(field)s", field=category) if category else say("chosen for you")))
    return " · ".join(parts)


def rising(entry: Entry) -> str:
    """The facts behind *rising*, with its arrow; '' in the other sections."""
    if entry.section != RISING:
        return ""
    return f"↑ {one_line(entry.reason).removeprefix('↑').strip() or signals(entry) or say('rising')}"


@lru_cache(maxsize=8192)
def _match(typed: str, words: tuple[str, ...]) -> str:
    """A topic as typed, with the words that matched where they say more than the topic does."""
    topic = shortened(one_line(typed), 60)
    folded = fold(topic)
    more = [one_line(word) for word in words]
    if not more or (all(fold(word) in folded for word in more) and len(" ".join(more)) >= len(topic) - 4):
        return topic
    return f"{topic}: {shortened(', '.join(more), 60)}"


def signals(entry: Entry) -> str:
    """Counters in words: `41 votes, 120 stars`."""
    named = {
        "upvotes": lambda n: count("%(n)s vote", "%(n)s votes", n),
        "stars": lambda n: count("%(n)s star", "%(n)s stars", n),
        "comments": lambda n: count("%(n)s comment", "%(n)s comments", n),
        "citations": lambda n: count("%(n)s citation", "%(n)s citations", n),
        "rank": lambda n: say("number %(n)s on the trending page", n=n),
    }
    told = sorted((name == "rank", place) for place, (name, _) in enumerate(entry.signals) if name in named)
    return ", ".join(named[entry.signals[place][0]](round(entry.signals[place][1])) for _, place in told)


def opening(reader: Reader) -> str:
    """One line that says why this mail is out of the ordinary, '' for a usual day."""
    if reader.kind == "welcome":
        return say(
            "Welcome. This first edition holds the best matches of the last week; from now on you get what is new."
        )
    if reader.kind == "resend":
        return say("You are getting this edition again because it was asked for.")
    return ""


def why(confirmed: date, name: str) -> str:
    """The footer's first sentence: why this mail comes, and since when."""
    return say("You subscribed to %(service)s and confirmed it on %(day)s.", service=name, day=long_date(confirmed))


def announced(papers: int) -> str:
    """`412 papers were announced.`; '' for none."""
    return count("%(n)s paper was announced.", "%(n)s papers were announced.", papers) if papers else ""


def chosen_from(papers: int) -> str:
    """`Chosen from 412 announced papers.`; '' for none."""
    return count("Chosen from %(n)s announced papers.", "Chosen from %(n)s announced papers.", papers) if papers else ""


def past_limit(papers: int) -> str:
    """`3 more matches past your limit.`; '' for none."""
    if not papers:
        return ""
    return count("%(n)s more match past your limit.", "%(n)s more matches past your limit.", papers)


def rolled_over(papers: int) -> str:
    """`3 more papers did not fit into this mail.`; '' for none."""
    if not papers:
        return ""
    return count(
        "%(n)s more paper did not fit into this mail.", "%(n)s more papers did not fit into this mail.", papers
    )
