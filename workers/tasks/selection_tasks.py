"""Tasks of the queue `selection`: build the editions of a run's shard, or a subscriber's first one."""

from __future__ import annotations

from digest import logs
from workers.app import app
from workers.enqueue import enqueue
from workers.task_marks import clear_mark, count_start, mark_name
from workers.task_queues import FREEZE, WELCOME

log = logs.get(__name__)

MAX_STARTS = 3  # a task that kills its process this often is given up


@app.task(name=FREEZE)  # type: ignore[untyped-decorator]
def freeze(run_id: int, shard: int) -> None:
    """Build and freeze the editions of one shard. Safe to run twice: a shard is done once."""
    from digest.services.runs import build_editions

    mark = mark_name(FREEZE, run_id, shard)
    if count_start(mark) > MAX_STARTS:
        log.error("shard_given_up", run=run_id, shard=shard, starts=MAX_STARTS)
        return
    build_editions.build_shard(run_id, shard)
    clear_mark(mark)
    enqueue().deliver()


@app.task(name=WELCOME)  # type: ignore[untyped-decorator]
def welcome(subscriber_id: int) -> None:
    """Build the first edition of a subscriber who has just confirmed. Safe to run twice: one edition per date."""
    from digest.services.editions.welcome import first_edition

    try:
        first_edition(subscriber_id)
    finally:  # after a failure it may be enqueued again
        clear_mark(mark_name(WELCOME, subscriber_id))
    enqueue().deliver()
