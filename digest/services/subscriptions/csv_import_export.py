"""Subscribers in bulk: what is exported can be imported by another installation, and decides the same there.

Columns of preferences come from `preference_fields.FIELDS`. Nobody is mailed again by an import: who unsubscribed, or
is suppressed, here or in the file, stays so.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel
from sqlmodel import Session

from digest import clock
from digest.db.bounces import reports
from digest.db.core.engine import engine, reading, transaction
from digest.db.subscribers import former_addresses, link_requests, subscriber_listing, subscribers
from digest.errors import BadInput, DigestError, Refused
from digest.matching.profile import Profile, Topic
from digest.models import Audit, Consent, SignUpRequest, Subscriber, Suppression
from digest.models.subscriber import ACTIVE, PENDING, UNSUBSCRIBED
from digest.models.types import stored_id
from digest.services.security.audit_actor import command_line_actor
from digest.services.subscriptions import (
    consent_origin,
    csv_cells,
    csv_table,
    preference_fields,
    removed_sources,
    send_schedule,
)
from digest.services.subscriptions.sign_up import WORDING_VERSION
from digest.text.stored_text_redaction import redact_addresses

SUPPRESSED_ONLY = "suppressed"  # the state of a row that is an address alone
STATES = (ACTIVE, PENDING, UNSUBSCRIBED, SUPPRESSED_ONLY)
TIME_COLUMNS = ("created_at", "confirmed_at", "left_at", "suppressed_at")
COLUMNS = (
    *("address", "state", *preference_fields.FIELDS, "muted", "caps", "primary_only", "likes", "examples"),
    *(*TIME_COLUMNS, "suppressed_reason", "suppressed_source", "consents"),
)
ALIASES = {
    **dict.fromkeys(("email", "e_mail", "mail", "email_address", "subscriber"), "address"),
    "status": "state",
    **preference_fields.aliases(),
}
LIST_COLUMNS = (*preference_fields.multiline_fields(), "muted", "caps")


Row = dict[str, str | int]


def export_csv() -> str:
    """All subscribers and suppressed addresses, in the form that `import_file` reads."""
    csv_text = io.StringIO()
    writer = csv.DictWriter(csv_text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in export_rows():
        writer.writerow(row | {name: csv_cells.escape_list(str(row[name])) for name in LIST_COLUMNS})
    return csv_text.getvalue()


def export_rows() -> list[Row]:
    """All subscribers and suppressed addresses by `COLUMNS`; lists have an entry a line."""
    with reading() as session:
        subscriber_profiles = subscriber_listing.all_with_profiles(session)
        requests = link_requests.newest_sign_ups(session)
        consents = subscribers.consents_by_subscriber(session)
        suppressed = reports.suppressions_by_key(session)
    rows: list[Row] = []
    for subscriber, current_profile in subscriber_profiles:
        subscriber_id = stored_id(subscriber)
        is_requested = subscriber.state == PENDING and subscriber_id in requests
        profile = _requested_profile(subscriber, requests[subscriber_id]) if is_requested else current_profile
        cells = _export_row(subscriber, profile) | _suppression_cells(suppressed.pop(subscriber.address_key, None))
        rows.append(cells | {"consents": _consent_cell(consents.get(subscriber_id, ()))})
    for key, row in suppressed.items():
        rows.append({"address": key, "state": SUPPRESSED_ONLY, **_suppression_cells(row)})
    return [{**dict.fromkeys(COLUMNS, ""), **row} for row in rows]


def _requested_profile(subscriber: Subscriber, request: SignUpRequest) -> Profile:
    """The profile of an unconfirmed sign-up; its schedule is written into the row, which is not stored."""
    preference_fields.write_schedule(request.schedule, subscriber)
    return Profile.from_json(request.profile)


def _export_row(subscriber: Subscriber, profile: Profile) -> Row:
    caps = [f"{topic.cap} {topic.text}" for topic in profile.topics if topic.cap is not None]
    times = {name: getattr(subscriber, name, None) for name in TIME_COLUMNS}
    return {
        "address": subscriber.address,
        "state": subscriber.state,
        **{
            name: value if type(value) is int else preference_fields.as_text(name, value)
            for name, value in preference_fields.preference_values(subscriber, profile).items()
        },
        "muted": "\n".join(topic.text for topic in profile.topics if topic.muted),
        "caps": "\n".join(caps),
        "primary_only": preference_fields.as_text("primary_only", profile.primary_only),
        "likes": json.dumps(profile.likes, ensure_ascii=False) if profile.likes else "",
        "examples": json.dumps(profile.to_json()["examples"], ensure_ascii=False) if profile.examples else "",
        **{name: instant.isoformat() if instant else "" for name, instant in times.items()},
    }


def _consent_cell(events: Iterable[Consent]) -> str:
    listed = [event.model_dump(mode="json", include=set(csv_cells.ConsentEvent.model_fields)) for event in events]
    return json.dumps(listed, ensure_ascii=False) if listed else ""


def _suppression_cells(row: Suppression | None) -> Row:
    if row is None:
        return {}
    return {
        "suppressed_at": row.at.isoformat(),
        "suppressed_reason": row.reason,
        "suppressed_source": row.source,
    }


def _no_progress(_done: int, _total: int) -> None:
    pass


def import_file(
    file: Path,
    *,
    consent: str,
    welcome: bool = True,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = _no_progress,
) -> tuple[int, list[str]]:
    r"""Take over people from a CSV file with a header, or from JSON. Returns how many, and a line for each row refused.

    In a cell several topics stand a line each or separated by `;` (a `;` of a topic itself is written `\;`).
    Without `welcome` nobody gets a first edition. `dry_run` undoes each row and says what would happen. `progress` is
    called with the numbers of finished and of all rows. Raises BadInput for the whole file: then nothing was imported.
    """
    if not consent.strip():
        raise BadInput("consent: say how and when these people agreed", field="consent")
    rows, is_json = csv_table.read_table(file, COLUMNS, required="address", aliases=ALIASES)
    added_count, refusals = 0, []
    first_lines: dict[str, int] = {}
    for row_number, row in enumerate(rows, 1):
        try:
            imported, address = _parse_row(row, first_lines, escaped=not is_json)
            with _rolled_back_transaction() if dry_run else transaction() as session:
                imported.store(session, address, consent=consent, welcome=welcome)
            added_count += 1
        except DigestError as error:
            refusals.append(f"{'row' if is_json else 'line'} {row.line}: {error}")
        progress(row_number, len(rows))
    return added_count, refusals


@contextmanager
def _rolled_back_transaction() -> Iterator[Session]:
    """A transaction that is rolled back at its end, so that a dry run makes all checks of a real import."""
    with Session(engine(), expire_on_commit=False) as session, session.begin() as database_transaction:
        yield session
        database_transaction.rollback()


def _parse_row(
    row: csv_table.CsvRow, first_lines: dict[str, int], *, escaped: bool
) -> tuple[_ImportedSubscriber, subscribers.ParsedAddress]:
    """One row as a person and an address. Raises BadInput naming the column."""
    if row.error:
        raise BadInput(row.error)
    address = subscribers.parse_address(row.cells.get("address", ""))
    first_line = first_lines.setdefault(address.key, row.line)
    if first_line != row.line:
        raise BadInput(f"address: the same inbox as in line {first_line}", field="address")
    return _ImportedSubscriber(row.cells, escaped=escaped), address


class _ImportedSubscriber:
    """One row, checked. Raises BadInput naming the column."""

    def __init__(self, cells: Mapping[str, str], *, escaped: bool) -> None:
        lists = {name: csv_cells.list_entries(cells[name], escaped=escaped) for name in LIST_COLUMNS if name in cells}
        self.state = cells.get("state", ACTIVE).casefold()
        if self.state not in STATES:
            raise BadInput(f"state: {self.state[:20]!r}; use {', '.join(STATES)}", field="state")
        cells_by_preference = {name: lists.get(name, cells[name]) for name in preference_fields.FIELDS if name in cells}
        stored = _exported_lists(cells_by_preference) if "consents" in cells else None
        self.preferences = _read(preference_fields.Preferences, cells_by_preference, stored)
        self.preferences.check_pause(clock.now().date())
        self.profile = self._profile(cells, lists)
        self.times = {name: csv_cells.parse_instant(name, cells[name]) for name in TIME_COLUMNS if name in cells}
        self.consents = csv_cells.consent_events(cells.get("consents", ""))
        self.suppression = csv_cells.suppression_of_row(cells, self.times.get("suppressed_at"))
        if self.state == SUPPRESSED_ONLY and self.suppression is None:
            raise BadInput("suppressed_reason: a suppressed address needs one", field="suppressed_reason")

    def _profile(self, cells: Mapping[str, str], lists: Mapping[str, list[str]]) -> Profile:
        profile = removed_sources.without_removed_sources(self.preferences.profile())
        topics = {topic.text: topic for topic in profile.topics}
        for text in lists.get("muted", ()):
            topics[text] = replace(_topic_of_row(topics, text, "muted"), muted=True)
        for entry in lists.get("caps", ()):
            cap, _, text = entry.partition(" ")
            topics[text] = replace(_topic_of_row(topics, text, "caps"), cap=csv_cells.topic_cap(cap))
        primary_only = _read(_PrimaryOnly, {"primary_only": cells.get("primary_only", "false")}).primary_only
        likes = csv_cells.parse_likes(cells.get("likes", ""))
        examples = csv_cells.example_terms(cells.get("examples", ""))
        return replace(
            profile, topics=tuple(topics.values()), primary_only=primary_only, likes=likes, examples=examples
        )

    def store(self, session: Session, address: subscribers.ParsedAddress, *, consent: str, welcome: bool) -> None:
        """Write this person. Raises Refused where they are subscribed here, or left, or must not be mailed."""
        now = clock.now()
        subscriber = subscribers.by_key(session, address.key, lock=True)
        suppressed_only = self.suppression is not None and subscriber is not None and subscriber.state == ACTIVE
        if self.state != SUPPRESSED_ONLY and not suppressed_only:
            self._require_allowed(session, address, subscriber)
            subscriber = subscribers.admit(session, address, now=now)
            session.flush()
            self._write(session, subscriber, now)
            if not welcome:
                subscribers.mark_welcomed(session, stored_id(subscriber), now=now)
            detail = {"subscriber": subscriber.id, "consent": redact_addresses(consent)[:200]}
            session.add(Audit(at=now, actor=command_line_actor(), action="add", detail=detail))
        if self.suppression is not None:
            reason, source, at = self.suppression
            reports.suppress(session, address.key, reason=reason, source=source, at=at or now)

    def _require_allowed(
        self, session: Session, address: subscribers.ParsedAddress, subscriber: Subscriber | None
    ) -> None:
        """Raise Refused if the state of the address in this installation forbids this row."""
        if subscriber is not None and subscriber.state in {ACTIVE, self.state}:
            raise Refused(f"{address.text} is already in this installation, as {subscriber.state}")
        if subscriber is not None and subscriber.state == UNSUBSCRIBED:
            raise Refused(f"{address.text} has unsubscribed here; only they can subscribe again, on the page")
        if self.state == UNSUBSCRIBED:
            return  # this row starts no mail
        former = former_addresses.find_former_address(session, address.key)
        if former is not None and not former.suppressed:
            raise Refused(f"{address.text} has unsubscribed here; only they can subscribe again, on the page")
        if self.suppression is None and subscribers.suppression(session, address.key) is not None:
            raise Refused(f"mail to {address.text} is stopped here after a bounce or a complaint")

    def _write(self, session: Session, subscriber: Subscriber, now: datetime) -> None:
        subscriber_id = stored_id(subscriber)
        self.preferences.apply_to(subscriber)
        subscriber.state = self.state
        subscriber.created_at = self.times.get("created_at", now)
        subscriber.confirmed_at = self.times.get("confirmed_at", now if self.state == ACTIVE else None)
        subscriber.left_at = self.times.get("left_at", now) if self.state == UNSUBSCRIBED else None
        if subscriber.confirmed_at:
            subscriber.profile_id = subscribers.add_profile_version(session, subscriber_id, self.profile, now=now).id
        else:
            session.add(self._sign_up_request(subscriber_id, subscriber.created_at))
        if self.state == ACTIVE:
            subscriber.seen_through = subscribers.newest_batch_known_at(session, now=now)
            subscriber.next_due_at = send_schedule.due_after(subscriber, now)
        for event in self.consents:
            session.add(Consent(subscriber_id=subscriber_id, **event.model_dump()))
        if not self.consents:
            subscribers.record_consent(
                session,
                subscriber_id,
                subscribers.IMPORTED,
                now=now,
                client=consent_origin.ADMINISTRATOR,
                wording=WORDING_VERSION,
            )

    def _sign_up_request(self, subscriber_id: int, created_at: datetime) -> SignUpRequest:
        """The request of an unconfirmed sign-up; a new sign-up replaces it."""
        return SignUpRequest(
            subscriber_id=subscriber_id,
            created_at=created_at,
            profile=self.profile.to_json(),
            schedule=self.preferences.schedule_json(),
            client=consent_origin.ADMINISTRATOR,
            wording=WORDING_VERSION,
        )


class _PrimaryOnly(BaseModel):
    primary_only: bool


Checked = TypeVar("Checked", bound=BaseModel)


def _exported_lists(cells: Mapping[str, object]) -> dict[str, frozenset[str]]:
    """The entries of lists in a row of an export, which were valid where they come from; only an export has consents.

    As `preference_fields.stored_lists`.
    """
    return {
        name: frozenset(cell.split() if isinstance(cell, str) else cell)
        for name in preference_fields.list_fields()
        if isinstance(cell := cells.get(name), str | list)
    }


def _read(
    schema: type[Checked], values: Mapping[str, object], stored: Mapping[str, frozenset[str]] | None = None
) -> Checked:
    """`preference_fields.validate`, whose every error begins with the column's name."""
    try:
        return preference_fields.validate(schema, values, stored=stored)
    except BadInput as error:
        text = str(error)
        message = text if error.field is None or text.startswith(f"{error.field}:") else f"{error.field}: {text}"
        raise BadInput(message, field=error.field) from error


def _topic_of_row(topics: Mapping[str, Topic], text: str, column: str) -> Topic:
    if text not in topics:
        raise BadInput(f"{column}: {text[:60]!r} is not one of the row's topics", field=column)
    return topics[text]
