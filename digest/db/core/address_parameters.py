"""Checks what follows the ? of DIGEST_DATABASE_URL, which the client library refuses only when it connects."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import URL

_VALUES: Mapping[str, tuple[str, ...]] = {  # PostgreSQL's documentation, "Parameter Key Words"
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "gssencmode": ("disable", "prefer", "require"),
    "channel_binding": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "load_balance_hosts": ("disable", "random"),
}
_NUMBERS = frozenset(
    {"connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
)
_FILES_OF_SQLITE = "SQLite's file takes no parameters; end the address with the name of the file"


def problem(url: URL) -> str:
    """What is wrong with the parameters of a database's address, "" where they are right."""
    if url.get_backend_name() == "sqlite":
        return _FILES_OF_SQLITE if url.query else ""
    if not url.query:
        return ""
    known = _known_names()
    problems = (_parameter_problem(name, value, known) for name, value in url.query.items())
    return next(filter(None, problems), "")


def _parameter_problem(name: str, value: str | tuple[str, ...], known: frozenset[str]) -> str:
    values = (value,) if isinstance(value, str) else value
    if name not in known:
        is_of_password = "@" in f"{name}{''.join(values)}"  # it may be, where ? and @ are not escaped
        shown = "what follows the ?" if is_of_password else repr(name[:40])
        return f"{shown} is no parameter of a connection to PostgreSQL"
    for text in values:
        if name in _VALUES and text not in _VALUES[name]:
            return f"{name}={text[:40]} is none of {', '.join(_VALUES[name])}"
        if name in _NUMBERS and not text.removeprefix("-").isdecimal():
            return f"{name}={text[:40]} is no number"
    return ""


def _known_names() -> frozenset[str]:
    from psycopg import pq  # only where there are parameters

    return frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())
