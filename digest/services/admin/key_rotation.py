"""New keys: the signing key of links, put before the old ones, and DKIM keys under a second selector."""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from digest import clock, setting_types, settings
from digest.db.core.engine import transaction
from digest.errors import BadInput, Misconfigured, Refused
from digest.host_syntax import require_host
from digest.mail.mime import dkim
from digest.models import Audit
from digest.replace_file import replace_file
from digest.services.admin.setup_questions import quote_value
from digest.services.security.audit_actor import command_line_actor

NEW_KEY = "new signing key"  # the audit log's action
_VARIABLE = f"{settings.PREFIX}SECRET_KEY"
_BINDING = re.compile(  # a line of `.env` as python-dotenv reads it: all before the value, the value, all behind it
    r"(\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+)[^\S\r\n]*=[^\S\r\n]*)"
    r"""(?:(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?=[^\S\r\n]*(?:#|[\r\n]|\Z))|[^\r\n]*?(?=\s+#|\s*(?:[\r\n]|\Z)))"""
    r"(.*)\Z",
    re.DOTALL,
)
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key by its fingerprint; the first one signs, all are accepted."""

    fingerprint: str
    use: str


@dataclass(frozen=True, slots=True)
class NewDkimKey:
    """A DKIM key that was written, and the DNS record that publishes its public half.

    `is_first`: no key is set yet, so this one replaces none.
    """

    file: Path
    domain: str
    selector: str
    record_name: str
    record: str
    is_first: bool


def signing_keys() -> list[SigningKey]:
    """The signing keys in order. The fingerprint is the beginning of a key's SHA-256."""
    keys = settings.get().secret_key
    return [SigningKey(_fingerprint(key), "signs" if n == 0 else "accepted") for n, key in enumerate(keys)]


def add_signing_key() -> Path:
    """Put a new key before the others, where they are stored: `.env`, or the file of DIGEST_SECRET_KEY_FILE.

    Returns that file. Raises Refused where the keys are in the environment, BadInput where the file can't be written.
    """
    keys = settings.get().secret_key
    if not keys:
        raise Misconfigured(f"{_VARIABLE} is not set; {setting_types.KEY_HINT}")
    if os.environ.get(_VARIABLE):
        raise Refused(
            f"{_VARIABLE} is in the environment: put a new key before the others there; {setting_types.KEY_HINT}"
        )
    value = ",".join((secrets.token_urlsafe(setting_types.MIN_KEY_BYTES), *keys))
    in_env_file = _env_file_values()
    key_file = os.environ.get(f"{_VARIABLE}_FILE") or in_env_file.get(f"{_VARIABLE}_FILE")
    if key_file:
        file = Path(key_file)
        _replace_file(file, f"{value}\n")
    else:
        file = settings.ENV_FILE
        _replace_file(file, _with_value(file.read_bytes().decode(settings.ENCODING), value))
    settings.clear_cache()
    with transaction() as session:
        detail = {"keys": len(keys) + 1}
        session.add(Audit(at=clock.now(), actor=command_line_actor(), action=NEW_KEY, detail=detail))
    return file


def _env_file_values() -> dict[str, str | None]:
    return {name.upper(): value for name, value in dotenv_values(settings.ENV_FILE, encoding=settings.ENCODING).items()}


def _with_value(text: str, value: str) -> str:
    """The text of `.env` with that value of the signing key; all else stays as it is."""
    parts = []
    for binding in parse_stream(io.StringIO(text, newline="")):
        is_key = binding.key is not None and binding.key.upper() == _VARIABLE
        line = binding.original.string
        parts.append(_BINDING.sub(lambda match: f"{match[1]}{quote_value(value)}{match[2]}", line) if is_key else line)
    return "".join(parts)


def new_dkim_key(folder: Path, selector: str = "", *, domain: str = "") -> NewDkimKey:
    """Write a new key of 2048 bits to `dkim-SELECTOR.pem`. Raises BadInput, and Refused where the file is there."""
    selector = selector or f"p{clock.now():%Y%m}"
    if not _SELECTOR.fullmatch(selector):
        raise BadInput(f"--selector: {selector[:70]!r} must be a name of letters, digits and hyphens", field="selector")
    config = settings.get()
    if selector == config.dkim_selector:
        raise Refused(f"the selector {selector} is in use; choose another one, so that both keys can be published")
    domain = domain or config.dkim_domain or config.mail_domain
    if not domain:
        raise Misconfigured("neither DIGEST_DKIM_DOMAIN nor DIGEST_MAIL_FROM is set; give --domain")
    try:
        require_host(domain, "example.org")
    except ValueError as error:
        raise BadInput(f"--domain: {error}", field="domain") from error
    pem, record = dkim.generate_key()
    file = folder / f"dkim-{selector}.pem"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(pem)
    except FileExistsError as error:
        raise Refused(f"{file} is there already; choose another selector") from error
    except OSError as error:
        raise BadInput(f"{file}: can't be written ({error.strerror})", field="folder") from error
    is_first = config.dkim_key_file is None
    return NewDkimKey(file, domain, selector, f"{selector}._domainkey.{domain}", record, is_first)


def _fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _replace_file(file: Path, text: str) -> None:
    try:
        replace_file(file, text.encode())
    except OSError as error:
        raise BadInput(f"{file}: can't be written ({error.strerror})", field="key") from error
