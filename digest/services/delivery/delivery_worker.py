"""Sends due mail, sweeps for dead senders and overdue work, and does both in one process for `--inline`.

Which mail goes first: `db/outbox/claims.py`. When a mail is tried again and given up: `mail/outbox/retry_backoff.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache, lru_cache

from digest import clock, settings
from digest.db.core.engine import reading
from digest.db.outbox import deliveries
from digest.db.runs import runs
from digest.mail.mime.composer_interface import Composer
from digest.mail.outbox.lease_reaper import LeaseReaper
from digest.mail.outbox.send_counters import SendCounts
from digest.mail.outbox.sender import deliver_due
from digest.queues import Enqueue
from digest.services.alarms import alarm_rules

DRAIN_WINDOW = timedelta(
    seconds=15
)  # `drain` waits for mail that is due by then: an uncertain one is retried after 5 s
SHARDS_PER_SWEEP = 200


def _never() -> bool:
    return False


def _do_nothing() -> None:
    pass


def send_due_mail(
    *, seconds: float = 10.0, stop: Callable[[], bool] = _never, on_more_work: Callable[[], None] = _do_nothing
) -> SendCounts:
    """Send due mail for about `seconds`. Safe to run concurrently, because a row is claimed once.

    `on_more_work` is called once where another sender has work. An alarm about a refusal is sent at once if possible.
    Raises Transient.
    """
    config = settings.get()
    composer = _composer(os.getpid(), config)
    counts = deliver_due(composer, config, seconds=seconds, stop=stop, busy=on_more_work)
    if counts.paused and alarm_rules.check_refusals():
        return counts + replace(deliver_due(composer, config, seconds=seconds, stop=stop), more=counts.more)
    if not counts.paused and (counts.trouble or counts.sent):
        alarm_rules.note_mail_servers(failing=counts.trouble, refusal=counts.refusal)
    return counts


def sweep(enqueue: Enqueue) -> int:
    """Take over from dead senders and queue tasks for overdue work. Returns how many mails became uncertain.

    Call it every few seconds from one long-lived process. Raises Transient.
    """
    uncertain = _sweep_leases(_sweeper())
    with reading() as session:
        is_mail_due = deliveries.is_due(session, clock.now())
        unfinished_shards = runs.open_shards(session, limit=SHARDS_PER_SWEEP)
    for run_id, shard in unfinished_shards:
        enqueue.freeze(run_id, shard)
    if is_mail_due:
        enqueue.deliver()
    return uncertain


def drain(*, stop: Callable[[], bool] = _never) -> SendCounts:
    """Send until nothing is due, without workers. Waits at most one lease for a sender that may have died.

    Ends early where our mail servers fail. Raises Transient.
    """
    sweeper, total = LeaseReaper(settings.get()), SendCounts()
    deadline = time.monotonic() + settings.get().lease + DRAIN_WINDOW.total_seconds()
    while True:
        _sweep_leases(sweeper)
        total += send_due_mail(stop=stop)
        if total.trouble or stop():
            return total
        if not total.more:
            if time.monotonic() > deadline or not _has_work_soon():
                return total
            time.sleep(0.5)


def _sweep_leases(sweeper: LeaseReaper) -> int:
    """Sweep once, and alarm administrators about senders that died. Returns how many mails became uncertain."""
    before = sweeper.leases_taken_over
    uncertain = sweeper.sweep()
    if sweeper.leases_taken_over > before:
        alarm_rules.alarm_sender_died(sweeper.leases_taken_over - before, uncertain)
    return uncertain


def _has_work_soon() -> bool:
    """True while another sender has mail in flight, or mail is due soon."""
    with reading() as session:
        return deliveries.count_in_flight(session) > 0 or deliveries.is_due(session, clock.now() + DRAIN_WINDOW)


@lru_cache(maxsize=1)
def _composer(_process: int, config: settings.Settings) -> Composer:
    """The composer of this process, which caches papers and the DKIM key across passes."""
    from digest.services.delivery.render_messages import MailComposer  # slow to import; only senders need it

    return MailComposer(config)


@cache
def _sweeper() -> LeaseReaper:
    return LeaseReaper(settings.get())
