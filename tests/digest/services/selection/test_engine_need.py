"""Which back end matches: the reference for small installations, the engine above a measured size."""

from __future__ import annotations

import pytest

from digest.db.core.engine import reading
from digest.matching.profile import Profile, Topic
from digest.services.selection import engine_loader, engine_need, selector
from digest.services.selection.engine_need import InstallationSize
from tests.digest.services.conftest import MONDAY, Lab, utc

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def needs_engine(profiles: int, papers_a_day: int, terms: int = 8) -> bool:
    return InstallationSize(profiles, 14 * papers_a_day, 14, terms).needs_engine


def test_an_ordinary_laboratory_needs_no_engine() -> None:
    assert not needs_engine(2000, 500)
    assert not needs_engine(0, 0)


@pytest.mark.parametrize(("profiles", "papers", "terms"), [(20_000, 500, 8), (2000, 500, 80), (100_000, 20, 8)])
def test_more_profiles_or_longer_ones_need_the_engine(profiles: int, papers: int, terms: int) -> None:
    assert needs_engine(profiles, papers, terms)


def test_more_papers_than_the_reference_can_keep_need_the_engine() -> None:
    assert needs_engine(1, 1000)
    assert not needs_engine(1, 500)


@pytest.fixture
def running_lab(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Two subscribers and two papers; loading the engine fails the test."""
    monkeypatch.setattr(engine_loader, "engine", lambda: pytest.fail("the engine was loaded"))
    monkeypatch.setattr(
        selector, "MAX_QUICK_PAPERS", 0
    )  # no number of papers is below the limit, so the size is always measured
    lab.subscribe("ada", "bandits")
    lab.subscribe("bob", "graph networks", "kernels")
    lab.announce(MONDAY, "Linear bandits", "Graph networks")
    lab.set_time(utc(MONDAY, 7, 1))
    return lab


@SQLITE
def test_the_size_counts_subscribers_papers_and_the_terms_of_profiles(running_lab: Lab) -> None:
    with reading() as session:
        size = engine_need.measure_size(session)

    assert (size.profiles, size.papers, size.announcements) == (2, 2, 1)
    assert size.terms == 2
    assert size.daily_work == 8


@SQLITE
def test_a_small_installation_is_matched_without_the_engine(running_lab: Lab) -> None:
    running_lab.run()

    assert running_lab.papers("ada", MONDAY) == ["Linear bandits"]
    assert not selector.prepare_engine()


@SQLITE
def test_an_installation_that_grew_is_matched_by_the_reference_until_the_engine_is_compiled(
    running_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_need, "REFERENCE_WORK", 5)
    monkeypatch.setattr(engine_loader, "is_compiled", lambda: False)
    running_lab.run()

    assert running_lab.papers("ada", MONDAY) == ["Linear bandits"]


@SQLITE
def test_the_task_after_an_ingest_compiles_the_engine_where_it_is_needed(
    running_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[bool] = []

    class Engine:
        @staticmethod
        def index_day(*_: object) -> None:
            compiled.append(True)

    monkeypatch.setattr(engine_need, "REFERENCE_WORK", 5)
    monkeypatch.setattr(engine_loader, "engine", lambda: Engine)

    assert selector.prepare_engine()
    assert compiled == [True]


@SQLITE
def test_a_single_profile_is_measured_by_the_words_it_looks_for(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    large_installation = InstallationSize(100_000, 14 * 500, 14, 8)
    monkeypatch.setattr(engine_need, "current_size", lambda session: large_installation)
    monkeypatch.setattr(engine_loader, "is_compiled", lambda: True)
    ordinary = Profile((Topic("graph networks"),))
    costly = Profile(tuple(Topic(" OR ".join(f"word{n}a{m}" for m in range(12))) for n in range(20)))

    with reading() as session:
        uses_reference = [
            selector._use_reference(session, 900, 900, selector._single_profile_words([one_profile]))
            for one_profile in (ordinary, costly)
        ]

    assert uses_reference == [True, False]
