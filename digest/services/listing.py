"""Papers as pages list them: titles and abstracts made readable, their links safe, their figures beside them."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col, select

from digest import clock
from digest.compose import blocks
from digest.compose.blocks import PaperBlock
from digest.compose.language import N_, decimal, say
from digest.db import papers as store
from digest.db.engine import reading
from digest.errors import NotFound
from digest.models import AuthorFigure
from digest.papers import Record
from digest.services import trending as rising
from digest.services.known import author_key
from digest.services.views import AuthorPage, PaperPage, Row
from digest.text.names import agree, name
from digest.text.tex import readable

FIGURES = (("h_index", N_("h-index")), ("papers", N_("Papers")), ("citations", N_("Citations")))


def trending(category: str | None, limit: int) -> list[Row]:
    """The papers that rise now, in all fields or in one category."""
    return [row(found.number, found.record, found.trend.facts) for found in rising.now(category, limit)]


def paper(number: int) -> PaperPage:
    """One paper by its number. Raises NotFound."""
    with reading() as session:
        found = store.paper(session, number)
        if found is None:
            raise NotFound(say("there is no such paper here"))
        kept, record = found
        listed = rising.Listing(kept.announcement_id, kept.revision)
        trends = rising.figures(session, {number: listed}, at=clock.now())
    facts = trends[number].facts if number in trends else ""
    return PaperPage(
        row=row(number, record, facts),
        abstract=readable(record.abstract),
        links=_links(blocks.block(record)),
        announced=date.fromordinal(kept.announcement_id) if kept.announcement_id else None,
        comment=readable(record.comment or ""),
    )


def author(wanted: str, limit: int) -> AuthorPage:
    """An author's papers, the newest first, and the figures of a profile page. Raises NotFound."""
    sought = name(wanted)
    with reading() as session:
        found = store.by_author(session, author_key(wanted), limit)
        figures = _figures(session, wanted)
    theirs = [(kept, record) for kept, record in found if any(agree(sought, name(one)) for one in record.authors)]
    if not theirs and not figures:
        raise NotFound(say("no paper here is by that author"))
    return AuthorPage(wanted, tuple(row(kept.id or 0, record) for kept, record in theirs), figures)


def row(number: int, record: Record, facts: str = "") -> Row:
    """A paper as one line of a list."""
    shown = blocks.block(record)
    badges = ((say("withdrawn"),) if record.withdrawn else ()) + ((say("code"),) if shown.code else ())
    return Row(
        id=number,
        title=shown.title,
        authors=record.authors,
        categories=record.categories,
        excerpt=shown.abstract,
        facts=facts,
        badges=badges + ((readable(record.venue),) if record.venue else ()),
    )


def _links(shown: PaperBlock) -> tuple[tuple[str, str], ...]:
    found = (
        (say("Search arXiv for the title") if shown.found_by_search else say("Abstract"), shown.url),
        (say("PDF"), shown.pdf),
        (say("Code"), shown.code),
    )
    return tuple((words, address) for words, address in found if address)


def _figures(session: Session, wanted: str) -> tuple[tuple[str, str], ...]:
    """What the newest profile page of that very name says."""
    query = select(AuthorFigure).where(AuthorFigure.name == wanted).order_by(col(AuthorFigure.taken_at).desc())
    newest = session.exec(query).first()
    known = newest.figures if newest else {}
    return tuple((say(words), decimal(known[key])) for key, words in FIGURES if known.get(key) is not None)
