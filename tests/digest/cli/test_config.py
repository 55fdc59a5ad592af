"""`digest config`: everything that is wrong is named, and no secret is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.digest.cli.conftest import Terminal

SECRET = "a key for tests of at least 32 bytes"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ADMIN_EMAILS", "notanaddress", "'notanaddress' is not an e-mail address"),
        ("ADMIN_EMAILS", "a@one.example,b", "'b' is not an e-mail address"),
        ("MAIL_FROM", "Papers Inbox", "is not an e-mail address"),
        ("BOUNCE_ADDRESS", "bounces@", "is not an e-mail address"),
        ("SOURCES", "arxive-rss", "did you mean arxiv-rss?"),
        ("TRUSTED_PROXIES", "proxy", "use addresses or networks"),
        ("LANGUAGE", "xx", "'xx' is not a language"),
        ("SMTP_URL", "mail.example:25", "expected smtp://… or smtps://…"),
        ("DATABASE_URL", "mysql://db", "expected postgresql://…"),
        ("REDIS_URL", "localhost:6379", "expected redis://…"),
        ("PORT", "http", "not a whole number"),
        ("PORT", "99999", "use 65535 or less"),
        ("SEND_AT", "7 o'clock", "is not a time of day such as 07:00"),
        ("QUIET_DAY", "skipp", "is none of 'skip', 'notice'"),
        ("LOG_LEVEL", "loud", "is none of 'DEBUG', 'INFO'"),
        ("SEND_RATE", "fast", "is not a number"),
        ("BASE_URL", "papers.example", "it must begin with https://"),
        ("MAIL_FROM", "Papers <papers@one.example", "is not one sender"),
        ("MAIL_FROM", "papers@one.example, ada@one.example", "is not one sender"),
        ("MAIL_FROM", "Library, University <papers@one.example>", "put a name with a comma"),
        ("MAIL_FROM", '"Papers" Inbox <papers@one.example>', "is not one sender"),
        ("SMTP_URL", "smtp://mail.example:99999", "a number from 1 to 65535"),
        ("SMTP_URL", "smtp://mail.example?tsl=starttls", "'tsl' is not known"),
        ("SMTP_URL", "smtp://mail.example?tls=startls", "tls='startls' is unknown"),
        ("SMTP_URL", "smtp://ada:pa#ss@mail.example", "# as %23"),
        ("SUMMARY_URL", "ai.example/v1", "begins with https:// or http://"),
        ("ARXIV_OAI_URL", "oaipmh.example", "begins with https:// or http://"),
        ("SMTP_URL", "smtp://ada@mail.example", "give user and password, or neither"),
        ("BASE_URL", "https://", "it must name a host"),
        ("BASE_URL", "https://papers.example/digest", "nothing may follow the host"),
        ("BASE_URL", "https://papers.example?x=1", "nothing may follow the host"),
        ("DATABASE_URL", "sqlite://papers.db", "follows three slashes"),
        ("DATABASE_URL", "sqlite://", "follows three slashes"),
        ("DATABASE_URL", "postgresql://db.example:/papers", "expected postgresql://user:password@host:5432/name"),
        ("DATABASE_URL", "postgresql://db.example/papers?sslmode=foo", "sslmode=foo is none of disable, allow"),
        ("DATABASE_URL", "postgresql://db.example/papers?connect_timeout=soon", "connect_timeout=soon is no number"),
        ("DATABASE_URL", "postgresql://db.example/papers?pool_size=5", "'pool_size' is no parameter"),
        ("DATABASE_URL", "postgresql://db.example/papers?prepare_threshold=0", "'prepare_threshold' is no parameter"),
        ("DATABASE_URL", "sqlite:///digest.db?timeout=5", "takes no parameters"),
        ("REDIS_URL", "redis://cache.example:99999", "expected redis://:password@host:6379/0"),
        ("REDIS_URL", "redis://:pa/ss@cache.example", "/ as %2F"),
        ("REDIS_URL", "redis://cache.example/papers", "the database after the host is a number"),
        ("REDIS_URL", "redis://cache.example/0?colour=blue", "what follows the ? is not understood; there may be db"),
        ("REDIS_URL", "unix:///run/redis.sock?db=first", "db is not understood"),
        ("REDIS_URL", "unix://", "or unix:///folder/redis.sock"),
        ("DATA_DIR", "", "name a folder"),
        ("ARXIV_CLOSED", "2025-13-01", "'2025-13-01' is not a date such as 2025-11-27"),
        ("SMTP_URL", "smtp://:pass@mail.example", "give user and password, or neither"),
        ("SMTP_URL", "smtp://mail server", "its host is not the name of a host"),
        ("BASE_URL", "https://papers example.org", "it must name a host"),
        ("BOUNCE_IMAP_HOST", "imap.example:993", "such as imap.example.org"),
        ("BOUNCE_IMAP_HOST", "imaps://imap.example", "such as imap.example.org"),
        ("HOST", "999.1.1.1", "is not the name of a host"),
        ("HOST", "", "it is empty"),
        ("SERVICE_NAME", " ", "it is empty"),
        ("SERVICE_NAME", "Papers\nInbox", "more than one line"),
        ("POSTAL_ADDRESS", "Street\x07 1", "a control character"),
        ("DKIM_DOMAIN", "@one.example", "such as example.org"),
        ("DKIM_SELECTOR", "s 1", "is not a selector"),
        ("FEED_PRIVATE_HOSTS", "http://intranet/", "is not the name of a host"),
        ("SEND_AT", "07:00+02:00", "without a time zone"),
        ("DATA_DIR", "~/data", "write the whole path"),
        ("DATA_DIR", "$HOME/data", "write the whole path"),
        ("REDIS_URL", "unix://run/redis.sock", "begins with a slash"),
        ("PING_URL", "https://ping.example:99999/", "begins with https:// or http://"),
        ("DOMAIN_RATES", "gmail.com=10,GMAIL.com=20", "gmail.com is named twice"),
        ("CROSSREF_MAILTO", "nobody", "is not an e-mail address"),
        ("PEOPLE_LOOKUP", "perhaps", "is none of 'on'"),
        ("ARXIV_CATEGORIES", "cs.AI,cs.LGG", "arXiv has no category 'cs.LGG'; did you mean cs.LG?"),
    ],
)
def test_an_impossible_value_is_refused_by_name(
    terminal: Terminal, configured: Callable[..., None], name: str, value: str, words: str
) -> None:
    configured(**{name: value})

    code, error = terminal.refused("config", "check")
    assert code == 2
    assert f"DIGEST_{name}: " in error
    assert words in error


@pytest.mark.parametrize("start", ["postgresql://digest:se@", "sqlite:///"])
def test_a_password_with_a_question_mark_is_not_shown(
    terminal: Terminal, configured: Callable[..., None], start: str
) -> None:
    configured(DATABASE_URL=f"{start}db?cret=word@db.example/papers")

    _, error = terminal.refused("config", "check")
    assert "DIGEST_DATABASE_URL" in error
    assert "cret" not in error
    assert "word" not in error


@pytest.mark.parametrize(("language", "warned"), [("fr", True), ("pt-BR", True), ("en", False), ("en_GB", False)])
def test_a_language_without_a_catalogue_is_a_warning(
    terminal: Terminal, configured: Callable[..., None], language: str, warned: bool
) -> None:
    configured(LANGUAGE=language)

    result = terminal.run("config", "check")
    assert result.exit_code == 0
    assert ("there is no catalogue" in result.stderr) is warned


def test_parameters_of_redis_are_accepted(terminal: Terminal, configured: Callable[..., None]) -> None:
    configured(REDIS_URL="rediss://:secret@cache.example:6380/1?ssl_cert_reqs=required&ssl_ca_certs=/etc/ssl/ca.pem")

    terminal.ok("config", "check")


def test_parameters_of_postgresql_are_accepted(terminal: Terminal, configured: Callable[..., None]) -> None:
    hosts = "host=db1.example:5432&host=db2.example:5432&target_session_attrs=read-write"
    configured(DATABASE_URL=f"postgresql://digest:secret@/papers?{hosts}&sslmode=verify-full&connect_timeout=5")

    terminal.ok("config", "check")


@pytest.mark.parametrize(
    "value", ["papers@one.example", "Dr. Ada's Papers <papers@one.example>", '"Library, Bücher" <papers@one.example>']
)
def test_a_sender_as_mail_programs_write_it_is_valid(
    terminal: Terminal, configured: Callable[..., None], value: str
) -> None:
    configured(MAIL_FROM=value)

    terminal.ok("config", "check")


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"DKIM_DOMAIN": "one.example"}, "needs DIGEST_DKIM_SELECTOR and DIGEST_DKIM_KEY_FILE"),
        ({"DKIM_DOMAIN": "one.example", "DKIM_SELECTOR": "s1"}, "needs DIGEST_DKIM_KEY_FILE"),
        ({"DKIM_SECOND_SELECTOR": "s2"}, "needs DIGEST_DKIM_SECOND_KEY_FILE"),
    ],
)
def test_a_part_of_the_settings_of_a_key_is_refused(
    terminal: Terminal, configured: Callable[..., None], values: dict[str, str], missing: str
) -> None:
    configured(**values)

    code, error = terminal.refused("config", "check")
    assert code == 2
    assert missing in error


def test_an_empty_name_of_a_key_file_is_none(terminal: Terminal, configured: Callable[..., None]) -> None:
    configured(DKIM_KEY_FILE="", DKIM_SECOND_KEY_FILE="")

    terminal.ok("config", "check")


def test_a_setting_that_stands_twice_is_a_warning(terminal: Terminal, own_folder: Path) -> None:
    lines = ("DIGEST_PORT=9000", "DIGEST_HOST=127.0.0.1", "DIGEST_PORT=9001", "DIGEST_HOST=127.0.0.1")
    (own_folder / ".env").write_text("\n".join(lines), encoding="utf-8")

    result = terminal.run("config", "check")
    assert result.exit_code == 0
    assert "line 1: DIGEST_PORT has no effect, because line 3 sets it again" in result.stderr
    assert "DIGEST_HOST" not in result.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("MAIL_FROM=papers@one.example", "line 2: MAIL_FROM has no effect; did you mean DIGEST_MAIL_FROM?"),
        ("smtp_url=smtp://one.example", "did you mean DIGEST_SMTP_URL?"),
        ("papers@one.example", "line 2: "),
        ("DIGEST_LANGUAGE", "DIGEST_LANGUAGE has no effect without ="),
    ],
)
def test_a_line_that_sets_nothing_is_a_warning(terminal: Terminal, own_folder: Path, line: str, words: str) -> None:
    (own_folder / ".env").write_text(f"DIGEST_PORT=9000\n{line}\nPOSTGRES_IMAGE=postgres\n", encoding="utf-8")

    result = terminal.run("config", "check")
    assert result.exit_code == 0
    assert words in result.stderr
    assert "POSTGRES_IMAGE" not in result.stderr


def test_all_errors_are_named_at_once(terminal: Terminal, configured: Callable[..., None]) -> None:
    configured(PORT="0", LANGUAGE="xx", ADMIN_EMAILS="nobody", SMPT_URL="smtp://mail.example")

    _, error = terminal.refused("config", "check")
    assert [line.split()[1].rstrip(":") for line in error.splitlines()] == [
        *("DIGEST_SMPT_URL", "DIGEST_ADMIN_EMAILS", "DIGEST_PORT", "DIGEST_LANGUAGE"),
    ]


def test_errors_of_single_values_hide_none_of_their_combinations_sources_or_files(
    terminal: Terminal, configured: Callable[..., None]
) -> None:
    configured(PORT="0", SOURCES="arxive", DKIM_DOMAIN="one.example", SMTP_URL="smtp://one.example/x")
    configured(METRICS_TOKEN_FILE="/absent/1", WEBHOOK_KEY_FILE="/absent/2", ARXIV_RSS_URL="rss", LEASE="x")

    _, error = terminal.refused("config", "check")
    names = [line.split()[1].rstrip(":") for line in error.splitlines()]
    assert sorted(names) == [
        *("DIGEST_ARXIV_RSS_URL", "DIGEST_DKIM_DOMAIN", "DIGEST_LEASE", "DIGEST_METRICS_TOKEN_FILE", "DIGEST_PORT"),
        *("DIGEST_SMTP_URL", "DIGEST_SOURCES", "DIGEST_WEBHOOK_KEY_FILE"),
    ]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"BOUNCE_IMAP_HOST": "imap.example"}, "needs DIGEST_BOUNCE_IMAP_USER"),
        ({"BOUNCE_IMAP_HOST": "h", "BOUNCE_IMAP_USER": "u", "BOUNCE_IMAP_FOLDER": ""}, "name a folder"),
        (
            {
                "BOUNCE_IMAP_HOST": "h",
                "BOUNCE_IMAP_USER": "u",
                "BOUNCE_IMAP_PROCESSED": "move",
                "BOUNCE_IMAP_ARCHIVE": "INBOX",
            },
            "it must name another folder",
        ),
    ],
)
def test_a_folder_of_bounces_that_can_not_be_read_is_refused(
    terminal: Terminal, configured: Callable[..., None], values: dict[str, str], words: str
) -> None:
    configured(**values)

    code, error = terminal.refused("config", "check")
    assert (code, words in error) == (2, True)


def test_a_reference_to_no_variable_is_refused(terminal: Terminal, own_folder: Path) -> None:
    (own_folder / ".env").write_text("A=1\nDIGEST_SERVICE_NAME=${A}\nDIGEST_MAIL_FROM='${ABSENT}p@one.example'\n")

    _, error = terminal.refused("config", "check")
    assert ".env, line 3: DIGEST_MAIL_FROM: ${ABSENT} is the value of a variable, and there is none" in error
    assert "line 2" not in error


def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(
    terminal: Terminal, configured: Callable[..., None], own_folder: Path
) -> None:
    (own_folder / ".env").write_text("DIGEST_SECRET_KEYS=x\nOTHER=1\n", encoding="utf-8")
    configured(UNCERTAN="hold")

    _, error = terminal.refused("config", "check")
    assert "DIGEST_UNCERTAN in the environment is not a setting; did you mean DIGEST_UNCERTAIN?" in error
    assert "DIGEST_SECRET_KEYS in .env is not a setting; did you mean DIGEST_SECRET_KEY?" in error
    assert "OTHER" not in error


@pytest.mark.parametrize("command", [["run", "--inline"], ["migrate"]])
def test_a_command_that_acts_refuses_an_unknown_variable(
    terminal: Terminal, configured: Callable[..., None], command: list[str]
) -> None:
    configured(UNCERTAN="hold")

    code, error = terminal.refused(*command)
    assert code == 2
    assert "did you mean DIGEST_UNCERTAIN?" in error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"DIGEST_MAIL_FROM=\xff\xfe\n", ".env: can't be read (it is not UTF-8 text)"),
        (b"DIGEST_PORT=8000\n= 7\n", ".env, line 2: not of the form NAME=value"),
    ],
)
@pytest.mark.parametrize("command", [["config", "check"], ["doctor", "--json"]])
def test_an_unreadable_env_file_is_one_clear_line(
    terminal: Terminal, own_folder: Path, content: bytes, words: str, command: list[str]
) -> None:
    (own_folder / ".env").write_bytes(content)

    result = terminal.run(*command)
    assert result.exit_code in {1, 2}
    assert words in result.stdout + result.stderr


def test_a_valid_configuration_is_confirmed_with_the_path_of_the_env_file(terminal: Terminal, own_folder: Path) -> None:
    assert f"there is no {own_folder / '.env'}" in " ".join(terminal.ok("config", "check").split())

    (own_folder / ".env").write_text("DIGEST_PORT=9000\n", encoding="utf-8")
    assert f"read {own_folder / '.env'}" in " ".join(terminal.ok("config", "check").split())


@pytest.mark.parametrize(
    ("setting", "value", "secret"),
    [
        ("DATABASE_URL", "postgresql://ada:pa/ss@db/digest", "pa/ss"),
        ("DATABASE_URL", "postgresql://ada:pa@ss@db/digest", "ss@"),
        ("SMTP_URL", "smtp://ada:pa/s@s:word@mail.example:587", "word"),
        ("SMTP_URL", "smtp://ada@uni.example:secret1@mail.example:587", "secret1"),
        ("SMTP_URL", "smtp://ada@uni.example:abcd efgh ijkl@mail.example:587", "efgh"),
        ("SMTP_URL", "smtp://ada:abcd efgh ijkl@mail.example:587", "ijkl"),
        ("SMTP_URL", "smtp://ada:pa#ss@mail.example", "pa#ss"),
        ("SMTP_URL", "smtp://ada:pa?ss@mail.example", "pa?ss"),
        ("SMTP_URL", "smtp://ada:pa:ss@mail.example", "pa:ss"),
        ("SMTP_URL", "smtp://a@d#a/?:pass@mail.example", "pass"),
        ("SMTP_URL", "smtp://ada:pass", "pass"),
        ("SMTP_URL", "smtp://ada:first1@one.example:25,smtp://bob@two.example:second2@three.example", "first1"),
        ("SMTP_URL", "smtp://ada:first1@one.example:25,smtp://bob@two.example:second2@three.example", "second2"),
        ("REDIS_URL", "redis://pass@cache.example:6379/0", "pass"),
        ("REDIS_URL", "unix:///run/redis.sock?password=p ss", "p ss"),
        ("DATABASE_URL", "postgresql://ada@uni.example:p ss/w@db/digest", "ss/w"),
        ("DATABASE_URL", "postgresql://db/digest?sslpassword=pa word", " word"),
        ("PING_URL", "https://ada:pass@ping.example/1", "pass"),
        ("BOUNCE_IMAP_PASSWORD", "im@ap:pass", "im@ap"),
        ("SUMMARY_URL", "https://ada@uni.example:pa/ss@proxy.example/v1", "pa/ss"),
        ("SUMMARY_URL", "https://ai.example/v1?api_key=pass", "pass"),
        ("DATABASE_URL", "postgresql://db/digest?user=ada&password=pa%2Fss", "pa%2Fss"),
        ("SEMANTIC_SCHOLAR_KEY", "s2-pass", "s2-pass"),
        ("OPENALEX_KEY", "oa-pass", "oa-pass"),
        ("SUMMARY_KEY", "sk-pass", "sk-pass"),
    ],
)
def test_no_form_of_a_secret_is_shown(
    terminal: Terminal, configured: Callable[..., None], own_folder: Path, setting: str, value: str, secret: str
) -> None:
    configured(**{setting: value})

    assert secret not in terminal.ok("config", "show", "--json")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SMTP_URL", "smtp://mail.example:587?tls=starttls"),
        ("DATABASE_URL", "postgresql://db.example:5432/digest"),
        ("DATABASE_URL", "sqlite:////srv/ada@uni.example:8/digest.db"),
        ("REDIS_URL", "redis://[::1]:6379/0"),
        ("MAIL_FROM", "Papers <papers@uni.example>"),
    ],
)
def test_a_value_without_a_password_is_shown_as_it_is(
    terminal: Terminal, configured: Callable[..., None], own_folder: Path, setting: str, value: str
) -> None:
    configured(**{setting: value})

    rows = {row["setting"]: row["value"] for row in json.loads(terminal.ok("config", "show", "--json"))}
    assert rows[f"DIGEST_{setting}"] == value


def test_the_settings_are_shown_with_their_origin_and_without_secrets(
    terminal: Terminal, configured: Callable[..., None], own_folder: Path
) -> None:
    (own_folder / ".env").write_text("DIGEST_PORT=9000\n", encoding="utf-8")
    configured(
        SECRET_KEY=SECRET,
        SMTP_URL="smtp://ada:pa:ss@mail.example:587",
        DATABASE_URL="postgresql://ada:pass@db/digest",
        WEBHOOK_KEY="hook" * 8,
    )

    text = terminal.ok("config", "show", "--json")
    rows = {row["setting"]: row for row in json.loads(text)}
    assert rows["DIGEST_PORT"] == {"setting": "DIGEST_PORT", "value": "9000", "origin": ".env"}
    assert rows["DIGEST_SMTP_URL"]["value"] == "smtp://ada:…@mail.example:587"
    assert rows["DIGEST_SECRET_KEY"]["origin"] == "environment"
    assert rows["DIGEST_LANGUAGE"]["origin"] == "default"
    assert not [
        secret for secret in (SECRET, "pass", "pa:ss", "hookhook") if secret in text + terminal.ok("config", "show")
    ]
