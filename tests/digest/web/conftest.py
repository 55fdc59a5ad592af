"""The whole application over a database of its own, with a recording queue and invented papers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlmodel import SQLModel, select

from digest.db.core import engine
from digest.errors import NotFound
from digest.matching.profile import Profile
from digest.models import AccountRequest, Delivery, SignUpRequest, Subscriber
from digest.queues import Enqueue
from digest.services.admin import doctor, health_report
from digest.services.admin.doctor_finding import DoctorFinding
from digest.services.catalog.page_schemas import (
    AuthorPage,
    FurtherGroup,
    FurtherPage,
    FurtherPaper,
    PaperPage,
    PaperRow,
    Preview,
    PreviewDay,
    PreviewPaper,
)
from digest.services.security import signed_links
from digest.web.app import build
from digest.web.http.dependencies import PageServices

NOW = datetime(2025, 11, 21, 9, 7, tzinfo=UTC)  # a Friday
ADA = "ada@digest.example"
METRICS = {"authorization": "Bearer a-token-for-the-figures-of-32-bytes"}


@dataclass
class RecordingQueue:
    """An Enqueue that records its calls."""

    delivered: int = 0
    welcomed: list[int] = field(default_factory=list)
    frozen: list[tuple[int, int]] = field(default_factory=list)
    living: bool = True

    def freeze(self, run_id: int, shard: int) -> None:
        self.frozen.append((run_id, shard))

    def deliver(self) -> None:
        self.delivered += 1

    def welcome(self, subscriber_id: int) -> None:
        self.welcomed.append(subscriber_id)

    def alive(self) -> bool:
        return self.living


ROWS = (
    PaperRow(
        id=1,
        title="Posterior Sampling with Delayed Feedback for Reinforcement Learning with Linear Function Approximation",
        authors=("Nikki Lijing Kuang", "Ming Yin", "Mengdi Wang", "Yu-Xiang Wang", "Yi-An Ma", "A. One", "B. Two"),
        categories=("cs.LG", "stat.ML"),
        excerpt="Recent studies in reinforcement learning have made significant progress by leveraging function "
        "approximation. We study how delays change the regret Õ(d√K).",
        facts="↑ 41 votes 10 h after listing, 2nd of 28",
        badges=("code", "NeurIPS 2023", "novelty 72", "score 64"),
        novelty=72,
        score=64,
        parts=(("trending", 80), ("novelty", 72), ("author", 0)),
    ),
    PaperRow(
        id=2, title="Maximum Entropy Model Correction in Reinforcement Learning", facts="↑ 3rd on the page of 19 Nov"
    ),
)


def preview(profile: Profile, *, days: int, limit: int, cancelled: Callable[[], bool], **_: object) -> Preview:
    first = date(2025, 11, 8)
    topic = profile.topics[0].text if profile.topics else ""
    papers = tuple(
        PreviewPaper(n, row.title, 900 - n, n == 0, ((topic, tuple(topic.split())),)) for n, row in enumerate(ROWS, 1)
    )
    return Preview(
        tuple(PreviewDay(first + timedelta(days=n), papers[:limit], total=(n * 5) % 13) for n in range(min(days, 14)))
    )


def paper(paper_id: int) -> PaperPage:
    if paper_id > len(ROWS):
        raise NotFound("there is no such paper here")
    links = (("Abstract", "https://arxiv.org/abs/2310.18919"), ("PDF", "https://arxiv.org/pdf/2310.18919"))
    return PaperPage(
        ROWS[paper_id - 1],
        ROWS[paper_id - 1].excerpt,
        links,
        date(2025, 11, 20),
        "NeurIPS 2023, 24 pages",
        (2, ROWS[1].title),
    )


def author(name: str, limit: int) -> AuthorPage:
    if name not in ROWS[0].authors:
        raise NotFound("no paper here is by that author")
    return AuthorPage(name, ROWS[:limit], (("h-index", "12"), ("Papers", "50")))


def edition(edition_id: int, page: str) -> str:
    return (
        f"<!doctype html><html lang=en><title>Edition</title><body style='margin:0'>Edition {edition_id}</body></html>"
    )


def further(edition_id: int) -> FurtherPage:
    papers = tuple([FurtherPaper(row.id, row.title, "N. Kuang · cs.LG") for row in ROWS])
    return FurtherPage(date(2025, 11, 21), 2, 2, True, (FurtherGroup("", papers),))


def resend(address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
    enqueue.deliver()
    return 1


PAGE_SERVICES = PageServices(
    preview=preview,
    trending=lambda category, limit: ROWS[:limit],
    trending_among=lambda category, limit, announcements: ROWS[:limit],
    paper=paper,
    author=author,
    edition=edition,
    further=further,
    resend=resend,
)


@pytest.fixture
def clock_stands() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def settled(database: str, configured: Callable[..., None]) -> None:
    """Settings of an installation over a fresh database."""
    configured(
        SECRET_KEY="a-key-for-tests-of-at-least-32-bytes",
        BASE_URL="http://testserver",
        MAIL_FROM="digest@digest.example",
        ADMIN_EMAILS="root@digest.example",
        TRUSTED_PROXIES="10.0.0.0/8",
        METRICS_TOKEN=METRICS["authorization"].removeprefix("Bearer "),
    )


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@dataclass
class Browser:
    """Asks the application as a client at `host` would, each request by itself, without cookies."""

    app: FastAPI
    host: str = "203.0.113.7"

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def head(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("HEAD", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """Post a form. An answer that leads back to its own page, as after saved preferences, is followed to it."""
        answer = self.ask("POST", path, **more)
        target = answer.headers.get("location", "")
        if answer.status_code != 303 or "set-cookie" in answer.headers or urlsplit(target).path != urlsplit(path).path:
            return answer
        return self.get(target)

    def act(self, path: str, *, headers: dict[str, str], **more: Any) -> httpx.Response:
        """Post a form, and follow to the page that shows what was done; the answer itself where it leads nowhere."""
        answer = self.post(path, headers=headers, **more)
        if answer.status_code != 303:
            return answer
        cookies = [headers["cookie"], *(f"{name}={value}" for name, value in answer.cookies.items())]
        return self.get(answer.headers["location"], headers=headers | {"cookie": "; ".join(cookies)})

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, **more))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(self.host, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, **more)


@pytest.fixture
def doctor_findings(monkeypatch: pytest.MonkeyPatch) -> list[DoctorFinding]:
    """What `digest doctor` finds when a page asks it; nothing at first. The real checks connect to other machines."""
    findings: list[DoctorFinding] = []
    monkeypatch.setattr(doctor, "run_checks", lambda: list(findings))
    monkeypatch.setattr(health_report, "_checks", health_report._BackgroundChecks())
    return findings


@pytest.fixture
def web(
    settled: None, clock_stands: time_machine.Traveller, queue: RecordingQueue, doctor_findings: list[DoctorFinding]
) -> Browser:
    return Browser(build(queue, PAGE_SERVICES))


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with engine.reading() as session:
        connection = session.connection()
        return {
            name: [tuple(row) for row in connection.execute(table.select())]
            for name, table in sorted(SQLModel.metadata.tables.items())
        }


def mails() -> list[Delivery]:
    with engine.reading() as session:
        return list(session.exec(select(Delivery).order_by(Delivery.id)))  # type: ignore[arg-type]


def only_subscriber() -> Subscriber:
    with engine.reading() as session:
        return session.exec(select(Subscriber)).one()


def path(link: str) -> str:
    return link.removeprefix("http://testserver")


def account_link(web: Browser, action: str, subscriber_id: int = 1) -> str:
    """The path of the mailed link of an action on the preferences page."""
    response = web.post(path(signed_links.preferences(subscriber_id)), data={"action": action})
    assert response.status_code == 200
    with engine.reading() as session:
        request = session.exec(select(AccountRequest).order_by(AccountRequest.id.desc())).first()  # type: ignore[union-attr]
    assert request is not None
    return path(signed_links.account(action, request.id or 0))


def subscribed(web: Browser, address: str = ADA) -> Subscriber:
    """A subscriber, signed up and confirmed through the pages."""
    web.post("/subscribe", data={"address": address, "topics": "offline reinforcement learning"})
    with engine.reading() as session:
        subscriber = session.exec(select(Subscriber).where(Subscriber.address == address)).one()
        request = session.exec(select(SignUpRequest).where(SignUpRequest.subscriber_id == subscriber.id)).one()
    assert web.post(path(signed_links.confirm(subscriber.id or 0, request.id or 0))).status_code == 200
    with engine.reading() as session:
        return session.exec(select(Subscriber).where(Subscriber.address == address)).one()
