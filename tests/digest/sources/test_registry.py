"""The registry: a source is one file and one entry, and the rest of the product works for any source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from typer.testing import CliRunner

from digest.errors import SourceDown
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion import catch_up, fetch_schedule, source_status
from digest.sources import registry
from digest.sources.request_turns import Pacing
from digest.sources.source import CurrentFetch, DayMark, FetchedDocument, FetchResult, Source, each_file
from tests.combinations import MAINLY_SQLITE
from tests.conftest import ROOT
from workers.commands import app

NOW = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


def parse(data: bytes) -> ParsedDocument:
    titles = data.decode().splitlines()
    return ParsedDocument(tuple(ListedPaper(Record(title, doi=f"10.5555/{title[-1]}")) for title in titles))


def fetch_day(day: date) -> FetchResult:
    parsed = parse(f"Toy models of toys, part {day.day % 10}".encode())
    return FetchResult((FetchedDocument(f"toys of {day}", parsed, current_on=day, mark=DayMark(day, 1)),))


TOY = Source(
    name="toy",
    parser=each_file(parse),
    pacing=Pacing("toy"),
    settings=(),
    fetch_day=fetch_day,
    interval=timedelta(hours=6),
)


@pytest.fixture
def toy(database: str, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A source that only this test knows, enabled; the clock stands."""
    monkeypatch.setitem(registry.SOURCES, "toy", TOY)
    configured(SOURCES="toy")
    with time_machine.travel(NOW, tick=False):
        yield TOY


def _source_modules() -> set[str]:
    fetches = [f for s in registry.SOURCES.values() for f in (s.fetch_day, *(c.fetch for c in s.current)) if f]
    return {getattr(fetch, "func", fetch).__module__.rpartition(".")[2] for fetch in fetches}


def test_nothing_names_a_source_but_its_own_file_and_the_registry() -> None:
    modules = _source_modules()
    names = "|".join(re.escape(name).replace(r"\-", "[-_]?") for name in {*registry.SOURCES, *modules})
    pattern = re.compile(rf"(?<![a-z0-9])(?:{names})(?!\\?\.co\b)(?![a-z])", re.IGNORECASE)
    folder = ROOT / "digest" / "sources"
    allowed = {folder / f"{name}.py" for name in ("arxiv", "arxiv_feed_freshness", "registry")}
    allowed |= {path for name in modules for path in folder.glob(f"{name}*.py")}  # also its helpers
    allowed |= {ROOT / "digest" / "bibliography" / f"{name}.py" for name in ("bibtex_import", "identifiers_in_text")}
    allowed.add(ROOT / "digest" / "compose" / "text" / "preprint_servers.py")  # names printed in citations
    allowed.add(ROOT / "digest" / "text" / "person_references.py")  # schemes of identifiers, as for papers
    allowed |= set((ROOT / "digest" / "db" / "migrations" / "versions").glob("*.py"))  # what was stored stays named so
    files = [p for top in ("digest", "workers", "templates") for p in (ROOT / top).rglob("*") if p.suffix != ".txt"]
    naming = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path.suffix in {".py", ".html", ".xml"} and path not in allowed
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line.replace("PubMed", ""))  # also the name of a format of bibliographies
    ]

    assert len(files) > 100
    assert naming == []


@MAINLY_SQLITE
def test_an_entry_alone_makes_a_source_due_and_catch_up_fetches_its_days(toy: Source) -> None:
    assert fetch_schedule.due_sources() == ["toy"]

    result = catch_up.ingest("toy", first=TODAY - timedelta(days=2))

    assert result.counts.new == 3
    assert catch_up.ingest("toy").counts.new == 0
    assert [(s.source, s.state) for s in source_status.source_statuses()] == [("toy", source_status.ON_TIME)]
    assert fetch_schedule.due_sources(NOW + timedelta(hours=5)) == []
    assert fetch_schedule.due_sources(NOW + timedelta(hours=6)) == ["toy"]
    assert source_status.source_statuses(NOW + timedelta(hours=19))[0].state == "late"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_came_before_a_failure_is_stored_and_the_day_stays_open(
    toy: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_after_a_page(day: date) -> FetchResult:
        document = replace(next(iter(fetch_day(day).documents)), mark=None)
        return FetchResult((document,), failure=SourceDown("the second page is missing"))

    monkeypatch.setitem(registry.SOURCES, "toy", replace(TOY, fetch_day=fail_after_a_page))
    with pytest.raises(SourceDown, match="second page"):
        catch_up.ingest("toy", first=TODAY)

    assert source_status.source_statuses()[0].state == "down"
    monkeypatch.setitem(registry.SOURCES, "toy", TOY)
    second_ingest = catch_up.ingest("toy").counts
    assert (second_ingest.new, second_ingest.unchanged) == (0, 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_source_without_past_days_refuses_dates_and_names_those_that_have_them(
    toy: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = (CurrentFetch("now", FetchResult),)
    monkeypatch.setitem(registry.SOURCES, "toy", replace(TOY, fetch_day=None, current=current))

    result = CliRunner().invoke(app, ["ingest", "toy", "--from", str(TODAY)])

    assert result.exit_code == 2
    assert "toy offers only what is current; sources of past days: " in result.output


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_reads_saved_answers_of_any_source(toy: Source, tmp_path: Path) -> None:
    file = tmp_path / "toys.txt"
    file.write_text("Toy models of toys, part 1\nToy models of dolls, part 2\n")

    result = CliRunner().invoke(app, ["ingest", "toy", "--file", str(file)])

    assert "2 new, 0 updated" in result.output


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_default_stands_for_the_sources_that_are_enabled_by_default(
    database: str, configured: Callable[..., None]
) -> None:
    by_default = [s.name for s in registry.SOURCES.values() if s.enabled_by_default]
    configured(SOURCES="openalex,default,nowhere,openalex")
    names = [source.name for source in registry.enabled_sources()]
    configured(SOURCES="")

    assert by_default
    assert names == ["openalex", *by_default]
    assert registry.enabled_sources() == []
