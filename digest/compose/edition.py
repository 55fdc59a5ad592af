"""What an edition holds: chosen papers in their order, with their reasons, frozen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

FOLLOWED, NEW, RISING = "followed", "new", "rising"
NOVELTY = "novelty"  # among an entry's signals: 0 to 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper of an edition, as it was when it was chosen, so that it renders the same again.

    `matched`: (topic's index in the profile version, words as the reader typed them). `followed`: author names.
    `signals`: (name, value) pairs shown; `reason`: the facts behind *rising*, one line, '' elsewhere; `spark`: how the
    votes grew, as bars of text.
    """

    paper: int
    revision: int
    section: str
    score: int = 0
    strict: bool = False
    topic: int = -1
    mask: int = 0
    matched: tuple[tuple[int, tuple[str, ...]], ...] = ()
    followed: tuple[str, ...] = ()
    signals: tuple[tuple[str, float], ...] = ()
    reason: str = ""
    spark: str = ""

    @property
    def novelty(self) -> int | None:
        """How far the paper is from its field, 0 to 100; None where that was unknown."""
        return next((int(value) for name, value in self.signals if name == NOVELTY), None)


@dataclass(frozen=True, slots=True)
class Content:
    """The whole edition. `considered`: papers announced since the last one; `more`: matches past the reader's caps.

    `notice`: one line for a day that is out of the ordinary (a late source, a pause that ended), else ''.
    """

    entries: tuple[Entry, ...] = ()
    considered: int = 0
    more: int = 0
    notice: str = ""

    def section(self, name: str) -> tuple[Entry, ...]:
        """The entries of one section, in order."""
        return tuple(entry for entry in self.entries if entry.section == name)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` is the inverse."""
        entries = [_plain(entry) for entry in self.entries]
        return {"entries": entries, "considered": self.considered, "more": self.more, "notice": self.notice}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Content:
        """The content that `to_json` gave."""
        return cls(
            entries=tuple(_entry(entry) for entry in value.get("entries", ())),
            considered=int(value.get("considered", 0)),
            more=int(value.get("more", 0)),
            notice=str(value.get("notice", "")),
        )


def _plain(entry: Entry) -> dict[str, Any]:
    """An entry without what is as ever: millions of them are kept."""
    said: dict[str, Any] = {"paper": entry.paper, "revision": entry.revision, "section": entry.section}
    for name, default in _DEFAULTS:
        value = getattr(entry, name)
        if value != default:
            said[name] = value
    return said


def _entry(value: Mapping[str, Any]) -> Entry:
    fields = dict(value)
    fields["matched"] = tuple((int(i), tuple(words)) for i, words in value.get("matched", ()))
    fields["followed"] = tuple(value.get("followed", ()))
    fields["signals"] = tuple((str(name), float(number)) for name, number in value.get("signals", ()))
    return Entry(**fields)


_DEFAULTS = tuple(
    (field.name, field.default) for field in fields(Entry) if field.name not in {"paper", "revision", "section"}
)
