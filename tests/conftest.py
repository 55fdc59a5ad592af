"""What all tests share: the real data's folder, databases of both kinds, and no network but this machine's."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import hypothesis
import pytest
from _pytest.terminal import TerminalReporter
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool
from sqlmodel import SQLModel, create_engine

import digest.models
from digest import settings
from digest.db.core import engine, schema_migration
from digest.mail.smtp import transport
from digest.matching.profile import Counts
from digest.matching.scoring import word_counts
from digest.services.catalog import epochs
from digest.services.preview import preview_data
from digest.services.subscriptions import consent_origin
from tests.outbox import Outbox
from tests.patience import wait_for
from tests.servers import MailServer, Postgres

hypothesis.settings.register_profile("here", deadline=None)  # the speed of a busy machine is irrelevant
hypothesis.settings.load_profile("here")

ROOT = Path(__file__).resolve().parent.parent
# Tests start hundreds of processes. Without stored bytecode each compiles all modules anew, which takes 1 to 2 seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "build" / "kernel"))  # one for all tests and their processes


def pytest_configure() -> None:
    """Refuse to use an installation's settings: with those, tests could send mail to its subscribers."""
    if (ROOT / ".env").exists():
        pytest.exit(f"{ROOT / '.env'} is there; run the tests in a clone without an installation", returncode=2)


REMEMBERED_COUNTS = 12


def not_run(reason: str) -> NoReturn:
    """This machine lacks what the test needs. It is named in the summary; `.ci/run` counts it as a failure."""
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Garbage is searched for among what tests make, not among the thousands of tests and the modules."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name every test that was not run, with the reason."""
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ").removeprefix("NOT RUN: ").splitlines()[0]
        terminalreporter.write_line(f"NOT RUN {report.nodeid}: {reason}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; without it a test that reads it is not run (the only one that CI lets pass)."""
    path = Path(os.environ.get("DIGEST_TEST_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        not_run("shared data absent")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole session; each test makes a database of its own."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "digest.db"
    make_tables(f"sqlite:///{file}")
    return file


def make_tables(address: str) -> None:
    """The tables of the models; test_schema_migration.py compares them with what the migrations make."""
    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    assert digest.models.__all__  # the tables are declared by importing them
    SQLModel.metadata.create_all(engine)
    with engine.begin() as connection:
        schema_migration.stamp(connection)
    engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def shared_statements() -> Iterator[None]:
    """Each test has an engine of its own; all of a kind share what SQLAlchemy has compiled."""
    kinds: dict[tuple[str, str], tuple[Any, Any]] = {}

    def create(*arguments: Any, **options: Any) -> Engine:
        created = create_engine(*arguments, **options)
        kind = (created.dialect.name, created.dialect.driver)
        if kind not in kinds or kinds[kind][0].server_version_info is None:  # that engine never connected
            kinds[kind] = created.dialect, created._compiled_cache
        created.dialect, created._compiled_cache = kinds[kind]
        return created

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", create)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_power_cut() -> Iterator[None]:
    """SQLite waits for no disk in this process, nor does PostgreSQL (tests.servers); killed processes lose nothing."""
    prepare = engine._prepare_sqlite

    def prepare_without_waits(connection: Any, record: object) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_prepare_sqlite", prepare_without_waits)
        yield


@pytest.fixture(scope="session", autouse=True)
def full_hash_cost() -> Iterator[int]:
    """The cost of a client's hash, which tests do without: each sign-up, confirmation and link would take 10 ms."""
    cost = consent_origin._COST
    with pytest.MonkeyPatch.context() as patch:
        full = cost["n"]
        patch.setitem(cost, "n", 2)
        yield full


@pytest.fixture(scope="session", autouse=True)
def remembered_counts() -> Iterator[None]:
    """Equal word counts of epochs are packed once, and not unpacked by the process that packed them.

    Nearly every test that runs a day has an epoch of its own with the 27,000 words of the prior, which take 40 ms to
    pack and 50 ms to unpack. `test_word_counts` shows that unpacked counts are those that were packed.
    """
    packed_by_counts: dict[tuple[object, ...], bytes] = {}
    counts_by_packed: dict[bytes, Counts] = {}

    def pack(counts: Counts) -> bytes:
        milli = round(1000 * counts.average_length)  # as it is packed
        words, papers_with_word = tuple(counts.df), tuple(counts.df.values())  # a set of pairs would take 30 ms
        key = word_counts.TERM_RULES, counts.papers, milli, counts.announcements, words, papers_with_word
        if key not in packed_by_counts:
            if len(packed_by_counts) == REMEMBERED_COUNTS:
                oldest = packed_by_counts.pop(next(iter(packed_by_counts)))
                counts_by_packed.pop(oldest, None)  # the same words in another order are packed alike
            packed = packed_by_counts[key] = word_counts.pack(counts)
            counts_by_packed[packed] = Counts(
                counts.papers, milli / 1000, dict(sorted(counts.df.items())), counts.announcements
            )
        return packed_by_counts[key]

    def unpack(packed: bytes) -> Counts:
        return counts_by_packed[packed] if packed in counts_by_packed else word_counts.unpack(packed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epochs, "word_counts", SimpleNamespace(**vars(word_counts) | {"pack": pack, "unpack": unpack}))
        yield


def wait_for_connections(used: Engine) -> None:
    """Wait until all connections are back: a request's thread returns its own a moment after the answer.

    One that comes back to an engine that was disposed is closed by nobody.
    """
    assert isinstance(used.pool, QueuePool)
    with suppress(TimeoutError):  # what never comes back is reported as an open connection
        wait_for(lambda pool=used.pool: pool.checkedout() == 0, seconds=5)  # type: ignore[misc]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a fresh database with every table, of both kinds in turn; the settings point to it."""
    monkeypatch.setattr(preview_data, "cache", preview_data.PreviewDataCache())  # whose data others kept up to date
    if request.param == "sqlite":
        file = tmp_path / "digest.db"
        shutil.copy(request.getfixturevalue("sqlite"), file)
        url = f"sqlite:///{file}"
    else:
        url = request.getfixturevalue("postgres").new_database(make_tables)
    configured(DATABASE_URL=url)
    yield url
    if request.param != "sqlite":
        wait_for_connections(engine.engine_for(url))
        request.getfixturevalue("postgres").give_back(url, engine.engine_for(url))
    engine.engine().dispose()


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets settings by name (without the prefix), read anew by the next `settings.get`."""

    def put(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"DIGEST_{name}", str(value))
        settings.clear_cache()

    put(DATA_DIR=tmp_path / "data", PEOPLE_LOOKUP="off")  # tests ask no source that they don't run
    yield put
    settings.clear_cache()
    engine.dispose_engines()


@pytest.fixture
def smtp(configured: Callable[..., None]) -> Iterator[MailServer]:
    """A real SMTP server on loopback; the settings point to it."""
    with MailServer() as server:
        configured(SMTP_URL=server.url, MAIL_FROM="Papers <papers@digest.example>")
        yield server


@pytest.fixture
def outbox(database: str) -> Iterator[Outbox]:
    """The outbox of the fresh database."""
    yield Outbox()
    transport.close_all()
