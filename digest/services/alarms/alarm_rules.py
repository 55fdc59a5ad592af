"""Alarms: an e-mail to the administrators, at most one a day for each problem, and a line in the log.

Problems of one kind that the same check finds share a mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, logs, settings
from digest.db.bounces import reports
from digest.db.core.dialect import lock_name
from digest.db.core.engine import transaction
from digest.db.core.retry_transaction import retry_transaction
from digest.db.outbox import deliveries, session_replies
from digest.db.outbox.transactional_mail import enqueue_next
from digest.db.subscribers import subscribers
from digest.models import Audit, DomainPause
from digest.models.delivery import ALARM
from digest.models.types import stored_id
from digest.text.counted import count_of
from digest.text.stored_text_redaction import redact_addresses

log = logs.get(__name__)

REPEAT_AFTER = timedelta(days=1)
OVERDUE_AFTER = timedelta(minutes=30)
FAILING_AFTER = timedelta(minutes=10)
FAILURE_RETENTION = timedelta(days=14)  # since when the servers fail
MAX_DOMAINS_NAMED = 5  # with more paused domains there is one alarm for all, once a day
MAX_FACTS = 60  # of the problems of one mail
_MANY_DOMAINS = "{} domains refuse our mail".format  # the title of an alarm about several
_SERVERS_FAILING = "servers"  # the kind of attempt that records since when no mail server works


@dataclass(frozen=True, slots=True)
class AlarmProblem:
    """What an alarm is about. `subject` identifies it: `overdue`, `domain:one.example`. `facts`: one sentence each.

    `advice`: facts that are the same for other problems of its kind.
    """

    subject: str
    title: str
    facts: Sequence[str]
    advice: Sequence[str] = ()


def raise_alarm(session: Session, subject: str, title: str, facts: Sequence[str], *, now: datetime) -> bool:
    """Queue an alarm mail to the administrators. False where one about the same subject was queued within a day."""
    return bool(raise_alarms(session, [AlarmProblem(subject, title, facts)], lambda _count: title, now=now))


def raise_alarms(
    session: Session, problems: Sequence[AlarmProblem], title_of_many: Callable[[int], str], *, now: datetime
) -> list[AlarmProblem]:
    """Queue one alarm mail to the administrators about all of these problems, which are of one kind.

    Problems about which an alarm was queued within a day are left out. Returns those that the mail is about.
    `title_of_many`: its title, from their number, where they are several.
    """
    if not problems:
        return []
    lock_name(session, "alarms")
    new_problems = [problem for problem in problems if _is_new(session, problem.subject, now)]
    if not new_problems:
        return []
    audits = [_record_alarm(session, problem.subject, now) for problem in new_problems]
    facts = [fact for problem in new_problems for fact in problem.facts]
    advice = list(dict.fromkeys(fact for problem in new_problems for fact in problem.advice))
    title = new_problems[0].title if len(new_problems) == 1 else title_of_many(len(new_problems))
    payload = {"title": title, "facts": [fact[:300] for fact in (*facts[:MAX_FACTS], *advice)]}
    for address in settings.get().admin_emails:
        enqueue_next(session, ALARM, subject_id=stored_id(audits[0]), address=address, now=now, payload=payload)
    return new_problems


def _is_new(session: Session, subject: str, now: datetime) -> bool:
    """Whether no alarm about it was queued within a day; counts this one."""
    key = hashlib.sha256(subject.encode()).hexdigest()
    if subscribers.attempts(session, ALARM, key, since=now - REPEAT_AFTER):
        return False
    subscribers.record_attempt(session, ALARM, key, now=now, forget_before=now - REPEAT_AFTER)
    return True


def _record_alarm(session: Session, subject: str, now: datetime) -> Audit:
    log.error("alarm", about=_logged_subject(subject))
    audit = Audit(at=now, actor="service", action="alarm", detail={"subject": subject[:300]})
    session.add(audit)
    session.flush()
    return audit


def _logged_subject(subject: str) -> str:
    """The kind of an alarm, and of a source's its name; not those of domains, because logs name no recipients."""
    kind, _, name = subject.partition(":")
    return f"{kind} {name.partition(':')[0]}" if kind in {"source", "source-over"} else kind


