"""Dependencies of the pages: the queue, and the services that read papers and editions. Tests pass their own.

Dependencies that only look something up are coroutines, because FastAPI runs each of the others in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Protocol

from fastapi import Depends, Request

from digest.matching.profile import Profile
from digest.queues import Enqueue
from digest.services.catalog.page_schemas import AuthorPage, FurtherPage, PaperPage, PaperRow, Preview


class PreviewService(Protocol):
    """Previews what a profile would have received in the last `days` days, at most `limit` papers a day."""

    def __call__(
        self, profile: Profile, *, days: int, limit: int, cancelled: Callable[[], bool], owned: Collection[int] = ()
    ) -> Preview:
        """`owned`: papers of the subscriber's own library, which are left out.

        Raises BadInput for an invalid topic, Cancelled soon after `cancelled` returns True.
        """


class ResendService(Protocol):
    """Sends an edition again, as a new e-mail. Returns its number."""

    def __call__(self, address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
        """Raises NotFound, Refused."""


@dataclass(frozen=True, slots=True)
class PageServices:
    """The services behind the pages. Each raises NotFound for an id or a name that does not exist.

    `trending_among` takes the number of announcements, too; `author` the number of rows.
    `edition` returns the HTML of an edition's web view, from its id and its own address there; `further` the papers
    beyond its limit. `refresh_previews` prepares what all previews have in common, where the data have changed.
    """

    preview: PreviewService
    trending: Callable[[str | None, int], Sequence[PaperRow]]
    trending_among: Callable[[str | None, int, int], Sequence[PaperRow]]
    paper: Callable[[int], PaperPage]
    author: Callable[[str, int], AuthorPage]
    edition: Callable[[int, str], str]
    further: Callable[[int], FurtherPage]
    resend: ResendService
    refresh_previews: Callable[[], None] = lambda: None


async def _services(request: Request) -> PageServices:
    services: PageServices = request.app.state.services
    return services


async def _enqueue(request: Request) -> Enqueue:
    enqueue: Enqueue = request.app.state.enqueue
    return enqueue


Services = Annotated[PageServices, Depends(_services)]
Queue = Annotated[Enqueue, Depends(_enqueue)]
