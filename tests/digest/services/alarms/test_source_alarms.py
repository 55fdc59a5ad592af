"""Failing sources: administrators are alerted to each once a day, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from digest import clock, settings
from digest.db.core.engine import transaction
from digest.db.papers import source_days as store
from digest.errors import SourceDown
from digest.services.admin import doctor
from digest.services.alarms import alarm_rules
from digest.services.delivery.render_messages import MailComposer
from digest.services.ingestion import catch_up
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import alarm_texts, later
from tests.digest.services.stored_rows import alarms as alarm_mails
from tests.outbox import Outbox, as_claimed
from tests.wire_server import WireServer, status

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def store_outcome(
    outcome: str, detail: str = "", *, fetched_at: datetime | None = None, source: str = "huggingface"
) -> None:
    with transaction() as session:
        store.store_source_state(
            session, source, at=fetched_at or clock.now(), outcome=outcome, detail=detail, retry_at=None
        )


def source_alarm_titles() -> list[str]:
    """Titles of alarms about sources; in these tests nobody sends the mails, so they become overdue."""
    return [title for title in alarm_mails() if title != "E-mails are overdue"]


def alarm_count_after(now: datetime) -> int:
    """The number of alarm mails after a check at that time."""
    alarm_rules.check_alarms(now=now)
    return len(source_alarm_titles())


@pytest.fixture(autouse=True)
def _one_source(service: str, configured: Callable[..., None]) -> None:
    configured(SOURCES="huggingface", ADMIN_EMAILS="root@digest.example")


@MAINLY_SQLITE
@pytest.mark.parametrize("outcome", ["late", "stale", "down"])
def test_a_source_in_trouble_is_reported_once_a_day(outcome: str) -> None:
    store_outcome(outcome)
    counts = [alarm_count_after(later(hours=hours)) for hours in (0, 1, 23, 25)]

    assert counts == [1, 1, 1, 2]
    assert source_alarm_titles() == [f"huggingface is {outcome}"] * 2


@MAINLY_SQLITE
def test_the_end_of_a_source_failure_is_reported_once() -> None:
    store_outcome("down", "no route")
    alarm_rules.check_alarms(now=later(minutes=0))
    store_outcome("", fetched_at=later(minutes=10))
    counts = [alarm_count_after(later(minutes=minutes)) for minutes in (11, 12, 60)]

    assert counts == [2, 2, 2]
    assert source_alarm_titles() == ["huggingface is down", "huggingface is on time again"]


@pytest.fixture
def two_sources(configured: Callable[..., None]) -> None:
    configured(SOURCES="huggingface,openalex", ADMIN_EMAILS="root@digest.example")


def only_alarm_facts() -> str:
    """All facts of the only alarm mail about sources."""
    [facts] = [facts for title, facts in alarm_texts() if title != "E-mails are overdue"]
    return " ".join(facts)


@SQLITE
def test_sources_that_are_down_at_once_share_a_mail(database: str, two_sources: None) -> None:
    for source in ("huggingface", "openalex"):
        store_outcome("down", f"no route to {source}", source=source)
    counts = [alarm_count_after(later(minutes=minutes)) for minutes in (0, 1, 60)]

    assert counts == [1, 1, 1]
    assert source_alarm_titles() == ["2 sources are in trouble"]
    assert "no route to huggingface" in only_alarm_facts()
    assert "no route to openalex" in only_alarm_facts()
    assert only_alarm_facts().count("`digest doctor` shows every source.") == 1


@SQLITE
def test_a_failure_waits_for_the_source_that_is_asked_next(database: str, two_sources: None) -> None:
    store_outcome("down")
    first = alarm_count_after(later(minutes=0))
    store_outcome("down", source="openalex", fetched_at=later(minutes=1))
    second = alarm_count_after(later(minutes=1))

    assert (first, second) == (0, 1)
    assert source_alarm_titles() == ["2 sources are in trouble"]


@SQLITE
def test_a_failure_waits_only_for_minutes(database: str, two_sources: None) -> None:
    store_outcome("down")
    counts = [alarm_count_after(later(minutes=minutes)) for minutes in (0, 9, 11)]

    assert counts == [0, 0, 1]
    assert source_alarm_titles() == ["huggingface is down"]


@SQLITE
def test_a_source_that_fails_later_gets_a_mail_of_its_own(database: str, two_sources: None) -> None:
    store_outcome("down")
    store_outcome("", source="openalex")
    alarm_rules.check_alarms(now=later(minutes=0))
    store_outcome("down", source="openalex", fetched_at=later(minutes=30))
    alarm_rules.check_alarms(now=later(minutes=31))

    assert source_alarm_titles() == ["huggingface is down", "openalex is down"]


@SQLITE
def test_recoveries_share_a_mail(database: str, two_sources: None) -> None:
    for source in ("huggingface", "openalex"):
        store_outcome("down", source=source)
    alarm_rules.check_alarms(now=later(minutes=0))
    for minutes, source in ((5, "huggingface"), (20, "openalex")):
        store_outcome("", source=source, fetched_at=later(minutes=minutes))
        alarm_rules.check_alarms(now=later(minutes=minutes))

    assert source_alarm_titles() == ["2 sources are in trouble", "2 sources are well again"]


@SQLITE
def test_a_recovery_waits_at_most_an_hour_for_the_others(database: str, two_sources: None) -> None:
    for source in ("huggingface", "openalex"):
        store_outcome("down", source=source)
    alarm_rules.check_alarms(now=later(minutes=0))
    store_outcome("", fetched_at=later(minutes=5))
    counts = [alarm_count_after(later(minutes=minutes)) for minutes in (5, 64, 66)]

    assert counts == [1, 1, 2]
    assert source_alarm_titles()[1] == "huggingface is on time again"


@SQLITE
def test_a_source_that_comes_and_goes_is_reported_once_a_day(database: str) -> None:
    for minutes in (0, 20, 40):
        store_outcome("down", fetched_at=later(minutes=minutes))
        alarm_rules.check_alarms(now=later(minutes=minutes))
        store_outcome("", fetched_at=later(minutes=minutes + 10))
        alarm_rules.check_alarms(now=later(minutes=minutes + 10))

    assert source_alarm_titles() == ["huggingface is down", "huggingface is on time again"]


@SQLITE
def test_sources_on_time_never_fetched_or_disabled_raise_no_alarm(database: str) -> None:
    store_outcome("")
    store_outcome("down", source="openalex")

    assert alarm_rules.check_alarms(now=later(minutes=1)) == 0


@SQLITE
def test_a_source_not_fetched_while_the_service_was_off_has_some_minutes(database: str) -> None:
    store_outcome("")
    morning = [alarm_count_after(later(hours=12, minutes=minutes)) for minutes in (0, 5, 11)]

    assert morning == [0, 0, 1]
    assert source_alarm_titles() == ["huggingface is late"]


@SQLITE
def test_a_source_that_does_not_answer_becomes_a_mail_that_says_why(
    outbox: Outbox, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    with WireServer() as wire:
        configured(**wire.settings, SOURCES="arxiv-rss", ARXIV_CATEGORIES="cs.CL")
        wire.fail("rss", status(404))
        with pytest.raises(SourceDown):
            catch_up.ingest("arxiv-rss")
    alarm_rules.check_alarms(now=clock.now() + timedelta(seconds=1))

    messages = dict(MailComposer(settings.get()).compose([as_claimed(row) for row in outbox.rows()]))
    raw = getattr(messages[1], "raw", b"").decode()
    assert "Subject: " in raw
    assert "arxiv-rss is down" in raw
    assert "answered 404" in raw
    assert "`digest ingest arxiv-rss` fetches it now" in " ".join(raw.replace("=\n", "").split())


@SQLITE
@pytest.mark.parametrize("source", ["huggingface", "arxiv-oai"])
def test_doctor_names_the_source_itself_as_the_one_to_fetch(configured: Callable[..., None], source: str) -> None:
    configured(SOURCES=source)
    store_outcome("down", "no route", source=source)

    cures = [finding.cure for finding in doctor.run_checks() if finding.text.startswith(f"{source}: down")]
    assert cures == [f"it is retried automatically, or now: digest ingest {source}"]
