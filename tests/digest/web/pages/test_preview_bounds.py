"""What a preview costs is bounded: the matcher that is ready gets no more papers than it can match in a second."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from digest.db.core.engine import reading
from digest.matching.profile import Profile, Topic
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.services.selection import engine_loader, engine_need, reference_backend, selector
from digest.web.app import build
from digest.web.wiring import page_services
from tests.digest.web.conftest import NOW, Browser, RecordingQueue

PAPERS = 4  # of each announcement
TOPICS = {"topics": "graphs"}


def announce(days: int) -> list[int]:
    """Announcements of the last days, some papers each. Returns their numbers, oldest first."""
    dates = [NOW.date() - timedelta(days=back) for back in reversed(range(days))]
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


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_loader, "is_compiled", lambda: False)


def test_without_the_engine_older_announcements_are_left_out_and_the_page_says_so(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(4)
    monkeypatch.setattr(engine_need, "REFERENCE_DOCUMENTS", 2 * PAPERS)

    page = web.post("/preview", data=TOPICS).text
    response = web.post("/api/v1/preview", json={"topics": ["graphs"]}).json()

    assert "2 older announcements are left out" in page
    assert [day["total"] for day in response["days"]] == [PAPERS, PAPERS]
    assert response["announcements_left_out"] == 2


def test_with_few_enough_papers_nothing_is_left_out(web: Browser) -> None:
    announce(3)

    page = web.post("/preview", data=TOPICS).text
    response = web.post("/api/v1/preview", json={"topics": ["graphs"]}).json()

    assert "left out" not in page
    assert (len(response["days"]), response["announcements_left_out"]) == (3, 0)


def test_an_announcement_with_too_many_papers_is_refused_with_the_reason(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(1)
    monkeypatch.setattr(engine_need, "REFERENCE_DOCUMENTS", PAPERS - 1)

    answer = web.post("/api/v1/preview", json={"topics": ["graphs"]})

    assert answer.status_code == 429
    assert "too many papers for a preview" in answer.text


def test_papers_are_prepared_once_for_all_previews(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(20)
    monkeypatch.setattr(engine_need, "REFERENCE_DOCUMENTS", 15 * PAPERS)
    monkeypatch.setattr(reference_backend, "REFERENCE_DOCUMENTS", 15 * PAPERS)
    first = web.post("/preview", data=TOPICS)
    monkeypatch.setattr(reference_backend, "prepare_document", lambda candidate: pytest.fail("prepared again"))

    second = web.post("/preview", data={"topics": "diffusion models"})

    assert (first.status_code, second.status_code) == (200, 200)
    assert "left out" not in first.text


def test_with_a_compiled_engine_all_announcements_are_matched_by_it(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = announce(4)
    monkeypatch.setattr(engine_need, "REFERENCE_DOCUMENTS", 2 * PAPERS)
    monkeypatch.setattr(engine_loader, "is_compiled", lambda: True)

    with reading() as session:
        plan = selector.plan_preview(session, Profile((Topic("graphs"),)), numbers, whole=False)

    assert (list(plan.announcements), plan.by_reference, plan.left_out) == (numbers, False, 0)
