"""Types of settings that are split or checked.

Each check raises ValueError, which says what is wrong and what is expected. Where a value may hold a secret, the
message does not repeat it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from digest.host_syntax import is_host, is_web_address, require_host
from digest.mailbox_syntax import require_mailbox

KEY_HINT = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
MIN_KEY_BYTES = 32  # of each secret key; more would not make an HMAC-SHA256 stronger
MIN_RETENTION_DAYS = 120  # of papers and editions


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _checks(check: Callable[[str], object]) -> AfterValidator:
    """A validator of each part of a list."""

    def check_parts(parts: tuple[str, ...]) -> tuple[str, ...]:
        for part in parts:
            check(part)
        return parts

    return AfterValidator(check_parts)


WordList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]  # separated by commas


def _check_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse short keys: whoever guesses a key can forge every link."""
    for number, key in enumerate(keys, start=1):
        if len(key.encode()) < MIN_KEY_BYTES:
            label = f"key {number} of the list" if len(keys) > 1 else "the key"
            raise ValueError(f"{label} has {len(key.encode())} bytes, {MIN_KEY_BYTES} are needed; {KEY_HINT}")
    return keys


SecretKeys = Annotated[WordList, AfterValidator(_check_keys)]


def _check_network(text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"{error}; use addresses or networks such as 10.0.0.0/8") from error


Networks = Annotated[WordList, _checks(_check_network)]


def _check_mailbox(value: str) -> str:
    if value:
        require_mailbox(value)
    return value


Mailbox = Annotated[str, AfterValidator(_check_mailbox)]
# Without a name, because it is used in the envelope.
BareAddress = Annotated[str, AfterValidator(lambda value: require_mailbox(value) if value else value)]
# Without names, because they are compared with those of people who sign in.
BareAddresses = Annotated[WordList, AfterValidator(lambda values: tuple(map(require_mailbox, values)))]


def host_like(example: str) -> AfterValidator:
    """A validator of a host's name or IP address, or nothing. Its message shows the example."""

    def check_host(value: str) -> str:
        if value:
            require_host(value, example)
        return value

    return AfterValidator(check_host)


Hosts = Annotated[
    WordList, _checks(lambda host: require_host(host.removeprefix("[").removesuffix("]"), "feeds.example.org"))
]


def _check_selector(value: str) -> str:
    if value and not is_host(value):
        raise ValueError(f"{value[:60]!r} is not a selector: letters, digits, hyphens and dots, such as s1")
    return value


DkimSelector = Annotated[str, AfterValidator(_check_selector)]


