"""What workers found when they checked the mail servers, DKIM and the folder of bounces, for processes that can't.

With containers each process has only the secrets that it needs: web knows neither the mail server's password nor the
DKIM key. So the workers that have them leave their findings in Redis, where `digest doctor` and the health page of
other processes read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from digest import clock, logs, redis, settings
from digest.errors import DigestError, Misconfigured, Transient
from digest.redis.store import RedisStore
from digest.services.admin import doctor_mail
from digest.services.admin.doctor_finding import ERROR, OK, Check, DoctorFinding
from digest.settings import Settings

MAIL_SERVER, DKIM, BOUNCE_FOLDER = "mail server", "dkim", "bounce folder"
_VALID_SECONDS = 3 * 3600  # the checks are repeated every hour, the folder is polled every five minutes

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class SecretCheck:
    """A check that needs a secret. `is_possible`: this process has it, or none is configured."""

    name: str
    check: Check
    is_possible: Callable[[Settings], bool]

    def findings(self, config: Settings) -> Iterator[DoctorFinding]:
        """The findings of this process, or those of a worker where this process lacks the secret."""
        stored_results = None if self.is_possible(config) else stored_findings(self.name, config)
        yield from self.check(config) if stored_results is None else stored_results


CHECKS = (
    SecretCheck(MAIL_SERVER, doctor_mail.check_mail_servers, lambda config: bool(config.smtp_url)),
    SecretCheck(
        BOUNCE_FOLDER,
        doctor_mail.check_bounce_folder,
        lambda config: not config.bounce_imap_host or bool(config.bounce_imap_password),
    ),
    SecretCheck(
        DKIM,
        doctor_mail.check_dkim,
        lambda config: config.dkim_key_file is None or config.dkim_key_file.exists(),
    ),
)


def record_mail_checks() -> None:
    """Check the mail servers and DKIM in a process that sends mail, and leave the findings in Redis."""
    config = settings.get()
    for secret_check in CHECKS:
        if secret_check.name == DKIM or (secret_check.name == MAIL_SERVER and secret_check.is_possible(config)):
            _store(secret_check.name, secret_check.check(config), config)


def record_poll(error: DigestError | None) -> None:
    """Leave in Redis whether the folder of bounces could be polled."""
    config = settings.get()
    if config.bounce_imap_host:
        text = f"{config.bounce_imap_folder} at {config.bounce_imap_host}: polled"
        cure = "check the settings DIGEST_BOUNCE_IMAP_…, and that the server runs"
        finding = (
            DoctorFinding(OK, BOUNCE_FOLDER, text)
            if error is None
            else DoctorFinding(ERROR, BOUNCE_FOLDER, str(error), cure)
        )
        _store(BOUNCE_FOLDER, [finding], config)


def stored_findings(name: str, config: Settings) -> list[DoctorFinding] | None:
    """What a worker found lately, with the age; None where none did, or Redis is not used or does not answer."""
    if not config.redis_url:
        return None
    try:
        text = _redis_store(config).stored_text(_key(name))
    except (Transient, Misconfigured):
        return None
    if text is None:
        return None
    stored_values = json.loads(text)
    minutes = max(round((clock.now().timestamp() - stored_values["at"]) / 60), 0)
    findings = (DoctorFinding(**row) for row in stored_values["findings"])
    return [replace(finding, text=f"{finding.text} (checked by a worker {minutes} min ago)") for finding in findings]


def _store(name: str, findings: Iterable[DoctorFinding], config: Settings) -> None:
    if not config.redis_url:
        return
    rows = [finding.to_json() for finding in findings]
    try:
        text = json.dumps({"at": clock.now().timestamp(), "findings": rows})
        _redis_store(config).store_text(_key(name), text, seconds=_VALID_SECONDS)
    except Transient as error:
        log.warning("findings_not_stored", reason=str(error))


def _key(name: str) -> str:
    return f"findings:{name}"


def _redis_store(config: Settings) -> RedisStore:
    return redis.connect(config.redis_url)
