"""A benchmark's figures: a table for people, `build/bench/NAME.json` for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

FOLDER = Path("build/bench")


@dataclass(slots=True)
class Report:
    """Figures by name, one value a round. A ratio is taken round by round, as both were measured side by side."""

    name: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    goals: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, unit: str, value: float) -> None:
        """One round's value."""
        self.figures.setdefault(name, []).append(value)
        self.units[name] = unit

    def ratio(self, our_measure: str, peer: str, *, minimum_ratio: float) -> None:
        """Report ours/peer, with the minimum that is the goal."""
        self.goals[f"{our_measure}/{peer}"] = minimum_ratio

    def ratios(self) -> Mapping[str, Sequence[float]]:
        """Each ratio's values, round by round."""
        pairs = {name: name.split("/") for name in self.goals}
        return {
            name: [a / b for a, b in zip(self.figures[ours], self.figures[peer], strict=True)]
            for name, (ours, peer) in pairs.items()
            if ours in self.figures and peer in self.figures
        }

    def write(self, *, rounds: int) -> None:
        """Print the table and write the file."""
        print(f"\n{'figure':44}{'unit':>10}{'min':>12}{'median':>12}{'max':>12}")
        for name, values in self.figures.items():
            print(f"{name:44}{self.units[name]:>10}" + "".join(f"{v:12.2f}" for v in _spread(values).values()))
        ratios = self.ratios()
        for name, values in ratios.items():
            remark = "" if median(values) >= self.goals[name] else "   below the goal"
            spread = "".join(f"{v:12.2f}" for v in _spread(values).values())
            print(f"{name:44}{f'>= {self.goals[name]:g}':>10}{spread}{remark}")
        FOLDER.mkdir(parents=True, exist_ok=True)
        figures = {name: {"unit": self.units[name], **_spread(values)} for name, values in self.figures.items()}
        content = {
            "rounds": rounds, "figures": figures, "ratios": {name: _spread(values) for name, values in ratios.items()}
        }  # fmt: skip
        (FOLDER / f"{self.name}.json").write_text(json.dumps(content, indent=1) + "\n")


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": median(values), "max": max(values)}
