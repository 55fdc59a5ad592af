"""Where a consent came from: it can be verified for ever, but not read."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from digest import clock
from digest.db.core.engine import transaction
from digest.db.subscribers import subscribers
from digest.errors import BadInput
from digest.matching.profile import Profile
from digest.models import Consent
from digest.services.admin import subscriber_admin
from digest.services.subscriptions import consent_origin, csv_import_export
from digest.services.subscriptions.sign_up_confirmation import activate
from tests.digest.services.stored_rows import add_subscriber, later, store_row

ADA, CLIENT = "ada@one.example", "203.0.113.7"


def confirmed(client: str = CLIENT) -> None:
    with transaction() as session:
        subscriber = subscribers.admit(session, subscribers.parse_address(ADA), now=clock.now())
        session.flush()
        version = subscribers.add_profile_version(session, subscriber.id or 0, Profile(), now=clock.now())
        activate(session, subscriber, version, event="confirmed", client=client, now=clock.now())


def consent(client: str) -> str:
    return str(subscriber_admin.subscriber_details(ADA, client=client)["consent"])


def test_the_proof_can_be_checked_after_the_key_was_rotated(service: str, configured: Callable[..., None]) -> None:
    confirmed()
    configured(SECRET_KEY="quite another key for tests of enough length")

    assert f"UTC from {CLIENT} (" in consent(CLIENT)
    assert "UTC not from 203.0.113.8 (" in consent("203.0.113.8")
    assert CLIENT not in consent("")


def test_the_proof_can_be_checked_where_it_was_imported(
    service: str, tmp_path: Path, configured: Callable[..., None]
) -> None:
    confirmed()
    file = tmp_path / "people.csv"
    file.write_text(csv_import_export.export_csv())
    with transaction() as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(table.delete())
    configured(SECRET_KEY="the key of another installation of enough length")
    csv_import_export.import_file(file, consent="as over there")

    assert CLIENT not in file.read_text()
    assert f"UTC from {CLIENT} (" in consent(CLIENT)


def test_an_ipv6_client_is_its_network(service: str) -> None:
    confirmed("2001:db8:1:2::/64")

    assert "UTC from 2001:db8:1:2::99 (" in consent("2001:db8:1:2::99")
    assert "UTC not from 2001:db8:1:3::99 (" in consent("2001:db8:1:3::99")


def test_the_same_client_is_stored_differently_each_time() -> None:
    first, second = consent_origin.stored_form(CLIENT), consent_origin.stored_form(CLIENT)

    assert first != second
    assert len(first) == len(second) == 64


def test_a_hash_of_an_earlier_release_is_checked_at_its_full_cost(
    full_hash_cost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(consent_origin._COST, "n", full_hash_cost)
    stored_hash = bytes(range(16)).hex() + "c0be14f5e8bbd227918d746859335768"  # by scrypt of 4096, 8, 1

    assert consent_origin.matches_client(stored_hash, CLIENT)
    assert not consent_origin.matches_client(stored_hash, "203.0.113.8")


@pytest.mark.parametrize("word", sorted(consent_origin.KNOWN_WORDS))
def test_what_is_no_address_stays_readable(word: str) -> None:
    assert consent_origin.stored_form(word) == word
    assert not consent_origin.matches_client(word, CLIENT)


def test_what_earlier_releases_kept_can_be_checked_while_their_key_is_listed(
    service: str, configured: Callable[..., None]
) -> None:
    old = "the old key of an earlier release"
    old_hash = hmac.new(old.encode(), CLIENT.encode(), hashlib.sha256).hexdigest()
    store_row(Consent(subscriber_id=add_subscriber(ADA), event="confirmed", at=later(), client=old_hash))
    configured(SECRET_KEY=f"the new key of this installation,{old}")

    assert f"UTC from {CLIENT} (" in consent(CLIENT)
    assert "UTC not from 203.0.113.8 (" in consent("203.0.113.8")


def test_what_is_no_ip_address_is_refused(service: str) -> None:
    confirmed()

    with pytest.raises(BadInput, match="client: 'home' is no IP address"):
        consent("home")
