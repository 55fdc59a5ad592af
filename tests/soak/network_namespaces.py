"""Machines as network namespaces: a hub for the servers, and one for each worker, whose cable can be pulled."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tests.conftest import not_run

_CLONE_NEWNET = 0x40000000


class NamespaceNetwork:
    """`hub` and machines 1 to `machines`, each with a cable of its own to the hub. Use as a context manager."""

    def __init__(self, machines: int) -> None:
        self._numbers = range(1, machines + 1)
        self._prefix = f"soak{os.getpid()}"

    def __enter__(self) -> NamespaceNetwork:
        if os.geteuid() != 0 or not shutil.which("ip"):
            not_run("network namespaces need root and iproute2")
        try:
            self._create()
        except subprocess.CalledProcessError as error:
            self._delete()
            not_run(f"network namespaces can't be made here: {error.stderr.decode().strip()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._delete()

    def hub_address(self, number: int) -> str:
        """The hub's address as that machine reaches it."""
        return f"10.77.{number}.1"

    def command(self, number: int, arguments: Sequence[str]) -> list[str]:
        """The command that runs a program on that machine."""
        return [shutil.which("ip") or "ip", "netns", "exec", self._name(number), *arguments]

    def pull_cable(self, number: int) -> None:
        """Lose all packets between that machine and the hub; neither end is told."""
        _ip("-n", self._hub, "link", "set", f"hub{number}", "down")

    def plug_in(self, number: int) -> None:
        _ip("-n", self._hub, "link", "set", f"hub{number}", "up")

    @contextmanager
    def in_hub(self) -> Iterator[None]:
        """Sockets and processes that this thread makes meanwhile are in the hub."""
        with Path("/proc/thread-self/ns/net").open() as own_namespace, Path("/run/netns", self._hub).open() as hub:
            _enter(hub.fileno())
            try:
                yield
            finally:
                _enter(own_namespace.fileno())

    @property
    def _hub(self) -> str:
        return self._name(0)

    def _name(self, number: int) -> str:
        return f"{self._prefix}-{number}"

    def _create(self) -> None:
        for number in (0, *self._numbers):
            _ip("netns", "add", self._name(number))
            _ip("-n", self._name(number), "link", "set", "lo", "up")
        for number in self._numbers:
            machine = self._name(number)
            _ip("link", "add", f"hub{number}", "netns", self._hub, "type", "veth", "peer", "eth0", "netns", machine)
            for namespace, device, end in ((self._hub, f"hub{number}", 1), (machine, "eth0", 2)):
                _ip("-n", namespace, "addr", "add", f"10.77.{number}.{end}/24", "dev", device)
                _ip("-n", namespace, "link", "set", device, "up")

    def _delete(self) -> None:
        for number in (0, *self._numbers):
            subprocess.run(["ip", "netns", "del", self._name(number)], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
