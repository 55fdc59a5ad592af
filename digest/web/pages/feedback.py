"""What a reader says of a paper. GET and HEAD only ask, because mail scanners follow links; POST acts."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE, asked
from digest.errors import N_, BadInput
from digest.i18n import say
from digest.services.security import signed_links
from digest.services.subscriptions import feedback
from digest.services.subscriptions.feedback import JUST_THIS, Said
from digest.web.http.rate_limit import count_feedback
from digest.web.ui import forms, template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)

_ASKED = {  # verb: (heading, what it does, the button)
    MORE: (
        N_("More like this?"),
        N_("Papers with its words move up in your mail. Nothing else changes."),
        N_("More like this"),
    ),
    LESS: (N_("Less of what?"), N_("Name it, so that nothing has to be guessed."), N_("Less of it")),
    MUTE: (
        N_("Mute the topic?"),
        N_("It brings no more papers until you unmute it in your preferences."),
        N_("Mute it"),
    ),
    FOLLOW: (N_("Follow an author?"), N_("New papers by them come first, whatever the topic."), N_("Follow")),
}


@router.get("/feedback/{token}")
def ask(token: str) -> HTMLResponse:
    """What would happen, and a button."""
    edition_id, paper_id, verb = signed_links.read_feedback(token)
    return _page(token, edition_id, verb, feedback.look(edition_id, paper_id))


@router.post("/feedback/{token}", dependencies=[Depends(count_feedback)])
def act(token: str, form: Form, pressed: Pressed) -> HTMLResponse:
    """Do it, and say what was done."""
    if not pressed:
        return ask(token)
    edition_id, paper_id, verb = signed_links.read_feedback(token)
    choice = form.get("choice", "")
    try:
        told = feedback.say(edition_id, paper_id, verb, choice if isinstance(choice, str) else "")
    except BadInput as error:
        return _page(token, edition_id, verb, feedback.look(edition_id, paper_id), error=error)
    return _page(token, edition_id, verb, feedback.look(edition_id, paper_id), told=told)


def _page(
    token: str, edition_id: int, verb: str, said: Said, *, told: str = "", error: BadInput | None = None
) -> HTMLResponse:
    heading, does, button = _ASKED[verb]
    return template_rendering.page(
        "feedback.html",
        status=422 if error else 200,
        private=True,
        said=said,
        heading=say(heading),
        does=say(does),
        button=say(button),
        options=said.options(verb) + (((JUST_THIS, say("Only this one; mute nothing")),) if verb == LESS else ()),
        told=told,
        error=forms.field_error(error),
        follow=signed_links.feedback(edition_id) + asked(said.paper_id, FOLLOW)
        if verb != FOLLOW and said.authors
        else "",
        mail_link=f"/feedback/{token}/link",
    )
