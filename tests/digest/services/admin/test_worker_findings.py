"""A process without the mail server's password, the DKIM key or that of IMAP shows what workers found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digest.errors import Transient
from digest.mail.mime import dkim
from digest.mail.smtp import sender_domain_records
from digest.redis import PrivateRedis
from digest.services.admin import doctor, worker_findings
from tests.digest.services.conftest import service
from tests.servers import MailServer

__all__ = ["service"]

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def redis_server(service: str, configured: Callable[..., None]) -> Iterator[PrivateRedis]:
    with PrivateRedis() as server:
        configured(REDIS_URL=server.url)
        yield server


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [])


def _findings(name: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.text) for finding in doctor.run_checks() if finding.name == name]


def test_a_process_without_the_mail_server_shows_what_the_sending_worker_found(
    redis_server: PrivateRedis, configured: Callable[..., None], smtp: MailServer
) -> None:
    configured(SMTP_URL=f"smtp://127.0.0.1:{smtp.port}")
    worker_findings.record_mail_checks()
    configured(SMTP_URL="")

    [(level, text)] = _findings("mail server")

    assert (level, "(checked by a worker 0 min ago)" in text) == ("ok", True)
    assert not any("SMTP_URL" in text for _, text in _findings("settings"))


def test_without_a_worker_s_report_the_missing_setting_is_an_error(
    redis_server: PrivateRedis, configured: Callable[..., None]
) -> None:
    configured(SMTP_URL="")

    assert ("error", "DIGEST_SMTP_URL is not set") in _findings("settings")


def test_a_process_without_the_dkim_key_shows_what_the_worker_found(
    redis_server: PrivateRedis, configured: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file, (pem, record) = tmp_path / "dkim.pem", dkim.generate_key()
    key_file.write_bytes(pem)
    key_file.chmod(0o600)
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [record] if "_domainkey" in name else [])
    configured(MAIL_FROM="papers@digest.lab", DKIM_DOMAIN="digest.lab", DKIM_SELECTOR="s1")
    configured(DKIM_KEY_FILE=key_file)
    worker_findings.record_mail_checks()
    key_file.unlink()

    assert [level for level, _ in _findings("dkim")] == ["ok"]


@pytest.mark.parametrize(("error", "level"), [(None, "ok"), (Transient("IMAP: mx does not answer"), "error")])
def test_a_process_without_the_password_of_imap_shows_the_result_of_the_last_poll(
    redis_server: PrivateRedis, configured: Callable[..., None], error: Transient | None, level: str
) -> None:
    configured(BOUNCE_IMAP_HOST="127.0.0.1", BOUNCE_IMAP_USER="b", BOUNCE_IMAP_PASSWORD="")
    worker_findings.record_poll(error)

    assert [found_level for found_level, _ in _findings("bounce folder")] == [level]
