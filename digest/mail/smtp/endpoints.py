"""Parses the servers of DIGEST_SMTP_URL: address, login and TLS mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from digest.errors import Misconfigured
from digest.host_syntax import is_host

_ESCAPE_HINT = (
    "DIGEST_SMTP_URL: the port must be a number from 1 to 65535; in user and password write "
    "/ as %2F, # as %23, ? as %3F, @ as %40, % as %25 and [ as %5B"
)
Tls = Literal["none", "starttls", "implicit"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """One server of SMTP_URL. `tls`: none, starttls (required, certificate checked), implicit (smtps)."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: Tls = "starttls"


def parse_server(address: str) -> SmtpServer:
    """Read `smtp://user:password@host:587?tls=starttls` or `smtps://…`. Raises Misconfigured.

    Without `tls`, a server on this machine is used without encryption, any other with STARTTLS.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # its text may be a part of the password, where that has a slash
        raise Misconfigured(_ESCAPE_HINT) from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise Misconfigured(_ESCAPE_HINT)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Misconfigured("DIGEST_SMTP_URL must look like smtp://user:password@host:587?tls=starttls")
    if not is_host(parts.hostname):
        raise Misconfigured("DIGEST_SMTP_URL: its host is not the name of a host, such as mail.example.org")
    if bool(parts.username) != bool(parts.password):
        raise Misconfigured("DIGEST_SMTP_URL: give user and password, or neither: smtp://user:password@host:587")
    tls = _tls(parts)
    default_port = {"implicit": 465, "starttls": 587 if parts.username else 25, "none": 25}[tls]
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return SmtpServer(parts.hostname, port or default_port, username, password, tls)


def _tls(parts: SplitResult) -> Tls:
    options = parse_qs(parts.query, keep_blank_values=True)
    unknown = sorted(options.keys() - {"tls"})
    if unknown or parts.fragment or parts.path not in ("", "/"):
        named = f"; {unknown[0][:20]!r} is not known" if unknown else ""
        raise Misconfigured(f"DIGEST_SMTP_URL: after the host only ?tls=starttls, required or none may follow{named}")
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    mode = options.get("tls", ["none" if is_local else "starttls"])[0]
    if mode not in ("none", "starttls", "required"):
        raise Misconfigured(f"DIGEST_SMTP_URL: tls={mode[:20]!r} is unknown; use starttls, required or none")
    if parts.scheme == "smtps":
        return "implicit"
    return "none" if mode == "none" else "starttls"
