"""What the pages are given from outside themselves: the queue, and the services that read papers and editions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Protocol

from fastapi import Depends, Request

from digest.errors import NotFound
from digest.matching.profile import Profile
from digest.ports import Enqueue
from digest.services.views import AuthorPage, PaperPage, Preview, Row

Check = Callable[[], str]  # '' where all is well, else what is wrong


class Previewing(Protocol):
    """What a profile would have got in the last `days` days, at most `limit` papers of each."""

    def __call__(self, profile: Profile, *, days: int, limit: int) -> Preview:
        """Raises BadInput for a topic that can't be read."""


class Resending(Protocol):
    """The same edition again, as a new e-mail."""

    def __call__(self, address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
        """Raises NotFound, Refused."""


def _no_preview(profile: Profile, *, days: int, limit: int) -> Preview:
    return Preview()


def _no_trending(category: str | None, limit: int) -> Sequence[Row]:
    return ()


def _no_paper(paper_id: int) -> PaperPage:
    raise NotFound("there is no such paper here")


def _no_author(name: str, limit: int) -> AuthorPage:
    raise NotFound("no paper here is by that author")


def _no_edition(edition_id: int) -> str:
    raise NotFound("this edition no longer exists")


def _no_resend(address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
    raise NotFound("nothing can be resent here")


@dataclass(frozen=True, slots=True)
class Given:
    """The services that pages show. Each raises NotFound for what it doesn't know.

    `edition` gives the whole HTML of an edition's web view. `checks`: name to check, for /readyz.
    """

    preview: Previewing = _no_preview
    trending: Callable[[str | None, int], Sequence[Row]] = _no_trending
    paper: Callable[[int], PaperPage] = _no_paper
    author: Callable[[str, int], AuthorPage] = _no_author
    edition: Callable[[int], str] = _no_edition
    resend: Resending = _no_resend
    checks: Mapping[str, Check] = field(default_factory=dict)


def _given(request: Request) -> Given:
    given: Given = request.app.state.given
    return given


def _enqueue(request: Request) -> Enqueue:
    enqueue: Enqueue = request.app.state.enqueue
    return enqueue


GivenHere = Annotated[Given, Depends(_given)]
Queue = Annotated[Enqueue, Depends(_enqueue)]
