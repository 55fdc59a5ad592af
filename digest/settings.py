"""Settings, read from the environment (prefix `DIGEST_`) and `.env`. No secret has a default."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property, lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

from dotenv import dotenv_values
from pydantic import Field, ValidationError, ValidationInfo, create_model, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from digest import file_fingerprints
from digest.errors import Misconfigured
from digest.host_syntax import is_host, is_web_address, require_host
from digest.mailbox_syntax import require_mailbox
from digest.setting_messages import WHOLE_MESSAGE, validation_messages

WordList = Annotated[tuple[str, ...], NoDecode]

PREFIX = "DIGEST_"
ENV_FILE_VARIABLE = "DIGEST_ENV_FILE"  # names another file than `.env`; inherited by child processes
ENV_FILE = Path(os.environ.get(ENV_FILE_VARIABLE) or ".env")
ENCODING = "utf-8-sig"  # of `.env` and files with secrets: some editors begin a file with a byte order mark
KEY_HINT = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
MIN_KEY_BYTES = 32  # of each secret key; more would not make an HMAC-SHA256 stronger
MIN_RETENTION_DAYS = 120  # of papers and editions
_INIT_HINT = "`digest init` asks for it and writes .env"
_HINTS = {
    "secret_key": KEY_HINT,
    "redis_url": "use a Redis such as redis://localhost:6379, or `digest up`, which starts its own",
}

_HOSTS = {"bounce_imap_host": "imap.example.org", "host": "127.0.0.1", "dkim_domain": "example.org"}  # examples
_SCHEMES = {
    "smtp_url": ("smtp", "smtps"),
    "database_url": ("postgresql", "postgresql+psycopg", "sqlite"),
    "redis_url": ("redis", "rediss", "unix"),
}
_REDIS_PARAMETERS = {  # behind the ? of REDIS_URL, with their values
    "db": r"\d{1,4}",
    "ssl_cert_reqs": "none|optional|required",
    "ssl_check_hostname": "true|false|True|False|0|1",
    **dict.fromkeys(("username", "password"), ".*"),
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"), ".+"),
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout", "health_check_interval"), r"\d{1,4}(\.\d+)?"),
}


@dataclass(frozen=True, slots=True)
class _UnusableFile:
    """Stands for the value of a DIGEST_…_FILE that gives none, so that it is told with the other invalid settings."""

    problem: str


def _reading_failure(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"


class _SecretFiles(PydanticBaseSettingsSource):
    """Values from files: DIGEST_SECRET_KEY_FILE names a file that holds DIGEST_SECRET_KEY, as Docker's secrets do."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value, its key, and False: it is no JSON. An _UnusableFile where the file gives no value."""
        name = f"{PREFIX}{field_name.upper()}"
        variables = self._variables
        file = variables.get(f"{name}_FILE")
        if not file:
            return None, field_name, False
        if variables.get(name):
            return _UnusableFile(f"{name} and {name}_FILE are both set; keep one of them"), field_name, False
        try:
            value = Path(file).read_text(encoding=ENCODING).strip()
        except (OSError, ValueError) as error:
            problem = f"{name}_FILE: {file} can't be read ({_reading_failure(error)})"
            return _UnusableFile(problem), field_name, False
        file_fingerprints.note_read(Path(file))
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values from files."""
        fields = self.settings_cls.model_fields.items()
        values = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in values.items() if value is not None}

    @cached_property
    def _variables(self) -> dict[str, str]:
        """The environment over what the env file sets, read once for all settings."""
        in_env_file = {key.upper(): value for key, value in dotenv_values(ENV_FILE, encoding=ENCODING).items() if value}
        return in_env_file | {key.upper(): value for key, value in os.environ.items()}


class _FromEnvironment(BaseSettings):
    """Reads files named by `DIGEST_…_FILE`, then the environment, then `.env`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file_encoding=ENCODING, extra="ignore", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_unusable_files(cls, value: object) -> object:
        if isinstance(value, _UnusableFile):
            raise PydanticCustomError(WHOLE_MESSAGE, "{problem}", {"problem": value.problem})
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class passes it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence. A file comes first, because an empty variable stands for none."""
        return init_settings, _SecretFiles(settings_cls), env_settings, dotenv_settings


AnySettings = TypeVar("AnySettings", bound=_FromEnvironment)


class Settings(_FromEnvironment):
    """The settings of an installation. Durations are in seconds."""

    data_dir: Path = Path("data")
    database_url: str = ""
    redis_url: str = ""
    smtp_url: WordList = ()
    base_url: str = "http://127.0.0.1:8000"
    secret_key: WordList = ()
    mail_from: str = ""
    reply_to: str = ""
    bounce_address: str = ""
    bounce_imap_host: str = ""
    bounce_imap_port: int = Field(default=0, ge=0, le=65535)
    bounce_imap_tls: Literal["tls", "starttls", "none"] = "tls"
    bounce_imap_user: str = ""
    bounce_imap_password: str = ""
    bounce_imap_folder: str = "INBOX"
    bounce_imap_processed: Literal["flag", "move", "delete"] = "flag"
    bounce_imap_archive: str = "Processed"
    sns_topics: WordList = ()
    webhook_key: str = ""
    metrics_token: str = ""
    postal_address: str = ""
    ping_url: str = ""
    ping_method: Literal["GET", "POST"] = "GET"
    run_report: Literal["always", "problems", "never"] = "problems"
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    dkim_second_selector: str = ""
    dkim_second_key_file: Path | None = None
    admin_emails: WordList = ()
    viewer_emails: WordList = ()
    trusted_proxies: WordList = ()
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    web_connections: int = Field(default=2000, ge=10, le=50_000)
    sign_up_ceiling: int = Field(default=1000, ge=1, le=1_000_000)
    send_at: time = time(7, 0)
    uncertain: Literal["resend", "hold"] = "resend"
    message_timeout: int = Field(default=60, ge=1, le=900)
    lease: int = Field(default=120, ge=2, le=3600)
    connections: int = Field(default=8, ge=1, le=64)
    send_rate: float = Field(default=0, ge=0, le=10_000)
    domain_rates: WordList = ()
    retention_days: int = Field(default=400, ge=30, le=3650)
    retention_left_days: int = Field(default=365, ge=1, le=3650)
    retention_pending_days: int = Field(default=30, ge=15, le=365)  # the link in the mail is valid for 14
    retention_audit_days: int = Field(default=730, ge=30, le=3650)
    retention_editions_days: int = Field(default=0, ge=0, le=3650)  # 0: as long as their subscriber
    retention_papers_days: int = Field(default=0, ge=0, le=36_500)  # 0: for ever
    quiet_day: Literal["skip", "notice"] = "skip"
    service_name: str = "Papers Inbox"
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}([-_][A-Za-z]{2,8})?$")
    arxiv_categories: WordList = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML")
    sources: WordList = ("default",)  # stands for the sources that are enabled by default
    source_wait: int = Field(default=0, ge=0, le=1440)
    source_limit: int = Field(default=64 * 1024 * 1024, ge=1024)
    source_patience: int = Field(default=60, ge=0, le=3600)
    feed_papers_a_day: int = Field(default=20, ge=1, le=1000)  # of a feed that no administrator has confirmed
    feed_private_hosts: WordList = ()
    arxiv_interval: float = Field(default=3.0, ge=0.0, le=600.0)
    arxiv_closed: WordList = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator(
        "smtp_url",
        "secret_key",
        "admin_emails",
        "viewer_emails",
        "trusted_proxies",
        "arxiv_categories",
        "arxiv_closed",
        "sources",
        "feed_private_hosts",
        "domain_rates",
        "sns_topics",
        mode="before",
    )
    @classmethod
    def _split_list(cls, value: object) -> object:
        """Split a comma-separated list."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_controls(cls, value: object, info: ValidationInfo) -> object:
        """Values stand in headers and URLs. Only a postal address and a list have several lines."""
        if isinstance(value, str):
            name = str(info.field_name)
            parts = value.split(",") if isinstance(cls.model_fields[name].default, tuple) else [value]
            if name != "postal_address" and any(re.search(r"[\n\r]", part.strip()) for part in parts):
                raise ValueError("it has more than one line")
            if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", value):
                raise ValueError("it contains a control character")
        return value

    @field_validator("dkim_key_file", "dkim_second_key_file", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """An empty name would be the current folder."""
        return value or None

    @field_validator("data_dir", mode="before")
    @classmethod
    def _check_folder_name(cls, value: object) -> object:
        if value == "":
            raise ValueError("it is empty; name a folder, or remove the variable: the default is data")
        return value

    @field_validator("secret_key")
    @classmethod
    def _check_key_length(cls, value: WordList) -> WordList:
        """Refuse short keys: whoever guesses a key can forge every link. The message does not contain the key."""
        for number, key in enumerate(value, start=1):
            if len(key.encode()) < MIN_KEY_BYTES:
                label = f"key {number} of the list" if len(value) > 1 else "the key"
                raise ValueError(f"{label} has {len(key.encode())} bytes, {MIN_KEY_BYTES} are needed; {KEY_HINT}")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: WordList) -> WordList:
        for text in value:
            try:
                ip_network(text, strict=False)
            except ValueError as error:
                raise ValueError(f"{error}; use addresses or networks such as 10.0.0.0/8") from error
        return value

    @field_validator("mail_from", "reply_to")
    @classmethod
    def _check_mailbox(cls, value: str) -> str:
        if value:
            require_mailbox(value)
        return value

    @field_validator("bounce_address")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        """The address without a name, because it is used in the envelope."""
        return require_mailbox(value) if value else value

    @field_validator("admin_emails", "viewer_emails")
    @classmethod
    def _bare_addresses(cls, value: WordList) -> WordList:
        """The addresses without names, because they are compared with those of people who sign in."""
        return tuple(map(require_mailbox, value))

    @field_validator("bounce_imap_host", "host", "dkim_domain")
    @classmethod
    def _check_host(cls, value: str, info: ValidationInfo) -> str:
        if value:
            require_host(value, _HOSTS[str(info.field_name)])
        return value

    @field_validator("feed_private_hosts")
    @classmethod
    def _check_private_hosts(cls, value: WordList) -> WordList:
        for host in value:
            require_host(host.removeprefix("[").removesuffix("]"), "feeds.example.org")
        return value

    @field_validator("dkim_selector", "dkim_second_selector")
    @classmethod
    def _check_selector(cls, value: str) -> str:
        if value and not is_host(value):
            raise ValueError(f"{value[:60]!r} is not a selector: letters, digits, hyphens and dots, such as s1")
        return value

    @field_validator("host", "service_name")
    @classmethod
    def _check_not_empty(cls, value: str, info: ValidationInfo) -> str:
        if not value.strip():
            default = cls.model_fields[str(info.field_name)].default
            raise ValueError(f"it is empty; remove the variable for the default, {default}")
        return value

    @field_validator("send_at")
    @classmethod
    def _check_local_time(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("it is each reader's local time; write it without a time zone, such as 07:00")
        return value

    @field_validator("data_dir", "dkim_key_file", "dkim_second_key_file")
    @classmethod
    def _check_expanded(cls, value: Path | None) -> Path | None:
        """Only a shell replaces these; here they would be the names of new folders."""
        if value is not None and value.parts and value.parts[0].startswith(("~", "$")):
            raise ValueError(f"{value.parts[0]} is not replaced here; write the whole path")
        return value

    @field_validator("smtp_url", "database_url", "redis_url")
    @classmethod
    def _check_schemes(cls, value: WordList | str, info: ValidationInfo) -> WordList | str:
        """Check the URL's scheme. The message does not contain the URL, which may hold a password.

        The rest of a database's URL is checked in `configuration.problems`, by the library that reads it.
        """
        allowed = _SCHEMES[str(info.field_name)]
        for url in (value,) if isinstance(value, str) else value:
            if url and url.partition("://")[0] not in allowed:
                raise ValueError(f"expected {' or '.join(f'{scheme}://…' for scheme in allowed)}")
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: str) -> str:
        """Check what the client would misread in silence. The message does not contain the password."""
        expected = "expected redis://:password@host:6379/0, or unix:///folder/redis.sock"
        try:
            parts = urlsplit(value)
            is_valid = parts.port != 0 and (parts.path if parts.scheme == "unix" else parts.hostname)
        except ValueError:
            is_valid = False
        if value and not is_valid:
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

    @field_validator("ping_url")
    @classmethod
    def _check_ping_url(cls, value: str) -> str:
        """Check that it can be called. The message does not contain it, because who knows it can call it."""
        if value and not is_web_address(value):
            raise ValueError("expected an address that begins with https:// or http://")
        return value

    @field_validator("sns_topics")
    @classmethod
    def _check_topics(cls, value: WordList) -> WordList:
        for topic in value:
            if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", topic, re.ASCII):
                raise ValueError(f"{topic[:80]!r} is not a topic such as arn:aws:sns:eu-west-1:123456789012:bounces")
        return value

    @field_validator("language")
    @classmethod
    def _check_language(cls, value: str) -> str:
        from babel import Locale, UnknownLocaleError  # takes a quarter of a second, and English does not need it

        if value != "en":
            try:
                Locale.parse(value.replace("-", "_"))
            except (UnknownLocaleError, ValueError) as error:
                raise ValueError(f"{value!r} is not a language; use a code such as en, de or pt_BR") from error
        return value

    @field_validator("lease")
    @classmethod
    def _check_lease(cls, value: int, info: object) -> int:
        timeout = getattr(info, "data", {}).get("message_timeout", 60)
        if value <= timeout:
            raise ValueError(f"{value} s must be longer than DIGEST_MESSAGE_TIMEOUT ({timeout} s)")
        return value

    @field_validator("retention_editions_days", "retention_papers_days")
    @classmethod
    def _check_retention(cls, value: int) -> int:
        """Papers of the last weeks are still mailed, and their novelty is measured against three months."""
        if 0 < value < MIN_RETENTION_DAYS:
            raise ValueError(f"at least {MIN_RETENTION_DAYS} days, or 0 to keep them")
        return value

    @field_validator("arxiv_closed")
    @classmethod
    def _check_dates(cls, value: WordList) -> WordList:
        for day in value:
            try:
                date.fromisoformat(day)
            except ValueError as error:
                raise ValueError(f"{day[:40]!r} is not a date such as 2025-11-27") from error
        return value

    @field_validator("domain_rates")
    @classmethod
    def _check_domain_rates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            if not re.fullmatch(r"(?:\*|[^\s=@]+\.[^\s=@]+)=\d+(?:\.\d+)?", part):
                raise ValueError(f"{part[:60]!r} must look like gmail.com=10 (mails a second; 0: no limit)")
        domains = [part.partition("=")[0].lower() for part in value]
        if repeated := [domain for domain in domains if domains.count(domain) > 1]:
            raise ValueError(f"{repeated[0][:60]} is named twice")
        return value

    @field_validator("base_url")
    @classmethod
    def _normalize_base_url(cls, value: str) -> str:
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

    @cached_property
    def database(self) -> str:
        """The URL of the database; without DATABASE_URL an SQLite file in DATA_DIR."""
        url = self.database_url or f"sqlite:///{self.data_dir.resolve() / 'digest.db'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def rates_by_domain(self) -> dict[str, float]:
        """DOMAIN_RATES: mails per second by receiving domain; 0 means no limit, `*` all domains that are not named."""
        parts = (part.partition("=") for part in self.domain_rates)
        return {domain.lower(): float(number) for domain, _, number in parts}

    @property
    def mail_domain(self) -> str:
        """The domain behind the @ of MAIL_FROM."""
        return self.mail_from.rpartition("@")[2].rstrip(">").lower()

    @property
    def closed_evenings(self) -> frozenset[date]:
        """Evenings without an arXiv announcement, in addition to its known holidays."""
        return frozenset(date.fromisoformat(day) for day in self.arxiv_closed)

    def require(self, *names: str) -> None:
        """Check that these settings are set. Raises Misconfigured."""
        for name in names:
            if not getattr(self, name):
                raise Misconfigured(f"DIGEST_{name.upper()} is not set; {_HINTS.get(name, _INIT_HINT)}")


