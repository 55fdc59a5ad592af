"""A minimal Redis client for health checks: importing the client library takes longer than the whole check.

Speaks RESP2 over TCP, TLS or a unix socket (https://redis.io/docs/latest/develop/reference/protocol-spec/).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import IO, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from digest.errors import Misconfigured, Transient
from digest.redis.redis_errors import failure_of
from digest.redis.store import ANSWER_TIMEOUT_SECONDS, PREFIX

_SCHEMES = ("redis", "rediss", "unix")


def ping(url: str) -> None:
    """Return where Redis answers. Raises Transient."""
    request_once(url, ("PING",))


def progress(url: str, kind: str) -> tuple[float, dict[str, float]]:
    """The server's time, and the time of each process's last progress by the same clock. Raises Transient."""
    (seconds, micros), stamps = request_once(
        url, ("TIME",), ("ZRANGE", f"{PREFIX}progress:{kind}", "0", "-1", "WITHSCORES")
    )
    pairs = zip(stamps[::2], stamps[1::2], strict=True)
    return float(seconds) + float(micros) / 1e6, {process.decode(): float(stamp) for process, stamp in pairs}


def request_once(url: str, *commands: Sequence[str]) -> list[Any]:
    """The answers to commands, over one connection. Raises Transient where Redis does not answer, Misconfigured."""
    parts = urlsplit(url.replace("redis+socket://", "unix://", 1))
    if parts.scheme not in _SCHEMES:
        raise Misconfigured("DIGEST_REDIS_URL: expected redis://…, rediss://… or unix:///path")
    setup_commands = _setup_commands(parts)
    try:
        with _connect(parts) as connection, connection.makefile("rb") as answers:
            connection.sendall(b"".join(map(_encode_command, [*setup_commands, *commands])))
            return [_read_reply(answers) for _ in (*setup_commands, *commands)][len(setup_commands) :]
    except (OSError, ValueError) as error:
        raise Transient(f"Redis does not answer: {error}") from error


def _setup_commands(parts: SplitResult) -> list[tuple[str, ...]]:
    """The commands that the address implies: AUTH for its password, SELECT for its database number."""
    commands: list[tuple[str, ...]] = []
    if parts.password:
        names = [parts.username] if parts.username else []
        commands.append(("AUTH", *map(unquote, [*names, parts.password])))
    in_path = "" if parts.scheme == "unix" else parts.path.strip("/")
    if number := parse_qs(parts.query).get("db", [in_path])[0]:
        commands.append(("SELECT", number))
    return commands


def _connect(parts: SplitResult) -> socket.socket:
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(ANSWER_TIMEOUT_SECONDS)
        try:
            connection.connect(unquote(parts.path))
        except OSError:
            connection.close()
            raise
        return connection
    host = parts.hostname or "localhost"
    connection = socket.create_connection((host, parts.port or 6379), timeout=ANSWER_TIMEOUT_SECONDS)
    if parts.scheme == "rediss":
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    return connection


def _encode_command(arguments: Sequence[str]) -> bytes:
    """A command as an array of bulk strings."""
    parts = [word.encode() for word in arguments]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _read_reply(file: IO[bytes]) -> Any:
    """One reply: text, number, bytes, None or a list of these. Raises Transient for an error reply, else ValueError."""
    line = file.readline()
    reply_type, text = line[:1], line[1:].strip()
    if reply_type == b"-":
        raise failure_of(text.decode(errors="replace"))
    if reply_type == b"+":
        return text
    if reply_type == b":":
        return int(text)
    if reply_type == b"$":
        return None if text == b"-1" else file.read(int(text) + 2)[:-2]
    if reply_type == b"*":
        return [_read_reply(file) for _ in range(int(text))]
    raise ValueError("no answer" if not line else "the answer is not in Redis's protocol")
