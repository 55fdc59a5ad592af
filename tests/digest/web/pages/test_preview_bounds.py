"""What a preview costs is bounded: the matcher that is ready gets no more papers than it can match in a second."""

from __future__ import annotations

from array import array
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine

from digest.caching import BoundedCache
from digest.db.core.engine import reading, transaction
from digest.models import Signal
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.catalog import announcements, day_postings, trending_ranks
from digest.services.ingestion.import_document import store_document
from digest.services.preview import preview, preview_data, topic_counts
from digest.services.selection import reference_backend
from digest.web.app import build
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import NOW, Browser, RecordingQueue

PAPERS = 4  # of each announcement
TOPICS = {"topics": "graphs"}


def announce(days: int) -> list[int]:
    """Announcements of the last days, some papers each. Returns their numbers, oldest first."""
    dates = [NOW.date() - timedelta(days=days_back) for days_back in reversed(range(days))]
    for day in dates:
        papers = [
            ListedPaper(Record(f"Graphs {day} {n}", arxiv_id=f"{day:%y%m}.{day:%d}{n:03}")) for n in range(PAPERS)
        ]
        store_document("jsonl", day.isoformat(), ParsedDocument(papers=tuple(papers)), day=day)
    return [day.toordinal() for day in dates]


@pytest.fixture
def web(settled: None, clock_stands: time_machine.Traveller, queue: RecordingQueue) -> Browser:
    """The pages over the real services; no engine is compiled."""
    return Browser(build(queue, page_services()))


