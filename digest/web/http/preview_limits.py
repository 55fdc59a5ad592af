"""Limits on previews, which take CPU time: few run at once, and one stops soon after its client has disconnected."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Protocol

from fastapi import Depends, Request

from digest.errors import N_, TooMany
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.services.catalog.page_schemas import Preview
from digest.web.http.dependencies import Services
from digest.web.http.rate_limit import PreviewCounter

MAX_WAITING = 8  # previews that may wait for a free slot; each holds a thread of the pages' pool
MAX_FETCHES = 4  # libraries that are fetched at once; they wait for another server, so they hold no preview's slot
RETRY_SECONDS = 5
BUSY_MESSAGE = N_("many previews are running right now; try again in a few seconds")


class PreviewSlots:
    """Runs as many previews at once as there are processors, queues a few more, and refuses the rest."""

    def __init__(
        self, max_running: int | None = None, max_waiting: int = MAX_WAITING, *, message: str = BUSY_MESSAGE
    ) -> None:
        self._message = message
        max_running = max_running or os.cpu_count() or 1
        self._running = threading.BoundedSemaphore(max_running)
        self._admitted = threading.BoundedSemaphore(max_running + max_waiting)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot for one preview. Raises TooMany where the queue is full."""
        if not self._admitted.acquire(blocking=False):
            raise TooMany(localize(self._message), seconds=RETRY_SECONDS)
        try:
            with self._running:
                yield
        finally:
            self._admitted.release()


@contextmanager
def _watch_disconnect(request: Request, loop: asyncio.AbstractEventLoop) -> Iterator[Callable[[], bool]]:
    """Watch for a disconnect from a thread, while a preview runs there. The body must have been read before."""
    disconnected_event = threading.Event()
    watcher = asyncio.run_coroutine_threadsafe(_watch(request, disconnected_event), loop)
    try:
        yield disconnected_event.is_set
    finally:
        watcher.cancel()


async def _watch(request: Request, disconnected_event: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    disconnected_event.set()


class MakePreview(Protocol):
    """Makes a preview for the requesting client, within its limits."""

    def __call__(self, profile: Profile, *, days: int, limit: int) -> Preview:
        """Raises TooMany, Cancelled."""


async def _limited_preview(request: Request, services: Services, count_preview: PreviewCounter) -> MakePreview:
    slots: PreviewSlots = request.app.state.preview_slots
    loop = asyncio.get_running_loop()

    def make_preview(profile: Profile, *, days: int, limit: int) -> Preview:
        count_preview()
        with slots.slot(), _watch_disconnect(request, loop) as disconnected:
            return services.preview(profile, days=days, limit=limit, cancelled=disconnected)

    return make_preview


def _counted_slot(request: Request, count_preview: PreviewCounter) -> Callable[[], AbstractContextManager[None]]:
    slots: PreviewSlots = request.app.state.preview_slots

    def slot() -> AbstractContextManager[None]:
        count_preview()
        return slots.slot()

    return slot


class HoldLibrarySlot(Protocol):
    """Counts a library of the client, and holds a slot to read it: of the previews, or of the fetches."""

    def __call__(self, *, is_remote: bool) -> AbstractContextManager[None]:
        """Raises TooMany."""


def _library_slot(request: Request, count_preview: PreviewCounter) -> HoldLibrarySlot:
    state = request.app.state

    def slot(*, is_remote: bool) -> AbstractContextManager[None]:
        count_preview()
        slots: PreviewSlots = state.fetch_slots if is_remote else state.preview_slots
        return slots.slot()

    return slot


LibrarySlot = Annotated[HoldLibrarySlot, Depends(_library_slot)]
PreviewSlot = Annotated[Callable[[], AbstractContextManager[None]], Depends(_counted_slot)]
"""Counts a preview of the client and holds a slot for it. Raises TooMany."""
LimitedPreview = Annotated[MakePreview, Depends(_limited_preview)]
