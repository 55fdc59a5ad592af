"""Tasks of the queue `ingestion`: fetch sources."""

from __future__ import annotations

from digest import logs
from digest.errors import BadInput, Refused, Transient
from workers.app import app
from workers.enqueue import enqueue
from workers.task_marks import clear_mark, mark_name
from workers.task_queues import INGEST, TASK_SLICE_SECONDS

log = logs.get(__name__)


@app.task(name=INGEST)  # type: ignore[untyped-decorator]
def ingest(source: str) -> None:
    """Fetch what is due or missing from a source for at most two minutes; enqueue the task again if there is more.

    Safe to run twice: storing is idempotent, and request pacing keeps two tasks from asking at once. The source of a
    task that was enqueued while another one ended is no longer due, and is not fetched again.
    """
    from digest.services.ingestion import catch_up, fetch_schedule

    more = False
    try:
        if source in fetch_schedule.due_sources():
            more = catch_up.ingest(source, seconds=TASK_SLICE_SECONDS).is_incomplete
    except (Transient, Refused, BadInput) as error:  # refused: it was paused or removed meanwhile
        log.warning("source_down", source=source, reason=str(error))
    clear_mark(mark_name(INGEST, source))
    if more:
        enqueue().ingest(source)
    else:
        enqueue().measure()
