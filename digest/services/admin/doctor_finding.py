"""A finding of `digest doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from digest.settings import Settings

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One line of the report: what was checked, the result, and what to do about it."""

    level: str
    name: str
    text: str
    cure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


Check = Callable[[Settings], Iterator[DoctorFinding]]
