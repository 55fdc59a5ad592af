"""One mail's three parts from its templates: subject, text, HTML."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from markupsafe import Markup

from digest.compose import language, phrases, templates
from digest.compose.views import Links, Reader, Rendered, Service
from digest.compose.words import shown
from digest.compose.wrap import COLUMNS, shortened, width, wrap
from digest.text.plain import one_line


def listed(name: str, values: Mapping[str, object], reader: Reader, links: Links, service: Service) -> Rendered:
    """A mail of the list: with the footer that says why it comes and how to stop it."""
    date, why = phrases.short_date(reader.day), phrases.why(reader, one_line(service.name))
    footer = {
        "date": date,
        "masthead": _apart(one_line(service.name), date),
        "why": shown(why),
        "why_lines": wrap(why),
        "preferences": links.preferences,
        "unsubscribe": links.unsubscribe,
        "web_view": links.web_view,
    }
    return mail(name, {**values, **footer}, service)


def mail(name: str, values: Mapping[str, object], service: Service) -> Rendered:
    """The three parts of one mail. HTML gets its texts escaped; the others get them as they are."""
    values = {**_known(service, language.tag()), **values}
    plain = {key: _plain(value) for key, value in values.items()}
    subject = shortened(one_line(templates.text(name, "subject").render(plain)), 120)
    text = templates.text(name).render(plain)
    return Rendered(subject, text, templates.html(name).render(values, subject=shown(subject)))


@lru_cache(maxsize=8)
def _known(service: Service, tag: str) -> Mapping[str, object]:
    """What every mail of the service says."""
    address = [shown(one_line(line)) for line in service.postal_address.splitlines() if line.strip()]
    return {"language": tag, "service": shown(one_line(service.name)), "home": service.home, "address": address}


def _plain(value: object) -> object:
    """A value for the text part."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.unescape() if isinstance(value, Markup) else value


def _apart(left: str, right: str) -> str:
    """Two words at the two ends of a line."""
    return left + " " * max(2, COLUMNS - width(left) - width(right)) + right
