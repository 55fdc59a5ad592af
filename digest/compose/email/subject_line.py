"""Subject, preheader and headline: the best paper, how many more there are, and on which topics."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from digest import i18n
from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email import topic_groups
from digest.compose.email.template_context import Recipient
from digest.compose.email.wording import short_date
from digest.compose.text.text_wrapping import shorten, without_dangling_words
from digest.i18n import localize, localize_plural
from digest.papers.subjects import category_text
from digest.text.folding import ascii_form
from digest.text.person_references import author_name
from digest.text.plain_text import one_line

MAX_SUBJECT_LENGTH = 70  # characters of a subject that a phone still shows
_MIN_TITLE_LENGTH = 36  # room for the title at least, before topics are left out
_MIN_TITLE_SHOWN = 28  # characters of the title at least, before an author or "First edition" are left out
_MAX_ENCODED_BYTES = 45  # bytes that fit one encoded word (RFC 2047); a longer subject that is not ASCII gets folded
_MIN_TITLE_BYTES = 6  # of the title at least, in a subject that is not ASCII
_MAX_LEFT_OUT = 2  # words of a title that dots may stand for
_MAX_PREHEADER_LENGTH = 140
_QUERY = re.compile(r"[\"()*:{}<>]|\b(?:AND|OR|ANDNOT)\b")

MAX_NAMED_CATEGORIES = 2
SILENCE_WINDOW_DAYS = 60  # in which editions are searched for a topic's last paper
_LONG_SILENCE_DAYS = 50  # from then on the number of days may stay the same: older editions are not searched


class SectionCounts(NamedTuple):
    """How many papers each section has."""

    followed: int
    new: int
    rising: int


class WeekFigures(NamedTuple):
    """Papers looked at and papers mailed since a day, a week ago; or since the first known day, where that is later.

    `is_whole`: the day is a week ago, so that the figures are those of the week.
    """

    considered: int
    mailed: int
    since: date
    is_whole: bool


class QuietDay(NamedTuple):
    """What a mail without papers tells of.

    `silent`: the topic that has brought nothing for the most days, and how many, at most SILENCE_WINDOW_DAYS;
    `all_muted`: no topic can match; `week`: None before the first edition.
    """

    silent: tuple[str, int] | None = None
    all_muted: bool = False
    week: WeekFigures | None = None


class _Line(NamedTuple):
    """A possible subject. `shown`: characters of the title that it shows; `suffices`: a fuller one is not needed."""

    text: str
    shown: int
    suffices: bool


class _Source(NamedTuple):
    """What brought the papers after the first: a topic or a field, '' if it is too long to name; `complete`: all."""

    name: str = ""
    complete: bool = False
    is_field: bool = False


def section_counts(entries: Sequence[Entry]) -> SectionCounts:
    """The number of entries by section."""
    sections = [entry.section for entry in entries]
    followed, rising = sections.count(FOLLOWED), sections.count(RISING)
    return SectionCounts(followed, len(sections) - followed - rising, rising)


def headline(edition: Content, recipient: Recipient) -> str:
    """The number of papers by section: `7 new on your topics · 3 rising`."""
    return _headline(
        section_counts(edition.entries), bool(recipient.topics), category_names(recipient), i18n.language_tag()
    )


@lru_cache(maxsize=1024)
def category_names(recipient: Recipient) -> str:
    """The categories of a subscriber without topics: `cs.CL and stat.ML`; '' with topics, without or with many."""
    return localize(" and ").join(named_categories(recipient))


def named_categories(recipient: Recipient) -> list[str]:
    """The categories that headings name, one by one."""
    if recipient.topics or not 0 < len(recipient.categories) <= MAX_NAMED_CATEGORIES:
        return []
    return [one_line(category_text(category)[:60]) for category in recipient.categories]


@lru_cache(maxsize=1024)
def _headline(counts: SectionCounts, has_topics: bool, fields: str, _language: str) -> str:
    followed, new, rising = counts
    if followed:  # three parts have to fit on a phone's line
        parts = [
            localize_plural("%(n)s followed", "%(n)s followed", followed),
            localize_plural("%(n)s new", "%(n)s new", new) if new else "",
        ]
    elif has_topics:
        parts = [localize_plural("%(n)s new on your topics", "%(n)s new on your topics", new) if new else ""]
    elif fields:
        parts = [
            localize_plural("%(n)s new in %(fields)s", "%(n)s new in %(fields)s", new, fields=fields) if new else ""
        ]
    else:
        parts = [localize_plural("%(n)s new for you", "%(n)s new for you", new) if new else ""]
    parts.append(localize_plural("%(n)s rising", "%(n)s rising", rising) if rising else "")
    return " · ".join(part for part in parts if part) or nothing_new(has_topics, fields)


def nothing_new(has_topics: bool, fields: str = "") -> str:
    """The headline of a day without papers. `fields`: `category_names`."""
    if has_topics:
        return localize("Nothing new for your topics today")
    return (
        localize("Nothing new in %(fields)s today", fields=fields) if fields else localize("Nothing new for you today")
    )


def notice_subject(recipient: Recipient, considered: int, quiet: QuietDay) -> str:
    """The subject of a quiet day: what was quiet, with a figure of that day or its date, so that none returns.

    `Nothing on KV cache for 12 days`, else how many papers were announced, else what the week had.
    """
    silent, day = quiet.silent, short_date(recipient.day)
    topic = _notice_topic(silent[0]) if silent and not quiet.all_muted else ""
    if quiet.all_muted:
        return localize("%(day)s: all your topics are muted", day=day)
    if silent and topic and silent[1] >= _LONG_SILENCE_DAYS:
        weeks = _LONG_SILENCE_DAYS // 7
        return localize("%(day)s: nothing on %(topic)s for over %(weeks)s weeks", day=day, topic=topic, weeks=weeks)
    if silent and topic:
        return localize_plural(
            "Nothing on %(topic)s for %(n)s day", "Nothing on %(topic)s for %(n)s days", silent[1], topic=topic
        )
    if considered:
        return _day_without_match(recipient, considered, day)
    return _day_without_announcement(quiet.week, day)


def first_notice_subject(recipient: Recipient, next_day: date) -> str:
    """`Nothing on KV cache yet: your next mail can come on Tue 18 Nov`."""
    day, topic = short_date(next_day), _notice_topic(recipient.topics[0]) if len(recipient.topics) == 1 else ""
    if topic:
        return localize("Nothing on %(topic)s yet: the next mail can come on %(day)s", topic=topic, day=day)
    return localize("No papers for you yet: the next mail can come on %(day)s", day=day)


def _day_without_match(recipient: Recipient, considered: int, day: str) -> str:
    """`Fri 21 Nov: none of 412 papers on your topics`."""
    if recipient.topics:
        return localize_plural(
            "%(day)s: %(n)s paper, not on your topics",
            "%(day)s: none of %(n)s papers on your topics",
            considered,
            day=day,
        )
    if fields := category_names(recipient):
        return localize_plural(
            "%(day)s: %(n)s paper, not in %(fields)s",
            "%(day)s: none of %(n)s papers in %(fields)s",
            considered,
            day=day,
            fields=fields,
        )
    return localize_plural(
        "%(day)s: %(n)s paper, not for you", "%(day)s: none of %(n)s papers for you", considered, day=day
    )


def _day_without_announcement(week: WeekFigures | None, day: str) -> str:
    """`Sun 23 Nov: nothing announced, 5 papers for you this week`; of days that are not known it says nothing."""
    if week is None or not (week.mailed or week.considered):
        return localize("%(day)s: nothing announced", day=day)
    if week.mailed and week.is_whole:
        return localize_plural(
            "%(day)s: nothing announced, %(n)s paper for you this week",
            "%(day)s: nothing announced, %(n)s papers for you this week",
            week.mailed,
            day=day,
        )
    since = short_date(week.since)
    if week.mailed:
        return localize_plural(
            "%(day)s: nothing announced, %(n)s paper for you since %(since)s",
            "%(day)s: nothing announced, %(n)s papers for you since %(since)s",
            week.mailed,
            day=day,
            since=since,
        )
    return localize_plural(
        "%(day)s: nothing announced, %(n)s paper looked at since %(since)s",
        "%(day)s: nothing announced, %(n)s papers looked at since %(since)s",
        week.considered,
        day=day,
        since=since,
    )


_TYPOGRAPHY = str.maketrans(
    {"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "×": "x", "\u00a0": " "}
)


def subject(edition: Content, recipient: Recipient, titles: Sequence[str]) -> str:
    """`Title of the best paper, and 9 more on KV cache`, at most MAX_SUBJECT_LENGTH. `titles`: in the mail's order."""
    prefix = {"resend": localize("Again: "), "welcome": localize("First edition: ")}.get(recipient.kind, "")
    if not titles:
        return f"{prefix}{short_date(recipient.day)}: {nothing_new(bool(recipient.topics), category_names(recipient))}"
    followed = next((author for entry in edition.entries if entry.section == FOLLOWED for author in entry.followed), "")
    if followed:
        followed = f"{shorten_ascii(one_line(author_name(followed)), 24)}: "
    others = [entry for entry in edition.entries if entry.section != FOLLOWED][0 if followed else 1 :]
    source = _common_source(others, recipient)
    title = one_line(titles[0].translate(_TYPOGRAPHY))
    openings = prefix + followed, prefix + ascii_form(followed), prefix, prefix if recipient.kind == "resend" else ""
    return _subject(tuple(dict.fromkeys(openings)), title, len(edition.entries) - 1, source, i18n.language_tag())


