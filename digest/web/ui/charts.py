"""Charts of pages: the preview and the administrator's plots as bars; titles with highlighted words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from digest.compose.email.match_reason import example_part
from digest.compose.text.highlighting import compile_pattern, fold_for_search
from digest.i18n import format_number, localize, localize_plural
from digest.services.catalog.page_schemas import NamedPeople, Preview, PreviewPaper, TopicCount
from digest.text.tex import readable

MAX_HEIGHT, BASELINE, PAPERS_SHOWN = 64.0, 88.0, 5  # pixels, pixels, papers
GAP = 0.25  # of the width of a slot
MIN_SLOTS = 14  # so that a few days do not get wide bars


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one day. Horizontal values are in percent of the width, vertical ones in pixels."""

    date: date
    total: int
    x: float
    width: float
    middle: float
    y: float
    height: float

    @property
    def figure(self) -> str:
        """The number above the bar, abbreviated."""
        return abbreviated(self.total)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A paper: its title in pieces (text, whether it matched), and in one line where it appears and why it matched."""

    id: int
    pieces: tuple[tuple[str, bool], ...]
    why: str


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic with how often it brings a paper, in words. `silent`: never; then maybe a `suggestion`."""

    text: str
    often: str
    silent: bool
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class PreviewView:
    """The content of the preview. `capped`: the daily limit, if a day has more papers, else 0.

    `bounded`: why older announcements are missing, '' where none is. `people`: of followed names that several have.
    """

    days: tuple[Bar, ...]
    span: str
    sentence: str
    top: tuple[PreviewRow, ...]
    capped: int = 0
    bounded: str = ""
    topics: tuple[TopicRow, ...] = ()
    people: tuple[NamedPeople, ...] = ()


def preview_view(preview: Preview, *, limit: int, days: int) -> PreviewView:
    """The view of a preview of a profile with at most `limit` papers a day, over the last `days` days."""
    totals = [day.total for day in preview.days]
    if preview.left_out and preview.days:
        days = (preview.days[-1].date - preview.days[0].date).days + 1
    return PreviewView(
        days=bars([(day.date, day.total) for day in preview.days]),
        span=localize_plural("In the last announcement", "In the last %(n)s announcements", len(totals)),
        sentence=frequency_sentence(preview.per_day),
        top=tuple(_row(paper) for paper in preview.best_papers(PAPERS_SHOWN)),
        capped=limit if totals and max(totals) > limit else 0,
        bounded=_bounded(preview),
        topics=tuple(_topic_row(topic, announcements=len(totals), days=days) for topic in preview.topics),
    )


def _bounded(preview: Preview) -> str:
    if not preview.left_out:
        return ""
    return localize_plural(
        "One older announcement is left out: there are too many papers to match them all at once.",
        "%(n)s older announcements are left out: there are too many papers to match them all at once.",
        preview.left_out,
    )


def _topic_row(topic: TopicCount, *, announcements: int, days: int) -> TopicRow:
    return TopicRow(topic.text, how_often(topic, announcements, days), topic.papers == 0, topic.suggestion)


def how_often(topic: TopicCount, announcements: int, days: int) -> str:
    """How often a topic brings a paper, in a few words."""
    per_day = topic.papers / max(announcements, 1)
    if topic.papers == 0:
        # a minimum: other topics brought more papers than could be counted
        return localize("few") if topic.is_minimum else localize("nothing in %(days)s days", days=days)
    if per_day < 0.75:
        return localize("%(n)s in %(days)s days", n=format_number(topic.papers), days=days)
    if topic.is_minimum:
        return localize("%(n)s a day or more", n=format_number(per_day))
    return localize("%(n)s a day", n=format_number(per_day))


def bars(days: Sequence[tuple[date, int]]) -> tuple[Bar, ...]:
    """Bars for days and their counts, in that order; the highest has `MAX_HEIGHT` pixels."""
    highest = max((total for _, total in days), default=0) or 1
    width, places = _places(len(days))
    return tuple(
        Bar(
            date=day,
            total=total,
            x=x,
            width=width,
            middle=middle,
            y=round(BASELINE - MAX_HEIGHT * total / highest, 1),
            height=round(MAX_HEIGHT * total / highest, 1),
        )
        for (day, total), (x, middle) in zip(days, places, strict=True)
    )


@lru_cache(maxsize=128)
def _places(count: int) -> tuple[float, Sequence[tuple[float, float]]]:
    """The width of each of so many bars, and where each begins and has its middle, in percent."""
    slot_width = 100 / max(count, MIN_SLOTS)
    places = [
        (round((number + GAP / 2) * slot_width, 3), round((number + 0.5) * slot_width, 3)) for number in range(count)
    ]
    return round(slot_width * (1 - GAP), 3), places


def abbreviated(number: int) -> str:
    """A number in at most four characters: 999, 1.2k, 84k, 3M."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit * 0.9995:  # 999,500 rounds to 1M, not to 1000k
            scaled = number / unit
            return f"{scaled:.1f}{name}".replace(".0", "") if scaled < 9.95 else f"{scaled:.0f}{name}"
    return str(number)


def frequency_sentence(per_day: float) -> str:
    """The number of papers a day as a sentence."""
    if per_day == 0:
        return localize("No paper matched. Try fewer or wider words.")
    if per_day < 0.75:
        days = round(1 / per_day)
        return (
            localize("About one paper every %(days)s days.", days=days)
            if per_day < 0.6
            else localize("A paper on most days.")
        )
    return localize_plural("About %(n)s paper a day.", "About %(n)s papers a day.", round(per_day))


def highlighted_pieces(title: str, words: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """The title in pieces (text, whether to highlight it), as in the mail."""
    matcher = compile_pattern(words)
    if matcher is None:
        return ((title, False),)
    spans: list[tuple[int, int]] = []
    for match in matcher.finditer(fold_for_search(title)):
        gap = title[spans[-1][1] : match.start()] if spans else "."
        start = spans.pop()[0] if gap.strip(" -") == "" else match.start()  # highlight adjacent words together
        spans.append((start, match.end()))
    segments, position = [], 0
    for start, end in spans:
        segments += [(title[position:start], False), (title[start:end], True)]
        position = end
    return tuple(piece for piece in (*segments, (title[position:], False)) if piece[0])


def _row(paper: PreviewPaper) -> PreviewRow:
    words = tuple(word for _, matched_words in paper.matched for word in matched_words)
    topics = ", ".join(topic for topic, _ in paper.matched)
    parts = [paper.source] if paper.source else []
    if paper.matched:
        parts.append(
            localize("matches %(topics)s", topics=topics)
            if paper.strict
            else localize("close to %(topics)s", topics=topics)
        )
    if paper.example:
        parts.append(example_part(paper.example, paper.example_words))
    why = " · ".join(parts)
    return PreviewRow(paper.id, highlighted_pieces(readable(paper.title), (*words, *paper.example_words)), why)
