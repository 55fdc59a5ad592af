"""`digest mail`: one person's mail of the day, without web, workers and Redis. All state is one SQLite file.

It takes the usual steps (fetch, select, store the edition with its mail, send), so a process that is killed anywhere
loses nothing and sends nothing twice. One edition a local date; papers come once.

Settings that are not given: `cli/mail_command.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from digest import clock, settings
from digest.db.core.engine import reading, transaction
from digest.db.outbox import mail_log_matches
from digest.db.outbox.deliveries import ClaimedDelivery
from digest.db.papers import paper_retention
from digest.db.runs import editions, runs
from digest.db.subscribers import subscribers
from digest.errors import BadInput, DigestError, SourceDown, Transient
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.mail.outbox.sender import deliver_due
from digest.models import Delivery
from digest.models.delivery import OPEN_STATES, SENDING, SENT
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.services.delivery.personal_composer import PersonalComposer
from digest.services.ingestion import catch_up, fetch_schedule, source_status
from digest.services.runs import build_editions, run_planning
from digest.services.subscriptions import consent_origin, preference_fields, sign_up_confirmation
from digest.services.subscriptions.topic_checks import check_topic
from digest.services.subscriptions.topic_separators import split_topics
from digest.services.subscriptions.update_preferences import save_section
from digest.sources.source import DOWN

KEEP_PAPERS = timedelta(days=45)  # older than any window; keeps the state file small
SEND_SECONDS = 60.0
MAX_TOPICS_FILE = 64 * 1024  # bytes
MAX_PROBLEMS = 5  # named at once
COMMENT = "#"
HANDED_OVER = "handed over by digest mail"

Progress = Callable[[str], None]  # called with the source that is fetched next


@dataclass(frozen=True, slots=True)
class PersonalRequest:
    """Who gets which mail. `topics`: as `read_topics` returns them."""

    address: str
    topics: tuple[str, ...]
    categories: tuple[str, ...] = ()
    time_zone: str = "UTC"
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class PersonalMail:
    """The mail of a day. `papers`: how many it has, 0 where nothing matched; `is_new`: False where it went out before.

    `failed_sources`: (source, reason). `next_attempt`: set where there is no mail because no source answered.
    """

    day: date
    papers: int
    is_new: bool
    failed_sources: tuple[tuple[str, str], ...] = ()
    next_attempt: datetime | None = None


def read_topics(file: Path) -> tuple[str, ...]:
    """The topics of a file, one a line or with commas between; blank lines and those that begin with # are left out.

    Raises BadInput with the first lines that are in error, and the number of the others.
    """
    topics, problems = [], []
    for number, line in enumerate(_read_text(file).splitlines(), start=1):
        if line.lstrip().startswith(COMMENT):
            continue
        for topic in split_topics(line):
            topics.append(topic)
            problem = _problem_of(topic)
            if problem:
                problems.append(f"{file}, line {number}: {problem}")
    if problems:
        others = f"; and {len(problems) - MAX_PROBLEMS} more lines" if problems[MAX_PROBLEMS:] else ""
        raise BadInput("; ".join(problems[:MAX_PROBLEMS]) + others, field="topics")
    if not topics:
        raise BadInput(f"--topics: {file} names no topic; write one a line", field="topics")
    return tuple(topics)


def _read_text(file: Path) -> str:
    """The text of a small file, without a byte order mark. Raises BadInput, with the first line that is not UTF-8."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadInput(f"--topics: {file} can't be read ({error.strerror})", field="topics") from error
    if len(content) > MAX_TOPICS_FILE:
        raise BadInput(f"--topics: {file} has more than {MAX_TOPICS_FILE // 1024} KB", field="topics")
    try:
        return content.decode().lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"--topics: {file}, line {line}: this is not UTF-8 text; save the file in UTF-8"
        raise BadInput(problem, field="topics") from error


def _problem_of(topic: str) -> str:
    try:
        check_topic(topic)
    except BadInput as error:
        return str(error)
    return ""


def send_mail_of_day(
    request: PersonalRequest,
    *,
    progress: Progress = lambda _source: None,
    hand_over: Callable[[OutgoingMessage], None] | None = None,
) -> PersonalMail:
    """Fetch what is due, then send today's mail, unless it was sent before.

    `hand_over`: gets the message instead of the mail server; it may be called again with the same message where the
    process was killed. Raises BadInput for address and topics, Transient where the mail could not be sent yet.
    """
    subscriber_id = _store_profile(request)
    day = clock.now().astimezone(clock.zone_info(request.time_zone)).date()
    present = _delivery_of(subscriber_id, day)
    if present is not None and present.state not in OPEN_STATES:
        return PersonalMail(day, _papers_of(subscriber_id, day), is_new=False)
    failed: tuple[tuple[str, str], ...] = ()
    if present is None:
        failed = _fetch_due_sources(progress)
        _build_edition(subscriber_id, day)
        _delete_old_papers(day)
        present = _delivery_of(subscriber_id, day)
    if present is None:
        return PersonalMail(day, 0, is_new=False, failed_sources=failed, next_attempt=_next_attempt())
    _deliver(present, hand_over)
    return PersonalMail(day, _papers_of(subscriber_id, day), is_new=True, failed_sources=failed)


