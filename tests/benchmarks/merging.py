"""How well records of one paper from two sources are merged, judged by identifiers that the merger does not see.

    python -m tests.benchmarks.merging SHARED [--papers 60000]

The corpus is parted: a third stands in the first source alone, a third in the second alone, a third in both. The second
source has no identifiers, writes titles otherwise, first names as initials, long author lists as 'et al.', formulas
without TeX, abstracts reflowed, some cut, some missing. Goals: precision 0.999, recall 0.99. Prints a table and writes
build/bench/merging.json.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sqlmodel import SQLModel, col, select

from digest import settings
from digest.db.core.engine import engine, reading
from digest.models import Paper, Signal
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.sources import jsonl
from digest.text.tex import readable

SECOND = "openalex"
_TEX = re.compile(r"[${}\\]")


@dataclass(frozen=True, slots=True)
class MergingScore:
    """The outcome for the second source's records: for those that are in both sources, and for all."""

    both: int
    right: int
    wrong: int

    @property
    def precision(self) -> float:
        """Of all merges the share that joined one paper with itself."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Of all papers in both sources the share that became one."""
        return self.right / max(self.both, 1)


def main() -> None:
    """Measure on a fresh SQLite database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=60_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DIGEST_DATA_DIR"], os.environ["DIGEST_DATABASE_URL"] = folder, f"sqlite:///{folder}/merging.db"
        settings.clear_cache()
        SQLModel.metadata.create_all(engine())
        report(measure(corpus(options.shared, options.papers)))


def corpus(shared: Path, number: int) -> list[Record]:
    """That many real papers with title, abstract, authors and identifier, from all over the corpus."""
    with lzma.open(shared / "data" / "corpus.jsonl.xz") as lines:
        step = max(1, 128_000 // number)
        parts = jsonl.parse(islice(lines, 0, None, step))
        records = [part_paper.record for part in parts for part_paper in part.papers]
    complete_records = [r for r in records if r.abstract and r.authors and r.arxiv_id]
    return complete_records[:number]


def measure(records: Sequence[Record], seed: int = 5) -> MergingScore:
    """Store both sources into the configured, empty database, and judge by the hidden identifiers."""
    rng = random.Random(seed)
    shuffled = rng.sample(list(records), len(records))
    third = len(shuffled) // 3
    first, second = shuffled[: 2 * third], shuffled[third:]
    store_document("jsonl", "first", ParsedDocument(tuple(ListedPaper(record) for record in first)))
    others = [ListedPaper(altered_record(r, rng), signals=(("citations", float(n)),)) for n, r in enumerate(second)]
    rng.shuffle(others)
    store_document(SECOND, "second", ParsedDocument(tuple(others)))
    return score_merging(second, {record.arxiv_id for record in first})


def score_merging(second: Sequence[Record], first: set[str | None]) -> MergingScore:
    """Each record of the second source carries its number as a counter, which identifies the paper it became."""
    with reading() as session:
        statement = select(Signal.value, Paper.id, Paper.arxiv_id).join(Paper, col(Paper.id) == col(Signal.paper_id))
        rows = session.exec(statement.where(Signal.source == SECOND)).all()
    right = wrong = 0
    became: dict[int | None, str | None] = {}
    for value, number, arxiv_id in rows:
        origin = second[int(value)].arxiv_id
        right += arxiv_id == origin
        wrong += arxiv_id not in {None, origin} or became.setdefault(number, origin) != origin
    lost = len(second) - len(rows)  # two records of the second source in one paper keep one counter
    return MergingScore(sum(r.arxiv_id in first for r in second), right, wrong + lost)


def altered_record(record: Record, rng: random.Random) -> Record:
    """The same paper as another source describes it."""
    names = tuple(_initials(name) for name in record.authors)
    short = len(names) > 3 and rng.random() < 0.5
    return replace(
        record,
        title=rng.choice(_TITLES)(record.title),
        abstract=rng.choices(_ABSTRACTS, weights=(6, 6, 3, 2, 1))[0](record.abstract),
        authors=names[:3] if short else names,
        authors_complete=not short,
        arxiv_id=None,
        doi=None,
        categories=(),
        comment=None,
        code_url=None,
    )


def _initials(name: str) -> str:
    """'Ada Maria Byron' as 'A. M. Byron'."""
    *given_names, family = name.split() or [""]
    return " ".join([*(f"{given_name[0]}." for given_name in given_names), family])


_TITLES: tuple[Callable[[str], str], ...] = (
    lambda title: title,
    str.upper,
    str.title,
    lambda title: f"{title}.",
    lambda title: title.replace("-", " ").replace(":", " --"),
    lambda title: _TEX.sub("", title),
    readable,
)
_ABSTRACTS: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    lambda text: _TEX.sub("", readable(text)),
    lambda text: text.replace(". ", ".\n").replace("-", "\u2010"),
    lambda text: text[: int(len(text) * 0.7)],
    lambda _text: "",
)


def report(score: MergingScore) -> None:
    """The table, and build/bench/merging.json."""
    figures = {"precision": score.precision, "recall": score.recall}
    print(f"{score.both} papers in both sources: {score.right} became one, {score.wrong} wrong merges")
    for name, value in figures.items():
        print(f"{name:10} {value:.5f}")
    out = Path("build/bench/merging.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    figures_shown = {name: {"unit": "share", "min": v, "median": v, "max": v} for name, v in figures.items()}
    out.write_text(json.dumps({"rounds": 1, "figures": figures_shown, "ratios": {}}, indent=1) + "\n")


if __name__ == "__main__":
    main()
