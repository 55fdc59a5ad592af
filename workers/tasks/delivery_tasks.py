"""Tasks of the queue `delivery`: send due mail; check mail servers, disk and certificates."""

from __future__ import annotations

from digest import logs
from digest.errors import Transient
from digest.services.delivery import delivery_worker
from workers.app import app
from workers.enqueue import enqueue
from workers.task_marks import clear_mark
from workers.task_queues import CHECK_INSTALLATION, DELIVER

log = logs.get(__name__)


@app.task(name=DELIVER)  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Send due mail for about 10 s, and enqueue the task again if there is more. Safe to run twice: claims decide."""
    clear_mark(DELIVER)  # first, because mail that becomes due from now on needs another task
    try:
        counts = delivery_worker.send_due_mail(on_more_work=enqueue().deliver)
    except Transient as error:
        log.warning("delivery_stopped", reason=str(error))
        return
    if counts.more:
        enqueue().deliver()


@app.task(name=CHECK_INSTALLATION)  # type: ignore[untyped-decorator]
def check_installation() -> None:
    """Check mail servers and DKIM; raise alarms about disk, certificate and DKIM. One alarm a day for each."""
    from digest.services.admin import installation_alarms, worker_findings

    worker_findings.record_mail_checks()
    if installation_alarms.check_installation():
        enqueue().deliver()
