"""The preview as pages show it: papers with the reason why they matched, topics with how often they do, and bars. Pure.

The wording of reasons is that of mails (`compose/email/match_reason.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from digest.compose.email.match_reason import example_part, topics_part
from digest.compose.text.highlighting import highlighted_pieces
from digest.i18n import format_number, localize, localize_plural
from digest.services.catalog.page_schemas import NamedPeople, Preview, PreviewPaper, TopicCount
from digest.text.tex import readable
from digest.web.ui import charts

PAPERS_SHOWN = 5


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

    days: tuple[charts.Bar, ...]
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
        days=charts.bars([(day.date, day.total) for day in preview.days]),
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


def _row(paper: PreviewPaper) -> PreviewRow:
    words = tuple(word for _, matched_words in paper.matched for word in matched_words)
    topics = ", ".join(topic for topic, _ in paper.matched)
    parts = [paper.source] if paper.source else []
    if paper.matched:
        parts.append(topics_part(topics, strict=paper.strict))
    if paper.example:
        parts.append(example_part(paper.example, paper.example_words))
    why = " · ".join(parts)
    return PreviewRow(paper.id, highlighted_pieces(readable(paper.title), (*words, *paper.example_words)), why)
