"""The same paper from two sources becomes one, judged by identifiers that the merger does not see."""

from __future__ import annotations

import gzip
from pathlib import Path

from digest.papers import Record
from digest.sources import jsonl
from tests.benchmarks.merging import measure

PAPERS = 3000


def test_nearly_all_real_papers_from_two_sources_are_merged_and_hardly_any_wrongly(shared: Path, database: str) -> None:
    score = measure(_real(shared))

    assert score.both == PAPERS // 3
    assert score.precision >= 0.999
    assert score.recall >= 0.99


def _real(shared: Path) -> list[Record]:
    matched_pairs: list[Record] = []
    for path in sorted((shared / "data/replay/days").glob("*.jsonl.gz")):
        with gzip.open(path) as lines:
            matched_pairs += [part_paper.record for part in jsonl.parse(lines) for part_paper in part.papers]
        if len(matched_pairs) > 2 * PAPERS:
            break
    stored_papers = {r.arxiv_id: r for r in matched_pairs if r.abstract and r.authors and r.arxiv_id}
    return list(stored_papers.values())[:PAPERS]
