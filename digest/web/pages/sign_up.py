"""The start page with the sign-up form, its preview and trending papers; and the sign-up itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from digest.errors import BadInput, TooMany
from digest.i18n import localize
from digest.matching.profile import Profile, Topic
from digest.queues import Enqueue
from digest.services.catalog import people_choice
from digest.services.subscriptions.pending_imports import PendingPapers, pending_papers
from digest.services.subscriptions.preference_fields import SignUpPreferences, Subscription
from digest.services.subscriptions.sign_up import subscribe
from digest.web.http.client_ip import Client
from digest.web.http.constant_time import run_in_time_steps
from digest.web.http.dependencies import PageServices, Queue, Services
from digest.web.http.error_pages import start_page_link, status_of
from digest.web.http.preview_limits import Previews, PreviewTurn, queued_previews
from digest.web.ui import forms, library_form, preference_form, preview_rows, template_rendering
from digest.web.ui.forms import Form
from digest.web.ui.library_form import LibraryView
from digest.web.ui.page_cache import CachedPage, PageCache, Pages

router = APIRouter(include_in_schema=False)

EXAMPLES = ("offline reinforcement learning", "diffusion model*", "multi-agent systems")
PREVIEW_DAYS, PREVIEW_PAPERS, TRENDING_PAPERS = 14, 50, 12


class TrendingPart:
    """The part of the start page that lists trending papers: rendered once for all forms."""

    def __init__(self, services: PageServices, pages: PageCache) -> None:
        self._services, self._pages = services, pages

    def html(self) -> Markup:
        """The part as HTML; empty if nothing is trending."""
        return Markup(self._pages.get("start: trending", self._make).content.decode())  # noqa: S704 - our template

    def _make(self) -> CachedPage:
        papers = self._services.trending(None, TRENDING_PAPERS)
        return CachedPage(template_rendering.render("_trending.html", papers=papers).encode())


def warm_up(services: PageServices, pages: PageCache) -> list[int]:
    """Compute what the first visitors need: what previews have in common, and the start page with trending papers.

    Returns the best paper of an example's preview, whose page is likely to be opened.
    """
    services.refresh_previews()
    trending = TrendingPart(services, pages)
    pages.page("start", lambda: _render_form(trending, {}))
    example = Profile(topics=(Topic(EXAMPLES[0]),))
    preview = services.preview(example, days=PREVIEW_DAYS, limit=PREVIEW_PAPERS, cancelled=lambda: False)
    template_rendering.render(
        "_preview.html", preview=preview_rows.preview_view(preview, limit=PREVIEW_PAPERS, days=PREVIEW_DAYS)
    )
    return [paper.id for paper in preview.best_papers(1)]


async def _trending_part(services: Services, pages: Pages) -> TrendingPart:
    return TrendingPart(services, pages)


Trending = Annotated[TrendingPart, Depends(_trending_part)]


@router.get("/")
async def start_page(request: Request, trending: Trending, pages: Pages, previews: Previews) -> Response:
    """The form: empty, or filled from the query string and then with its preview. `library`: papers imported before."""
    if not request.query_params:
        return await run_in_threadpool(pages.page, "start", lambda: _render_form(trending, {}))
    values = preference_form.submitted_texts(request.query_params, with_separators=True)
    token = library_form.library_token(request.query_params)
    if values:
        return await previews.run(lambda turn: _form_page_with_preview(trending, values, turn, token))
    return await run_in_threadpool(lambda: form_page(trending, values, library=_library_of(token)))


@router.post("/")
async def preview_page(form: Form, trending: Trending, previews: Previews) -> Response:
    """The form with its preview. It is a POST so that a typed address never appears in a URL.

    A pressed button may choose which person of a name to follow.
    """
    return await previews.run(lambda turn: _submitted_form_page(form, trending, turn))


async def _preview(request: Request) -> Response:
    """The preview alone, for the page's script.

    It comes with most keystrokes, so the route has no dependencies, whose resolution takes a tenth of its time.
    """
    form, previews = await forms.read_form(request), await queued_previews(request)
    return await previews.run(lambda turn: _preview_part(form, turn))


router.add_route("/preview", _preview, methods=["POST"])


def _submitted_form_page(form: FormData, trending: TrendingPart, turn: PreviewTurn) -> HTMLResponse:
    texts = preference_form.submitted_texts(form, with_separators=True)
    if isinstance(reference := form.get("person"), str) and reference.strip():
        authors = people_choice.with_choice(texts.get("authors", "").splitlines(), reference.strip())
        texts["authors"] = "\n".join(filter(None, authors))
    return _form_page_with_preview(trending, texts, turn, library_form.library_token(form), is_posted=True)


def _preview_part(form: FormData, turn: PreviewTurn) -> HTMLResponse:
    try:
        texts = preference_form.submitted_texts(form, with_separators=True)
        view = _preview_of(turn, texts, pending_papers(library_form.library_token(form)))
    except (BadInput, TooMany) as error:
        return _preview_error(error)
    return template_rendering.page_response("_preview.html", preview=view)


def _preview_error(error: BadInput | TooMany) -> HTMLResponse:
    """The error as a part of a page, with the name of its field, or with the seconds to wait."""
    field, text = ("", forms.as_sentence(error))
    if isinstance(error, BadInput):
        field, text = forms.field_error(error) or ("", "")
    response = template_rendering.page_response("_error.html", status=status_of(error), text=text, field=field)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.seconds)
    return response


@router.post("/subscribe")
async def sign_up(form: Form, client: Client, queue: Queue, trending: Trending) -> Response:
    """Send the confirmation. The answer, and the time it takes, are the same for every address."""
    texts = preference_form.submitted_texts(form, with_separators=True)
    token = library_form.library_token(form)
    try:
        await run_in_time_steps(lambda: _subscribe(texts, token, client, queue))
    except (BadInput, TooMany) as error:
        return await run_in_threadpool(_refused_sign_up, trending, texts, token, error)
    # so that reloading the page, or going back to it, does not sign up again
    return RedirectResponse("/subscribed", status_code=303, headers=template_rendering.PRIVATE)


@router.get("/subscribed")
def subscribed() -> HTMLResponse:
    """What to do after a sign-up."""
    return template_rendering.message_page(
        localize("Check your inbox"),
        localize("If the address is correct, a confirmation e-mail is on its way. Confirm it to subscribe."),
        localize("If nothing arrives within ten minutes, check the spam folder or sign up again."),
        private=True,
        next_link=start_page_link(),
    )


def _subscribe(texts: Mapping[str, str], token: str, client: str, queue: Enqueue) -> None:
    preferences = preference_form.parse_preferences(Subscription, texts)
    subscribe(preferences, client, queue, examples=pending_papers(token).examples)


def _refused_sign_up(
    trending: TrendingPart, texts: Mapping[str, str], token: str, error: BadInput | TooMany
) -> HTMLResponse:
    """The form as typed. Too many sign-ups are reported at the address, which is the last field."""
    library = _library_of(token)
    if isinstance(error, BadInput):
        return form_page(trending, texts, error=error, library=library, is_posted=True)
    return form_page(
        trending,
        texts,
        library=library,
        is_posted=True,
        error=BadInput(forms.as_sentence(error), field="address"),
        status=429,
        retry_after=error.seconds,
    )


def _form_page_with_preview(
    trending: TrendingPart,
    values: Mapping[str, str],
    turn: PreviewTurn,
    token: str = "",
    *,
    is_posted: bool = False,
) -> HTMLResponse:
    library = _library_of(token)
    try:
        view = _preview_of(turn, values, pending_papers(token))
        return form_page(trending, values, preview=view, library=library, is_posted=is_posted)
    except (BadInput, TooMany) as error:
        return form_page(trending, values, error=error, library=library, is_posted=is_posted)


def _library_of(token: str) -> LibraryView | None:
    """The papers that were imported before; None without any, and where they are no longer kept."""
    try:
        papers = pending_papers(token).examples
    except BadInput:
        return None
    return LibraryView(len(papers), token) if papers else None


def _preview_of(turn: PreviewTurn, values: Mapping[str, str], papers: PendingPapers) -> preview_rows.PreviewView:
    preferences = preference_form.parse_preferences(SignUpPreferences, values)
    profile = replace(preferences.profile(), examples=papers.terms)
    preview = turn.make_preview(profile, days=PREVIEW_DAYS, limit=PREVIEW_PAPERS, owned=papers.stored_papers)
    if preferences.authors:
        turn.end()  # looking people up may take seconds
    people = people_choice.people_of_authors(preferences.authors, ask=True)
    return replace(preview_rows.preview_view(preview, limit=preferences.limit, days=PREVIEW_DAYS), people=people)


def form_page(
    trending: TrendingPart,
    values: Mapping[str, str],
    *,
    preview: preview_rows.PreviewView | None = None,
    error: BadInput | TooMany | None = None,
    status: int = 0,
    retry_after: int = 0,
    library: LibraryView | None = None,
    is_posted: bool = False,
) -> HTMLResponse:
    """The page with the form filled as typed, and the error, if any, beside its field.

    `is_posted`: it answers a POST. Its script then gives its history entry an address that can be opened by GET.
    """
    page = HTMLResponse(
        _render_form(trending, values, preview=preview, error=error, library=library, is_posted=is_posted),
        status_code=status or (status_of(error) if error else 200),
        headers=template_rendering.PRIVATE if error or library else None,
    )
    if retry_after or isinstance(error, TooMany):
        page.headers["Retry-After"] = str(retry_after or getattr(error, "seconds", 0))
    return page


def _render_form(
    trending: TrendingPart,
    values: Mapping[str, str],
    *,
    preview: preview_rows.PreviewView | None = None,
    error: BadInput | TooMany | None = None,
    library: LibraryView | None = None,
    is_posted: bool = False,
) -> str:
    texts = preference_form.with_defaults(values)
    bad_input = error if isinstance(error, BadInput) else None
    return template_rendering.render(
        "start.html",
        fields=preference_form.grouped_fields(texts, sign_up=True),
        address=texts["address"],
        error=forms.field_error(bad_input),
        busy=forms.as_sentence(error) if isinstance(error, TooMany) else "",
        open=preference_form.has_details(texts) or bool(bad_input and preference_form.is_detail(bad_input.field)),
        examples=EXAMPLES,
        topics=texts["topics"].splitlines(),
        preview=preview,
        library=library,
        library_open=bool(bad_input and bad_input.field == library_form.FIELD),
        trending=trending.html(),
        is_posted=is_posted,
    )
