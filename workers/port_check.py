"""Checks before anything is started that a port is free, so that a conflict is reported in one line."""

from __future__ import annotations

import errno
import socket

from digest.errors import Misconfigured

_PRIVILEGED_PORT_CURE = "; only root may use ports below 1024: choose another with --port, behind a proxy with https"


def require_free_port(host: str, port: int) -> None:
    """Raises Misconfigured if another process listens there.

    Binds with SO_REUSEADDR, as servers do: else a port would count as used for a minute after its server has ended
    (TIME_WAIT, RFC 9293 section 3.6.1).
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise Misconfigured(f"DIGEST_HOST: can't listen on {host}: {error.strerror}") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Misconfigured(f"port {port} is in use; choose another with --port") from error
            cure = _PRIVILEGED_PORT_CURE if error.errno == errno.EACCES else ""
            raise Misconfigured(f"can't listen on {host}, port {port}: {error.strerror}{cure}") from error
