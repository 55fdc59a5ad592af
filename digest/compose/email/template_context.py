"""Input of the composer (recipient, links, service) and its output, a rendered mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

MORE, LESS, MUTE, FOLLOW, RATE = "more", "less", "mute", "follow", "rate"  # rate: a page that offers more and less
Pieces = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail's content. The parts are kept in pieces, because most are the same strings in other mails.

    `html` is a complete document and serves as the web view too.
    """

    subject: str
    text_pieces: Pieces
    html_pieces: Pieces

    @property
    def text(self) -> str:
        """The text part."""
        return "".join(self.text_pieces)

    @property
    def html(self) -> str:
        """The HTML part."""
        return "".join(self.html_pieces)


@dataclass(frozen=True, slots=True)
class MailService:
    """The sender. `home` is the start page's URL; `postal_address` may have several lines, '' if none is set."""

    name: str = "Papers Inbox"
    home: str | None = None
    postal_address: str = ""


DEFAULT_SERVICE = MailService()


@dataclass(frozen=True, slots=True)
class Recipient:
    """The recipient of an edition. `topics` as typed, in the order of the edition's profile version.

    `confirmed` and `day` are local dates. `kind`: digest, welcome or resend. `categories`: those subscribed to.
    """

    topics: tuple[str, ...]
    confirmed: date
    day: date
    kind: str = "digest"
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Links:
    """A subscriber's own URLs; None where there is no such page.

    `feedback` is the prefix of feedback URLs, see `feedback_suffix`; `paper` returns a paper's public page by its id;
    `further`: the page of the papers beyond the edition's limit.
    `mail_link`: where a subscriber requests the preferences link by mail; only pages that anyone may see have it.
    `footer_note`: replaces the sentence that says why the mail comes, where there is no subscription.
    `citations`: (label, URL) of the web view's citation files, and `bibtex` their entries to copy; not in mails.
    """

    preferences: str | None = None
    unsubscribe: str | None = None
    web_view: str | None = None
    further: str | None = None
    feedback: str | None = None
    paper: Callable[[int], str] | None = None
    mail_link: str | None = None
    footer_note: str = ""
    citations: tuple[tuple[str, str], ...] = ()
    bibtex: str = ""


def feedback_suffix(paper: int, verb: str) -> str:
    """The end of a feedback URL, after the prefix that all feedback links of an edition share.

    `verb`: RATE in mails; MORE, LESS, MUTE and FOLLOW on pages and in mails of before.
    """
    return f".{paper}.{verb}"
