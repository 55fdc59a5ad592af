"""New keys: links signed by the old one keep working, and a second DKIM key is published before it signs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from digest import settings
from digest.mail.mime import dkim
from digest.mail.smtp import sender_domain_records
from digest.services.admin import doctor
from digest.services.security import signed_links
from digest.signing import UNSUBSCRIBE, Signer
from tests.digest.cli.conftest import Terminal

OLD = "an old key with a comma-free text of more than 32 bytes"
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ENV = f"# mine\nDIGEST_POSTAL_ADDRESS='Street 1'\nDIGEST_SECRET_KEY={OLD}\n\n# last\nDIGEST_PORT=8001\n"


@pytest.fixture
def env_file(ready: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose signing key is in `.env`."""
    monkeypatch.delenv("DIGEST_SECRET_KEY")
    monkeypatch.setattr(settings, "ENV_FILE", tmp_path / ".env")
    (tmp_path / ".env").write_text(ENV)
    settings.clear_cache()
    return tmp_path / ".env"


@SQLITE
def test_a_new_key_signs_and_links_of_the_old_one_keep_working(ready: Terminal, env_file: Path) -> None:
    old_link = Signer((OLD,)).sign(UNSUBSCRIBE, 5)

    ready.ok("admin", "key", "new")

    keys = settings.get().secret_key
    assert (len(keys), keys[1]) == (2, OLD)
    assert Signer(keys).read(UNSUBSCRIBE, old_link) == [5]
    assert Signer(keys[:1]).read(UNSUBSCRIBE, signed_links.unsubscribe_token(6)) == [6]


@SQLITE
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_the_rest_of_the_file_stays_and_so_does_its_mode(ready: Terminal, env_file: Path, mode: int) -> None:
    env_file.chmod(mode)
    ready.ok("admin", "key", "new")

    text = env_file.read_text()
    assert re.sub(r"DIGEST_SECRET_KEY='[\w-]{43},([^']*)'", r"DIGEST_SECRET_KEY=\1", text) == ENV
    assert env_file.stat().st_mode & 0o777 == mode


@SQLITE
def test_a_byte_order_mark_does_not_hide_the_key(ready: Terminal, env_file: Path) -> None:
    env_file.write_text(f"DIGEST_SECRET_KEY={OLD}\n", encoding="utf-8-sig")
    settings.clear_cache()

    ready.ok("admin", "key", "new")

    keys = settings.get().secret_key
    assert (len(keys), keys[1]) == (2, OLD)


@SQLITE
def test_the_file_stays_its_owners(ready: Terminal, env_file: Path) -> None:
    owner = (12345, 23456) if os.geteuid() == 0 else (os.geteuid(), os.getegid())  # only root can give files away
    os.chown(env_file, *owner)

    ready.ok("admin", "key", "new")

    assert (env_file.stat().st_uid, env_file.stat().st_gid) == owner


