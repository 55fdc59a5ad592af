"""The preview as it is drawn: bars from zero, a sentence, and titles with the matched words marked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from digest.compose.text.highlighting import fold, pattern
from digest.i18n import count, say
from digest.services.catalog.page_schemas import Preview, PreviewPaper
from digest.text.tex import readable

TALL, FLOOR, HEAD = 64.0, 88.0, 5  # height of the highest bar and of the ground line, in pixels; papers shown
GAP = 0.25  # of a bar's place
WIDE = 14  # places at least: a few days make no wider bars


@dataclass(frozen=True, slots=True)
class Bar:
    """One day. Across in per cent of the width, up and down in pixels."""

    date: date
    total: int
    x: float
    width: float
    middle: float
    y: float
    height: float

    @property
    def figure(self) -> str:
        """The number over the bar, short enough for its place."""
        return short(self.total)


@dataclass(frozen=True, slots=True)
class Titled:
    """A paper with its title in pieces, (text, is it a matched word), and its reason in one line."""

    id: int
    pieces: tuple[tuple[str, bool], ...]
    why: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """All that the preview shows. `capped`: the reader's limit, where a day has more, else 0."""

    days: tuple[Bar, ...]
    span: str
    sentence: str
    top: tuple[Titled, ...]
    capped: int = 0


def draw(preview: Preview, *, limit: int) -> Drawn:
    """The preview of a profile that takes `limit` papers a day."""
    totals = [day.total for day in preview.days]
    return Drawn(
        days=bars([(day.date, day.total) for day in preview.days]),
        span=count("In the last announcement", "In the last %(n)s announcements", len(totals)),
        sentence=sentence(preview.per_day),
        top=tuple(_titled(paper) for paper in preview.top(HEAD)),
        capped=limit if totals and max(totals) > limit else 0,
    )


def bars(days: Sequence[tuple[date, int]]) -> tuple[Bar, ...]:
    """Bars for days and their counts, in that order, the highest `TALL` pixels high."""
    most = max((total for _, total in days), default=0) or 1
    place = 100 / max(len(days), WIDE)
    return tuple(
        Bar(
            date=day,
            total=total,
            x=round((number + GAP / 2) * place, 3),
            width=round(place * (1 - GAP), 3),
            middle=round((number + 0.5) * place, 3),
            y=round(FLOOR - TALL * total / most, 1),
            height=round(TALL * total / most, 1),
        )
        for number, (day, total) in enumerate(days)
    )


def short(number: int) -> str:
    """A number in four characters at most: 999, 1.2k, 84k, 3M."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit * 0.9995:  # what rounds to 1000k is 1M
            shown = number / unit
            return f"{shown:.1f}{name}".replace(".0", "") if shown < 9.95 else f"{shown:.0f}{name}"
    return str(number)


def sentence(per_day: float) -> str:
    """How much mail that is, in words."""
    if per_day == 0:
        return say("No paper matched. Try fewer or wider words.")
    if per_day < 0.75:
        days = round(1 / per_day)
        return say("About one paper every %(days)s days.", days=days) if per_day < 0.6 else say("A paper on most days.")
    return count("About %(n)s paper a day.", "About %(n)s papers a day.", round(per_day))


def pieces(title: str, words: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """The title cut into matched words and the rest, as the mail marks them."""
    found = pattern(words)
    if found is None:
        return ((title, False),)
    spans: list[tuple[int, int]] = []
    for match in found.finditer(fold(title)):
        apart = title[spans[-1][1] : match.start()] if spans else "."
        first = spans.pop()[0] if apart.strip(" -") == "" else match.start()  # neighbours share one mark
        spans.append((first, match.end()))
    cut, at = [], 0
    for first, end in spans:
        cut += [(title[at:first], False), (title[first:end], True)]
        at = end
    return tuple(piece for piece in (*cut, (title[at:], False)) if piece[0])


def _titled(paper: PreviewPaper) -> Titled:
    words = tuple(word for _, found in paper.matched for word in found)
    topics = ", ".join(topic for topic, _ in paper.matched)
    why = say("matches %(topics)s", topics=topics) if paper.strict else say("close to %(topics)s", topics=topics)
    return Titled(paper.id, pieces(readable(paper.title), words), why if topics else "")
