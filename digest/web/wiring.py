"""The services that the pages show, in the shape the pages want."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from digest.compose.wrap import excerpt
from digest.db import papers as store
from digest.db.engine import reading
from digest.errors import NotFound
from digest.papers import Record
from digest.services import letters, trending
from digest.services.ingest import author_key
from digest.services.preview import preview
from digest.services.resend import resend
from digest.services.views import AuthorPage, PaperPage, Row
from digest.text.tex import readable
from digest.web.given import Given


def given() -> Given:
    """What `web.app.build` takes."""
    return Given(
        preview=preview,
        trending=_trending,
        paper=_paper,
        author=_author,
        edition=letters.web_view,
        resend=resend,
    )


def _trending(category: str | None, limit: int) -> Sequence[Row]:
    return [_row(rising.number, rising.record, rising.trend.facts) for rising in trending.now(category, limit)]


def _row(number: int, record: Record, facts: str = "") -> Row:
    badges = ["code" if record.code_url else "", record.venue or "", *record.institutions]
    return Row(
        id=number,
        title=readable(record.title),
        authors=record.authors,
        categories=record.categories,
        excerpt=excerpt(readable(record.abstract)),
        facts=facts,
        badges=tuple(badge for badge in badges if badge),
    )


def _paper(number: int) -> PaperPage:
    with reading() as session:
        found = store.paper(session, number)
    if found is None:
        raise NotFound("this paper is not known here")
    paper, record = found
    links = [
        ("Abstract", f"https://arxiv.org/abs/{record.arxiv_id}"),
        ("PDF", f"https://arxiv.org/pdf/{record.arxiv_id}"),
    ]
    links = links if record.arxiv_id else []
    links += [("Code", record.code_url)] if record.code_url and re.match("https?://", record.code_url) else []
    return PaperPage(
        row=_row(number, record),
        abstract=readable(record.abstract),
        links=tuple(links),
        announced=date.fromordinal(paper.announcement_id) if paper.announcement_id else None,
        comment=record.comment or "",
    )


def _author(name: str, limit: int) -> AuthorPage:
    with reading() as session:
        found = store.by_author(session, author_key(name), limit)
    if not found:
        raise NotFound("no paper of that author is known here")
    return AuthorPage(name=name, rows=tuple(_row(paper.id or 0, record) for paper, record in found))
