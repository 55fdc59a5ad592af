"""Feedback on a paper from a mail. GET shows buttons, because mail scanners follow links; POST acts.

A mail has one link a paper, to a page that offers more and less: a page with a button has to be in between anyway, so
three links a paper would save no step.
"""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE, RATE, feedback_suffix
from digest.errors import N_, BadInput
from digest.i18n import localize
from digest.services.security import signed_links
from digest.services.subscriptions import feedback
from digest.services.subscriptions.feedback import PAPER_ONLY, FeedbackTarget
from digest.web.http.action_results import ActionResult, redirect_to_result
from digest.web.http.request_rates import count_feedback
from digest.web.ui import forms, template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)

_QUESTIONS = {  # verb: (heading, effect, button)
    MORE: (
        N_("More like this?"),
        N_("Papers with its words move up in your mail. Nothing else changes."),
        N_("More like this"),
    ),
    LESS: (
        N_("Less of what?"),
        N_("A topic is muted until you unmute it; papers by an author are no longer sent."),
        N_("Less of it"),
    ),
    MUTE: (
        N_("Mute the topic?"),
        N_("It brings no more papers until you unmute it in your preferences."),
        N_("Mute it"),
    ),
    FOLLOW: (N_("Follow an author?"), N_("New papers by them come first, whatever the topic."), N_("Follow")),
}


@router.get("/feedback/{token}")
def show(token: str, result: ActionResult = "") -> HTMLResponse:
    """Describe the effect, with a button; after it was pressed, what it did."""
    edition_id, paper_id, verb = signed_links.read_feedback(token)
    return _page(token, edition_id, verb, feedback.feedback_target(edition_id, paper_id), result=result)


@router.post("/feedback/{token}", dependencies=[Depends(count_feedback)])
def submit(token: str, request: Request, form: Form, pressed: Pressed) -> Response:
    """Record the feedback, and redirect to its effect."""
    edition_id, paper_id, verb = signed_links.read_feedback(token)
    if not pressed or verb == RATE:
        return show(token)
    choice = form.get("choice", "")
    try:
        result = feedback.apply_feedback(edition_id, paper_id, verb, choice if isinstance(choice, str) else "")
    except BadInput as error:
        return _page(token, edition_id, verb, feedback.feedback_target(edition_id, paper_id), error=error)
    return redirect_to_result(request, result)


def _page(
    token: str, edition_id: int, verb: str, paper: FeedbackTarget, *, result: str = "", error: BadInput | None = None
) -> HTMLResponse:
    forms_shown = [_question(token, next_verb, paper) for next_verb in ((MORE, LESS) if verb == RATE else (verb,))]
    return template_rendering.page_response(
        "feedback.html",
        status=422 if error else 200,
        private=True,
        paper=paper,
        heading=localize("More or less like this?") if verb == RATE else forms_shown[0].heading,
        forms=forms_shown,
        result=result,
        error=forms.field_error(error),
        follow=signed_links.feedback(edition_id) + feedback_suffix(paper.paper_id, FOLLOW)
        if verb != FOLLOW and paper.authors
        else "",
        mail_link=f"/feedback/{token}/link",
    )


class _Question(NamedTuple):
    """A form of the page. `options`: (value, text) to choose one from, or none."""

    heading: str
    effect: str
    button: str
    options: tuple[tuple[str, str], ...]
    action: str


def _question(token: str, verb: str, paper: FeedbackTarget) -> _Question:
    """The form of one verb; it is sent to the verb's own address."""
    heading, effect, button = map(localize, _QUESTIONS[verb])
    options = paper.options(verb)
    if verb == LESS:
        options += ((PAPER_ONLY, localize("Only this paper; mute nothing")),)
    return _Question(heading, effect, button, options, f"/feedback/{token.rpartition('.')[0]}.{verb}")