def _check_local_time(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("it is each reader's local time; write it without a time zone, such as 07:00")
    return value


LocalTime = Annotated[time, AfterValidator(_check_local_time)]


def _check_expanded(value: Path) -> Path:
    """Only a shell replaces these; here they would be the names of new folders."""
    if value.parts and value.parts[0].startswith(("~", "$")):
        raise ValueError(f"{value.parts[0]} is not replaced here; write the whole path")
    return value


def _check_folder_name(value: object) -> object:
    if value == "":
        raise ValueError("it is empty; name a folder, or remove the variable: the default is data")
    return value


_ExpandedPath = Annotated[Path, AfterValidator(_check_expanded)]
Folder = Annotated[_ExpandedPath, BeforeValidator(_check_folder_name)]
# An empty name would be the current folder.
OptionalFile = Annotated[_ExpandedPath | None, BeforeValidator(lambda value: value or None)]


def _scheme_of(*allowed: str) -> Callable[[str], str]:
    """A check of a URL's scheme. The message does not contain the URL, which may hold a password."""

    def check_scheme(url: str) -> str:
        if url and url.partition("://")[0] not in allowed:
            raise ValueError(f"expected {' or '.join(f'{scheme}://…' for scheme in allowed)}")
        return url

    return check_scheme


SmtpUrls = Annotated[WordList, _checks(_scheme_of("smtp", "smtps"))]
# The rest is checked in `configuration.problems`, by the library that reads it.
DatabaseUrl = Annotated[str, AfterValidator(_scheme_of("postgresql", "postgresql+psycopg", "sqlite"))]


_REDIS_PARAMETERS = {  # behind the ? of REDIS_URL, with their values
    "db": r"\d{1,4}",
    "ssl_cert_reqs": "none|optional|required",
    "ssl_check_hostname": "true|false|True|False|0|1",
    **dict.fromkeys(("username", "password"), ".*"),
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"), ".+"),
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout", "health_check_interval"), r"\d{1,4}(\.\d+)?"),
}


def _check_redis_url(value: str) -> str:
    """Check what the client would misread in silence. The message does not contain the password."""
    if not value:
        return value
    expected = "expected redis://:password@host:6379/0, or unix:///folder/redis.sock"
    try:
        parts = urlsplit(value)
        is_valid = parts.port != 0 and (parts.path if parts.scheme == "unix" else parts.hostname)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(f"{expected}; in the password write / as %2F, # as %23, ? as %3F and @ as %40")
    if parts.scheme == "unix" and parts.netloc.rpartition("@")[2]:
        raise ValueError("the path of the socket begins with a slash, the third one: unix:///folder/redis.sock")
    if parts.scheme != "unix" and not re.fullmatch(r"/?\d*", parts.path):
        raise ValueError(f"the database after the host is a number; {expected}")
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        if not re.fullmatch(_REDIS_PARAMETERS.get(name, "(?!)"), text, re.ASCII):
            shown = name[:40] if name in _REDIS_PARAMETERS else "what follows the ?"
            raise ValueError(f"{shown} is not understood; there may be {', '.join(_REDIS_PARAMETERS)}")
    return value


RedisUrl = Annotated[str, AfterValidator(_scheme_of("redis", "rediss", "unix")), AfterValidator(_check_redis_url)]


def _check_ping_url(value: str) -> str:
    """Check that it can be called. The message does not contain it, because who knows it can call it."""
    if value and not is_web_address(value):
        raise ValueError("expected an address that begins with https:// or http://")
    return value


PingUrl = Annotated[str, AfterValidator(_check_ping_url)]


def _normalize_base_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("it must begin with https:// (or http:// on this machine)")
    try:
        parts = urlsplit(value)
        is_valid = parts.hostname and is_host(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError("it must name a host, such as https://papers.example.org")
    if parts.query or parts.fragment or parts.username or parts.path not in {"", "/"}:
        raise ValueError("nothing may follow the host: pages are served from its root")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_normalize_base_url)]  # without a slash at the end


def _check_topic(topic: str) -> None:
    if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", topic, re.ASCII):
        raise ValueError(f"{topic[:80]!r} is not a topic such as arn:aws:sns:eu-west-1:123456789012:bounces")


SnsTopics = Annotated[WordList, _checks(_check_topic)]


def _check_language(value: str) -> str:
    if value != "en":
        from babel import Locale, UnknownLocaleError  # takes a quarter of a second, and English does not need it

        try:
            Locale.parse(value.replace("-", "_"))
        except (UnknownLocaleError, ValueError) as error:
            raise ValueError(f"{value!r} is not a language; use a code such as en, de or pt_BR") from error
    return value


Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}([-_][A-Za-z]{2,8})?$"), AfterValidator(_check_language)]


def _check_retention(days: int) -> int:
    """Papers of the last weeks are still mailed, and their novelty is measured against three months."""
    if 0 < days < MIN_RETENTION_DAYS:
        raise ValueError(f"at least {MIN_RETENTION_DAYS} days, or 0 to keep them")
    return days


Retention = Annotated[int, AfterValidator(_check_retention)]  # in days; 0: nothing is deleted by age


def _check_date(day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise ValueError(f"{day[:40]!r} is not a date such as 2025-11-27") from error


Dates = Annotated[WordList, _checks(_check_date)]


def _check_domain_rates(parts: tuple[str, ...]) -> tuple[str, ...]:
    for part in parts:
        if not re.fullmatch(r"(?:\*|[^\s=@]+\.[^\s=@]+)=\d+(?:\.\d+)?", part):
            raise ValueError(f"{part[:60]!r} must look like gmail.com=10 (mails a second; 0: no limit)")
    domains = [part.partition("=")[0].lower() for part in parts]
    if repeated := [domain for domain in domains if domains.count(domain) > 1]:
        raise ValueError(f"{repeated[0][:60]} is named twice")
    return parts


DomainRates = Annotated[WordList, AfterValidator(_check_domain_rates)]
