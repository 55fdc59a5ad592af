"""`digest admin token`, keys and folders at the command line."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.db.core.engine import reading
from tests.conftest import ROOT
from tests.digest.cli.conftest import Terminal
from tests.patience import PATIENCE

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _umask_of_before() -> object:
    """A command narrows the umask of its process, here the tests'."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def test_a_token_is_made_listed_and_revoked(ready: Terminal) -> None:
    token = ready.ok("admin", "token", "create", "monitor", "--scope", "runs:read", "--expires", "30d").strip()
    (row,) = json.loads(ready.ok("admin", "token", "list", "--json"))
    ready.ok("admin", "token", "revoke", "monitor")
    (revoked,) = json.loads(ready.ok("admin", "token", "list", "--json"))

    assert token.startswith("digest_")
    assert token not in str(row)
    assert (row["name"], row["scopes"], row["state"], row["last_used_at"]) == ("monitor", "runs:read", "active", None)
    assert (row["expires_at"] > row["created_at"], revoked["state"]) == (True, "revoked")


@SQLITE
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("create", "x"), "scope: name at least one; use papers:read"),
        (("create", "x", "--scope", "all"), "scope: there is no 'all'"),
        (("create", "x", "--scope", "admin", "--expires", "soon"), "expires: use a number of days"),
        (("create", "x", "--scope", "admin", "--expires", "2020-01-01"), "expires: 2020-01-01 has passed"),
        (("create", "", "--scope", "admin"), "name: 1 to 60"),
    ],
)
def test_a_wrong_token_is_refused_in_one_line(ready: Terminal, words: tuple[str, ...], message: str) -> None:
    code, line = ready.refused("admin", "token", *words)

    assert code == 2
    assert line.startswith(f"digest: {message}")
    assert line.count("\n") == 1


def test_creating_and_revoking_a_token_is_audited_with_the_actor(
    ready: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    ready.ok("admin", "token", "create", "monitor", "--scope", "admin")
    ready.ok("admin", "token", "revoke", "monitor")
    ready.ok("admin", "suppress", "ada@example.com")
    with reading() as session:
        rows = session.execute(text("SELECT actor, action FROM audit ORDER BY id")).all()

    assert [tuple(row) for row in rows] == [
        ("command line, user grace", action) for action in ("create token", "revoke token", "suppress")
    ]


def test_doctor_names_tokens_that_may_do_everything_for_ever(ready: Terminal) -> None:
    ready.ok("admin", "token", "create", "old", "--scope", "admin", "--expires", "never")
    ready.ok("admin", "token", "create", "new", "--scope", "runs:read")
    checks = json.loads(ready.run("doctor", "--json").stdout)

    assert [line["text"] for line in checks if line["name"] == "api tokens"] == [
        "have all scopes and never expire: old"
    ]


@SQLITE
def test_doctor_names_short_keys_and_a_data_folder_open_to_others(
    ready: Terminal, configured: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    (folder / "digest.db").write_bytes(b"")
    folder.chmod(0o755)
    (folder / "digest.db").chmod(0o644)
    configured(DATA_DIR=folder, WEBHOOK_KEY="short", METRICS_TOKEN="m" * 31)
    checks_by_text = {line["text"]: line for line in json.loads(ready.run("doctor", "--json").stdout)}

    assert f"{folder} is readable by others (mode 0755), and 1 more" in checks_by_text
    assert "DIGEST_WEBHOOK_KEY has 5 bytes and could be guessed" in checks_by_text
    assert "DIGEST_METRICS_TOKEN has 31 bytes and could be guessed" in checks_by_text


def test_what_a_process_writes_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "service" / "data"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
    environment |= {"PYTHONPATH": str(ROOT), "DIGEST_DATA_DIR": str(folder)}
    command = [sys.executable, "-P", "-c", "import os; os.umask(0o022); from workers.main import run; run()", "migrate"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=PATIENCE)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}

    assert modes[folder] == 0o700
    assert modes[folder / "digest.db"] == 0o600
    assert {mode & 0o077 for mode in modes.values()} == {0}
