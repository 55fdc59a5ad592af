"""Render pages from `templates/web` with one Jinja2 environment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

import templates
from digest import i18n, settings
from digest.bibliography.import_limits import MAX_BYTES, MAX_ENTRIES
from digest.errors import N_
from digest.i18n import localize
from digest.models import Subscriber
from digest.papers.subjects import category_text
from digest.services.catalog import outlets
from digest.web.ui import charts

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
# states of mails and runs, kinds of mails and bounces, reasons of suppressions, consents, for the catalogue
TRANSLATED_NAMES = (
    N_("queued"), N_("sending"), N_("sent"), N_("deferred"), N_("rejected"), N_("uncertain"), N_("cancelled"),
    N_("suppressed"), N_("planned"), N_("complete"), N_("paused"), N_("hard"), N_("soft"), N_("policy"),
    N_("complaint"), N_("auto-reply"), N_("unsubscribe"), N_("other"), N_("pause"), N_("resume"),
    N_("digest"), N_("welcome"), N_("notice"), N_("first-notice"), N_("resend"), N_("confirmation"), N_("link"),
    N_("account-link"), N_("new-address"), N_("moved"), N_("sign-in"), N_("alarm"), N_("test"), N_("run-report"),
    N_("no such address"), N_("keeps failing"), N_("not me"), N_("asked"), N_("confirmed"), N_("left"), N_("returned"),
    N_("imported"), N_("address changed"), N_("forgiven"),
)  # fmt: skip


def _read(name: str) -> str:
    return (files(templates) / "web" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def style_sheet() -> str:
    """The style sheet, which every page contains inline."""
    return _read("style.css")


@lru_cache(maxsize=1)
def script() -> str:
    """The start page's script."""
    return _read("subscribe.js")


@lru_cache(maxsize=1)
def copy_script() -> str:
    """The script of a paper's page, which copies its BibTeX entry."""
    return _read("copy.js")


@lru_cache(maxsize=1)
def suggestion_script() -> str:
    """The script that suggests topics, on the start page and on the search page."""
    return _read("suggest.js")


@lru_cache(maxsize=1)
def preferences_script() -> str:
    """The script of the preferences, which previews topics while they are edited."""
    return _read("preferences.js")


@lru_cache(maxsize=1)
def refresh_script() -> str:
    """The script of an administrators' page that refreshes itself."""
    return _read("refresh.js")


def scripts() -> tuple[str, ...]:
    """All scripts that pages contain inline."""
    return script(), copy_script(), suggestion_script(), preferences_script(), refresh_script()


def long_date(day: date) -> str:
    """A date such as Fri 21 Nov 2025."""
    return i18n.format_day(day, localize("EEE d MMM y"))


def short_day(day: date) -> str:
    """A date such as 21 Nov 2025."""
    return i18n.format_day(day, localize("d MMM y"))


def cadence_text(subscriber: Subscriber) -> str:
    """The schedule of a subscriber in words."""
    frequencies = {
        "daily": localize("every day"),
        "weekdays": localize("on weekdays"),
        "weekly": localize("every %(day)s", day=i18n.weekday_name(subscriber.weekday)),
    }
    time, zone = f"{subscriber.send_at:%H:%M}", subscriber.time_zone
    return localize("%(often)s at %(time)s, %(zone)s", often=frequencies[subscriber.cadence], time=time, zone=zone)


def source_name(key: str) -> str:
    """The name of a source that subscribers choose, by its key."""
    return outlets.known_outlets().get(key, key)


def bars_rows(bars: Iterable[charts.Bar]) -> Markup:
    """Bars as rows of a table, the day and the number; assembled here for the same reason as `charts.bars_image`."""
    rows = [f'<tr><th scope="row">{escape(long_date(bar.date))}</th><td>{bar.total}</td></tr>' for bar in bars]
    return Markup("".join(rows))  # noqa: S704 - numbers, and escaped dates


def marked(pieces: Iterable[tuple[str, bool]]) -> Markup:
    """A text in pieces, each with whether it matched: those that did are marked."""
    return Markup().join(Markup("<mark>%s</mark>") % text if is_match else escape(text) for text, is_match in pieces)


def _gettext(message: str) -> str:
    return i18n.catalogue().gettext(message)


def _ngettext(singular: str, plural: str, number: int) -> str:
    return i18n.catalogue().ngettext(singular, plural, number)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(day=long_date, short_day=short_day, cadence=cadence_text, number=i18n.format_number)
    environment.filters.update(category_text=category_text, language_name=i18n.language_name, source_name=source_name)
    environment.filters.update(bars_image=charts.bars_image, bars_rows=bars_rows, marked=marked)
    environment.globals.update(
        style=Markup(style_sheet()),  # noqa: S704 - our own files
        script=Markup(script()),  # noqa: S704
        copy_script=Markup(copy_script()),  # noqa: S704
        preferences_script=Markup(preferences_script()),  # noqa: S704
        refresh_script=Markup(refresh_script()),  # noqa: S704
        suggestion_script=Markup(suggestion_script()),  # noqa: S704
        library_megabytes=MAX_BYTES >> 20,
        library_entries=MAX_ENTRIES,
    )
    return environment


def render(name: str, **values: Any) -> str:
    """One template as text."""
    config = settings.get()
    shared_values = {"service": config.service_name, "postal": config.postal_address, "language": i18n.language_tag()}
    return _environment().get_template(name).render(shared_values | values)


def page_response(name: str, *, status: int = 200, private: bool = False, **values: Any) -> HTMLResponse:
    """A page. `private`: for one person only, so it must not be cached or indexed."""
    return HTMLResponse(render(name, **values), status_code=status, headers=PRIVATE if private else None)


def message_page(
    title: str, *lines: str, status: int = 200, private: bool = False, next_link: tuple[str, str] | None = None
) -> HTMLResponse:
    """A page with a few sentences. `next_link`: the text and URL of a link to continue."""
    return page_response("message.html", status=status, private=private, title=title, lines=lines, next=next_link)
