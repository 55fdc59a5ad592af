"""`digest init --compose`: a folder from which docker compose starts the service, with each secret in a file."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from digest import settings
from digest.mail.mime import dkim
from tests.conftest import ROOT
from tests.digest.cli.conftest import Terminal, terminal

__all__ = ["terminal"]

ANSWERS = (
    "--mail-from", "Papers <papers@lab.example>", "--smtp-url", "smtp://user:it's $ecret@mail.example:587",
    "--base-url", "https://papers.lab.example", "--postal-address", "1 Library Lane", "--admin", "root@lab.example",
)  # fmt: skip
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "srv"


def secret(folder: Path, name: str) -> str:
    return (folder / "secrets" / name).read_text()


def test_a_folder_without_installation_is_set_up_from_the_answers(terminal: Terminal, folder: Path) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)

    env = dotenv_values(folder / ".env")
    assert env["DIGEST_MAIL_FROM"] == "Papers <papers@lab.example>"
    assert env["DIGEST_ADMIN_EMAILS"] == "root@lab.example"
    assert secret(folder, "smtp_url") == "smtp://user:it's $ecret@mail.example:587"
    assert len(secret(folder, "secret_key")) >= 32
    assert secret(folder, "postgres_password") in secret(folder, "database_url")


def test_every_secret_of_the_compose_file_is_there_and_no_other(terminal: Terminal, folder: Path) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)

    named = {Path(entry["file"]).name for entry in COMPOSE["secrets"].values()}
    assert {file.name for file in (folder / "secrets").iterdir()} == named


def test_secrets_can_be_read_in_the_containers_and_by_nobody_else_here(terminal: Terminal, folder: Path) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)

    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (folder / "secrets").iterdir()} == {0o444}
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600


def test_the_compose_file_holds_no_secret_and_can_be_read_by_all(terminal: Terminal, folder: Path) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)

    assert stat.S_IMODE((folder / "docker-compose.yml").stat().st_mode) == 0o644


def test_no_secret_is_in_the_env_file(terminal: Terminal, folder: Path, configured: Callable[..., None]) -> None:
    configured(
        SECRET_KEY="k" * 40, METRICS_TOKEN="m" * 40, SEMANTIC_SCHOLAR_KEY="s" * 20, PING_URL="https://hc.example/u"
    )
    terminal.ok("init", "--compose", str(folder), *ANSWERS)

    text = (folder / ".env").read_text()
    for name in ("secret_key", "metrics_token", "semantic_scholar_key", "ping_url", "smtp_url", "postgres_password"):
        assert secret(folder, name)
        assert secret(folder, name) not in text


def test_an_installation_keeps_its_settings_and_its_key(
    terminal: Terminal, folder: Path, configured: Callable[..., None]
) -> None:
    configured(
        SECRET_KEY=f"{'n' * 40},{'o' * 40}", MAIL_FROM="papers@lab.example", BASE_URL="https://papers.lab.example",
        SMTP_URL="smtp://one.example,smtp://two.example", POSTAL_ADDRESS="1 Lane",
        ADMIN_EMAILS="a@lab.example,b@lab.example",
        SEND_AT="06:30", CONNECTIONS=3, DATABASE_URL="sqlite:///elsewhere.db", ARXIV_RSS_URL="http://mirror.example",
    )  # fmt: skip
    terminal.ok("init", "--compose", str(folder))

    env = dotenv_values(folder / ".env")
    assert (secret(folder, "secret_key"), secret(folder, "smtp_url")) == (
        f"{'n' * 40},{'o' * 40}",
        "smtp://one.example,smtp://two.example",
    )
    assert env["DIGEST_ADMIN_EMAILS"] == "a@lab.example,b@lab.example"
    assert (env["DIGEST_SEND_AT"], env["DIGEST_CONNECTIONS"]) == ("06:30", "3")
    assert env["DIGEST_ARXIV_RSS_URL"] == "http://mirror.example"
    assert "DIGEST_DATABASE_URL" not in env


def test_what_is_written_is_a_valid_configuration(
    terminal: Terminal, folder: Path, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)
    monkeypatch.setattr(settings, "ENV_FILE", folder / ".env")
    names = ("secret_key", "smtp_url", "database_url", "metrics_token", "webhook_key", "ping_url")
    configured(**{f"{name.upper()}_FILE": folder / "secrets" / name for name in names})

    terminal.ok("config", "check")
    assert settings.get().smtp_url == ("smtp://user:it's $ecret@mail.example:587",)
    assert settings.get().mail_from == "Papers <papers@lab.example>"


def test_the_dkim_key_goes_along(terminal: Terminal, folder: Path, configured: Callable[..., None]) -> None:
    key_file = folder.with_name("dkim.pem")
    key_file.write_bytes(dkim.generate_key(2048)[0])
    configured(DKIM_DOMAIN="lab.example", DKIM_SELECTOR="s1", DKIM_KEY_FILE=key_file)
    terminal.ok("init", "--compose", str(folder), *ANSWERS)

    assert secret(folder, "dkim_key") == key_file.read_text()
    assert dotenv_values(folder / ".env")["DIGEST_DKIM_KEY_FILE"] == "/run/secrets/dkim_key"


def test_the_second_dkim_key_goes_along(terminal: Terminal, folder: Path, configured: Callable[..., None]) -> None:
    key_file = folder.with_name("dkim-s2.pem")
    key_file.write_bytes(dkim.generate_key(2048)[0])
    configured(DKIM_SECOND_SELECTOR="s2", DKIM_SECOND_KEY_FILE=key_file)
    terminal.ok("init", "--compose", str(folder), *ANSWERS)

    assert secret(folder, "dkim_second_key") == key_file.read_text()
    assert dotenv_values(folder / ".env")["DIGEST_DKIM_SECOND_KEY_FILE"] == "/run/secrets/dkim_second_key"
    assert all("dkim_second_key" in COMPOSE["services"][name]["secrets"] for name in ("worker-delivery", "admin"))


def test_a_mail_server_given_with_force_replaces_the_stored_one(terminal: Terminal, folder: Path) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)
    answers = [word.replace("mail.example:587", "new.example:25") for word in ANSWERS]

    terminal.ok("init", "--compose", str(folder), *answers, "--force")

    assert secret(folder, "smtp_url") == "smtp://user:it's $ecret@new.example:25"


def test_a_secret_that_is_kept_and_differs_is_named(
    terminal: Terminal, folder: Path, configured: Callable[..., None]
) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)
    configured(METRICS_TOKEN="n" * 40)

    output = terminal.ok("init", "--compose", str(folder), *ANSWERS, "--force")

    assert [line.split("/")[-1].split(" ")[0] for line in output.splitlines() if line.startswith("kept:")] == [
        "metrics_token"
    ]


def test_written_again_with_force_the_secrets_stay(terminal: Terminal, folder: Path) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)
    before = {file.name: file.read_text() for file in (folder / "secrets").iterdir()}
    code, error = terminal.refused("init", "--compose", str(folder), *ANSWERS)
    terminal.ok("init", "--compose", str(folder), *ANSWERS, "--force")

    assert (code, "keeps the secrets" in error) == (1, True)
    assert {file.name: file.read_text() for file in (folder / "secrets").iterdir()} == before


def test_half_of_the_database_s_secrets_is_refused(terminal: Terminal, folder: Path) -> None:
    terminal.ok("init", "--compose", str(folder), *ANSWERS)
    (folder / "secrets" / "database_url").unlink()

    code, error = terminal.refused("init", "--compose", str(folder), *ANSWERS, "--force")

    assert (code, "postgres_password is there without" in error) == (1, True)


def test_a_mail_server_on_localhost_is_pointed_out(terminal: Terminal, folder: Path) -> None:
    answers = [word.replace("smtp://user:it's $ecret@mail.example:587", "smtp://localhost:25") for word in ANSWERS]

    assert "localhost is the container itself" in terminal.ok("init", "--compose", str(folder), *answers)
