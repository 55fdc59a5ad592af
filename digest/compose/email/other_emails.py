"""All mails but the digest: values in, subject, text and HTML out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from digest.compose.email import subject_line, wording
from digest.compose.email.digest_email import digest
from digest.compose.email.email_parts import listed, mail
from digest.compose.email.paper_block import INDENT, PaperBlocks
from digest.compose.email.template_context import LESS, MORE, MUTE, PLAIN_SERVICE, Links, Recipient, Rendered, Service
from digest.compose.text.highlighting import escape_text
from digest.compose.text.text_wrapping import shortened, wrap
from digest.i18n import translate
from digest.text.plain_text import one_line

__all__ = [
    "LESS",
    "MORE",
    "MUTE",
    "Links",
    "PaperBlocks",
    "Recipient",
    "Rendered",
    "Service",
    "account_link",
    "alarm",
    "confirmation",
    "digest",
    "link",
    "moved",
    "notice",
    "sign_in",
    "trial",
]  # fmt: skip


def notice(
    recipient: Recipient,
    links: Links,
    considered: int,
    *,
    silent: tuple[str, int] | None = None,
    service: Service = PLAIN_SERVICE,
) -> Rendered:
    """The mail of a day without matches. `considered`: papers announced since the last edition.

    `silent`: the topic that has brought nothing for the most days, and how many.
    """
    announced = wording.announced(considered)
    heading = subject_line.nothing_new(has_topics=bool(recipient.topics))
    silence = wording.silent_topic(shortened(one_line(silent[0]), 60), silent[1]) if silent else ""
    advice = translate("Fewer or other words may bring more: change it in your preferences.") if silent else ""
    values: dict[str, object] = {
        "heading": heading,
        "line": f"{heading}. {announced}".strip(),
        "announced": announced,
        "silence": escape_text(silence),
        "advice": advice,
        "advice_lines": wrap(f"{silence} {advice}".strip()),
    }
    return listed("notice", values, recipient, links, service)


def confirmation(url: str, not_me: str, *, service: Service = PLAIN_SERVICE) -> Rendered:
    """Double opt-in for a sign-up. Contains nothing that a stranger typed. `not_me`: the URL to refuse it."""
    return mail("confirmation", {"url": url, "not_me": not_me}, service)


def link(url: str, *, add: str = "", service: Service = PLAIN_SERVICE) -> Rendered:
    """The link to a subscriber's preferences, requested on the website.

    `add`: the URL to add the topics of another sign-up; like a confirmation the mail does not show them.
    """
    return mail("link", {"url": url, "add": add}, service)


def account_link(action: str, url: str, *, minutes: int, service: Service = PLAIN_SERVICE) -> Rendered:
    """The link that confirms an export, erasure or change of address, valid for `minutes`.

    `action` names the mail's templates: export, erase, change-address or new-address.
    """
    return mail(action, {"url": url, "minutes": minutes}, service)


def moved(*, service: Service = PLAIN_SERVICE) -> Rendered:
    """Tells the old address that the mail goes to another one. Does not say which."""
    return mail("moved", {}, service)


def sign_in(url: str, *, minutes: int = 15, service: Service = PLAIN_SERVICE) -> Rendered:
    """An administrator's sign-in link, valid for `minutes`."""
    return mail("sign-in", {"url": url, "minutes": minutes}, service)


def alarm(title: str, facts: Sequence[str], *, url: str | None = None, service: Service = PLAIN_SERVICE) -> Rendered:
    """An alarm for administrators: what is wrong, the facts line by line, and the page to open."""
    title = shortened(one_line(title), 200)
    lines = [one_line(fact) for fact in facts]
    values: dict[str, object] = {
        "title": escape_text(title),
        "facts": [escape_text(line) for line in lines],
        "url": url,
    }
    values |= {"title_lines": wrap(title), "fact_lines": [wrap(line, INDENT) for line in lines]}
    return mail("alarm", values, service)


def trial(*, service: Service = PLAIN_SERVICE) -> Rendered:
    """The test mail that `digest init` sends."""
    return mail("test", {}, service)
