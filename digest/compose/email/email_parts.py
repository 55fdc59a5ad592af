"""One mail's three parts from its templates: subject, text, HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from markupsafe import Markup

from digest import i18n
from digest.compose.email import template_environment, wording
from digest.compose.email.template_context import Links, Reader, Rendered, Service
from digest.compose.text.highlighting import shown
from digest.compose.text.text_wrapping import COLUMNS, shortened, width, wrap
from digest.text.plain_text import one_line


def listed(name: str, values: Mapping[str, object], reader: Reader, links: Links, service: Service) -> Rendered:
    """A mail of the list: with the footer that says why it comes and how to stop it."""
    footer = {
        **_dated(reader.day, reader.confirmed, service, i18n.tag()),
        "preferences": links.preferences,
        "unsubscribe": links.unsubscribe,
        "web_view": links.web_view,
        "mail_link": links.mail_link,
    }
    return mail(name, {**values, **footer}, service)


def mail(name: str, values: Mapping[str, object], service: Service) -> Rendered:
    """The three parts of one mail. HTML gets its texts escaped; the others get them as they are."""
    known, known_plain = _known(service, i18n.tag())
    plain = {**known_plain, **values}
    for key, value in values.items():
        if isinstance(value, Markup | list):
            plain[key] = _plain(value)
    subject = shortened(one_line(template_environment.text(name, "subject").render(plain)), 120)
    page = template_environment.html(name).render(known, **values, subject=shown(subject))
    return Rendered(
        subject, (template_environment.text(name).render(plain),), tuple(page.split(template_environment.CUT))
    )


@lru_cache(maxsize=1024)
def _dated(day: date, confirmed: date, service: Service, _language: str) -> Mapping[str, object]:
    """What a footer and a masthead say to all who confirmed on one day."""
    said, why = wording.short_date(day), wording.why(confirmed, one_line(service.name))
    return {
        "date": said,
        "masthead": _apart(one_line(service.name), said),
        "why": shown(why),
        "why_lines": wrap(why),
    }


@lru_cache(maxsize=8)
def _known(service: Service, tag: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """What every mail of the service says, for HTML and for text."""
    address = [shown(one_line(line)) for line in service.postal_address.splitlines() if line.strip()]
    values = {"language": tag, "service": shown(one_line(service.name)), "home": service.home, "address": address}
    return values, {key: _plain(value) for key, value in values.items()}


def _plain(value: object) -> object:
    """A value for the text part."""
    if isinstance(value, Markup):
        return value.unescape()
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _apart(left: str, right: str) -> str:
    """Two words at the two ends of a line."""
    return left + " " * max(2, COLUMNS - width(left) - width(right)) + right
