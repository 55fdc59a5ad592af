"""Editions to render: real papers where the shared data is, invented ones elsewhere."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email.template_context import Links, MailService, Recipient
from digest.papers import Record

DAY = date(2025, 11, 21)
SERVICE = MailService("Papers Inbox", "https://papers.example", "1 Library Lane\n12345 Exampletown")
RECIPIENT = Recipient(
    topics=("offline reinforcement learning", "diffusion model* AND (protein OR molecule)", "regret bounds"),
    confirmed=date(2025, 9, 1),
    day=DAY,
)
LINKS = Links(
    preferences="https://papers.example/preferences/WzFd.abc-DEF_123",
    unsubscribe="https://papers.example/unsubscribe/WzFd.abc-DEF_123",
    web_view="https://papers.example/editions/WzEyXQ.abc-DEF_123",
    feedback="https://papers.example/feedback/abcDEF",
)
URL = "https://papers.example/confirm/WzFd.aRx1.abc-DEF_123"

INVENTED = (
    Record(
        title=r"Regret of order $\tilde{O}(d\sqrt{\sum_{k=1}^K\sigma_k^2})$ in offline reinforcement learning",
        abstract="We study offline RL with pessimism. A new bound holds for all policies. " * 3,
        authors=("Yingbin Liang", "Tong Yang", "Paul Erd\\H{o}s", "A. N. Other", "Jean-Pierre Serre"),
        arxiv_id="2511.01234",
        categories=("cs.LG", "stat.ML"),
        venue="NeurIPS 2026",
        code_url="https://github.com/example/pessimism",
    ),
    Record(
        title="Sampling proteins with diffusion models",
        abstract="Diffusion models sample well. We use them on proteins, e.g. on kinases, and find them fast.",
        authors=("Mara Lind",),
        arxiv_id="2511.04321",
        categories=("q-bio.BM",),
    ),
    Record(title="A paper without an identifier", abstract="", title_derived=True),
    Record(
        title="Sharp regret bounds at $5 and 100% of the cost",
        abstract="Bounds are sharp. They cost $5 and $10.",
        authors=("王小明", "Ada Byron", "C. D. Example", "E. F. Sample"),
        doi="10.1000/xyz(1)",
        institutions=("Institute of Examples",),
    ),
)


def edition(records: Sequence[Record], followed: int = 1, rising: int = 1) -> Content:
    """An edition of all these records, in all three sections, with reasons of every sort."""
    entries = []
    for index in range(len(records)):
        section = FOLLOWED if index < followed else RISING if index >= len(records) - rising else NEW
        entries.append(
            Entry(
                paper=index,
                revision=1,
                section=section,
                strict=index % 2 == 0,
                topic=index % 3,
                matched=(
                    (index % 3, ("offline reinforcement learning", "regret", "diffusion models")[index % 3 :][:1]),
                ),
                followed=records[index].authors[:1] if section == FOLLOWED else (),
                reason="41 votes 10 h after listing, 2nd of 28 listed today" if section == RISING else "",
            )
        )
    return Content(tuple(entries), considered=412, more=3)


def papers(records: Sequence[Record]) -> dict[tuple[int, int], Record]:
    """The records as `digest` takes them."""
    return {(index, 1): record for index, record in enumerate(records)}


def real(shared: Path, day: str = "2025-09-29") -> list[Record]:
    """The papers of a real announcement day, read simply."""
    path = shared / "data" / "replay" / "days" / f"{day}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Record(
            title=row["title"],
            abstract=row["abstract"],
            authors=tuple(row["authors"] or ()),
            arxiv_id=row["id"],
            categories=tuple(row["categories"] or ()),
            comment=row["comment"],
        )
        for row in rows
    ]
