"""A port is free when nobody listens on it, even a moment after a server ended there."""

from __future__ import annotations

import errno
import socket

import pytest

from digest.errors import Misconfigured
from workers.port_check import require_free_port


def server() -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def test_a_port_whose_server_has_just_hung_up_is_free() -> None:
    with server() as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listening.accept()
            accepted.close()  # the side that hangs up first keeps the connection in TIME_WAIT
            client.recv(1)

    with socket.socket() as plain, pytest.raises(OSError, match="in use"):
        plain.bind(("127.0.0.1", port))
    require_free_port("127.0.0.1", port)


def test_a_port_on_which_a_server_listens_is_named() -> None:
    with server() as listening:
        port = listening.getsockname()[1]

        with pytest.raises(Misconfigured, match=f"port {port} is in use; choose another with --port"):
            require_free_port("127.0.0.1", port)


def test_a_host_that_is_not_this_machine_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"192\.0\.2\.1"):
        require_free_port("192.0.2.1", 8000)


def test_a_port_that_only_root_may_use_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: socket.socket, _address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse, raising=False)

    with pytest.raises(Misconfigured, match="port 80: Permission denied; only root may use ports below 1024"):
        require_free_port("127.0.0.1", 80)
