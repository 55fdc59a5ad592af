"""The start page with the sign-up form, its preview and trending papers; and the sign-up itself."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from digest.errors import BadInput, TooMany
from digest.i18n import localize
from digest.services.subscriptions.preference_fields import SignUpPreferences, Subscription
from digest.services.subscriptions.sign_up import subscribe
from digest.web.http.client_ip import Client
from digest.web.http.constant_time import run_in_time_steps
from digest.web.http.dependencies import PageServices, Queue, Services
from digest.web.http.error_pages import start_page_link, status_of
from digest.web.http.preview_limits import LimitedPreview, MakePreview
from digest.web.ui import charts, forms, preference_form, template_rendering
from digest.web.ui.forms import Form

router = APIRouter(include_in_schema=False)

EXAMPLES = ("offline reinforcement learning", "diffusion model*", "multi-agent systems")
PREVIEW_DAYS, PREVIEW_PAPERS, TRENDING_PAPERS = 14, 50, 12


@router.get("/")
def start_page(request: Request, services: Services, make_preview: LimitedPreview) -> HTMLResponse:
    """The form: empty, or filled from the query string and then with its preview."""
    values = preference_form.submitted_texts(request.query_params, split_commas=True)
    return _form_page_with_preview(services, values, make_preview) if values else _form_page(services, values)


@router.post("/")
def preview_page(form: Form, services: Services, make_preview: LimitedPreview) -> HTMLResponse:
    """The form with its preview. It is a POST so that a typed address never appears in a URL."""
    return _form_page_with_preview(services, preference_form.submitted_texts(form), make_preview)


@router.post("/preview")
def preview(form: Form, make_preview: LimitedPreview) -> HTMLResponse:
    """The preview alone, for the page's script."""
    try:
        return template_rendering.page_response(
            "_preview.html", preview=_preview_of(make_preview, preference_form.submitted_texts(form, split_commas=True))
        )
    except (BadInput, TooMany) as error:
        return template_rendering.page_response("_error.html", status=status_of(error), text=forms.as_sentence(error))


@router.post("/subscribe")
async def sign_up(form: Form, client: Client, queue: Queue, services: Services) -> Response:
    """Send the confirmation. The answer, and the time it takes, are the same for every address."""
    texts = preference_form.submitted_texts(form, split_commas=True)
    try:
        await run_in_time_steps(
            lambda: subscribe(preference_form.parse_preferences(Subscription, texts), client, queue)
        )
    except (BadInput, TooMany) as error:
        return await run_in_threadpool(_refused_sign_up, services, texts, error)
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


def _refused_sign_up(services: PageServices, texts: Mapping[str, str], error: BadInput | TooMany) -> HTMLResponse:
    """The form as typed. Too many sign-ups are reported at the address, which is the last field."""
    if isinstance(error, BadInput):
        return _form_page(services, texts, error=error)
    page = _form_page(services, texts, error=BadInput(forms.as_sentence(error), field="address"), status=429)
    page.headers["Retry-After"] = str(error.seconds)
    return page


def _form_page_with_preview(
    services: PageServices, values: Mapping[str, str], make_preview: MakePreview
) -> HTMLResponse:
    try:
        return _form_page(services, values, preview=_preview_of(make_preview, values))
    except (BadInput, TooMany) as error:
        return _form_page(services, values, error=error)


def _preview_of(make_preview: MakePreview, values: Mapping[str, str]) -> charts.PreviewView:
    preferences = preference_form.parse_preferences(SignUpPreferences, values)
    return charts.preview_view(
        make_preview(preferences.profile(), days=PREVIEW_DAYS, limit=PREVIEW_PAPERS), limit=preferences.limit
    )


def _form_page(
    services: PageServices,
    values: Mapping[str, str],
    *,
    preview: charts.PreviewView | None = None,
    error: BadInput | TooMany | None = None,
    status: int = 0,
) -> HTMLResponse:
    """The page with the form filled as typed, and the error, if any, beside its field."""
    texts = preference_form.with_defaults(values)
    bad_input = error if isinstance(error, BadInput) else None
    return template_rendering.page_response(
        "start.html",
        status=status or (status_of(error) if error else 200),
        private=bool(error),
        fields=preference_form.grouped_fields(texts, sign_up=True),
        address=texts["address"],
        error=forms.field_error(bad_input),
        busy=forms.as_sentence(error) if isinstance(error, TooMany) else "",
        open=preference_form.has_details(texts) or bool(bad_input and preference_form.is_detail(bad_input.field)),
        examples=[example for example in EXAMPLES if example not in texts["topics"].splitlines()],
        preview=preview,
        trending=services.trending(None, TRENDING_PAPERS),
    )
