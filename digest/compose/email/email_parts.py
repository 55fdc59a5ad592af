"""Render a mail's subject, text and HTML from its templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from markupsafe import Markup

from digest import i18n
from digest.compose.email import template_environment, wording
from digest.compose.email.template_context import Links, MailService, Recipient, RenderedMail
from digest.compose.text.highlighting import escape_text
from digest.compose.text.text_wrapping import COLUMNS, shorten, width, wrap
from digest.text.plain_text import one_line


def subscription_mail(
    name: str, values: Mapping[str, object], recipient: Recipient, links: Links, service: MailService
) -> RenderedMail:
    """A subscription mail: its footer says why it comes and how to unsubscribe."""
    footer = {
        **_dated_values(recipient.day, recipient.confirmed, service, i18n.language_tag()),
        "preferences": links.preferences,
        "unsubscribe": links.unsubscribe,
        "web_view": links.web_view,
        "mail_link": links.mail_link,
    }
    if links.footer_note:
        footer |= {"why": escape_text(links.footer_note), "why_lines": wrap(links.footer_note)}
    return render_mail(name, {**values, **footer}, service)


def render_mail(name: str, values: Mapping[str, object], service: MailService) -> RenderedMail:
    """Subject, text and HTML of one mail. `Markup` values are unescaped for subject and text."""
    html_values, text_values = _service_values(service, i18n.language_tag())
    text_template_values = {**text_values, **values}
    for key, value in values.items():
        if isinstance(value, (Markup, list)):
            text_template_values[key] = _text_value(value)
    subject = shorten(one_line(template_environment.text_template(name, "subject").render(text_template_values)), 120)
    page = template_environment.html_template(name).render(html_values, **values, subject=escape_text(subject))
    return RenderedMail(
        subject,
        (template_environment.text_template(name).render(text_template_values),),
        tuple(page.split(template_environment.PAGE_CUT)),
    )


@lru_cache(maxsize=1024)
def _dated_values(day: date, confirmed: date, service: MailService, _language: str) -> Mapping[str, object]:
    """Masthead and footer, the same for all who confirmed on one day."""
    date_text, why = wording.short_date(day), wording.why_subscribed(confirmed, one_line(service.name))
    return {
        "date": date_text,
        "masthead": _justify(one_line(service.name), date_text),
        "why": escape_text(why),
        "why_lines": wrap(why),
    }


@lru_cache(maxsize=8)
def _service_values(service: MailService, tag: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Values that every mail of the service has, for HTML and for text."""
    address = [escape_text(one_line(line)) for line in service.postal_address.splitlines() if line.strip()]
    values = {"language": tag, "service": escape_text(one_line(service.name)), "home": service.home, "address": address}
    return values, {key: _text_value(value) for key, value in values.items()}


def _text_value(value: object) -> object:
    """A template value for the text part."""
    if isinstance(value, Markup):
        return value.unescape()
    return [_text_value(item) for item in value] if isinstance(value, list) else value


def _justify(left_text: str, right_text: str) -> str:
    """A line with one text at each end."""
    return left_text + " " * max(2, COLUMNS - width(left_text) - width(right_text)) + right_text