def _next_attempt() -> datetime | None:
    """When a source is asked next, where all of them are down; else None."""
    fetches = fetch_schedule.next_fetches()
    down = {status.source for status in source_status.source_statuses() if status.state == DOWN}
    return min(fetches.values()) if fetches and fetches.keys() <= down else None


def _store_profile(request: PersonalRequest) -> int:
    """Subscribe the address, or change its profile to the file's. Returns the subscriber's id."""
    address = subscribers.parse_address(request.address)
    values = {"topics": "\n".join(request.topics), "categories": " ".join(request.categories)}
    values |= {"time_zone": request.time_zone, "send_at": _end_of_quarter(request.time_zone)}
    values |= {"limit": str(request.limit)} if request.limit else {}
    with reading() as session:
        subscriber = subscribers.by_key(session, address.key)
    if subscriber is not None and subscriber.state == ACTIVE:
        save_section(stored_id(subscriber), values)
        return stored_id(subscriber)
    preferences = preference_fields.validate(preference_fields.Preferences, values)
    now = clock.now()
    with transaction() as session:
        subscriber = subscribers.admit(session, address, now=now)
        session.flush()
        preferences.apply_to(subscriber)
        version = subscribers.add_profile_version(session, stored_id(subscriber), preferences.profile(), now=now)
        sign_up_confirmation.activate(
            session, subscriber, version, event=subscribers.IMPORTED, client=consent_origin.ADMINISTRATOR, now=now
        )
        subscribers.mark_welcomed(session, stored_id(subscriber), now=now)
        return stored_id(subscriber)


def _end_of_quarter(time_zone: str) -> str:
    """The end of the current quarter of an hour, on the same local date.

    The mail's slot: papers that are fetched now are known at it, and a later attempt on this date has another slot.
    """
    now = clock.now().astimezone(clock.zone_info(time_zone))
    end = now - timedelta(minutes=now.minute % 15) + clock.SLOT
    return f"{end:%H:%M}" if end.date() == now.date() else "23:45"


def _fetch_due_sources(progress: Progress) -> tuple[tuple[str, str], ...]:
    """Fetch what is due. A source that fails costs only its own papers, which come another day."""
    failed = []
    for source in fetch_schedule.due_sources():
        progress(source)
        try:
            catch_up.ingest(source)
        except SourceDown as error:
            failed.append((source, str(error)))
    return tuple(failed)


def _build_edition(subscriber_id: int, day: date) -> None:
    """Store today's edition with its mail; nothing where no paper matches."""
    run_ids = run_planning.plan_day(day, only=subscriber_id)
    with reading() as session:
        shards = [shard for run_id in run_ids for shard in runs.open_shards(session, run_id)]
    for run_id, number in shards:
        build_editions.build_shard(run_id, number)


def _delete_old_papers(day: date) -> None:
    deleted = paper_retention.PAPERS_PER_CALL
    while deleted == paper_retention.PAPERS_PER_CALL:
        with transaction() as session:
            deleted = paper_retention.delete_older(session, before=day - KEEP_PAPERS)


def _delivery_of(subscriber_id: int, day: date) -> Delivery | None:
    with reading() as session:
        edition = editions.edition_of_subscriber(session, subscriber_id, day)
        return None if edition is None else mail_log_matches.first_delivery_of_edition(session, stored_id(edition))


def _papers_of(subscriber_id: int, day: date) -> int:
    with reading() as session:
        edition = editions.edition_of_subscriber(session, subscriber_id, day)
        return edition.papers if edition else 0


def _deliver(delivery: Delivery, hand_over: Callable[[OutgoingMessage], None] | None) -> None:
    """Send the mail, or hand it over. Raises Transient where it still waits, DigestError where it was refused."""
    config = settings.get()
    if hand_over is not None:
        hand_over(_compose(delivery))
        with transaction() as session:
            message_id = mail_log_matches.message_id_of(session, delivery, config.mail_domain)
            mail_log_matches.mark_sent(session, stored_id(delivery), message_id, None, clock.now(), HANDED_OVER)
        return
    deliver_due(PersonalComposer(config), config, seconds=SEND_SECONDS)
    with reading() as session:
        [delivery_row] = mail_log_matches.deliveries_by_id(session, [stored_id(delivery)]).values()
    if delivery_row.state in OPEN_STATES:
        waits_for = "another process is sending it" if delivery_row.state == SENDING else "its turn has not come"
        reply = delivery_row.reply or waits_for
        raise Transient(f"not sent yet ({delivery_row.state}): {reply}; run it again later")
    if delivery_row.state != SENT:
        raise DigestError(f"not sent ({delivery_row.state}): {delivery_row.reply}")


def _compose(delivery: Delivery) -> OutgoingMessage:
    config = settings.get()
    with reading() as session:
        message_id = mail_log_matches.message_id_of(session, delivery, config.mail_domain)
    claimed = _claimed(delivery, message_id)
    [(_, message)] = PersonalComposer(config).compose([claimed])
    if not isinstance(message, OutgoingMessage):
        raise DigestError(f"not sent: {message.reason}")
    return message


def _claimed(delivery: Delivery, message_id: str) -> ClaimedDelivery:
    """The delivery as a sender claims it."""
    values = {name: getattr(delivery, name) for name in ClaimedDelivery._fields} | {"message_id": message_id}
    return ClaimedDelivery(**values)
