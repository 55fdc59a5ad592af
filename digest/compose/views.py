"""What a mail is told: its reader, its links, the service that sends it. And what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from digest.compose.edition import Entry

MORE, LESS, MUTE, FOLLOW = "more", "less", "mute", "follow"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's content, before its envelope. `html` is complete and stands alone as the web view too."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Service:
    """Who sends. `home` is the start page's address; `postal_address` may hold several lines, '' where none is set."""

    name: str = "Papers Inbox"
    home: str | None = None
    postal_address: str = ""


PLAIN_SERVICE = Service()


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom an edition is. `topics` as typed, in the order of the edition's profile version.

    `confirmed` and `day` are local dates. `kind`: digest, welcome or resend.
    """

    topics: tuple[str, ...]
    confirmed: date
    day: date
    kind: str = "digest"


@dataclass(frozen=True, slots=True)
class Links:
    """A reader's own addresses; None where a page does not exist.

    `feedback` gives the address for an entry and one of MORE, LESS, MUTE; `paper` a paper's public page by its id.
    """

    preferences: str | None = None
    unsubscribe: str | None = None
    web_view: str | None = None
    feedback: Callable[[Entry, str], str] | None = None
    paper: Callable[[int], str] | None = None
