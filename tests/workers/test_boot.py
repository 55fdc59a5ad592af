"""Processes without a required setting: they stop at once, with exit code 2, the variable's name and the remedy."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.forked_processes import run_forked

SECRET = "DIGEST_SECRET_KEY is not set; make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


def start(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environment |= {"DIGEST_DATA_DIR": str(folder), **{f"DIGEST_{name}": value for name, value in settings.items()}}
    return run_forked("workers.main", *arguments, env=environment, folder=folder)


@pytest.mark.parametrize("command", ["web", "up", "worker"])
def test_without_a_secret_nothing_starts(tmp_path: Path, command: str) -> None:
    result = start(tmp_path, command)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"digest: {SECRET}\n"


@pytest.mark.parametrize("command", ["web", "up"])
def test_on_a_database_never_migrated_nothing_starts(tmp_path: Path, command: str) -> None:
    environment = {"SECRET_KEY": "k" * 32, "MAIL_FROM": "a@digest.example", "SMTP_URL": "smtp://127.0.0.1:1"}

    result = start(tmp_path, command, **environment)

    assert result.returncode == 2
    assert result.stderr.endswith("run: digest migrate\n")


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_without_a_redis_the_cure_is_named(tmp_path: Path, command: str) -> None:
    environment = {"SECRET_KEY": "k" * 32, "MAIL_FROM": "a@digest.example", "SMTP_URL": "smtp://127.0.0.1:1"}

    result = start(tmp_path, command, **environment)

    assert result.returncode == 2
    assert result.stderr.startswith("digest: DIGEST_REDIS_URL is not set; use a Redis")
