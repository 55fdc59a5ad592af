"""Settings from files: DIGEST_…_FILE, --env-file, and a folder without any configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from digest import settings
from digest.errors import Misconfigured
from tests.digest.cli.conftest import Terminal, terminal

__all__ = ["terminal"]

KEY = "a key for tests of at least 32 bytes"


@pytest.fixture
def folder(configured: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, whose `.env` would be read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "ENV_FILE", Path(".env"))
    monkeypatch.setenv(settings.ENV_FILE_VARIABLE, "")  # restored afterwards, whatever a test sets
    monkeypatch.delenv(settings.ENV_FILE_VARIABLE)
    return tmp_path


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_secret_is_read_from_the_file_that_its_variable_names(
    folder: Path, configured: Callable[..., None], place: str
) -> None:
    (folder / "secret").write_text(f"{KEY}\n")
    if place == ".env":
        (folder / ".env").write_text(f"DIGEST_SECRET_KEY_FILE={folder / 'secret'}\n")
    else:
        configured(SECRET_KEY_FILE=folder / "secret")

    assert settings.get().secret_key == (KEY,)


def test_a_file_is_read_where_the_variable_itself_is_empty(folder: Path, configured: Callable[..., None]) -> None:
    (folder / "secret").write_text(KEY)
    configured(SECRET_KEY_FILE=folder / "secret", SECRET_KEY="")

    assert settings.get().secret_key == (KEY,)


def test_a_byte_order_mark_is_no_part_of_a_name_or_secret(folder: Path) -> None:
    (folder / "secret").write_text(KEY, encoding="utf-8-sig")
    lines = f"DIGEST_SECRET_KEY_FILE={folder / 'secret'}\nDIGEST_PORT=9000\n"
    (folder / ".env").write_text(lines, encoding="utf-8-sig")

    config = settings.get()
    assert (config.secret_key, config.port) == ((KEY,), 9000)


def test_the_file_of_a_secret_holds_one_line(folder: Path, configured: Callable[..., None]) -> None:
    (folder / "secret").write_text(f"{KEY}\n{KEY}\n")
    configured(SECRET_KEY_FILE=folder / "secret")

    with pytest.raises(Misconfigured, match="DIGEST_SECRET_KEY: it has more than one line"):
        settings.get()


def test_a_list_may_stand_on_several_lines(folder: Path) -> None:
    (folder / ".env").write_text('DIGEST_ADMIN_EMAILS="ada@one.example,\nbob@one.example"\n')

    assert settings.get().admin_emails == ("ada@one.example", "bob@one.example")


def test_addresses_of_the_envelope_and_of_administrators_are_used_without_names(
    folder: Path, configured: Callable[..., None]
) -> None:
    configured(BOUNCE_ADDRESS="Bounces <bounces@one.example>", ADMIN_EMAILS="Ada <ada@one.example>,bob@one.example")

    config = settings.get()
    assert config.bounce_address == "bounces@one.example"
    assert config.admin_emails == ("ada@one.example", "bob@one.example")


def test_a_value_given_twice_is_refused(folder: Path, configured: Callable[..., None]) -> None:
    (folder / "secret").write_text(KEY)
    configured(SECRET_KEY_FILE=folder / "secret", SECRET_KEY=KEY)

    with pytest.raises(Misconfigured, match="DIGEST_SECRET_KEY and DIGEST_SECRET_KEY_FILE are both set"):
        settings.get()


def test_a_file_that_can_not_be_read_is_named(folder: Path, configured: Callable[..., None]) -> None:
    configured(SMTP_URL_FILE=folder / "absent")

    with pytest.raises(Misconfigured, match=r"DIGEST_SMTP_URL_FILE: .*absent can't be read \(No such file"):
        settings.get()


def test_a_value_from_a_file_is_checked_like_any_other(folder: Path, configured: Callable[..., None]) -> None:
    (folder / "secret").write_text("short")
    configured(SECRET_KEY_FILE=folder / "secret")

    with pytest.raises(Misconfigured, match="DIGEST_SECRET_KEY"):
        settings.get()


def test_the_configuration_shows_that_a_value_is_from_a_file(
    folder: Path, configured: Callable[..., None], terminal: Terminal
) -> None:
    (folder / "secret").write_text(KEY)
    configured(SECRET_KEY_FILE=folder / "secret")

    rows = {row["setting"]: row for row in json.loads(terminal.ok("config", "show", "--json"))}

    assert rows["DIGEST_SECRET_KEY"]["origin"] == "file"
    assert KEY not in json.dumps(rows)
    assert "valid" in terminal.ok("config", "check")


def test_the_file_of_a_setting_that_does_not_exist_is_refused(
    folder: Path, configured: Callable[..., None], terminal: Terminal
) -> None:
    configured(SECRT_KEY_FILE="x")

    assert "DIGEST_SECRT_KEY_FILE" in terminal.refused("config", "check")[1]


def test_another_env_file_is_read_also_by_child_processes(folder: Path, terminal: Terminal) -> None:
    (folder / "other.env").write_text("DIGEST_MAIL_FROM='Papers <p@other.example>'\n")

    output = terminal.ok("--env-file", "other.env", "config", "show")

    assert "p@other.example" in output
    assert os.environ[settings.ENV_FILE_VARIABLE] == str(folder / "other.env")


def test_an_env_file_that_is_missing_is_refused(folder: Path, terminal: Terminal) -> None:
    code, error = terminal.refused("--env-file", "absent.env", "config", "check")

    assert (code, "--env-file: there is no file absent.env" in error) == (2, True)


def test_a_missing_file_in_the_variable_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = folder / "absent.env"
    monkeypatch.setenv(settings.ENV_FILE_VARIABLE, str(absent))
    monkeypatch.setattr(settings, "ENV_FILE", absent)
    settings.clear_cache()

    with pytest.raises(Misconfigured, match=r"DIGEST_ENV_FILE: there is no file .*absent\.env"):
        settings.get()


@pytest.mark.parametrize("command", [["migrate"], ["ingest", "arxiv-oai"], ["run", "--inline"]])
def test_a_folder_without_configuration_stays_empty(
    folder: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)
    settings.clear_cache()

    code, error = terminal.refused(*command)

    assert code != 0
    assert "nothing is configured here" in error
    assert list(folder.iterdir()) == []