@lru_cache(maxsize=8192)
def _subject(openings: Sequence[str], title: str, more: int, source: _Source, _language: str) -> str:
    """The first line that suffices, else the one that shows most of the title."""
    fullest = _Line(_shorten_bytes(title, _MAX_ENCODED_BYTES), -1, suffices=False)
    for line in _lines(openings, title, _endings(more, source), source.name):
        if line.suffices:
            return line.text
        fullest = max(fullest, line, key=lambda candidate: candidate.shown)
    return fullest.text


def _lines(openings: Sequence[str], title: str, endings: Sequence[str], source: str) -> Iterator[_Line]:
    """The lines that fit, the best first: what opens and ends them gets less, the title more room.

    The last of the `endings` is the shortest; the others name the `source`, unless the title that is shown does.
    """
    for opening, spelling, ending in product(openings, _spellings(title), endings):
        room = MAX_SUBJECT_LENGTH - len(opening) - len(ending)
        shown_title = shorten_ascii(spelling, max(room, 12))
        text, is_last = opening + _with_ending(shown_title, ending), ending == endings[-1]
        if len(text) > MAX_SUBJECT_LENGTH or not _fits_encoded(text) or (not is_last and _names(shown_title, source)):
            continue
        length, is_whole = len(shown_title.removesuffix("...")), shown_title == spelling
        suffices = is_whole or (length >= _MIN_TITLE_SHOWN and (is_last or room >= _MIN_TITLE_LENGTH))
        yield _Line(text, length, suffices)
    for opening, ending in product(openings, endings):
        room = _MAX_ENCODED_BYTES - len((opening + ending).encode())
        if room >= _MIN_TITLE_BYTES:
            shown_title = _shorten_bytes(title, room)
            yield _Line(
                opening + _with_ending(shown_title, ending), len(shown_title.removesuffix("...")), suffices=False
            )


