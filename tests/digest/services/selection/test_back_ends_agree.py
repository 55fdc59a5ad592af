"""Many papers are chosen by the engine, few by the reference: the same papers, reasons and thresholds either way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
import time_machine
from sqlmodel import col, select

from digest.compose.edition import Content
from digest.db.core.engine import reading, transaction
from digest.matching.engine import index_counts
from digest.matching.engine.paper_index import build_index
from digest.matching.profile import Profile, Topic
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.models import Edition, Paper, Subscriber
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.queues import NoQueue
from digest.services.editions import further_papers, welcome
from digest.services.ingestion.import_document import store_document
from digest.services.preview import preview
from digest.services.runs import build_editions, calibration_job, replay, run_planning
from digest.services.selection import candidate_papers, engine_need, threshold_lookup
from digest.services.selection import selector as choosing
from digest.services.selection.edition_sections import SelectionRequest
from tests.combinations import MAINLY_SQLITE
from tests.digest.matching.profiles import RandomProfiles
from tests.digest.services.stored_rows import add_subscriber

DAY = date(2025, 9, 30)
SUBSCRIBERS = 24
CHOICES: dict[int, dict[str, tuple[str, ...]]] = {  # by number of the subscriber; all others take everything
    0: {"sources": ("a-journal",)}, 1: {"sources": ("arxiv",)}, 2: {"languages": ("de",)},
    3: {"sources": ("a-journal", "arxiv")}, 4: {"sources": ("a-journal",), "languages": ("en",)},
    5: {"sources": ("elsewhere",)}, 6: {"languages": ("en",)}, 12: {"sources": ("arxiv",), "languages": ("en", "de")},
}  # fmt: skip
COMMON_TOPICS = (Topic("retrieval augmented"),)
PRIOR = Weights(word_counts.prior())
T = TypeVar("T")


def real_days(shared: Path, papers: int) -> Iterator[tuple[date, list[Record]]]:
    """The replay's announcements up to the day, some papers of each."""
    for file in sorted((shared / "data" / "replay" / "days").glob("2025-*.jsonl.gz")):
        day = date.fromisoformat(file.name.split(".")[0])
        if day > DAY:
            return
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in islice(lines, papers)]
        yield day, [
            Record(
                title=row["title"], abstract=row["abstract"], comment=row.get("comment"),
                arxiv_id=row["id"] if place % 4 < 3 else None, doi=f"10.5555/{row['id']}" if place % 4 > 1 else None,
                authors=tuple(row["authors"] or ()), categories=tuple(row["categories"] or ()),
                withdrawn=place == 3, code_url="https://code.example" if place % 5 == 0 else None,
                outlets=("A Journal",) if place % 4 > 1 else (), language="de" if place % 7 == 6 else None,
            )
            for place, row in enumerate(rows)
        ]  # fmt: skip


@pytest.fixture
def installed(database: str, configured: Callable[..., None], shared: Path) -> Iterator[list[Profile]]:
    """Seventeen real announcements with votes that grew since yesterday, subscribers of all kinds, their profiles."""
    configured(SECRET_KEY="a key for tests of at least 32 bytes")
    rng, stored, voted = Random(5), [], []
    with time_machine.travel(datetime(2025, 9, 29, 12, tzinfo=UTC), tick=True):
        for day, records in real_days(shared, 12):
            votes = [rng.randint(1, 60) if place % 4 == 0 else 0 for place in range(len(records))]
            listed_papers = [
                ListedPaper(record, "new", (("upvotes", count),) * (count > 0))
                for record, count in zip(records, votes, strict=True)
            ]
            store_document("jsonl", day.isoformat(), ParsedDocument(papers=tuple(listed_papers)), day=day)
            stored += records
            voted += [(record, count) for record, count in zip(records, votes, strict=True) if count]
    with time_machine.travel(datetime(2025, 9, 30, 12, tzinfo=UTC), tick=True):
        grown = [ListedPaper(record, None, (("upvotes", count + 1),)) for record, count in voted]
        store_document("huggingface", "votes", ParsedDocument(papers=tuple(grown)))
        profiles = list(random_profiles(stored))
        for number, profile in enumerate(profiles):
            seen_through = rng.choice((0, 3, 14, 16, 16))
            add_subscriber(f"reader{number}@example.com", seen_through=seen_through, profile=profile, next_due_at=due())
        yield profiles


