"""Settings, read from the environment (prefix `DIGEST_`) and `.env`. No secret has a default."""

from __future__ import annotations

from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from digest.errors import Misconfigured

Words = Annotated[tuple[str, ...], NoDecode]

MAKE_A_KEY = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


class Settings(BaseSettings):
    """Everything that may differ between two installations. Durations are in seconds."""

    model_config = SettingsConfigDict(env_prefix="DIGEST_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    database_url: str = ""
    redis_url: str = ""
    smtp_url: Words = ()
    base_url: str = "http://127.0.0.1:8000"
    secret_key: Words = ()
    mail_from: str = ""
    reply_to: str = ""
    bounce_address: str = ""
    webhook_key: str = ""
    postal_address: str = ""
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    admin_emails: Words = ()
    trusted_proxies: Words = ()
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    send_at: time = time(7, 0)
    uncertain: Literal["resend", "hold"] = "resend"
    message_timeout: int = Field(default=60, ge=1, le=900)
    lease: int = Field(default=120, ge=2, le=3600)
    connections: int = Field(default=8, ge=1, le=64)
    retention_days: int = Field(default=400, ge=30, le=3650)
    quiet_day: Literal["skip", "notice"] = "skip"
    service_name: str = "Papers Inbox"
    arxiv_categories: Words = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML")
    arxiv_rss_url: str = "https://rss.arxiv.org"
    arxiv_api_url: str = "https://export.arxiv.org/api/query"
    arxiv_oai_url: str = "https://oaipmh.arxiv.org/oai"
    huggingface_url: str = "https://huggingface.co"
    semantic_scholar_url: str = "https://api.semanticscholar.org"
    openalex_url: str = "https://api.openalex.org"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("smtp_url", "secret_key", "admin_emails", "trusted_proxies", "arxiv_categories", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Lists are written with commas."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("lease")
    @classmethod
    def _longer_than_a_message(cls, value: int, info: object) -> int:
        timeout = getattr(info, "data", {}).get("message_timeout", 60)
        if value <= timeout:
            raise ValueError(f"LEASE ({value} s) must be longer than MESSAGE_TIMEOUT ({timeout} s)")
        return value

    @field_validator("base_url")
    @classmethod
    def _no_slash_at_end(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("BASE_URL must begin with https:// (or http:// on this machine)")
        return value.rstrip("/")

    @property
    def database(self) -> str:
        """The database's address; without DATABASE_URL an SQLite file in DATA_DIR."""
        url = self.database_url or f"sqlite:///{self.data_dir.resolve() / 'digest.db'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def mail_domain(self) -> str:
        """The domain behind the @ of MAIL_FROM."""
        return self.mail_from.rpartition("@")[2].rstrip(">").lower()

    def require(self, *names: str) -> None:
        """Stop with a clear line where one of these settings is unset. Raises Misconfigured."""
        for name in names:
            if not getattr(self, name):
                cure = MAKE_A_KEY if name == "secret_key" else "`digest init` asks for it and writes .env"
                raise Misconfigured(f"DIGEST_{name.upper()} is not set; {cure}")


@lru_cache(maxsize=1)
def get() -> Settings:
    """The process's settings, read once. Raises Misconfigured naming the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        raise Misconfigured(f"DIGEST_{name}: {first['msg'].removeprefix('Value error, ')}") from error


def forget() -> None:
    """Read the environment anew at the next `get` (tests, and `digest demo` after it has set its own)."""
    get.cache_clear()
