"""Papers as pages list them: titles and abstracts made readable, their links safe, their figures beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import mean
from typing import Any

from digest import clock
from digest.compose.email import paper_block
from digest.compose.email.paper_block import PaperBlock
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers import quality_figures as people
from digest.db.papers import summaries as summary_store
from digest.errors import N_, NotFound
from digest.i18n import decimal, translate
from digest.papers import Record, author_key
from digest.services.catalog import novelty_and_score
from digest.services.catalog import trending as rising
from digest.services.catalog.novelty_and_score import PaperFigures
from digest.services.catalog.page_schemas import AuthorPage, PaperPage, PaperRow
from digest.sources import registry
from digest.text.person_names import names_agree, parse_name
from digest.text.plain_text import one_line
from digest.text.tex import readable

FIGURES = (("h_index", N_("h-index")), ("papers", N_("Papers")), ("citations", N_("Citations")))
_PRINTED = (("novelty", N_("Novelty")), ("ai_score", N_("Score")))  # a page's own, where we know none of the papers
_UNKNOWN = PaperFigures()


def trending(category: str | None, limit: int) -> list[PaperRow]:
    """The papers that rise now, in all fields or in one category."""
    listed = rising.current_trending(category, limit)
    with reading() as session:
        known = novelty_and_score.figures_of(
            session, {f.number: f.record for f in listed}, {f.number: f.trend for f in listed}
        )
    return [row(found.number, found.record, found.trend.facts, known[found.number]) for found in listed]


def paper(number: int) -> PaperPage:
    """One paper by its number. Raises NotFound."""
    with reading() as session:
        found = store.paper_by_id(session, number)
        if found is None:
            raise NotFound(translate("there is no such paper here"))
        kept, record = found
        listed = rising.Listing(kept.announcement_id, kept.revision)
        trends = rising.ranked(session, {number: listed}, at=clock.now())
        figures = novelty_and_score.figures_of(session, {number: record}, trends)[number]
        near = store.paper_by_id(session, figures.nearest) if figures.nearest else None
        summaries = summary_store.summaries_of(session, [number]).get(number, [])
    facts = trends[number].facts if number in trends else ""
    shown = paper_block.paper_block(record, summaries=summaries)
    return PaperPage(
        row=row(number, record, facts, figures),
        nearest=(near[0].id or 0, paper_block.paper_block(near[1]).title) if near else None,
        abstract=readable(record.abstract),
        links=_links(shown),
        announced=date.fromordinal(kept.announcement_id) if kept.announcement_id else None,
        comment=readable(record.comment or ""),
        summary=(shown.origin.unescape(), shown.shown_summary.unescape()) if shown.shown_summary else None,
    )


def author(wanted: str, limit: int) -> AuthorPage:
    """An author's papers, the newest first, and the figures of a profile page. Raises NotFound."""
    sought = parse_name(wanted)
    with reading() as session:
        found = store.by_author(session, author_key(wanted), limit)
        printed = people.author_figures(session, [wanted], registry.fallback_figures()).get(wanted, {})
        theirs = [(p, r) for p, r in found if any(names_agree(sought, parse_name(one)) for one in r.authors)]
        records = {p.id or 0: r for p, r in theirs}
        listings = {p.id or 0: rising.Listing(p.announcement_id, p.revision) for p, _ in theirs}
        known = novelty_and_score.figures_of(session, records, rising.ranked(session, listings, at=clock.now()))
    if not theirs and not printed:
        raise NotFound(translate("no paper here is by that author"))
    rows = tuple(row(number, record, figures=known[number]) for number, record in records.items())
    return AuthorPage(one_line(wanted), rows, _figures(printed, rows))


def row(number: int, record: Record, facts: str = "", figures: PaperFigures = _UNKNOWN) -> PaperRow:
    """A paper as one line of a list."""
    shown = paper_block.paper_block(record)
    badges = ((translate("withdrawn"),) if record.withdrawn else ()) + ((translate("code"),) if shown.code else ())
    badges += (readable(record.venue),) if record.venue else ()
    badges += tuple(readable(place) for place in record.institutions[:1])
    score = figures.quality.score if figures.quality else None
    badges += (translate("unusual for its field"),) if paper_block.is_unusual(figures.novelty) else ()
    repeats_novelty = figures.quality is not None and set(figures.quality.parts) == {"novelty"}
    badges += (translate("score %(n)s", n=score),) if score is not None and not repeats_novelty else ()
    return PaperRow(
        id=number,
        title=shown.title,
        authors=record.authors,
        categories=record.categories,
        excerpt=shown.abstract,
        facts=facts,
        badges=badges,
        novelty=figures.novelty,
        score=score,
        parts=tuple(figures.quality.parts.items()) if figures.quality else (),
    )


def _links(shown: PaperBlock) -> tuple[tuple[str, str], ...]:
    found = (
        (translate("Search arXiv for the title") if shown.found_by_search else translate("Abstract"), shown.url),
        (translate("PDF"), shown.pdf),
        (translate("Code"), shown.code),
    )
    return tuple((words, address) for words, address in found if address)


def _figures(printed: Mapping[str, Any], rows: Sequence[PaperRow]) -> tuple[tuple[str, str], ...]:
    """What a source prints of the author, then what is known of the papers here: their mean novelty and score."""
    shown = [(translate(words), decimal(printed[key])) for key, words in FIGURES if printed.get(key) is not None]
    ours = {
        "novelty": [row.novelty for row in rows if row.novelty is not None],
        "ai_score": [row.score for row in rows if row.score is not None],
    }
    for key, words in _PRINTED:
        if ours[key] or printed.get(key) is not None:
            shown.append((translate(words), decimal(mean(ours[key]) if ours[key] else printed[key])))
    return tuple(shown)