def random_profiles(records: list[Record]) -> Iterator[Profile]:
    """Every sixth has no topics but categories, exclusions or authors at most; some have a topic of common words.

    Papers that have it as written make a context; without one it has no close papers.
    """
    make = RandomProfiles(records, seed=11)
    for number in range(SUBSCRIBERS):
        generated = replace(make.profile(), **CHOICES.get(number, {}))
        topics = () if number % 6 == 0 else COMMON_TOPICS if number % 6 == 4 else generated.topics
        yield replace(generated, topics=topics)


def due() -> datetime:
    return datetime(2025, 9, 30, 7, tzinfo=UTC)


def with_engine(monkeypatch: pytest.MonkeyPatch, ask: Callable[[], T]) -> T:
    with monkeypatch.context() as patch:
        patch.setattr(engine_need, "REFERENCE_WORK", -1)
        return ask()


def stored_editions() -> list[tuple[int, date, object]]:
    with reading() as session:
        rows = session.exec(select(Edition).order_by(col(Edition.id))).all()
        return [(row.subscriber_id, row.day, row.content) for row in rows]


@MAINLY_SQLITE
def test_a_rehearsed_run_chooses_the_same(installed: list[Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    by_reference = [(assembled.content, assembled.tau) for assembled in run_planning.dry_run(None)]
    by_engine = with_engine(
        monkeypatch, lambda: [(assembled.content, assembled.tau) for assembled in run_planning.dry_run(None)]
    )

    assert len(by_reference) == SUBSCRIBERS
    assert sum(len(content.entries) for content, _ in by_reference) > SUBSCRIBERS
    assert by_engine == by_reference


@MAINLY_SQLITE
def test_close_papers_are_the_same_by_both_with_contexts_and_without(
    installed: list[Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threshold_lookup, "MAX_PROFILES", 0)  # a run computes no contexts
    slow_without = [assembled.content for assembled in run_planning.dry_run(None)]
    fast_without = with_engine(monkeypatch, lambda: [assembled.content for assembled in run_planning.dry_run(None)])
    calibration_job.calibrate_all()
    by_reference = [assembled.content for assembled in run_planning.dry_run(None)]
    by_engine = with_engine(monkeypatch, lambda: [assembled.content for assembled in run_planning.dry_run(None)])

    assert by_engine == by_reference
    assert fast_without == slow_without
    assert by_reference != slow_without
    assert min(close_papers(by_reference), close_papers(slow_without)) > 0


def close_papers(contents: list[Content]) -> int:
    return sum(not (entry.strict or entry.followed) for content in contents for entry in content.entries)


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.soak)])  # three of all kinds, or all
def test_profiles_compiled_before_choose_the_same_from_shard_to_shard(
    installed: list[Profile], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    with reading() as session:
        numbers = session.exec(select(Subscriber.id).order_by(col(Subscriber.id).desc())).all()[::step]
    by_reference = [
        assembled.content for assembled in run_planning.dry_run(None) if assembled.subscriber.id in set(numbers)
    ]
    parts = [
        with_engine(monkeypatch, lambda only=number: list(run_planning.dry_run(None, only=only)))  # type: ignore[misc]
        for number in numbers
    ]

    assert [assembled.content for part in reversed(parts) for assembled in part] == by_reference


def test_what_was_sent_is_not_chosen_again(installed: list[Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    planned = run_planning.plan_due(NoQueue())
    with_engine(monkeypatch, lambda: [build_editions.build_shard(number, 0) for number in planned])
    with transaction() as session:
        for subscriber in session.exec(select(Subscriber)):
            subscriber.seen_through = 0
    sent = [
        (subscriber_id, entry["paper"])
        for subscriber_id, _, content in stored_editions()
        for entry in content["entries"]  # type: ignore[index]
    ]
    by_reference = [assembled.content for assembled in run_planning.dry_run(DAY + timedelta(days=1))]
    by_engine = with_engine(monkeypatch, lambda: list(run_planning.dry_run(DAY + timedelta(days=1))))
    next_day_papers = [
        (assembled.subscriber.id, entry.paper) for assembled in by_engine for entry in assembled.content.entries
    ]

    assert [assembled.content for assembled in by_engine] == by_reference
    assert next_day_papers
    assert not set(next_day_papers) & set(sent)


def test_a_preview_and_a_replay_are_the_same(installed: list[Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> list[object]:
        results: list[object] = [preview.preview(profile) for profile in installed[:4]]
        return [*results, replay.replay(DAY - timedelta(days=1), DAY)]

    assert with_engine(monkeypatch, ask) == ask()


def test_a_welcome_is_the_same(installed: list[Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        subscriber = session.get_one(Subscriber, 2)
        subscriber.seen_through = 17
    welcome.first_edition(2)
    by_reference = stored_editions()
    with transaction() as session:
        for edition in session.exec(select(Edition)):
            session.delete(edition)
    with_engine(monkeypatch, lambda: welcome.first_edition(2))

    assert by_reference
    assert stored_editions() == by_reference


def test_the_papers_beyond_the_limits_are_the_same_and_as_many_as_the_editions_say(
    installed: list[Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in run_planning.plan_due(NoQueue()):
        build_editions.build_shard(number, 0)
    with reading() as session:
        editions = [row for row in session.exec(select(Edition)) if row.papers and row.content["more"]]
    by_reference = [further_papers.further_papers(row.id or 0) for row in editions]
    by_engine = with_engine(monkeypatch, lambda: [further_papers.further_papers(row.id or 0) for row in editions])

    assert len(by_reference) > SUBSCRIBERS // 4
    assert [page.listed for page in by_reference] == [min(row.content["more"], 200) for row in editions]
    assert by_engine == by_reference


def test_papers_that_came_after_the_run_was_made_are_not_chosen(
    installed: list[Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask() -> list[object]:
        with reading() as session:
            numbers = [DAY.toordinal(), DAY.toordinal() - 1]
            pool = candidate_papers.pool_of(session, numbers, signals_at=due(), weights=PRIOR, through=16)
            return [*choosing.choose(session, pool, [SelectionRequest(profile, rising=False) for profile in installed])]

    assert with_engine(monkeypatch, ask) == ask()


def test_a_revised_paper_is_matched_as_it_is_now(installed: list[Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    with reading() as session:
        last = session.exec(select(Paper).order_by(col(Paper.id).desc())).first()
    assert last is not None
    with_engine(monkeypatch, lambda: preview.preview(installed[1]))
    revised = Record("Zebrafish", "All about zebrafish.", arxiv_id=last.arxiv_id, doi=last.doi, version=2)
    store_document("jsonl", "again", ParsedDocument(papers=(ListedPaper(revised, "replace"),)))
    zebrafish = Profile(topics=(Topic("zebrafish"),))

    previewed = with_engine(monkeypatch, lambda: preview.preview(zebrafish))

    assert [paper.id for day in previewed.days for paper in day.papers] == [last.id]


def test_word_counts_of_indexes_are_those_of_their_papers(shared: Path) -> None:
    days = [records for _, records in real_days(shared, 12)]
    day_indexes = [build_index(enumerate(records)) for records in days]

    assert index_counts.count(day_indexes, announcements=17) == word_counts.count(chain(*days), announcements=17)