def _spellings(title: str) -> list[str]:
    """The title as it is, in ASCII where it has such a form, else with dots for a formula or two that have none."""
    words = [ascii_form(word) for word in title.split(" ")]
    plain = " ".join(word if word.isascii() else "..." for word in words)
    left_out = [word for word in words if not word.isascii()]
    is_readable = len(left_out) <= _MAX_LEFT_OUT and 3 * sum(map(len, left_out)) <= len(title)
    return list(dict.fromkeys((title, plain))) if is_readable else [title]


def _names(title: str, source: str) -> bool:
    """True if the title names the topic: it need not be named again."""
    return bool(re.search(rf"(?<!\w){re.escape(_spaced(source))}", _spaced(title)))


def _spaced(text: str) -> str:
    return text.replace("-", " ").casefold()


def _fits_encoded(line: str) -> bool:
    return line.isascii() or len(line.encode()) <= _MAX_ENCODED_BYTES


def _with_ending(title: str, ending: str) -> str:
    """The title and what follows; dots and a comma never stand together."""
    return title + (ending.removeprefix(",") if title.endswith("...") else ending)


def _endings(more: int, source: _Source) -> list[str]:
    """What follows the title, the fullest first; '' for the only paper."""
    if not more:
        return [""]
    endings = [localize_plural(", and %(n)s more", ", and %(n)s more", more)]
    if source.name and source.is_field:
        endings.insert(
            0,
            localize_plural(", and %(n)s more in %(field)s", ", and %(n)s more in %(field)s", more, field=source.name),
        )
    elif source.name and source.complete:
        endings.insert(
            0,
            localize_plural(", and %(n)s more on %(topic)s", ", and %(n)s more on %(topic)s", more, topic=source.name),
        )
    elif source.name:
        text = localize_plural(
            ", and %(n)s more on %(topic)s etc.", ", and %(n)s more on %(topic)s etc.", more, topic=source.name
        )
        endings.insert(0, text)
    return endings


