"""The start page: the subscribe box with its preview, above the papers that rise now; and the sign-up itself."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest.errors import BadInput, TooMany
from digest.i18n import say
from digest.services.subscriptions.preference_fields import SignUpPreferences, Subscription
from digest.services.subscriptions.sign_up import subscribe
from digest.web.http.client_ip import Client
from digest.web.http.constant_time import in_steps
from digest.web.http.dependencies import Given, GivenHere, Queue
from digest.web.http.error_pages import home, status_of
from digest.web.http.preview_limits import LimitedPreview, MakePreview
from digest.web.ui import charts, forms, preference_form, template_rendering
from digest.web.ui.forms import Form

router = APIRouter(include_in_schema=False)

EXAMPLES = ("offline reinforcement learning", "diffusion model*", "multi-agent systems")
DAYS, PAPERS, LISTED = 14, 50, 12


@router.get("/")
def start(request: Request, given: GivenHere, make_preview: LimitedPreview) -> HTMLResponse:
    """The box, empty or with what the address carries, then with its preview."""
    values = preference_form.submitted_texts(request.query_params)
    return _tried(given, values, make_preview) if values else _box(given, values)


@router.post("/")
def try_out(form: Form, given: GivenHere, make_preview: LimitedPreview) -> HTMLResponse:
    """The box with its preview, by a button: so no address typed before stands in a link."""
    return _tried(given, preference_form.submitted_texts(form), make_preview)


@router.post("/preview")
def preview(form: Form, make_preview: LimitedPreview) -> HTMLResponse:
    """The preview alone, for the page's script."""
    try:
        return template_rendering.page(
            "_preview.html", shown=_drawn(make_preview, preference_form.submitted_texts(form))
        )
    except (BadInput, TooMany) as error:
        return template_rendering.page("_error.html", status=status_of(error), text=forms.sentence(error))


@router.post("/subscribe")
async def sign_up(form: Form, client: Client, queue: Queue, given: GivenHere) -> HTMLResponse:
    """Owe the confirmation. The answer, and the time it takes, are the same for every address."""
    values = preference_form.submitted_texts(form)
    try:
        await in_steps(lambda: subscribe(preference_form.read(Subscription, values), client, queue))
    except BadInput as error:
        return await run_in_threadpool(_box, given, values, error=error)
    return template_rendering.message(
        say("Look into your inbox"),
        say("If the address is right, an e-mail with one button is on its way. The papers come after you press it."),
        say("Nothing after ten minutes? Look into the spam folder, or check the address and send it again."),
        private=True,
        further=home(),
    )


def _tried(given: Given, values: Mapping[str, str], make_preview: MakePreview) -> HTMLResponse:
    try:
        return _box(given, values, shown=_drawn(make_preview, values))
    except (BadInput, TooMany) as error:
        return _box(given, values, error=error)


def _drawn(make_preview: MakePreview, values: Mapping[str, str]) -> charts.Drawn:
    wanted = preference_form.read(SignUpPreferences, values)
    return charts.draw(make_preview(wanted.profile(), days=DAYS, limit=PAPERS), limit=wanted.limit)


def _box(
    given: Given,
    values: Mapping[str, str],
    *,
    shown: charts.Drawn | None = None,
    error: BadInput | TooMany | None = None,
) -> HTMLResponse:
    """The page with the box filled; with an error it says where, and keeps what was typed."""
    texts = preference_form.filled(values)
    bad_input = error if isinstance(error, BadInput) else None
    return template_rendering.page(
        "start.html",
        status=status_of(error) if error else 200,
        private=bool(error),
        fields=preference_form.grouped_fields(texts, sign_up=True),
        address=texts["address"],
        error=forms.field_error(bad_input),
        busy=forms.sentence(error) if isinstance(error, TooMany) else "",
        open=preference_form.chosen_details(texts) or bool(bad_input and preference_form.is_detail(bad_input.field)),
        examples=[example for example in EXAMPLES if example not in texts["topics"].splitlines()],
        shown=shown,
        trending=given.trending(None, LISTED),
    )
