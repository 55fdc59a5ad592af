"""Calls DIGEST_PING_URL after each run, so that a monitoring service alarms when the calls stop (a dead-man switch).

`URL` is called for a run that finished and `URL/fail` for one that failed, the convention of Healthchecks
(https://healthchecks.io/docs/http_api/) and compatible services. A failed call is logged and tried again; no run waits
for it. Any address may be called, also a private one: the administrator chose it.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit, urlunsplit

from digest import __version__, clock, logs, settings
from digest.db.core.engine import reading
from digest.db.core.retry_transaction import retry_transaction
from digest.db.runs import run_reports
from digest.models.monitoring import RUN_FAILED

log = logs.get(__name__)

TIMEOUT_SECONDS = 10.0
RETRY_DELAY_SECONDS = 2.0
RETRIED_FOR = timedelta(hours=1)  # the scheduler tries once a minute
ATTEMPTS_INLINE = 3  # of a process that runs once, from cron
_MAX_ANSWER_BYTES = 1024


def ping_ended_runs(*, attempts: int = 1, now: datetime | None = None) -> int:
    """Call the URL for each run that ended lately and was not announced yet. Returns how many calls succeeded.

    Stops at the first call that fails `attempts` times. Raises Transient where the database fails.
    """
    if not settings.get().ping_url:
        return 0
    now = now or clock.now()
    with reading() as session:
        reports = run_reports.unpinged(session, noticed_since=now - RETRIED_FOR)
    for succeeded, report in enumerate(reports):
        if not ping(f"run {report.run_id} {report.outcome}", failed=report.outcome == RUN_FAILED, attempts=attempts):
            return succeeded
        retry_transaction(
            partial(run_reports.record_ping, run_id=report.run_id, outcome=report.outcome, at=clock.now()), seconds=0
        )
    return len(reports)


def ping(message: str, *, failed: bool, attempts: int = 1) -> bool:
    """Call the URL, or with `failed` its `/fail`. False where it is not set or does not answer with success.

    `message` is the body where DIGEST_PING_METHOD is POST. It contains no addresses.
    """
    config = settings.get()
    if not config.ping_url:
        return False
    url = fail_url(config.ping_url) if failed else config.ping_url
    for attempt in range(attempts):
        if attempt:
            time.sleep(RETRY_DELAY_SECONDS)
        problem = _call(url, config.ping_method, message)
        if not problem:
            return True
        log.warning("ping_failed", reason=problem, attempt=attempt + 1)  # without the URL, which is a secret
    return False


def fail_url(url: str) -> str:
    """The URL that announces a failure: `/fail` is added to the path."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))


def _call(url: str, method: str, message: str) -> str:
    """Call the URL. Returns why it failed, "" for success (2xx)."""
    headers = {"User-Agent": f"papers-inbox/{__version__}", "Content-Type": "text/plain; charset=utf-8"}
    body = message.encode() if method == "POST" else None
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - http or https
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            answer.read(_MAX_ANSWER_BYTES)
            return ""
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except urllib.error.URLError as error:
        return str(error.reason)[:200]
    except (OSError, http.client.HTTPException, ValueError) as error:
        return type(error).__name__