@MAINLY_SQLITE
def test_where_too_many_papers_may_match_older_announcements_are_left_out_and_the_page_says_so(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(4)
    monkeypatch.setattr(preview, "MAX_CANDIDATES", 2 * PAPERS)

    page = web.post("/preview", data=TOPICS).text
    response = web.post("/api/v1/preview", json={"topics": ["graphs"]}).json()

    assert "2 older announcements are left out" in page
    assert [day["total"] for day in response["days"]] == [PAPERS, PAPERS]
    assert response["announcements_left_out"] == 2


@MAINLY_SQLITE
def test_with_few_enough_papers_nothing_is_left_out(web: Browser) -> None:
    announce(3)

    page = web.post("/preview", data=TOPICS).text
    response = web.post("/api/v1/preview", json={"topics": ["graphs"]}).json()

    assert "left out" not in page
    assert (len(response["days"]), response["announcements_left_out"]) == (3, 0)


@MAINLY_SQLITE
def test_papers_that_can_not_match_do_not_count(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(4)
    monkeypatch.setattr(preview, "MAX_CANDIDATES", 1)

    response = web.post("/api/v1/preview", json={"topics": ["diffusion models"]}).json()

    assert (len(response["days"]), response["announcements_left_out"]) == (4, 0)


@MAINLY_SQLITE
def test_an_announcement_where_too_many_papers_may_match_is_refused_with_the_reason(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(1)
    monkeypatch.setattr(preview, "MAX_CANDIDATES", PAPERS - 1)

    answer = web.post("/api/v1/preview", json={"topics": ["graphs"]})

    assert answer.status_code == 429
    assert "too many papers for a preview" in answer.text


@MAINLY_SQLITE
def test_a_preview_prepares_only_the_papers_that_may_match_and_each_once(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(20)
    web.post("/preview", data=TOPICS)
    monkeypatch.setattr(reference_backend, "prepare_document", lambda candidate: pytest.fail("prepared again"))

    second_preview = web.post("/preview", data={"topics": "graphs\nzebras"})
    other = web.post("/preview", data={"topics": "diffusion models"})

    assert (second_preview.status_code, other.status_code) == (200, 200)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("topics", "most"),
    [
        ([" ".join(f"word{letter}{other}" for other in "abcdefg") for letter in "abcdefghijklmnopqrst"], 8),
        (['au:"' + " ".join(f"word{letter}" for letter in "abcdefghijkl") + '"' for _ in range(10)], 0),
        (["ti:zebra ANDNOT au:elefant", "zebra ANDNOT zebras"], 2),
    ],
)
def test_few_unknown_words_of_a_preview_are_compared_with_all_others_and_each_once(
    web: Browser, monkeypatch: pytest.MonkeyPatch, topics: list[str], most: int
) -> None:
    announce(2)
    monkeypatch.setattr(topic_counts, "_corrections", BoundedCache(max_entries=99, max_bytes=99, size_of=lambda _: 1))
    compared: list[str] = []
    monkeypatch.setattr("difflib.get_close_matches", lambda word, *_, **__: compared.append(word) or [])

    answers = [web.post("/api/v1/preview", json={"topics": topics, "limit": limit}) for limit in (1, 2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(compared) <= most


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_posting_lists_of_one_process_serve_the_next(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(3)
    before = web.post("/preview", data=TOPICS).text
    monkeypatch.setattr(day_postings, "_open_days", BoundedCache(max_entries=9, max_bytes=99, size_of=lambda _: 1))
    monkeypatch.setattr(preview_data, "cache", preview_data.PreviewDataCache())
    monkeypatch.setattr(day_postings, "build_posting_lists", lambda _: pytest.fail("built again"))

    assert web.post("/preview", data=TOPICS).text == before


@MAINLY_SQLITE
def test_visitors_get_the_papers_before_a_change_until_those_after_it_are_prepared(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_data, "cache", preview_data.PreviewDataCache())
    announce(1)
    web.app.state.warm_up.refresh()

    def totals() -> list[int]:
        return [day["total"] for day in web.post("/api/v1/preview", json={"topics": ["graphs"]}).json()["days"]]

    before = totals()
    announce(2)
    during = totals()
    web.app.state.warm_up.refresh()

    assert (before, during, totals()) == ([PAPERS], [PAPERS], [PAPERS, PAPERS])


@MAINLY_SQLITE
@pytest.mark.parametrize("pair", ["badak babom", "kakdud makmum"])  # the same 16 or 24 bits as the exclusion's pair
def test_an_excluded_phrase_leaves_out_no_paper_with_another_pair_of_words(web: Browser, pair: str) -> None:
    title = f"Diffusion on a graph to transform {pair}"
    papers = (ListedPaper(Record(title, arxiv_id="2511.00001")),)
    store_document("jsonl", "x", ParsedDocument(papers=papers), day=NOW.date())

    def total(**profile: list[str]) -> int:
        days = web.post("/api/v1/preview", json=profile).json()["days"]
        return sum(day["total"] for day in days)

    assert total(topics=["diffusion"], exclusions=['"graph transform"']) == 1
    assert total(topics=['diffusion ANDNOT "graph transform"']) == 1
    assert total(topics=['"graph transform"']) == 0
    assert total(topics=["diffusion"], exclusions=[f'"{pair}"']) == 0


def totals(web: Browser, *, days: int = 14) -> list[int]:
    answer = web.post("/api/v1/preview", json={"topics": ["graphs"], "days": days})
    assert answer.status_code == 200, answer.text
    return [day["total"] for day in answer.json()["days"]]


@MAINLY_SQLITE
def test_days_after_an_announcement_with_too_many_papers_for_posting_lists_are_previewed(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(3)
    bulk = [ListedPaper(Record(f"Reefs and graphs {n}", arxiv_id=f"2510.{n:05}")) for n in range(3 * PAPERS)]
    store_document("jsonl", "bulk", ParsedDocument(papers=tuple(bulk)), day=NOW.date() - timedelta(days=1))
    numbers = [(NOW.date() - timedelta(days=days_back)).toordinal() for days_back in (2, 1, 0)]
    with reading() as session:
        days = announcements.announcement_days(session, numbers)
        expected = day_postings.count_words(session, days)
        for module in (day_postings, preview_data):
            monkeypatch.setattr(module, "MAX_PAPERS", PAPERS + 1)
        in_parts = day_postings.count_words(session, days)

    assert in_parts == expected
    assert totals(web) == [PAPERS, PAPERS]


@MAINLY_SQLITE
def test_the_background_thread_survives_any_error_and_its_state_names_it(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(1)
    warm_up = web.app.state.warm_up
    warm_up.refresh()
    states = [warm_up.state]
    with monkeypatch.context() as patch:
        patch.setattr(preview_data.PreviewDataCache, "refresh", lambda _: array("H", [1 << 16]))
        warm_up.refresh()
        states.append(warm_up.state)
    warm_up.refresh()

    assert [*states, warm_up.state] == ["warm", "not warmed up: OverflowError", "warm"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_longest_previews_are_prepared_once_and_displace_no_usual_one(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_data, "cache", preview_data.PreviewDataCache())
    announce(76)
    totals(web)
    assert len(totals(web, days=60)) == 60
    for module, name in ((day_postings, "build_posting_lists"), (trending_ranks, "trends_of")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("prepared again"))
    with reading() as session:
        usual = preview_data.cache.current(session, 14)
        for days in range(60, 1, -1):
            assert len(preview_data.cache.current(session, days).pools) == days  # type: ignore[union-attr]

        assert preview_data.cache.current(session, 14) is usual


@MAINLY_SQLITE
def test_signals_without_new_papers_reach_previews(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_data, "cache", preview_data.PreviewDataCache())
    announce(1)

    def trends() -> set[float | None]:
        web.app.state.warm_up.refresh()
        days = web.post("/api/v1/preview", json={"topics": ["graphs"]}).json()["days"]
        return {paper["trending"] for day in days for paper in day["papers"]}

    before = trends()
    with transaction() as session:
        session.add(Signal(paper_id=1, source="huggingface", name="upvotes", taken_at=NOW, value=41.0))

    assert before == {None}
    assert trends() > {None}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_old_previews_are_not_shown_without_end_where_new_data_can_not_be_prepared(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [5.0]  # since the machine has started
    monkeypatch.setattr(preview_data, "cache", preview_data.PreviewDataCache())
    monkeypatch.setattr(preview_data, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    announce(1)
    first = totals(web)
    announce(2)
    without_task = totals(web)
    web.app.state.warm_up.refresh()
    announce(3)
    with monkeypatch.context() as patch:
        patch.setattr(preview_data, "_prepare", lambda *_: array("H", [1 << 16]))
        web.app.state.warm_up.refresh()
        at_once = totals(web)
        for _ in range(11):
            seconds[0] += 60
            web.app.state.warm_up.refresh()
    later = totals(web)

    assert (first, without_task, at_once, later) == ([PAPERS], 2 * [PAPERS], 2 * [PAPERS], 3 * [PAPERS])
