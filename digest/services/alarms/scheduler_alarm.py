"""An alarm where no scheduler runs. The web process raises it, because all other alarms are the scheduler's."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, redis, settings
from digest.db.core.retry_transaction import retry_transaction
from digest.services.alarms import alarm_rules

MAX_SILENCE = timedelta(minutes=10)
CHECK_EVERY_SECONDS = 60.0
_ENDED = "scheduler_ended"  # a text in Redis for as long as a scheduler that ended in order may be absent


def note_orderly_end(store: redis.RedisStore) -> None:
    """Let the silence begin now: a scheduler ends in order, as at a restart, and removes its progress."""
    store.store_text(_ENDED, "", seconds=MAX_SILENCE.total_seconds())


def check_scheduler(*, now: datetime | None = None) -> bool:
    """True where an alarm was raised: no scheduler made progress lately.

    Call it only after the own process has run for `MAX_SILENCE`. Without Redis, cron runs the service and nothing is
    checked. Raises Transient where Redis or the database does not answer.
    """
    url = settings.get().redis_url
    if not url:
        return False
    store = redis.connect(url)
    age = min(store.progress(redis.SCHEDULER).values(), default=math.inf)
    if age < MAX_SILENCE.total_seconds() or store.stored_text(_ENDED) is not None:
        return False
    return retry_transaction(partial(_raise_alarm, age, now or clock.now()), seconds=0)


def _raise_alarm(age: float, now: datetime, session: Session) -> bool:
    since = f"for {age / 60:.0f} minutes" if math.isfinite(age) else f"for at least {MAX_SILENCE.seconds // 60} minutes"
    facts = (
        f"No scheduler has made progress {since}: no run is planned, and no source is fetched.",
        "Nothing is lost: once it runs again, what is due is sent.",
        "Start `digest scheduler`, or restart `digest up`; `digest doctor` shows what runs.",
    )
    return alarm_rules.raise_alarm(session, "scheduler", "No scheduler runs", facts, now=now)
