"""Alarms about disk, certificate and DKIM: once a day for each, by the same checks as `digest doctor`."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from digest import settings
from digest.mail.mime import dkim
from digest.mail.smtp import sender_domain_records
from digest.services.admin import doctor_host, installation_alarms
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import alarm_texts, alarms, later
from tests.tls_server import tls_server, write_certificate

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [])


def certificate_finding() -> tuple[str, str]:
    """Level and text of the check of the certificate."""
    ((level, text),) = [(finding.level, finding.text) for finding in doctor_host.check_certificate(settings.get())]
    return level, text


@MAINLY_SQLITE
def test_a_healthy_installation_raises_nothing(service: str) -> None:
    assert installation_alarms.check_installation() == 0


@MAINLY_SQLITE
def test_a_disk_that_is_almost_full_is_reported_once_a_day(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_host.shutil, "disk_usage", lambda _folder: Usage(10**12, 10**12, 499_000_000))

    raised = [installation_alarms.check_installation(now=later(hours=h)) for h in (0, 1, 25)]

    assert raised == [1, 0, 1]
    assert alarms() == ["The disk is almost full"] * 4


@SQLITE
@pytest.mark.parametrize(("days", "level"), [(90, "ok"), (10, "warning"), (3, "error")])
def test_a_certificate_is_judged_by_when_it_expires(
    service: str,
    database: str,
    configured: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: float,
    level: str,
) -> None:
    certificate = write_certificate(tmp_path / "server.pem", days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls_server(certificate) as port:
        configured(BASE_URL=f"https://localhost:{port}")

        assert certificate_finding()[0] == level
        assert installation_alarms.check_installation() == (level == "error")


@SQLITE
@pytest.mark.parametrize(("days", "host", "words"), [(-1, "localhost", "expired"), (90, "other.example", "ostname")])
def test_a_certificate_that_no_client_accepts_is_an_alarm(
    service: str,
    database: str,
    configured: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: float,
    host: str,
    words: str,
) -> None:
    certificate = write_certificate(tmp_path / "server.pem", days=days, host=host)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls_server(certificate) as port:
        configured(BASE_URL=f"https://localhost:{port}")
        level, text = certificate_finding()
        raised = installation_alarms.check_installation()

    assert (level, raised) == ("error", 1)
    assert words in text
    assert alarms()[0] == "The certificate of the pages needs attention"


@SQLITE
def test_a_certificate_of_a_private_authority_is_a_warning_and_no_alarm(
    service: str, database: str, configured: Callable[..., None], tmp_path: Path
) -> None:
    with tls_server(write_certificate(tmp_path / "server.pem", days=90)) as port:
        configured(BASE_URL=f"https://localhost:{port}")

        assert certificate_finding()[0] == "warning"
        assert installation_alarms.check_installation() == 0


@SQLITE
def test_pages_that_can_not_be_reached_from_here_are_no_alarm(
    service: str, database: str, configured: Callable[..., None]
) -> None:
    configured(BASE_URL="https://localhost:1")

    assert certificate_finding()[0] == "warning"
    assert installation_alarms.check_installation() == 0


@MAINLY_SQLITE
def test_a_dkim_key_that_is_not_published_is_an_alarm(
    service: str, configured: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = dkim.generate_key(2048)[0]
    (tmp_path / "dkim.pem").write_bytes(pem)
    configured(
        MAIL_FROM="papers@digest.lab",
        DKIM_DOMAIN="digest.lab",
        DKIM_SELECTOR="s1",
        DKIM_KEY_FILE=tmp_path / "dkim.pem",
    )
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [])
    unpublished = installation_alarms.check_installation()
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [dkim.dns_record(pem)])
    published = installation_alarms.check_installation(now=later(hours=25))

    assert (unpublished, published) == (1, 0)
    assert alarms() == ["DKIM signatures fail"] * 2


@MAINLY_SQLITE
def test_two_errors_of_a_check_share_an_alarm(service: str, configured: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_bytes(dkim.generate_key(2048)[0])
    configured(
        MAIL_FROM="papers@other.lab",
        DKIM_DOMAIN="digest.lab",
        DKIM_SELECTOR="s1",
        DKIM_KEY_FILE=tmp_path / "dkim.pem",
    )

    assert installation_alarms.check_installation() == 1
    facts = " ".join(alarm_texts()[0][1])
    assert "is not aligned" in facts
    assert "no public key is published" in facts


@MAINLY_SQLITE
def test_a_domain_that_no_dns_can_hold_raises_no_alarm_about_its_key(
    service: str, configured: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "dkim.pem").write_bytes(dkim.generate_key(2048)[0])
    configured(DKIM_DOMAIN="digest.example", DKIM_SELECTOR="s1", DKIM_KEY_FILE=tmp_path / "dkim.pem")

    assert installation_alarms.check_installation() == 0