@SQLITE
def test_a_linked_file_stays_a_link(ready: Terminal, env_file: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    env_file.rename(tmp_path / "etc" / "papers.env")
    env_file.symlink_to(tmp_path / "etc" / "papers.env")

    ready.ok("admin", "key", "new")

    assert env_file.is_symlink()
    assert OLD in (tmp_path / "etc" / "papers.env").read_text()


@SQLITE
@pytest.mark.parametrize(
    "line",
    [
        f"export DIGEST_SECRET_KEY={OLD}  # of May\n",
        f"\n\nDIGEST_SECRET_KEY = '{OLD}' # of May\r\nDIGEST_PORT=8001\r\n",
        f'digest_secret_key="{OLD}"',
    ],
)
def test_the_line_of_the_key_keeps_all_but_the_value(ready: Terminal, env_file: Path, line: str) -> None:
    env_file.write_bytes(line.encode())
    settings.clear_cache()

    ready.ok("admin", "key", "new")

    before, _, after = line.partition(OLD)
    assert re.fullmatch(
        re.escape(before.rstrip("'\"")) + rf"'[\w-]{{43}},{OLD}'" + re.escape(after.lstrip("'\"")),
        env_file.read_bytes().decode(),
    )
    assert settings.get().secret_key[1] == OLD


@SQLITE
def test_a_key_in_a_file_of_its_own_is_replaced_there(
    ready: Terminal, env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(f"{OLD}\n")
    env_file.write_text("")
    monkeypatch.setenv("DIGEST_SECRET_KEY_FILE", str(tmp_path / "key"))
    settings.clear_cache()

    ready.ok("admin", "key", "new")

    assert re.fullmatch(rf"[\w-]{{43}},{re.escape(OLD)}\n", (tmp_path / "key").read_text())
    assert env_file.read_text() == ""


@SQLITE
def test_keys_in_the_environment_are_left_to_their_owner(ready: Terminal) -> None:
    code, error = ready.refused("admin", "key", "new")

    assert (code, "is in the environment" in error) == (1, True)


@SQLITE
def test_keys_are_listed_by_fingerprints_that_reveal_nothing(ready: Terminal, env_file: Path) -> None:
    ready.ok("admin", "key", "new")

    listed = ready.ok("admin", "key", "list")
    assert re.findall(r"\b(signs|accepted)\b", listed) == ["signs", "accepted"]
    assert not any(key[:8] in listed for key in settings.get().secret_key)


@SQLITE
def test_the_first_dkim_key_comes_with_its_record_and_the_three_settings(ready: Terminal, tmp_path: Path) -> None:
    output = ready.ok("dkim", "new", "--selector", "s1", "--folder", str(tmp_path))

    file = tmp_path / "dkim-s1.pem"
    settings_of_key = f"DIGEST_DKIM_DOMAIN=digest.example\nDIGEST_DKIM_SELECTOR=s1\nDIGEST_DKIM_KEY_FILE={file}\n"
    assert "s1._domainkey.digest.example" in output
    assert settings_of_key in output
    assert "SECOND" not in output
    assert "exchange" not in output


@SQLITE
def test_a_second_dkim_key_comes_with_its_record_and_settings(
    ready: Terminal, configured: Callable[..., None], tmp_path: Path
) -> None:
    ready.ok("dkim", "new", "--selector", "s1", "--folder", str(tmp_path))
    configured(DKIM_DOMAIN="digest.example", DKIM_SELECTOR="s1", DKIM_KEY_FILE=tmp_path / "dkim-s1.pem")

    output = ready.ok("dkim", "new", "--selector", "s2", "--folder", str(tmp_path))

    file = tmp_path / "dkim-s2.pem"
    assert "s2._domainkey.digest.example" in output
    assert dkim.dns_record(file.read_bytes()) in output
    assert f"DIGEST_DKIM_SECOND_KEY_FILE={file}" in output
    assert file.stat().st_mode & 0o777 == 0o600


@SQLITE
@pytest.mark.parametrize("selector", ["s1", "_", "-a", "a b", "a.b", "a" * 64])
def test_a_selector_in_use_or_no_name_is_refused(
    ready: Terminal, configured: Callable[..., None], tmp_path: Path, selector: str
) -> None:
    configured(DKIM_SELECTOR="s1")

    ready.refused("dkim", "new", f"--selector={selector}", "--folder", str(tmp_path))

    assert list(tmp_path.glob("*.pem")) == []


@SQLITE
def test_an_existing_key_is_never_overwritten(ready: Terminal, tmp_path: Path) -> None:
    (tmp_path / "dkim-s2.pem").write_text("mine")

    assert "is there already" in ready.refused("dkim", "new", "--selector", "s2", "--folder", str(tmp_path))[1]
    assert (tmp_path / "dkim-s2.pem").read_text() == "mine"


@SQLITE
@pytest.mark.parametrize(
    ("published", "levels"),
    [
        ("neither", ["error", "warning"]),
        ("first", ["ok", "warning"]),
        ("both", ["ok", "ok"]),
        ("swapped", ["error", "warning"]),
    ],
)
def test_doctor_looks_for_both_keys_in_dns(
    ready: Terminal,
    configured: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    published: str,
    levels: list[str],
) -> None:
    for selector in ("s1", "s2"):
        ready.ok("dkim", "new", "--selector", selector, "--folder", str(tmp_path))
    files = {selector: tmp_path / f"dkim-{selector}.pem" for selector in ("s1", "s2")}
    configured(
        MAIL_FROM="papers@university.edu", DKIM_DOMAIN="university.edu", DKIM_SELECTOR="s1", DKIM_KEY_FILE=files["s1"]
    )
    configured(DKIM_SECOND_SELECTOR="s2", DKIM_SECOND_KEY_FILE=files["s2"])
    records = {selector: dkim.dns_record(file.read_bytes()) for selector, file in files.items()}
    if published == "swapped":
        records = {"s1": records["s2"], "s2": records["s1"]}
    published_selectors = {"neither": (), "first": ("s1",)}.get(published, ("s1", "s2"))
    monkeypatch.setattr(
        sender_domain_records,
        "txt_records",
        lambda name: [records[name[:2]]] if "_domainkey" in name and name[:2] in published_selectors else [],
    )

    assert [finding.level for finding in doctor.run_checks() if finding.name == "dkim"] == levels


@SQLITE
def test_doctor_names_a_second_key_that_is_set_by_half_or_missing(
    ready: Terminal, configured: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [])
    ready.ok("dkim", "new", "--selector", "s1", "--folder", str(tmp_path))
    configured(DKIM_DOMAIN="digest.example", DKIM_SELECTOR="s1", DKIM_KEY_FILE=tmp_path / "dkim-s1.pem")
    configured(DKIM_SECOND_SELECTOR="s2")
    by_half = [finding.text for finding in doctor.run_checks() if finding.name == "dkim"]
    configured(DKIM_SECOND_KEY_FILE=tmp_path / "none.pem")
    missing = [finding.text for finding in doctor.run_checks() if finding.name == "dkim"]

    assert "must be set together" in by_half[-1]
    assert "none.pem can't be read" in missing[-1]


def test_a_dkim_key_for_no_domain_is_refused_and_not_written(ready: Terminal, tmp_path: Path) -> None:
    code, error = ready.refused("dkim", "new", "--folder", str(tmp_path), "--selector", "s1", "--domain", "bad domain")

    assert code == 2
    assert error.startswith("digest: --domain: ")
    assert not list(tmp_path.glob("*.pem"))
