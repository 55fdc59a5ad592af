"""Pages: one Jinja2 environment over `templates/web`, and answers made from it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

import templates
from digest import i18n, settings
from digest.errors import N_
from digest.i18n import say
from digest.models import Subscriber

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
# states of mails and of runs, kinds of bounces, what can be done to a run: pages say them by these names
NAMES = (
    N_("queued"), N_("sending"), N_("sent"), N_("deferred"), N_("rejected"), N_("uncertain"), N_("cancelled"),
    N_("suppressed"), N_("planned"), N_("complete"), N_("paused"), N_("hard"), N_("soft"), N_("policy"),
    N_("complaint"), N_("auto-reply"), N_("unsubscribe"), N_("other"), N_("pause"), N_("resume"),
)  # fmt: skip


def _read(name: str) -> str:
    return (files(templates) / "web" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def style() -> str:
    """The one style sheet, as it stands in every page."""
    return _read("style.css")


@lru_cache(maxsize=1)
def script() -> str:
    """The start page's script."""
    return _read("subscribe.js")


def long_day(day: date) -> str:
    """A date for people: Fri 21 Nov 2025."""
    return i18n.day(day, say("EEE d MMM y"))


def cadence_words(subscriber: Subscriber) -> str:
    """When the mail comes, in words."""
    often = {
        "daily": say("every day"),
        "weekdays": say("on weekdays"),
        "weekly": say("every %(day)s", day=i18n.weekday(subscriber.weekday)),
    }
    time, zone = f"{subscriber.send_at:%H:%M}", subscriber.time_zone
    return say("%(often)s at %(time)s, %(zone)s", often=often[subscriber.cadence], time=time, zone=zone)


def _gettext(message: str) -> str:
    return i18n.catalogue().gettext(message)


def _ngettext(one: str, many: str, number: int) -> str:
    return i18n.catalogue().ngettext(one, many, number)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(day=long_day, cadence=cadence_words, number=i18n.decimal)
    made.globals.update(style=Markup(style()), script=Markup(script()))  # noqa: S704 - our own files
    return made


def render(name: str, **values: Any) -> str:
    """One template as text."""
    chosen = settings.get()
    known = {"service": chosen.service_name, "postal": chosen.postal_address, "language": i18n.tag()}
    return _environment().get_template(name).render(known | values)


def page(name: str, *, status: int = 200, private: bool = False, **values: Any) -> HTMLResponse:
    """A page. `private`: for one reader alone; nothing may keep or list it."""
    return HTMLResponse(render(name, **values), status_code=status, headers=PRIVATE if private else None)


def message(
    title: str, *lines: str, status: int = 200, private: bool = False, further: tuple[str, str] | None = None
) -> HTMLResponse:
    """A page of a few sentences, and where to go next: (words, address)."""
    return page("message.html", status=status, private=private, title=title, lines=lines, next=further)
