"""The sentences of the mails, in one place: counts, dates, reasons, subjects. Short, concrete, in the second person."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from functools import lru_cache

from digest.compose.edition import FOLLOWED, RISING, Content, Entry
from digest.compose.views import Reader
from digest.compose.words import fold
from digest.compose.wrap import shortened
from digest.text import plain

SUBJECT = 70  # characters that a phone still shows
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
one_line = lru_cache(maxsize=8192)(plain.one_line)  # topics, names and facts come again in every mail
_QUERY = re.compile(r"[\"()*:{}<>]|\b(?:AND|OR|ANDNOT)\b")


def short_date(day: date) -> str:
    """`Fri 21 Nov`."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def long_date(day: date) -> str:
    """`21 Nov 2025`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def number(value: float) -> str:
    """A count with a comma at thousands: `1,204`."""
    return f"{value:,.0f}"


def plural(count: int, one: str, many: str) -> str:
    """`1 paper`, `2 papers`."""
    return f"{number(count)} {one if count == 1 else many}"


def headline(edition: Content) -> str:
    """What the day brought: `7 new on your topics · 3 rising`."""
    rising = len(edition.section(RISING))
    new = len(edition.entries) - rising
    parts = [f"{new} new on your topics" if new else "", f"{rising} rising" if rising else ""]
    return " · ".join(part for part in parts if part) or "Nothing new for your topics today"


def subject(edition: Content, reader: Reader) -> str:
    """The mail's subject: counts and the topics that brought most of them; never longer than SUBJECT."""
    before = {"resend": "Again: ", "welcome": "Welcome: "}.get(reader.kind, "")
    for named in (*_named(edition, reader), ""):
        line = before + " · ".join(_counts(edition, named))
        if len(line) <= SUBJECT:
            break
    # a line that is ASCII needs no encoding, so it is never folded
    return shortened(line if len(line.encode()) <= 52 else line.replace(" · ", ", "), SUBJECT)


def _counts(edition: Content, named: str) -> list[str]:
    """The subject's parts; the topics stand behind the first count only."""
    followed = edition.section(FOLLOWED)
    rising = len(edition.section(RISING))
    new = len(edition.entries) - rising - len(followed)
    on = f" on {named}" if named else ""
    parts = []
    if followed:
        names = [name for entry in followed for name in entry.followed]
        parts.append(
            f"New by {shortened(one_line(names[0]), 28)}" if names else plural(len(followed), "followed", "followed")
        )
    if new:
        parts.append(f"{new} new{on or ' for you'}")
    if rising:
        parts.append(f"{rising} rising{'' if new else on}")
    return parts or ["Nothing new for your topics today"]


def _named(edition: Content, reader: Reader) -> list[str]:
    """Ways to name the topics, the fullest first: two, one, none; `and more` where others brought papers too."""
    counts = Counter(_topic(entry) for entry in edition.entries if entry.section != FOLLOWED)
    topics = [one_line(reader.topics[index]) for index, _ in counts.most_common() if 0 <= index < len(reader.topics)]
    topics = [topic for topic in topics if topic and len(topic) <= 40 and not _QUERY.search(topic)]
    return [", ".join(topics[:n]) + (" and more" if len(counts) > n else "") for n in (2, 1) if len(topics) >= n]


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
        parts.append("you follow " + " and ".join(one_line(name) for name in entry.followed))
    matches = [_match(index, words, reader) for index, words in entry.matched if 0 <= index < len(reader.topics)]
    if matches:
        parts.append(("matches " if entry.strict else "close to ") + "; ".join(matches[:3]))
    if not parts and entry.section != RISING:
        parts.append(signals(entry) or (f"new in {category}" if category else "chosen for you"))
    return " · ".join(parts)


def rising(entry: Entry) -> str:
    """The facts behind *rising*, with its arrow; '' in the other sections."""
    if entry.section != RISING:
        return ""
    return f"↑ {one_line(entry.reason).removeprefix('↑').strip() or signals(entry) or 'rising'}"


def _match(index: int, words: tuple[str, ...], reader: Reader) -> str:
    """A topic as typed, with the words that matched where they say more than the topic does."""
    topic = shortened(one_line(reader.topics[index]), 60)
    folded = fold(topic)
    more = [one_line(word) for word in words]
    if not more or (all(fold(word) in folded for word in more) and len(" ".join(more)) >= len(topic) - 4):
        return topic
    return f"{topic}: {shortened(', '.join(more), 60)}"


def signals(entry: Entry) -> str:
    """Counters in words: `41 votes, 120 stars`."""
    names = {"upvotes": ("vote", "votes"), "stars": ("star", "stars"), "comments": ("comment", "comments"),
             "citations": ("citation", "citations")}  # fmt: skip
    told = [plural(int(value), *names[name]) for name, value in entry.signals if name in names]
    ranks = [f"number {value:.0f} on the trending page" for name, value in entry.signals if name == "rank"]
    return ", ".join(told + ranks)


def opening(reader: Reader) -> str:
    """One line that says why this mail is out of the ordinary, '' for a usual day."""
    if reader.kind == "welcome":
        return "Welcome. This first edition holds the best matches of the last week; from now on you get what is new."
    if reader.kind == "resend":
        return "You are getting this edition again because it was asked for."
    return ""


def why(reader: Reader, name: str) -> str:
    """The footer's first sentence: why this mail comes, and since when."""
    return f"You subscribed to {name} and confirmed it on {long_date(reader.confirmed)}."
