"""Processes of their own that start at once: forked from one that has imported the modules already.

A new interpreter takes a second of a core to import them, and tests that kill processes start dozens.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from digest import settings
from tests.conftest import ROOT
from tests.patience import PATIENCE

IMPORTED = [
    "tests.forked_processes",  # each process unpickles `_run`, and would import the tests' own modules for it
    *("tests.digest.mail.sender_main", "tests.digest.sources.fetcher_main", "workers.commands"),
    *("digest.cli.bounces", "digest.cli.ingest"),
    *("tests.workers.stubs", "workers.pools", "workers.scheduler"),
    *("feedparser", "httpx"),  # what those import when they need it
    *("celery.apps.worker", "celery.concurrency.prefork", "celery.concurrency.solo", "celery.worker.consumer"),
    "kombu.transport.redis",
]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(IMPORTED)


class ForkedProcess:
    """`python -m module arguments`, with this environment or that of the tests; no output unless to `output`.

    `folder`: where it runs, by default the tests' own. `output`: the files of standard output and error.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        folder: Path = ROOT,
        output: tuple[Path, Path] | None = None,
    ) -> None:
        environment = dict(os.environ if env is None else env)
        self._process = _context.Process(target=_run, args=((module, *arguments), environment, folder, output))
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


def run_forked(
    module: str, *arguments: str, env: Mapping[str, str] | None = None, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """The exit code and the output of such a process when it has ended. Raises TimeoutError."""
    with tempfile.TemporaryDirectory() as temporary:
        files = Path(temporary, "output"), Path(temporary, "error")
        with ForkedProcess(module, *arguments, env=env, folder=folder, output=files) as process:
            code = process.wait(PATIENCE)
        output, error = (file.read_text() for file in files)
    return subprocess.CompletedProcess([module, *arguments], code, output, error)


def _run(command: tuple[str, ...], environment: dict[str, str], folder: Path, output: tuple[Path, Path] | None) -> None:
    module, *arguments = command
    os.environ.clear()
    os.environ.update(environment)
    settings.clear_cache()
    os.chdir(folder)
    output_file, error_file = output or (os.devnull, None)
    os.dup2(os.open(output_file, os.O_WRONLY | os.O_CREAT), sys.stdout.fileno())
    if error_file is not None:
        os.dup2(os.open(error_file, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)  # else Python warns that it has been imported
    runpy.run_module(module, run_name="__main__", alter_sys=True)
