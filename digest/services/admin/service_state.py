"""The state of the service in one sentence, for the first line of the administrators' page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from digest import clock, redis, settings
from digest.db.outbox.session_replies import SERVER
from digest.errors import Transient
from digest.i18n import decimal, translate, translate_plural
from digest.interfaces import DELIVERY, SELECTION, Enqueue
from digest.models.delivery import CANCELLED, DEFERRED, QUEUED, SENDING, SENT, SUPPRESSED, UNCERTAIN
from digest.models.edition import PAUSED
from digest.models.types import stored_id
from digest.redis import running
from digest.services.admin.dashboard import Dashboard
from digest.sources.source import DOWN, LATE, PARTIAL

_WAITING = (QUEUED, DEFERRED, SENDING, UNCERTAIN)
_NOT_OWED = (CANCELLED, SUPPRESSED)  # mails of a run that nobody expects
_TROUBLED = (DOWN, LATE, PARTIAL)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """`sentence`: what is the matter, or that all is well; `cure`: what to do, empty where nothing is to be done."""

    is_well: bool
    sentence: str
    cure: str = ""


def service_state(shown: Dashboard, enqueue: Enqueue) -> ServiceState:
    """The gravest trouble. It waits some seconds for workers that do not respond at once."""
    checks: tuple[Callable[[Dashboard], Iterator[ServiceState]], ...] = (_server, _overdue, _held, _paused, _sources)
    if not enqueue.alive():
        return _silent_worker(shown)
    return next((state for check in checks for state in check(shown)), _all_well(shown))


def _silent_worker(shown: Dashboard) -> ServiceState:
    seconds = _worker_silence()
    if not math.isfinite(seconds):
        seconds = shown.counts.oldest_due
    since = (
        translate("The worker has been silent for %(time)s", time=_duration(seconds))
        if seconds >= 1
        else translate("The worker is silent")
    )
    waiting = shown.counts.waiting
    mails = translate_plural("%(n)s mail waits", "%(n)s mails wait", waiting) if waiting else translate("no mail waits")
    return ServiceState(
        False, f"{since}; {mails}.", translate("Start `digest worker` or `digest up`; `digest doctor` says more.")
    )


def _worker_silence() -> float:
    """Seconds since those who build editions and send mail last got something done; infinite where nothing is known."""
    config = settings.get()
    instance = running.find_instance(config.data_dir)
    url = config.redis_url or (instance.redis_url if instance else "")
    if not url:
        return math.inf
    try:
        store = redis.connect(url)
        queues = (DELIVERY, SELECTION)
        return max(min(store.progress(redis.queue_kind(queue)).values(), default=math.inf) for queue in queues)
    except Transient:
        return math.inf


def _duration(seconds: float) -> str:
    if seconds < 90:
        return translate_plural("%(n)s second", "%(n)s seconds", round(seconds))
    if seconds < 90 * 60:
        return translate_plural("%(n)s minute", "%(n)s minutes", round(seconds / 60))
    return translate_plural("%(n)s hour", "%(n)s hours", round(seconds / 3600))


def _server(shown: Dashboard) -> Iterator[ServiceState]:
    if any(pause.domain == SERVER for pause in shown.paused_domains):
        sentence = translate_plural(
            "The mail server refuses our mail; %(n)s mail waits.",
            "The mail server refuses our mail; %(n)s mails wait.",
            shown.counts.waiting,
        )
        yield ServiceState(False, sentence, translate("Its reply is below; `digest doctor` checks what it may refuse."))
    elif shown.paused_domains:
        names = ", ".join(pause.domain for pause in shown.paused_domains[:3])
        sentence = translate_plural(
            "%(n)s domain refuses our mail: %(names)s.",
            "%(n)s domains refuse our mail: %(names)s.",
            len(shown.paused_domains),
            names=names,
        )
        yield ServiceState(False, sentence, translate("Their replies are below."))


def _overdue(shown: Dashboard) -> Iterator[ServiceState]:
    if shown.counts.overdue:
        sentence = translate_plural(
            "%(n)s mail is overdue; the oldest has waited for %(time)s.",
            "%(n)s mails are overdue; the oldest has waited for %(time)s.",
            shown.counts.overdue,
            time=_duration(shown.counts.oldest_due),
        )
        yield ServiceState(False, sentence, translate("`digest doctor` tells whether the mail server answers."))


def _held(shown: Dashboard) -> Iterator[ServiceState]:
    if shown.counts.held:
        sentence = translate_plural(
            "%(n)s mail may have arrived and waits for your decision.",
            "%(n)s mails may have arrived and wait for your decision.",
            shown.counts.held,
        )
        cure = translate("`digest admin runs show` lists them; `digest admin runs resend-missed` sends them.")
        yield ServiceState(False, sentence, cure)


def _paused(shown: Dashboard) -> Iterator[ServiceState]:
    for run in shown.runs:
        if run.state == PAUSED:
            states = shown.of_runs.get(stored_id(run), {})
            sentence = translate_plural(
                "Run %(run)s is paused with %(n)s unsent mail.",
                "Run %(run)s is paused with %(n)s unsent mails.",
                sum(states.get(state, 0) for state in _WAITING),
                run=stored_id(run),
            )
            yield ServiceState(False, sentence, translate("Resume it below."))


def _sources(shown: Dashboard) -> Iterator[ServiceState]:
    for source in shown.standings:
        if source.state in _TROUBLED:
            sentence = translate("%(source)s is %(state)s.", source=source.source, state=translate(source.state))
            yield ServiceState(False, sentence, translate("It is asked again by itself; details are below."))


def _all_well(shown: Dashboard) -> ServiceState:
    """That all is well, and what became of the newest run."""
    well = translate("All well.")
    run = next(iter(shown.runs), None)
    if run is None:
        return ServiceState(True, f"{well} {translate('There has been no run yet.')}")
    states = shown.of_runs.get(stored_id(run), {})
    owed = sum(number for state, number in states.items() if state not in _NOT_OWED)
    days_ago = (clock.now() - run.slot) // timedelta(days=1)
    when = f"{run.slot:%H:%M}" if days_ago == 0 else f"{run.slot:%Y-%m-%d %H:%M}"
    sent = translate(
        "The run of %(when)s UTC sent %(sent)s of %(all)s.",
        when=when, sent=decimal(states.get(SENT, 0)), all=decimal(owed),
    )  # fmt: skip
    return ServiceState(True, f"{well} {sent}")
