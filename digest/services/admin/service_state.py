"""The state of the service in one sentence, for the first line of the administrators' page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from digest import clock, redis, settings
from digest.db.outbox.session_replies import SERVER
from digest.errors import Transient
from digest.i18n import format_duration, format_number, localize, localize_plural
from digest.models.delivery import CANCELLED, DEFERRED, QUEUED, SENDING, SENT, SUPPRESSED, UNCERTAIN
from digest.models.edition import PAUSED
from digest.models.types import stored_id
from digest.queues import DELIVERY, SELECTION, Enqueue
from digest.redis import running_instance
from digest.services.admin.dashboard import Dashboard
from digest.services.admin.doctor_finding import ERROR, DoctorFinding
from digest.sources.source import DOWN, LATE, PARTIAL

_WAITING = (QUEUED, DEFERRED, SENDING, UNCERTAIN)
_NOT_EXPECTED = (CANCELLED, SUPPRESSED)  # mails of a run that are not to be sent
_PROBLEM_STATES = (DOWN, LATE, PARTIAL)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """`sentence`: the problem, or that all is well; `remedy`: what to do, empty if nothing; `page`: about it."""

    is_well: bool
    sentence: str
    remedy: str = ""
    page: str = ""


def service_state(figures: Dashboard, enqueue: Enqueue, findings: Sequence[DoctorFinding] | None) -> ServiceState:
    """The gravest problem. It waits some seconds for workers that do not respond at once.

    `findings`: of `digest doctor`, so that nothing is called well above an error; None while it still checks.
    """
    checks: tuple[Callable[[Dashboard], Iterator[ServiceState]], ...] = (
        _paused_domain_problems,
        _overdue_problems,
        _held_problems,
        _paused_run_problems,
        _source_problems,
    )
    if not enqueue.alive():
        return _worker_problem(figures)
    for check in checks:
        for state in check(figures):
            return state
    errors = [finding for finding in findings or () if finding.level == ERROR]
    return _error_state(errors) if errors else _all_well(figures, is_checked=findings is not None)


def _worker_problem(figures: Dashboard) -> ServiceState:
    seconds = _worker_silence()
    if not math.isfinite(seconds):
        seconds = figures.counts.oldest_due
    since = (
        localize("The worker has been silent for %(time)s", time=format_duration(seconds))
        if seconds >= 1
        else localize("The worker is silent")
    )
    waiting_count = figures.counts.waiting
    mails = (
        localize_plural("%(n)s mail waits", "%(n)s mails wait", waiting_count)
        if waiting_count
        else localize("no mail waits")
    )
    return ServiceState(
        False, f"{since}; {mails}.", localize("Start `digest worker` or `digest up`; `digest doctor` says more.")
    )


def _worker_silence() -> float:
    """Seconds since the workers that build editions and send mail last made progress; infinite if this is unknown."""
    config = settings.get()
    instance = running_instance.find_instance(config.data_dir)
    url = config.redis_url or (instance.redis_url if instance else "")
    if not url:
        return math.inf
    try:
        store = redis.connect(url)
        queues = (DELIVERY, SELECTION)
        return max(min(store.progress(redis.queue_kind(queue)).values(), default=math.inf) for queue in queues)
    except Transient:
        return math.inf


def _paused_domain_problems(figures: Dashboard) -> Iterator[ServiceState]:
    if any(pause.domain == SERVER for pause in figures.paused_domains):
        sentence = localize_plural(
            "The mail server refuses our mail; %(n)s mail waits.",
            "The mail server refuses our mail; %(n)s mails wait.",
            figures.counts.waiting,
        )
        yield ServiceState(False, sentence, localize("Its reply is below; `digest doctor` checks what it may refuse."))
    elif figures.paused_domains:
        names = ", ".join(pause.domain for pause in figures.paused_domains[:3])
        sentence = localize_plural(
            "%(n)s domain refuses our mail: %(names)s.",
            "%(n)s domains refuse our mail: %(names)s.",
            len(figures.paused_domains),
            names=names,
        )
        yield ServiceState(False, sentence, localize("Their replies are below."))


def _overdue_problems(figures: Dashboard) -> Iterator[ServiceState]:
    if figures.counts.overdue:
        sentence = localize_plural(
            "%(n)s mail is overdue; the oldest has waited for %(time)s.",
            "%(n)s mails are overdue; the oldest has waited for %(time)s.",
            figures.counts.overdue,
            time=format_duration(figures.counts.oldest_due),
        )
        yield ServiceState(False, sentence, localize("`digest doctor` tells whether the mail server answers."))


def _held_problems(figures: Dashboard) -> Iterator[ServiceState]:
    if figures.counts.held:
        sentence = localize_plural(
            "%(n)s mail may have arrived and waits for your decision.",
            "%(n)s mails may have arrived and wait for your decision.",
            figures.counts.held,
        )
        run_id = figures.run_of_held
        remedy = localize("On the page of its run you can send it again.") if run_id is not None else ""
        yield ServiceState(False, sentence, remedy, f"/admin/runs/{run_id}" if run_id is not None else "")


def _paused_run_problems(figures: Dashboard) -> Iterator[ServiceState]:
    for run in figures.runs:
        if run.state == PAUSED:
            states = figures.deliveries_by_run.get(stored_id(run), {})
            sentence = localize_plural(
                "Run %(run)s is paused with %(n)s unsent mail.",
                "Run %(run)s is paused with %(n)s unsent mails.",
                sum(states.get(state, 0) for state in _WAITING),
                run=stored_id(run),
            )
            yield ServiceState(False, sentence, localize("Resume it below."), f"/admin/runs/{stored_id(run)}")


def _source_problems(figures: Dashboard) -> Iterator[ServiceState]:
    for source in figures.source_statuses:
        if source.state in _PROBLEM_STATES:
            sentence = localize("%(source)s is %(state)s.", source=source.source, state=localize(source.state))
            yield ServiceState(False, sentence, localize("It is asked again by itself; details are below."))


def _error_state(errors: Sequence[DoctorFinding]) -> ServiceState:
    sentence = localize_plural(
        "`digest doctor` finds %(n)s error: %(name)s: %(text)s.",
        "`digest doctor` finds %(n)s errors, the first: %(name)s: %(text)s.",
        len(errors),
        name=errors[0].name,
        text=errors[0].text.rstrip("."),
    )
    return ServiceState(False, sentence, localize("What to do is said under Health."), page="/admin/health")


def _all_well(figures: Dashboard, *, is_checked: bool) -> ServiceState:
    """That all is well, and how many mails the newest run sent."""
    well = localize("All well.") if is_checked else localize("Nothing is known to be wrong; the checks still run.")
    run = next(iter(figures.runs), None)
    if run is None:
        return ServiceState(True, f"{well} {localize('There has been no run yet.')}")
    states = figures.deliveries_by_run.get(stored_id(run), {})
    expected = sum(number for state, number in states.items() if state not in _NOT_EXPECTED)
    is_of_today = run.slot.astimezone(UTC).date() == clock.now().astimezone(UTC).date()
    when = f"{run.slot:%H:%M}" if is_of_today else f"{run.slot:%Y-%m-%d %H:%M}"
    sent = localize(
        "The run of %(when)s UTC sent %(sent)s of %(all)s.",
        when=when, sent=format_number(states.get(SENT, 0)), all=format_number(expected),
    )  # fmt: skip
    return ServiceState(True, f"{well} {sent}")
