"""How well bounce reports are classified: precision and recall of `hard` and of complaints on labelled reports.

    python -m tests.benchmarks.bounces SHARED

A file with several recipients is hard where one of them is. Reports labelled `filtered` are ambiguous and left out.
`classify` takes the gravest kind of a report about several recipients, as no delivery says which is ours. Goals on
unseen reports: hard precision 0.95 and recall 0.92, complaints 0.95 each. The patterns were
first written on the half of the files whose name's SHA-256 is even; the halves are shown apart. Prints a table and
writes build/bench/bounces.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from digest.mail.bounces import classify_message
from tests.benchmarks.report import Report

ALL, FIRST, SECOND = "all", "first half", "second half"


@dataclass(slots=True)
class Score:
    """Counts of one kind: true positives, false positives, false negatives."""

    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def note(self, file: str, *, expected: bool, reported: bool) -> None:
        """Count one report."""
        if expected and reported:
            self.right.append(file)
        elif reported:
            self.wrong.append(file)
        elif expected:
            self.missed.append(file)

    @property
    def precision(self) -> float:
        """The share of reported positives that is right."""
        return len(self.right) / max(len(self.right) + len(self.wrong), 1)

    @property
    def recall(self) -> float:
        """The share of expected positives that is reported."""
        return len(self.right) / max(len(self.right) + len(self.missed), 1)


def measure(folder: Path, in_half: Callable[[str], bool] = lambda _file: True) -> tuple[Score, Score]:
    """The scores of `hard` and of `complaint` on the files chosen by name."""
    rows: dict[str, list[dict[str, object]]] = {}
    for row in json.loads((folder / "expected.json").read_text()):
        if in_half(row["file"]):
            rows.setdefault(row["file"], []).append(row)
    hard, complaint = Score(), Score()
    for file, expected in sorted(rows.items()):
        kind = classify_message((folder / "mails" / file).read_bytes()).kind
        is_gone = any(row["hardbounce"] for row in expected)
        complaint.note(file, expected=_any(expected, "feedback_type", "abuse"), reported=kind == "complaint")
        if is_gone or not _any(expected, "reason", "filtered"):
            hard.note(file, expected=is_gone, reported=kind == "hard")
    return hard, complaint


def in_first_half(file: str) -> bool:
    """True for the files that the patterns were first written on."""
    return hashlib.sha256(file.encode()).digest()[0] % 2 == 0


def _any(rows: Sequence[dict[str, object]], name: str, value: str) -> bool:
    return any(row[name] == value for row in rows)


def main() -> None:
    """Measure all files and each half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    folder = parser.parse_args().shared / "data/bounces_labelled"
    report = Report("bounces")
    halves: dict[str, Callable[[str], bool]] = {
        ALL: lambda _file: True,
        FIRST: in_first_half,
        SECOND: lambda file: not in_first_half(file),
    }
    for name, in_half in halves.items():
        for kind, score in zip(("hard", "complaint"), measure(folder, in_half), strict=True):
            report.add(f"{kind} precision, {name}", "share", score.precision)
            report.add(f"{kind} recall, {name}", "share", score.recall)
            if name == ALL:
                print(f"{kind}: {len(score.right)} right, wrong: {score.wrong}, missed: {score.missed}")
    report.write(rounds=1)


if __name__ == "__main__":
    main()
