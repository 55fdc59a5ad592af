"""Subscribers for administrators: list, details, changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.db.bounces import reports
from digest.db.core.engine import reading, transaction
from digest.db.subscribers import subscriber_listing, subscribers
from digest.errors import BadInput, NotFound, Refused
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.models import Audit, Subscriber
from digest.models.subscriber import ACTIVE, BY_ADMINISTRATOR
from digest.models.types import stored_id
from digest.services.security.audit_actor import command_line_actor
from digest.services.subscriptions import consent_origin, preference_fields, sign_up_confirmation
from digest.services.subscriptions import erasure as erasing
from digest.text.plain_text import one_line
from digest.text.stored_text_redaction import redact_addresses

Row = dict[str, object]


def subscriber_rows() -> list[Row]:
    """All subscribers with their topics."""
    with reading() as session:
        return [_subscriber_row(*pair) for pair in subscriber_listing.all_with_profiles(session)]


def subscriber_details(address: str, *, client: str = "") -> Row:
    """One subscriber with topics and consent. `client`: an IP address, to check which consents came from there.

    Raises NotFound, BadInput.
    """
    with reading() as session:
        row = _require_subscriber(session, address)
        return _subscriber_row(row, subscribers.profile_of(session, row)) | {"consent": _consents(session, row, client)}


def labelled_details(address: str, *, client: str = "") -> Row:
    """`subscriber_details` with the labels of the form, and what has an effect alone."""
    with reading() as session:
        row = _require_subscriber(session, address)
        values = preference_fields.preference_values(row, subscribers.profile_of(session, row))
        consents = _consents(session, row, client)
    facts: Row = {"address": row.address, "state": row.state}
    facts.update(
        preference_fields.labelled_text(name, value)
        for name, value in values.items()
        if preference_fields.has_effect(name, values)
    )
    return facts | {"consent": consents}


def _consents(session: Session, row: Subscriber, client: str) -> str:
    return "; ".join(
        f"{consent.event} {consent.at:%Y-%m-%d %H:%M} UTC{_origin(consent.client, client)} ({consent.wording})"
        for consent in subscribers.consents(session, stored_id(row))
    )


def subscriber_number(address: str) -> int:
    """The id of the subscriber with this address. Raises NotFound, BadInput."""
    with reading() as session:
        return stored_id(_require_subscriber(session, address))


def _origin(stored_origin: str, client: str) -> str:
    """Where a consent came from, as far as it is known."""
    if stored_origin in consent_origin.KNOWN_WORDS:
        return f" by {stored_origin}" if stored_origin else ""
    if not client:
        return ""
    return f" from {client}" if consent_origin.matches_client(stored_origin, client) else f" not from {client}"


def _require_subscriber(session: Session, address: str) -> Subscriber:
    row = subscribers.by_key(session, subscribers.parse_address(address).key)
    if row is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return row


def _subscriber_row(subscriber: Subscriber, profile: Profile) -> Row:
    """A subscriber's address, state and preferences as text; lists have a line for each item."""
    preferences = preference_fields.preference_values(subscriber, profile)
    preference_texts = {name: _preference_text(name, value) for name, value in preferences.items()}
    return {"address": subscriber.address, "state": subscriber.state} | preference_texts


def _preference_text(name: str, value: object) -> object:
    """A preference as listings show it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, int) else preference_fields.as_text(name, value)


def add_subscriber(values: Mapping[str, Any], *, consent: str, welcome: bool = True) -> None:
    """Subscribe somebody whose consent is on file elsewhere; no confirmation is sent. Raises BadInput, Refused.

    The scheduler sends a first edition within minutes, unless `welcome` is False.
    """
    request, address = _validated(values, consent)
    now = clock.now()
    with transaction() as session:
        subscriber = subscribers.admit(session, address, now=now)
        session.flush()
        if subscriber.state == ACTIVE:
            raise Refused(f"{address.text} is already subscribed")
        request.apply_to(subscriber)
        version = subscribers.add_profile_version(session, stored_id(subscriber), request.profile(), now=now)
        sign_up_confirmation.activate(
            session, subscriber, version, event=subscribers.IMPORTED, client=consent_origin.ADMINISTRATOR, now=now
        )
        if not welcome:
            subscribers.mark_welcomed(session, stored_id(subscriber), now=now)
        detail = {"subscriber": subscriber.id, "consent": redact_addresses(consent)[:200]}
        session.add(Audit(at=now, actor=command_line_actor(), action="add", detail=detail))


def check_subscriber(values: Mapping[str, Any], *, consent: str) -> str:
    """Raise what `add` would raise, without adding anybody. Returns the address's key."""
    _, address = _validated(values, consent)
    with reading() as session:
        existing = subscribers.by_key(session, address.key)
        if existing is not None and existing.state == ACTIVE:
            raise Refused(f"{address.text} is already subscribed")
        sign_up_confirmation.require_not_suppressed(session, address.key)
    return address.key


def _validated(
    values: Mapping[str, Any], consent: str
) -> tuple[preference_fields.Subscription, subscribers.ParsedAddress]:
    if not consent.strip():
        raise BadInput("consent: say how and when this person agreed", field="consent")
    request = preference_fields.validate(preference_fields.Subscription, values)
    return request, subscribers.parse_address(request.address)


def erase_subscriber(address: str) -> bool:
    """Delete a person's data. False where `retention` has yet to scrub SQLite's file. Raises NotFound."""
    with reading() as session:
        subscriber_id = stored_id(_require_subscriber(session, address))
    return erasing.erase(subscriber_id, by_administrator=True)


def suppress_address(address: str, *, reason: str, actor: str = "") -> bool:
    """Never mail this address again. False where it is already suppressed; the first reason stays.

    `actor`: as the audit names them; '' for the user of the command line. Raises BadInput.
    """
    reason = one_line(reason)[:40].rstrip()
    if not reason:
        raise BadInput(localize("reason: say why"), field="reason")
    key = subscribers.parse_address(address).key
    now = clock.now()
    with transaction() as session:
        is_new = reports.suppress(session, key, reason=reason, source=BY_ADMINISTRATOR, at=now)
        if is_new:
            detail = {"reason": redact_addresses(reason)}
            session.add(Audit(at=now, actor=actor or command_line_actor(), action="suppress", detail=detail))
    return is_new


def unsuppress_address(address: str, *, actor: str = "") -> None:
    """Allow mail to this address again and forget its earlier failures. Raises NotFound."""
    key = subscribers.parse_address(address).key
    with transaction() as session:
        if not reports.unsuppress(session, key):
            raise NotFound(f"{address} is not suppressed")
        forgiven = reports.clear_failures(session, key)
        session.add(
            Audit(
                at=clock.now(), actor=actor or command_line_actor(), action="unsuppress", detail={"forgiven": forgiven}
            )
        )
