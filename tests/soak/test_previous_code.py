"""The code of before the newest migration goes on with the new schema: it stores, selects and sends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from digest.db.core import schema_migration
from tests.conftest import ROOT
from tests.digest.cli.conftest import Terminal, ready, terminal
from tests.servers import MailServer

__all__ = ["ready", "terminal"]

STORE = """
from datetime import date
from pathlib import Path
from digest.services.ingestion import import_files
import_files.ingest_files("jsonl", [Path({file!r})], seeds=lambda *_: [], day=date.today())
"""
RUN = """
from datetime import date
from digest.services.runs import daily_run
print(daily_run.run_inline(date.today()).to_line())
"""
DECLARATION = re.compile(r'^(revision|down_revision) *= *"(\w+)"', re.MULTILINE)
VERSIONS = "digest/db/migrations/versions"


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def _heads(commit: str) -> set[str]:
    """The migrations of a commit that no other one follows: two while branches are not merged."""
    with tarfile.open(fileobj=BytesIO(_git("archive", "--format=tar", commit, VERSIONS))) as tar:
        texts = [(tar.extractfile(member) or BytesIO()).read().decode() for member in tar if member.isfile()]
    declarations = [pair for text in texts for pair in DECLARATION.findall(text)]
    revisions, followed = (
        {name for kind, name in declarations if kind == key} for key in ("revision", "down_revision")
    )
    return revisions - followed


def _commit_before_newest_migration() -> str:
    """The last commit with another newest migration; '' where the history does not reach so far."""
    try:
        commits = _git("rev-list", "HEAD", "--", VERSIONS).decode().split()
        heads = ((commit, _heads(commit)) for commit in commits)
        return next(
            (
                commit
                for commit, revisions in heads
                if len(revisions) == 1 and revisions != {schema_migration.newest_revision()}
            ),
            "",
        )
    except (OSError, subprocess.CalledProcessError):
        return ""


@pytest.fixture
def previous_code(tmp_path: Path) -> Path:
    commit = _commit_before_newest_migration()
    if not commit:
        pytest.skip("needs the history of the repository")
    with tarfile.open(
        fileobj=BytesIO(_git("archive", "--format=tar", commit, "digest", "seeds", "templates", "workers"))
    ) as tar:
        safety = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # before Python 3.11.4 there is none
        tar.extractall(tmp_path / "previous", **safety)
    return tmp_path / "previous"


def _old(code: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(code)}
    result = subprocess.run(
        [sys.executable, *command], cwd=code, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.soak
def test_the_code_of_before_the_newest_migration_runs_with_the_new_schema(
    ready: Terminal, smtp: MailServer, previous_code: Path, tmp_path: Path, configured: Callable[..., None]
) -> None:
    newest = schema_migration.newest_revision()
    old_newest = "from digest.db.core import schema_migration; print(schema_migration.newest_revision())"
    assert _old(previous_code, "-c", old_newest).strip() != newest  # it really is the old code
    papers = tmp_path / "papers.jsonl"
    papers.write_text(
        json.dumps({"id": "2511.00001", "title": "Linear bandits", "abstract": "We study.", "authors": ["A. B."]})
    )
    ready.ok("admin", "subscribers", "add", "ada@example.com", "--topic", "bandits", "--consent", "in person")

    _old(previous_code, "-c", STORE.format(file=str(papers)))
    output = _old(previous_code, "-c", RUN)

    assert "1 sent, 0 skipped" in output
    assert smtp.recipients() == {"ada@example.com": 1}
    assert schema_migration.current_revision() == newest
