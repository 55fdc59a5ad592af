"""What the pages of the administration share: their router's guard, their layout, and parsing of their forms."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from digest.errors import BadInput, DigestError, NotFound
from digest.i18n import localize
from digest.web.http import admin_session
from digest.web.http.error_pages import status_of
from digest.web.ui import forms, template_rendering
from digest.web.ui.admin_view import NAVIGATION, AdminSection, InputField

MAX_TYPED = 254  # characters of a field
# the first character of an address, then the separator, also as in a query string, and the domain
_ADDRESS = re.compile(r"""([^\s<>"'@/?=&:;,()%])[^\s<>"'@/?=&:;,()%]*(@|%40)([^\s<>"'@/?=&:;,()%]+)""")


def admin_router() -> APIRouter:
    """A router under /admin that refuses POSTs from other origins, and by viewers."""
    return APIRouter(prefix="/admin", include_in_schema=False, dependencies=admin_session.GUARDS)


def render_for_administrator(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page with the buttons of the role that looks at it. Viewers see addresses only as `a…@example.org`.

    Its forms must send their origin, see `admin_session.REFERRER_POLICY`.
    """
    is_viewing = admin_session.is_viewing()
    html = template_rendering.render(name, may_act=not is_viewing, notice=admin_session.notice(), **values)
    html = _ADDRESS.sub(r"\1…\2\3", html) if is_viewing else html
    headers = template_rendering.PRIVATE | admin_session.REFERRER_POLICY
    response = HTMLResponse(html, status_code=status, headers=headers)
    admin_session.take_notice(response)
    return response


def redirect_after(path: str, message: str) -> RedirectResponse:
    """Show what an action did on the page at `path`, so that reloading does not act again (RFC 9110, 15.4.4)."""
    response = RedirectResponse(path, status_code=303, headers=template_rendering.PRIVATE)
    admin_session.set_notice(response, message)
    return response


def admin_page(
    current: str,
    title: str,
    sections: Sequence[AdminSection],
    *,
    message: str = "",
    error: DigestError | None = None,
    submitted: FormData | None = None,
    refresh: int = 0,
) -> HTMLResponse:
    """A page of the administration. `current`: the path of its entry in the navigation; `refresh`: seconds, 0 never.

    `submitted`: the form that was refused, whose values are kept.
    """
    if submitted is not None:
        sections = [_refilled(section, submitted) for section in sections]
    return render_for_administrator(
        "admin_page.html",
        status=status_of(error) if error else 200,
        navigation=NAVIGATION,
        current=current,
        title=title,
        sections=sections,
        message=message,
        problem=forms.as_sentence(error) if error else "",
        refresh=refresh,
    )


def _refilled(section: AdminSection, submitted: FormData) -> AdminSection:
    """The section with what was typed into the form whose button was pressed."""
    action = form_text(submitted, "action")
    forms_with_values = [
        form._replace(fields=[_refilled_field(field, submitted) for field in form.fields])
        if form.action == action
        else form
        for form in section.forms
    ]
    return replace(section, forms=forms_with_values)


def _refilled_field(field: InputField, submitted: FormData) -> InputField:
    if field.kind in {"check", "select"}:
        chosen = submitted.getlist(field.name)
        return field._replace(choices=[choice._replace(is_current=choice.value in chosen) for choice in field.choices])
    return field._replace(value=form_text(submitted, field.name)[:MAX_TYPED])


def require_choice(value: str, choices: Collection[str]) -> None:
    """Raises NotFound for a filter of an address that is none of these; '' filters nothing."""
    if value and value not in choices:
        raise NotFound(localize("this list has no such filter"))


def form_text(form: FormData, name: str) -> str:
    """A submitted field; '' if it is missing or a file."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def form_number(form: FormData, name: str, *, largest: int) -> int:
    """A submitted number from 1. Raises BadInput."""
    text = form_text(form, name)
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= largest:
        raise BadInput(localize("%(field)s: use a number from 1 to %(most)s", field=name, most=largest), field=name)
    return int(text)
