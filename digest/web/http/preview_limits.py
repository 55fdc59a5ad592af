"""Limits on previews, which take CPU time: few run at once, and one stops soon after its client has disconnected.

Previews of the start page and the API wait in the event loop, where a waiting request takes no thread.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from digest.errors import N_, TooMany
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.services.catalog.page_schemas import Preview
from digest.web.http.client_ip import Client, client_of_request
from digest.web.http.dependencies import PageServices
from digest.web.http.request_rates import PreviewCounter, RequestLimiter, count_request

MAX_WAITING = 8  # previews that may wait for a free slot; each holds a thread of the pages' pool
MAX_QUEUED = 64  # previews that may wait in the event loop; at 20 ms each the last one waits about a second
MAX_FETCHES = 4  # libraries that are fetched at once; they wait for another server, so they hold no preview's slot
RETRY_SECONDS = 5
WATCH_AFTER_SECONDS = 0.05
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


class PreviewQueue:
    """Lets as many requests at once make previews as there are processors; a few more wait, without a thread."""

    def __init__(self, max_running: int | None = None, max_waiting: int = MAX_QUEUED) -> None:
        self._running, self._max_waiting = asyncio.Semaphore(max_running or os.cpu_count() or 1), max_waiting
        self._waiting = 0

    async def enter(self) -> bool:
        """Wait for a turn; False where too many wait. To be followed by `leave`."""
        if self._running.locked() and self._waiting >= self._max_waiting:
            return False
        self._waiting += 1
        try:
            await self._running.acquire()
        finally:
            self._waiting -= 1
        return True

    def leave(self) -> None:
        """End the turn. To be called in the event loop."""
        self._running.release()


class _DisconnectWatch:
    """Tells a running preview whether its client has disconnected. The request's body must have been read before.

    A task of the event loop waits for that. It is started from the preview's thread, once the preview has run for
    `WATCH_AFTER_SECONDS`: most are done by then, and to start and end a task takes a tenth of their time.
    """

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop) -> None:
        self._request, self._loop = request, loop
        self._starts_at = time.monotonic() + WATCH_AFTER_SECONDS
        self._disconnected = threading.Event()
        self._watcher: Future[None] | None = None

    def is_disconnected(self) -> bool:
        """True once the client has gone."""
        if self._watcher is None and time.monotonic() >= self._starts_at:
            watching = _watch(self._request, self._disconnected)
            self._watcher = asyncio.run_coroutine_threadsafe(watching, self._loop)
        return self._disconnected.is_set()

    def end(self) -> None:
        """End the task, if there is one."""
        if self._watcher is not None:
            self._watcher.cancel()


async def _watch(request: Request, disconnected_event: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    disconnected_event.set()


class MakePreview(Protocol):
    """Makes a preview for the requesting client, within its limits."""

    def __call__(self, profile: Profile, *, days: int, limit: int, owned: Collection[int] = ()) -> Preview:
        """`owned`: papers of the client's own library. Raises TooMany, Cancelled."""


def _limit_preview(request: Request, client: str) -> MakePreview:
    limiter: RequestLimiter = request.app.state.preview_limiter
    services: PageServices = request.app.state.services
    slots: PreviewSlots = request.app.state.preview_slots
    loop = asyncio.get_running_loop()

    def make_preview(profile: Profile, *, days: int, limit: int, owned: Collection[int] = ()) -> Preview:
        count_request(request, "preview", limiter, client)
        with slots.slot():
            watch = _DisconnectWatch(request, loop)
            try:
                return services.preview(profile, days=days, limit=limit, cancelled=watch.is_disconnected, owned=owned)
            finally:
                watch.end()

    return make_preview


async def _limited_preview(request: Request, client: Client) -> MakePreview:
    return _limit_preview(request, client)


LimitedPreview = Annotated[MakePreview, Depends(_limited_preview)]


class PreviewTurn:
    """A request's turn to make its preview. It ends with the request's work, or earlier by `end`."""

    def __init__(self, make_preview: MakePreview, leave: Callable[[], None]) -> None:
        self.make_preview = make_preview
        self._leave: Callable[[], None] | None = leave
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        """End the turn from the thread of the work, before a part of it that waits for another server."""
        self._loop.call_soon_threadsafe(self.end_in_loop)

    def end_in_loop(self) -> None:
        """End the turn, if it has not ended. To be called in the event loop."""
        if self._leave is not None:
            self._leave()
            self._leave = None


class QueuedPreviews:
    """Runs the work of a request that makes a preview, in one thread, once it is the request's turn.

    The turn includes all that takes processor time, and not the sending of the response.
    """

    def __init__(self, request: Request, client: str) -> None:
        self._request, self._client = request, client

    async def run(self, work: Callable[[PreviewTurn], Response]) -> Response:
        """The result of `work`. Where too many requests wait, its preview raises TooMany."""
        queue: PreviewQueue = self._request.app.state.preview_queue
        if not await queue.enter():
            return await run_in_threadpool(work, PreviewTurn(_refuse_preview, lambda: None))
        turn = PreviewTurn(_limit_preview(self._request, self._client), queue.leave)
        try:
            return await run_in_threadpool(work, turn)
        finally:
            turn.end_in_loop()


async def queued_previews(request: Request) -> QueuedPreviews:
    """The previews of a request's client."""
    # called, not declared: FastAPI resolves nested dependencies anew for every request
    return QueuedPreviews(request, await client_of_request(request))


def _refuse_preview(  # a MakePreview
    profile: Profile,  # noqa: ARG001
    *,
    days: int,  # noqa: ARG001
    limit: int,  # noqa: ARG001
    owned: Collection[int] = (),  # noqa: ARG001
) -> Preview:
    raise TooMany(localize(BUSY_MESSAGE), seconds=RETRY_SECONDS)


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
Previews = Annotated[QueuedPreviews, Depends(queued_previews)]
