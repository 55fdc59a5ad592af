"""Citation files of a paper, an edition and a subscriber's liked papers, to download."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from digest.compose.citations.citation_formats import FORMATS_BY_SUFFIX, CitationFormat
from digest.errors import NotFound
from digest.i18n import localize
from digest.services.catalog import paper_exports
from digest.services.catalog.paper_exports import CitationFile
from digest.services.editions import web_view
from digest.services.security import signed_links
from digest.services.subscriptions import topic_feedback
from digest.signing import EDITION, FEED, PREFERENCES
from digest.web.ui import template_rendering

router = APIRouter(include_in_schema=False)

_PUBLIC = {"Cache-Control": "public, max-age=900"}


@router.get("/papers/{paper_id}.bib")
@router.get("/papers/{paper_id}.ris")
@router.get("/papers/{paper_id}.json")
def paper(paper_id: str, request: Request, encoding: str = "unicode") -> Response:
    """One paper."""
    if not (paper_id.isascii() and paper_id.isdecimal() and len(paper_id) <= 10 and 0 < int(paper_id) < 2**31):
        raise NotFound(localize("there is no such paper here"))
    tex = paper_exports.is_tex(encoding)
    return download(paper_exports.export_paper(int(paper_id), _format(request), tex=tex), private=False)


@router.get("/editions/{token}.bib")
@router.get("/editions/{token}.ris")
@router.get("/editions/{token}.json")
def edition(token: str, request: Request, encoding: str = "unicode") -> Response:
    """The papers of an edition, by the link of its web view."""
    (edition_id,) = signed_links.read_token(EDITION, token)
    return _edition_file(edition_id, request, encoding)


@router.get("/feeds/editions/{token}.bib")
@router.get("/feeds/editions/{token}.ris")
@router.get("/feeds/editions/{token}.json")
def feed_edition(token: str, request: Request, encoding: str = "unicode") -> Response:
    """The same, by the edition's link in a feed."""
    _, edition_id = signed_links.read_token(FEED, token, count=2)
    return _edition_file(edition_id, request, encoding)


@router.get("/preferences/{token}/liked.bib")
@router.get("/preferences/{token}/liked.ris")
@router.get("/preferences/{token}/liked.json")
def liked_papers(token: str, request: Request, encoding: str = "unicode") -> Response:
    """All papers that a subscriber likes, by the preferences link."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    tex = paper_exports.is_tex(encoding)
    paper_ids = topic_feedback.liked_papers(subscriber_id)
    return download(paper_exports.export_papers(paper_ids, _format(request), tex=tex, name="liked-papers"))


def download(file: CitationFile, *, private: bool = True) -> Response:
    """The file as an attachment. `private`: for one person only, so it must not be cached or indexed."""
    headers = template_rendering.PRIVATE if private else _PUBLIC
    return Response(
        file.content,
        media_type=file.media_type,
        headers={**headers, "Content-Disposition": f'attachment; filename="{file.name}"'},
    )


def _edition_file(edition_id: int, request: Request, encoding: str) -> Response:
    tex = paper_exports.is_tex(encoding)
    paper_ids = web_view.edition_papers(edition_id)
    return download(paper_exports.export_papers(paper_ids, _format(request), tex=tex, name=f"edition-{edition_id}"))


def _format(request: Request) -> CitationFormat:
    """The format by the suffix of the address."""
    return FORMATS_BY_SUFFIX[request.url.path.rpartition(".")[2]]