def check_alarms(*, now: datetime | None = None) -> int:
    """Check all rules: overdue mail, domains that refuse our mail, sources in trouble.

    Returns the number of alarm mails, to each administrator. Raises Transient.
    """
    from digest.services.alarms import source_alarms

    now = now or clock.now()
    alarms = retry_transaction(partial(_check_mail, now), seconds=0)
    check_sources = partial(source_alarms.check_sources, statuses=source_alarms.current_statuses(now), now=now)
    return alarms + retry_transaction(check_sources, seconds=0)


def _check_mail(now: datetime, session: Session) -> int:
    refusal_alarms = raise_refusal_alarms(session, now=now)
    server = session_replies.server_pause(session, now - OVERDUE_AFTER)
    return refusal_alarms + (server is None and _check_overdue(session, now))


def check_refusals(*, now: datetime | None = None) -> int:
    """Alarm about refusals by the mail server or receiving domains. Returns the number of alarms. Raises Transient."""
    instant = now or clock.now()
    return retry_transaction(lambda session: raise_refusal_alarms(session, now=instant), seconds=0)


def raise_refusal_alarms(session: Session, *, now: datetime) -> int:
    """Raise an alarm about the mail server, else one about the paused domains. Returns the number of alarm mails."""
    pauses = reports.paused_domains(session, now)
    server = next((pause for pause in pauses if pause.domain == session_replies.SERVER), None)
    if server is not None:
        return _alarm_server_refuses(session, server, now)
    if len(pauses) > MAX_DOMAINS_NAMED:
        return _alarm_many_domains(session, pauses, now)
    problems = [_paused_domain_problem(pause.domain, pause.until, pause.reason) for pause in pauses]
    return bool(raise_alarms(session, problems, _MANY_DOMAINS, now=now))


def _alarm_server_refuses(session: Session, pause: DomainPause, now: datetime) -> bool:
    facts = (
        "The mail server refuses recipients at many domains in the same way. That is about us, not about them.",
        f"It said: {pause.reason}",
        f"Only alarms are sent until {pause.until:%Y-%m-%d %H:%M} UTC; then it is tried again every few minutes.",
        "No subscriber is suppressed and no mail is rejected because of it; their mail waits.",
        "Check the relay's login, its permission to relay for us, and our sender address; `digest doctor` helps.",
    )
    return raise_alarm(session, "server-refuses", "The mail server refuses our mail", facts, now=now)


def _alarm_many_domains(session: Session, pauses: Sequence[DomainPause], now: datetime) -> bool:
    """One mail for many domains: a sender on a blocklist is refused by hundreds of them."""
    named = ", ".join(pause.domain for pause in pauses[:20])
    facts = (
        f"{len(pauses)} domains refuse our mail by policy: {named}"[:300],
        f"One of them said: {pauses[0].reason}",
        "No subscriber is suppressed because of it; their mail waits, and is tried again every few hours.",
        "`digest doctor` checks SPF, DKIM and DMARC.",
    )
    return raise_alarm(session, "domains", f"{len(pauses)} domains refuse our mail", facts, now=now)


def _check_overdue(session: Session, now: datetime) -> bool:
    overdue = deliveries.count_overdue(session, now - OVERDUE_AFTER)
    if not overdue:
        return False
    minutes = int(OVERDUE_AFTER.total_seconds()) // 60
    facts = (
        f"{count_of(overdue, 'e-mail still waits', 'e-mails still wait')}, due more than {minutes} minutes ago.",
        "`digest doctor` shows whether workers, Redis and the mail server answer.",
    )
    return raise_alarm(session, "overdue", "E-mails are overdue", facts, now=now)


