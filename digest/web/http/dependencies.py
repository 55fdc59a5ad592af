"""What the pages are given from outside themselves: the queue, and the services that read papers and editions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Protocol

from fastapi import Depends, Request

from digest.interfaces import Enqueue
from digest.matching.profile import Profile
from digest.services.catalog.page_schemas import AuthorPage, PaperPage, Preview, Row


class Previewing(Protocol):
    """What a profile would have got in the last `days` days, at most `limit` papers of each."""

    def __call__(self, profile: Profile, *, days: int, limit: int, cancelled: Callable[[], bool]) -> Preview:
        """Raises BadInput for a topic that can't be read, Cancelled soon after `cancelled` has become true."""


class Resending(Protocol):
    """The same edition again, as a new e-mail."""

    def __call__(self, address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
        """Raises NotFound, Refused."""


@dataclass(frozen=True, slots=True)
class Given:
    """The services that pages show. Each raises NotFound for what it doesn't know.

    `edition` gives the whole HTML of an edition's web view, by its id and where its owner gets their link mailed.
    """

    preview: Previewing
    trending: Callable[[str | None, int], Sequence[Row]]
    paper: Callable[[int], PaperPage]
    author: Callable[[str, int], AuthorPage]
    edition: Callable[[int, str], str]
    resend: Resending


def _given(request: Request) -> Given:
    given: Given = request.app.state.given
    return given


def _enqueue(request: Request) -> Enqueue:
    enqueue: Enqueue = request.app.state.enqueue
    return enqueue


GivenHere = Annotated[Given, Depends(_given)]
Queue = Annotated[Enqueue, Depends(_enqueue)]
