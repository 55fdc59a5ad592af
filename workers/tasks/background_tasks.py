"""Tasks of the queue `background`: novelty, search index, summaries, calibration, returned mail, clean-up."""

from __future__ import annotations

from digest import logs
from digest.errors import DigestError, Transient
from workers.app import app
from workers.enqueue import enqueue
from workers.task_marks import clear_mark, mark_name
from workers.task_queues import (
    CALIBRATE,
    CALIBRATE_PART,
    LOOK_UP,
    MEASURE,
    POLL_BOUNCES,
    SUMMARIZE,
    TASK_SLICE_SECONDS,
    TIDY_SIGNALS,
)

log = logs.get(__name__)

SUMMARY_SLICE_SECONDS = 20.0


@app.task(name=MEASURE)  # type: ignore[untyped-decorator]
def measure() -> None:
    """Index papers for the search and measure their novelty, each for at most two minutes; again if there is more.

    First prepare the matching engine for the day's runs. Safe to run twice: a paper keeps its first figure.
    """
    from digest.services.catalog import novelty_and_score
    from digest.services.search import search_indexing
    from digest.services.selection import selector

    selector.prepare_engine()
    is_indexed = not search_indexing.index_papers(seconds=TASK_SLICE_SECONDS).is_incomplete
    more = novelty_and_score.measure_novelty(seconds=TASK_SLICE_SECONDS).is_incomplete or not is_indexed
    clear_mark(MEASURE)
    if more:
        enqueue().measure()
    else:
        enqueue().summarize()


@app.task(name=SUMMARIZE)  # type: ignore[untyped-decorator]
def summarize() -> None:
    """Ask the configured endpoint for lines about new papers for some seconds; enqueue the task again if there is more.

    The slice is short because fetches of sources wait for it. Safe to run twice: a paper keeps its first line.
    """
    from digest.services.ingestion import summarize_papers

    more = summarize_papers.summarize_papers(seconds=SUMMARY_SLICE_SECONDS).is_incomplete
    clear_mark(SUMMARIZE)
    if more:
        enqueue().summarize()


@app.task(name=LOOK_UP)  # type: ignore[untyped-decorator]
def look_up() -> None:
    """Look up example papers of which only an identifier is known; enqueue the task again if there are more.

    Safe to run twice: a paper that was looked up is not waiting any more.
    """
    from digest.services.subscriptions import pending_example_lookup

    try:
        more = pending_example_lookup.look_up_examples().is_incomplete
    except Transient:
        more = False  # the scheduler tries again
    clear_mark(LOOK_UP)
    if more:
        enqueue().look_up()


@app.task(name=CALIBRATE)  # type: ignore[untyped-decorator]
def calibrate() -> None:
    """Enqueue a task for each of the next parts of subscribers to calibrate for a new epoch. Safe to run twice."""
    from digest.services.runs import calibration_job

    clear_mark(CALIBRATE)
    due = calibration_job.due_parts()
    for first_id, last_id in due.parts:
        enqueue().calibrate_part(due.epoch_id, first_id, last_id)


@app.task(name=CALIBRATE_PART)  # type: ignore[untyped-decorator]
def calibrate_part(epoch_id: int, first_id: int, last_id: int) -> None:
    """Calibrate the profiles of a part of the subscribers, then enqueue the next. Safe to run twice: once an epoch."""
    from digest.services.runs import calibration_job

    is_part_done = calibration_job.calibrate_part(epoch_id, first_id, last_id)
    clear_mark(mark_name(CALIBRATE_PART, epoch_id, first_id, last_id))
    if is_part_done:
        enqueue().calibrate()


@app.task(name=TIDY_SIGNALS)  # type: ignore[untyped-decorator]
def tidy_signals() -> None:
    """Thin out old snapshots. Safe to run twice."""
    from digest.services.ingestion import signal_cleanup

    signal_cleanup.thin_out_snapshots()


@app.task(name=POLL_BOUNCES)  # type: ignore[untyped-decorator]
def poll_bounces() -> None:
    """Process returned mail of the configured IMAP folder. Safe to run twice: a message counts once."""
    from digest.services.admin import worker_findings
    from digest.services.bounces import imap_poll

    failure: DigestError | None = None
    try:
        imap_poll.poll()
    except DigestError as error:
        failure = error
        log.warning("bounces_not_polled", reason=str(error))
    worker_findings.record_poll(failure)
    clear_mark(POLL_BOUNCES)