def alarm_domain_paused(session: Session, domain: str, until: datetime, reason: str, *, now: datetime) -> bool:
    """Alarm about a domain that is paused because it refuses our mail by policy."""
    return bool(raise_alarms(session, [_paused_domain_problem(domain, until, reason)], _MANY_DOMAINS, now=now))


def _paused_domain_problem(domain: str, until: datetime, reason: str) -> AlarmProblem:
    facts = (
        f"{domain} refuses our mail by policy. Nothing is sent there until {until:%Y-%m-%d %H:%M} UTC.",
        f"It said: {redact_addresses(reason)}",
    )
    advice = (
        "No subscriber is suppressed because of it; their mail waits.",
        "`digest doctor` checks SPF, DKIM and DMARC.",
    )
    return AlarmProblem(f"domain:{domain}", f"{domain} refuses our mail", facts, advice)


def alarm_refused_later(session: Session, addresses: int, words: str, *, now: datetime) -> bool:
    """Alarm about reports of policy refusals after the relay accepted the mail, too few at any domain to pause it."""
    facts = (
        f"Reports about {count_of(addresses, 'address', 'addresses')} say within a day that policy refused our mail.",
        f"One of them said: {redact_addresses(words)}",
        "No domain is paused and no subscriber is suppressed because of it. Those mails did not arrive.",
        "`digest doctor` checks SPF, DKIM and DMARC. `digest admin runs resend-missed` sends them after the repair.",
    )
    return raise_alarm(session, "refused-later", "Our mail is refused after the relay accepted it", facts, now=now)


def note_mail_servers(*, failing: bool, refusal: str = "", now: datetime | None = None) -> bool:
    """Record whether any mail server works. True where an alarm was raised: all have failed for 10 minutes.

    `refusal`: the server's reply if it refuses all our mail; then the alarm is raised at once. The alarm mail waits
    like all other mail until a server works again; the log line is written at once. Raises Transient.
    """
    return retry_transaction(partial(_record_server_state, failing, refusal, now or clock.now()), seconds=0)


def servers_failing_since(session: Session, *, now: datetime) -> datetime | None:
    """Since when no mail server works; None where one does."""
    return next(iter(subscribers.attempts(session, _SERVERS_FAILING, "", since=now - FAILURE_RETENTION)), None)


def _record_server_state(failing: bool, refusal: str, now: datetime, session: Session) -> bool:
    failing_since = subscribers.attempts(session, _SERVERS_FAILING, "", since=now - FAILURE_RETENTION)
    if not failing:
        if failing_since:
            subscribers.delete_attempts(session, _SERVERS_FAILING, "")
        return False
    if not failing_since:
        subscribers.record_attempt(session, _SERVERS_FAILING, "", now=now, forget_before=now - FAILURE_RETENTION)
        failing_since = [now]
    if now - failing_since[0] < FAILING_AFTER and not refusal:
        return False
    facts = (
        f"No server of DIGEST_SMTP_URL has accepted mail since {failing_since[0]:%Y-%m-%d %H:%M} UTC.",
        *([f"It said: {refusal}"] if refusal else []),
        "Nothing is lost: due mail waits, and is tried again every minute.",
        "`digest doctor` shows what each server answers.",
    )
    return raise_alarm(session, _SERVERS_FAILING, "The mail servers fail", facts, now=now)


def alarm_sender_died(leases: int, uncertain: int, *, now: datetime | None = None) -> None:
    """Alarm about senders that stopped renewing their leases, whose mails were taken over."""
    facts = (
        f"{count_of(leases, 'sending process', 'sending processes')} stopped; "
        f"{count_of(uncertain, 'e-mail was', 'e-mails were')} being sent and may have arrived.",
        "What may have arrived is sent again with the same Message-ID, or held, as DIGEST_UNCERTAIN says.",
    )
    with transaction() as session:
        raise_alarm(session, "lease", "A sending process stopped", facts, now=now or clock.now())