@lru_cache(maxsize=1)
def get() -> Settings:
    """The settings of this process, read once. Raises Misconfigured, which names every invalid variable."""
    config = _read(Settings)
    file_fingerprints.note_read(ENV_FILE)
    return config


def get_valid() -> tuple[Settings | None, list[str]]:
    """The settings with defaults in place of the invalid ones, and a message for each of those.

    None where the defaults do not fit the other settings. Raises Misconfigured where `.env` can't be read.
    """
    try:
        return get(), []
    except Misconfigured as error:
        if not isinstance(error.__cause__, ValidationError):
            raise
        problem = error.__cause__
    names = {str(name) for entry in problem.errors() for name in entry["loc"][:1]}
    defaults = {name: Settings.model_fields[name].default for name in names}
    try:
        return Settings(_env_file=ENV_FILE, **defaults), validation_messages(problem)
    except ValidationError:
        return None, validation_messages(problem)


def _read(model: type[AnySettings]) -> AnySettings:
    """Read settings from their sources. Raises Misconfigured, which names every invalid variable."""
    if os.environ.get(ENV_FILE_VARIABLE) == str(ENV_FILE) and not ENV_FILE.exists():
        raise Misconfigured(f"{ENV_FILE_VARIABLE}: there is no file {ENV_FILE}")
    try:
        return model(_env_file=ENV_FILE)
    except ValidationError as error:
        raise Misconfigured("; ".join(validation_messages(error))) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{ENV_FILE.resolve()}: can't be read ({_reading_failure(error)})") from error


