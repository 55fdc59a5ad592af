"""`digest init --systemd`, `--caddy`, `--nginx`: files filled in for this installation."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from digest.services.runs import personal_mail
from tests.digest.cli.conftest import Terminal, terminal

__all__ = ["terminal"]


@pytest.fixture
def installed(
    terminal: Terminal, configured: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    folder = tmp_path / "srv"
    folder.mkdir()
    monkeypatch.chdir(folder)
    configured(BASE_URL="https://papers.lab.example", SECRET_KEY="k" * 40, PORT=8123)
    return terminal


def _unit(file: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)  # a key may stand twice in a unit
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(file.read_text())
    return parser


def test_every_timer_starts_a_service_that_is_written_too(installed: Terminal, tmp_path: Path) -> None:
    installed.ok("init", "--systemd", str(tmp_path / "units"))

    timers = {file.stem for file in (tmp_path / "units").glob("*.timer")}
    services = {file.stem for file in (tmp_path / "units").glob("*.service")}
    assert timers == {"papers-inbox-run", "papers-inbox-backup", "papers-inbox-bounces"}
    assert timers < services


def test_units_run_unprivileged_in_this_folder(installed: Terminal, tmp_path: Path) -> None:
    installed.ok("init", "--systemd", str(tmp_path / "units"))

    for file in (tmp_path / "units").glob("*.service"):
        service = _unit(file)["Service"]
        assert service["WorkingDirectory"] == str(tmp_path / "srv")
        assert service["NoNewPrivileges"] == "yes"
        assert service["ExecStart"].lstrip("-").startswith("/")


def test_what_runs_for_long_starts_at_boot(installed: Terminal, tmp_path: Path) -> None:
    installed.ok("init", "--systemd", str(tmp_path / "units"))

    for name in ("papers-inbox.service", "papers-inbox-web.service"):
        assert _unit(tmp_path / "units" / name)["Install"]["WantedBy"] == "multi-user.target"


def _environment(unit: Path) -> dict[str, str]:
    """What the unit adds to the environment."""
    lines = [line.removeprefix("Environment=") for line in unit.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line.startswith(("DIGEST_", "TMPDIR")))


def test_a_unit_reads_this_installation_s_settings_whatever_its_folder(installed: Terminal, tmp_path: Path) -> None:
    """The settings come from the file that the unit names, not from an `.env` of the folder in which it runs."""
    (tmp_path / "srv" / ".env").write_text("DIGEST_SERVICE_NAME='Papers of the lab'\n")
    installed.ok("init", "--systemd", str(tmp_path / "units"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".env").write_text("DIGEST_SERVICE_NAME='Somebody else'\n")

    environments = [_environment(unit) for unit in (tmp_path / "units").glob("*.service")]
    for unit_environment in [env for place, env in enumerate(environments) if env not in environments[:place]]:
        command = [sys.executable, "-P", "-m", "workers.main", "config", "show", "--json"]
        environment = {"PATH": os.environ["PATH"], **unit_environment}
        output = subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True
        ).stdout
        rows_by_setting = {row["setting"]: row for row in json.loads(output)}
        assert rows_by_setting["DIGEST_SERVICE_NAME"]["value"] == "Papers of the lab"
        assert rows_by_setting["DIGEST_SERVICE_NAME"]["origin"] == ".env"


def test_the_private_redis_of_the_unit_listens_in_its_runtime_directory(installed: Terminal, tmp_path: Path) -> None:
    """Its /tmp is private, so a socket there could not be reached by `digest doctor` of a shell."""
    installed.ok("init", "--systemd", str(tmp_path / "units"))
    unit = tmp_path / "units" / "papers-inbox.service"
    service, environment = _unit(unit)["Service"], _environment(unit)

    assert environment["TMPDIR"] == f"/run/{service['RuntimeDirectory']}"
    assert service["PrivateTmp"] == "yes"
    code = "from digest.redis import PrivateRedis; print(PrivateRedis().url)"
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:  # a short path, as that of a socket must be
        own_environment = {"PATH": os.environ["PATH"], **environment, "TMPDIR": runtime}
        url = subprocess.run(command, env=own_environment, capture_output=True, text=True, check=True).stdout
        assert url.startswith(f"unix://{runtime}/")


@pytest.mark.parametrize(("kind", "name"), [("caddy", "Caddyfile"), ("nginx", "papers-inbox.conf")])
def test_a_proxy_serves_the_host_of_the_base_url_and_hides_what_is_internal(
    installed: Terminal, tmp_path: Path, kind: str, name: str
) -> None:
    installed.ok("init", f"--{kind}", str(tmp_path / "proxy"))

    text = (tmp_path / "proxy" / name).read_text()
    assert "papers.lab.example" in text
    assert "127.0.0.1:8123" in text
    assert {"/metrics", "/readyz"} <= set(text.replace("{", " ").split())
    assert "{{" not in text


@pytest.mark.parametrize("kind", ["systemd", "caddy", "nginx", "monitoring", "workflow"])
def test_the_files_can_be_read_by_the_users_that_use_them(installed: Terminal, tmp_path: Path, kind: str) -> None:
    installed.ok("init", f"--{kind}", str(tmp_path / "new" / "files"))

    written = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    folders = {folder for path in written for folder in path.parents if folder.is_relative_to(tmp_path / "new")}
    assert {path.stat().st_mode & 0o777 for path in written} == {0o644}
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o755}


@pytest.mark.parametrize("kind", ["caddy", "nginx"])
def test_a_proxy_for_an_address_of_this_machine_is_refused(
    installed: Terminal, configured: Callable[..., None], tmp_path: Path, kind: str
) -> None:
    configured(BASE_URL="http://127.0.0.1:8000")

    code, error = installed.refused("init", f"--{kind}", str(tmp_path / "proxy"))
    assert code == 2
    assert "set DIGEST_BASE_URL" in error
    assert not (tmp_path / "proxy").exists()


def test_the_unit_links_to_the_pages(installed: Terminal, configured: Callable[..., None], tmp_path: Path) -> None:
    configured(BASE_URL="http://127.0.0.1:8123")

    installed.ok("init", "--systemd", str(tmp_path / "units"))

    assert _unit(tmp_path / "units" / "papers-inbox.service")["Unit"]["Documentation"] == "http://127.0.0.1:8123/"


def test_existing_files_are_kept_unless_forced(installed: Terminal, tmp_path: Path) -> None:
    (tmp_path / "Caddyfile").write_text("mine")

    code, error = installed.refused("init", "--caddy", str(tmp_path))
    old_text = (tmp_path / "Caddyfile").read_text()
    installed.ok("init", "--caddy", str(tmp_path), "--force")

    assert (code, "is there already" in error, old_text) == (1, True, "mine")
    assert "reverse_proxy" in (tmp_path / "Caddyfile").read_text()


def test_a_path_that_a_unit_would_need_escaped_is_refused(
    installed: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a folder%"
    odd.mkdir()
    monkeypatch.chdir(odd)

    assert "choose a path of letters, digits" in installed.refused("init", "--systemd", str(tmp_path / "units"))[1]
    assert not (tmp_path / "units").exists()


def test_a_scheduled_job_is_written_with_topics_where_nothing_is_configured(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)

    terminal.ok("init", "--workflow", str(tmp_path / "fork"))

    workflow = yaml.safe_load((tmp_path / "fork" / ".github" / "workflows" / "papers-inbox.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert personal_mail.read_topics(tmp_path / "fork" / "topics.txt")


@pytest.mark.parametrize(("answer", "code"), [("true", 0), ("false", 1), ("", 1)])
def test_the_scheduled_job_refuses_a_public_repository(
    terminal: Terminal, tmp_path: Path, answer: str, code: int
) -> None:
    terminal.ok("init", "--workflow", str(tmp_path))
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "papers-inbox.yml").read_text())
    gh = tmp_path / "gh"
    gh.write_text(f"#!/bin/sh\necho {answer}\n")
    gh.chmod(0o755)

    first = workflow["jobs"]["mail"]["steps"][0]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "GITHUB_REPOSITORY": "ada/papers"}
    result = subprocess.run(["bash", "-e", "-c", first["run"]], env=environment, check=False)

    assert result.returncode == code


def test_the_scheduled_job_gives_secrets_to_the_mail_alone_and_never_to_a_shell(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.ok("init", "--workflow", str(tmp_path))

    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "papers-inbox.yml").read_text())
    steps = workflow["jobs"]["mail"]["steps"]
    assert [step["name"] for step in steps if "secrets." in str(step)] == ["Mail"]
    assert all("${{" not in step.get("run", "") for step in steps)
    assert [step["with"]["path"] for step in steps if "cache/" in step.get("uses", "")] == ["state", "state"]
