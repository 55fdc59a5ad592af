"""Processes of their own that start at once: forked from one that has imported the modules already.

A new interpreter takes a second of a core to import them, and tests that kill processes start dozens.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from typing import Self

from digest import settings
from tests.conftest import ROOT

IMPORTED = [
    *("tests.digest.mail.sender_main", "tests.digest.sources.fetcher_main", "workers.main"),
    *("digest.cli.bounces", "digest.cli.ingest"),
    *("feedparser", "httpx"),  # what those import when they need it
]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(IMPORTED)


class ForkedProcess:
    """`python -m module arguments` in the tests' folder, with this environment or that of the tests; no output."""

    def __init__(self, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        command = (module, *arguments)
        self._process = _context.Process(target=_run, args=(command, dict(os.environ if env is None else env)))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def send_signal(self, number: int) -> None:
        if self._process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """The exit code; negative where a signal ended it. Raises TimeoutError."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"process {self.pid} did not end within {seconds:.0f} s")
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.join()


def _run(command: tuple[str, ...], environment: dict[str, str]) -> None:
    module, *arguments = command
    os.environ.clear()
    os.environ.update(environment)
    settings.clear_cache()
    os.chdir(ROOT)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