def use_env_file(file: Path) -> None:
    """Read this file instead of `.env`, in this process and its children. Raises Misconfigured where it is missing."""
    global ENV_FILE  # noqa: PLW0603 - set once, before anything is read
    if not file.is_file():
        raise Misconfigured(f"--env-file: there is no file {file}")
    ENV_FILE = file.absolute()
    os.environ[ENV_FILE_VARIABLE] = str(ENV_FILE)
    clear_cache()


@contextmanager
def reading_env_file(file: Path) -> Iterator[None]:
    """Read this file instead of `.env` for a while, in this process alone (`digest restore`)."""
    global ENV_FILE  # noqa: PLW0603 - put back at the end
    previous = ENV_FILE
    ENV_FILE = file
    clear_cache()
    try:
        yield
    finally:
        ENV_FILE = previous
        clear_cache()


def clear_cache() -> None:
    """Make the next `get` read the environment again (for tests and `digest demo`)."""
    get.cache_clear()
    _read_text_setting.cache_clear()
    file_fingerprints.forget_read_files()


@dataclass(frozen=True, slots=True)
class TextSetting:
    """A setting that a source declares in its module: DIGEST_<NAME> from the environment or `.env`.

    `choices`: the values that it may have, none named: any.
    """

    name: str
    default: str
    secret: bool = False
    choices: tuple[str, ...] = ()

    def value(self) -> str:
        """The value in this process, read once."""
        return _read_text_setting(self.name, self.default)


@lru_cache(maxsize=64)
def _read_text_setting(name: str, default: str) -> str:
    fields: dict[str, Any] = {name: (str, default)}
    model = create_model("TextValue", __base__=_FromEnvironment, **fields)
    value: str = getattr(_read(model), name)
    return value