def shorten_ascii(text: str, max_length: int) -> str:
    """The text, or its beginning up to a word that can stand at the end, with `...`: a subject stays ASCII."""
    if len(text) <= max_length:
        return text
    cut = text[: max(max_length - 3, 1)]
    blank = cut.rfind(" ") if text[len(cut)] != " " else len(cut)
    cut = cut[:blank] if blank > max_length // 2 else cut
    return without_dangling_words(cut).rstrip(".…") + "..."


def _shorten_bytes(text: str, max_bytes: int) -> str:
    """The text, or its beginning with `...`, in at most so many bytes of UTF-8."""
    if len(text.encode()) <= max_bytes:
        return text
    cut = text.encode()[: max_bytes - 3].decode(errors="ignore")
    blank = cut.rfind(" ")
    return (cut[:blank] if blank > len(cut) // 2 else cut).rstrip(" ,;:–-.…") + "..."


def _common_source(entries: Sequence[Entry], recipient: Recipient) -> _Source:
    """The topic that brought most of these papers, or the categories of a subscriber without topics."""
    if not recipient.topics:
        all_new = all(entry.section == NEW for entry in entries)
        return _Source(category_names(recipient) if all_new else "", is_field=True)
    counts = Counter(topic_groups.leading_topic(entry, recipient.topics) for entry in entries)
    for index, papers in counts.most_common():
        if 0 <= index < len(recipient.topics) and (name := _short_topic(recipient.topics[index])):
            return _Source(name, complete=papers == len(entries))
    return _Source()


@lru_cache(maxsize=8192)
def _short_topic(topic: str) -> str:
    """The topic in one line, '' where it is too long for a subject or is a query."""
    line = one_line(topic)
    return line if len(line) <= 32 and not _QUERY.search(line) else ""


def _notice_topic(topic: str) -> str:
    """The topic in one short line, cut where it is long; '' for a query."""
    line = one_line(topic)
    return "" if _QUERY.search(line) else shorten_ascii(line, 32)


def preheader(edition: Content, recipient: Recipient, titles: Sequence[str], excerpt: str = "") -> str:
    """The preview text that an inbox shows after the subject: the titles after the first.

    `excerpt`: of the best paper, which stands there if it is the only one.
    """
    others = "; ".join([shorten(title, 70) for title in titles[1:3]])
    return shorten(others or excerpt or headline(edition, recipient), _MAX_PREHEADER_LENGTH)
