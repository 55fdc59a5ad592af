"""What a mail is told: its reader, its links, the service that sends it. And what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

MORE, LESS, MUTE, FOLLOW = "more", "less", "mute", "follow"
Pieces = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's content, before its envelope. Its parts are in pieces: most are the same strings in other mails.

    `html` is complete and stands alone as the web view too.
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

    `feedback` is how their addresses begin, see `asked`; `paper` gives a paper's public page by its id. `mail_link`:
    where the owner of a page that everybody may see gets the preferences link mailed; only such a page has it.
    """

    preferences: str | None = None
    unsubscribe: str | None = None
    web_view: str | None = None
    feedback: str | None = None
    paper: Callable[[int], str] | None = None
    mail_link: str | None = None


def asked(paper: int, verb: str) -> str:
    """How the address of a feedback link ends, behind what all links of an edition have in common.

    `verb`: one of MORE, LESS, MUTE, FOLLOW.
    """
    return f".{paper}.{verb}"
