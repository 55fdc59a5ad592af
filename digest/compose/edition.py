"""What an edition holds: chosen papers in their order, with their reasons, frozen. Pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

FOLLOWED, NEW, RISING = "followed", "new", "rising"
NOVELTY = "novelty"  # among an entry's signals: 0 to 100


class Entry(NamedTuple):
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
        return tuple([entry for entry in self.entries if entry.section == name])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` is the inverse."""
        entries = [_plain(entry) for entry in self.entries]
        return {"entries": entries, "considered": self.considered, "more": self.more, "notice": self.notice}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Content:
        """The content that `to_json` gave."""
        return cls(
            entries=tuple([_entry(entry) for entry in value.get("entries", ())]),
            considered=int(value.get("considered", 0)),
            more=int(value.get("more", 0)),
            notice=str(value.get("notice", "")),
        )


class Frozen(NamedTuple):
    """An edition's content as it is kept: JSON, how many papers it has, and their numbers, four bytes each.

    Millions of them never become objects.
    """

    text: bytes
    papers: int
    shown: bytes

    @classmethod
    def of(cls, content: Content) -> Frozen:
        """The content, as it is kept."""
        papers = [entry.paper for entry in content.entries]
        return cls(_compact(content.to_json()), len(papers), struct.pack(f"<{len(papers)}i", *papers))

    @classmethod
    def put_together(cls, entries: bytes, shown: bytes, *, considered: int, more: int, notice: str) -> Frozen:
        """From its entries, written already, with commas between them, and the numbers of their papers."""
        notice_json = _compact(notice) if notice else b'""'
        text = b'{"entries":[%b],"considered":%d,"more":%d,"notice":%b}' % (entries, considered, more, notice_json)
        return cls(text, len(shown) // 4, shown)

    def content(self) -> Content:
        """The content as an object."""
        return Content.from_json(json.loads(self.text))


def written(entry: Entry) -> bytes:
    """An entry, as it is kept."""
    return _compact(_plain(entry))


def around(entry: Entry) -> tuple[bytes, bytes]:
    """What stands before and behind a match's own members in an entry that has none of them, as it is kept."""
    text = written(entry)
    at = len(_compact({"paper": entry.paper, "revision": entry.revision, "section": entry.section})) - 1
    return text[:at], text[at:]


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(entry: Entry) -> dict[str, Any]:
    """An entry without what is as ever: millions of them are kept."""
    values: dict[str, Any] = {"paper": entry.paper, "revision": entry.revision, "section": entry.section}
    for name, default in _DEFAULTS:
        value = getattr(entry, name)
        if value != default:
            values[name] = value
    return values


def _entry(value: Mapping[str, Any]) -> Entry:
    get = value.get
    return Entry(
        value["paper"],
        value["revision"],
        value["section"],
        get("score", 0),
        get("strict", False),
        get("topic", -1),
        get("mask", 0),
        tuple([(int(i), tuple(words)) for i, words in get("matched", ())]),
        tuple(get("followed", ())),
        tuple([(str(name), float(number)) for name, number in get("signals", ())]),
        get("reason", ""),
        get("spark", ""),
    )


_DEFAULTS = tuple(Entry._field_defaults.items())
