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
from digest import settings
from digest.models import Subscriber

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


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
    return f"{day:%a} {day.day} {day:%b %Y}"


def cadence_words(subscriber: Subscriber) -> str:
    """When the mail comes, in words."""
    often = {"daily": "every day", "weekdays": "on weekdays", "weekly": f"every {WEEKDAYS[subscriber.weekday]}"}
    return f"{often[subscriber.cadence]} at {subscriber.send_at:%H:%M}, {subscriber.time_zone}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(day=long_day, cadence=cadence_words)
    made.globals.update(style=Markup(style()), script=Markup(script()))  # noqa: S704 - our own files
    return made


def render(name: str, **values: Any) -> str:
    """One template as text."""
    chosen = settings.get()
    return _environment().get_template(name).render(service=chosen.service_name, postal=chosen.postal_address, **values)


def page(name: str, *, status: int = 200, private: bool = False, **values: Any) -> HTMLResponse:
    """A page. `private`: for one reader alone; nothing may keep or list it."""
    return HTMLResponse(render(name, **values), status_code=status, headers=PRIVATE if private else None)


def message(
    title: str, *lines: str, status: int = 200, private: bool = False, further: tuple[str, str] | None = None
) -> HTMLResponse:
    """A page of a few sentences, and where to go next: (words, address)."""
    return page("message.html", status=status, private=private, title=title, lines=lines, next=further)
