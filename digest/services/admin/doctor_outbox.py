"""`digest doctor`: whether mail goes out: what is overdue, what servers said of the last mails, runs that are due.

A server that lets us log in may still refuse our sender or our mail; only the replies to real mails show that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from digest import clock
from digest.db.bounces import reports
from digest.db.core.engine import reading
from digest.db.outbox import deliveries, session_replies, waiting_mail
from digest.db.runs import runs
from digest.services.admin.doctor_finding import ERROR, OK, WARNING, DoctorFinding
from digest.services.alarms import alarm_rules
from digest.settings import Settings
from digest.text.counted import count_of

_OVERDUE_AFTER = timedelta(minutes=15)
_STALLED_AFTER = timedelta(minutes=30)  # greylisting ends sooner
_LONG_DEFERRED = timedelta(hours=1)
_REJECTIONS_OF = timedelta(days=1)
_MAX_REJECTED_SHARE, _MIN_REJECTED = 0.05, 3  # the share as in the shipped alert
_EDITION_OVERDUE_AFTER = timedelta(hours=2)  # as in the shipped alert
_MAX_REPLY = 160
_SERVER_CURE = (
    "let the server accept mail of DIGEST_MAIL_FROM from here (login, right to relay, quota); what waits is sent by "
    "itself then, or now: digest run --inline"
)


def check_outbox(_config: Settings) -> Iterator[DoctorFinding]:
    """Mails that no server accepts, that are overdue, deferred, rejected or uncertain."""
    now = clock.now()
    with reading() as session:
        by_state = deliveries.count_by_state(session)
        overdue = deliveries.count_overdue(session, now - _OVERDUE_AFTER)
        deferred = waiting_mail.deferred_mail(session)
    stalled = _stalled_text(deferred, now)
    if stalled:
        yield DoctorFinding(ERROR, "outbox", stalled, _SERVER_CURE)
    elif overdue:
        minutes = _OVERDUE_AFTER.seconds // 60
        text = f"{count_of(overdue, 'mail is overdue', 'mails are overdue')} by more than {minutes} minutes"
        yield DoctorFinding(ERROR, "outbox", text, "start `digest worker`, or run `digest run --inline` from cron")
    else:
        text = f"nothing overdue; {by_state.get('sent', 0)} sent, {by_state.get('queued', 0)} queued"
        yield DoctorFinding(OK, "outbox", text + (f", {deferred.count} deferred" if deferred else ""))
    if deferred and not stalled and now - deferred.oldest > _LONG_DEFERRED:
        text = f"{count_of(deferred.count, 'mail is deferred', 'mails are deferred')} since {_moment(deferred.oldest)}"
        cure = "they are sent again by themselves, for up to a day; `digest admin runs list` names the runs"
        yield DoctorFinding(WARNING, "outbox", text + _reply_text(deferred.reply), cure)
    yield from _check_rejections(now)
    if by_state.get("uncertain"):
        cure = "`digest admin runs show` lists them"
        text = count_of(by_state["uncertain"], "mail is uncertain", "mails are uncertain")
        yield DoctorFinding(WARNING, "outbox", text, cure)


def _stalled_text(deferred: waiting_mail.DeferredMail | None, now: datetime) -> str:
    """Since when no server accepts mail, and what it says; "" where mail goes out."""
    with reading() as session:
        pause = session_replies.server_pause(session, now)
        failing_since = alarm_rules.servers_failing_since(session, now=now)
        is_old = deferred is not None and now - deferred.oldest > _STALLED_AFTER
        accepted = deferred is not None and waiting_mail.was_any_accepted(session, deferred.oldest)
    if not (pause or failing_since or (is_old and not accepted)):
        return ""
    waiting = f"; {count_of(deferred.count, 'mail waits', 'mails wait')}" if deferred else ""
    if pause:
        return f"the mail server refuses our mail{waiting}{_reply_text(pause.reason)}"
    since = failing_since or (deferred.oldest if deferred else now)
    reply = _reply_text(deferred.reply) if deferred else ""
    return f"no mail server has accepted mail since {_moment(since)}{waiting}{reply}"


def _check_rejections(now: datetime) -> Iterator[DoctorFinding]:
    """Many mails of the last day that were rejected for good: so many dead addresses are rare."""
    with reading() as session:
        last_day = waiting_mail.rejections(session, now - _REJECTIONS_OF)
    tried = last_day.rejected + last_day.accepted
    if last_day.rejected < _MIN_REJECTED or last_day.rejected <= _MAX_REJECTED_SHARE * tried:
        return
    text = f"{last_day.rejected} of {count_of(tried, 'mail was', 'mails were')} rejected within a day"
    cure = "if the replies are not about the addresses, correct what they name, then: digest admin runs resend-missed"
    level = WARNING if last_day.accepted else ERROR
    yield DoctorFinding(level, "outbox", text + _reply_text(last_day.reply), cure)


def check_paused(_config: Settings) -> Iterator[DoctorFinding]:
    """Domains that refuse our mail by policy, and runs that an administrator has paused."""
    with reading() as session:
        pauses = [
            pause for pause in reports.paused_domains(session, clock.now()) if pause.domain != session_replies.SERVER
        ]
        paused_runs = waiting_mail.paused_runs(session)
    for pause in pauses[: alarm_rules.MAX_DOMAINS_NAMED]:
        text = f"{pause.domain} refuses our mail by policy; nothing is sent there until {_moment(pause.until)}"
        cure = f"correct SPF, DKIM and DMARC, then: digest admin domains release {pause.domain}"
        yield DoctorFinding(ERROR, "domains", text + _reply_text(pause.reason), cure)
    others = len(pauses) - alarm_rules.MAX_DOMAINS_NAMED
    if others > 0:
        text = f"{count_of(others, 'more domain refuses', 'more domains refuse')} our mail by policy"
        yield DoctorFinding(ERROR, "domains", text, "`digest admin domains list` shows their replies")
    for run_id, count in paused_runs:
        cure = f"digest admin runs resume {run_id}, or cancel {run_id}"
        text = f"run {run_id} is paused: {count_of(count, 'mail waits', 'mails wait')}"
        yield DoctorFinding(WARNING, "runs", text, cure)


def check_runs(config: Settings) -> Iterator[DoctorFinding]:
    """Whether subscribers were due, and no run has made their editions."""
    now = clock.now()
    with reading() as session:
        slots = runs.due_slots(session, now - _EDITION_OVERDUE_AFTER - timedelta(minutes=config.source_wait), limit=1)
    for slot in slots:
        text = f"subscribers were due at {_moment(slot)}, and no run has made their editions"
        cure = "start the scheduler and a worker (`digest up`), or run `digest run --inline` from cron"
        yield DoctorFinding(ERROR, "runs", text, cure)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _reply_text(reply: str) -> str:
    return f"; the last reply: {reply[:_MAX_REPLY]}" if reply else ""
