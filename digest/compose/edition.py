"""The content of an edition: its papers in order, with the reasons they were chosen for. Pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

FOLLOWED, NEW, RISING = "followed", "new", "rising"
SECTION_ORDER = (FOLLOWED, NEW, RISING)  # the sections of an edition as mails show them
NOVELTY = "novelty"  # among an entry's signals: 0 to 100


class Entry(NamedTuple):
    """One paper of an edition, with all data to render it identically later.

    `matched`: (topic's index in the profile version, words as the subscriber typed them). `followed`: author names.
    `example`: the title of the nearest of the subscriber's example papers, '' for none; `example_words`: the words
    shared with it. `signals`: (name, value) pairs to show; `reason`: why the paper is rising, one line, '' elsewhere;
    `spark`: how its votes grew, as text bars.
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
    example: str = ""
    example_words: tuple[str, ...] = ()

    @property
    def novelty(self) -> int | None:
        """How unusual the paper is for its field, a percentile from 0 to 100; None where it was not measured."""
        return next((int(value) for name, value in self.signals if name == NOVELTY), None)


@dataclass(frozen=True, slots=True)
class Content:
    """A whole edition. `considered`: papers announced since the last one; `more`: matches beyond the limit.

    `notice`: one line for an unusual day (a late source, a pause that ended), else ''. `days_back`: how many days a
    first edition looks back; 0 for other editions.
    """

    entries: tuple[Entry, ...] = ()
    considered: int = 0
    more: int = 0
    notice: str = ""
    days_back: int = 0

    def section(self, name: str) -> tuple[Entry, ...]:
        """The entries of one section, in order."""
        return tuple([entry for entry in self.entries if entry.section == name])

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` is the inverse."""
        entries = [_entry_members(entry) for entry in self.entries]
        values = {"entries": entries, "considered": self.considered, "more": self.more, "notice": self.notice}
        return values | ({"days_back": self.days_back} if self.days_back else {})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Content:
        """Parse what `to_json` returned."""
        return cls(
            entries=tuple([_entry_from_json(entry) for entry in value.get("entries", ())]),
            considered=int(value.get("considered", 0)),
            more=int(value.get("more", 0)),
            notice=str(value.get("notice", "")),
            days_back=int(value.get("days_back", 0)),
        )


class StoredContent(NamedTuple):
    """An edition's content as it is stored: JSON, the number of papers, and their ids as little-endian int32.

    A run stores millions of these without creating `Content` objects.
    """

    text: bytes
    papers: int
    paper_ids: bytes

    @classmethod
    def from_content(cls, content: Content) -> StoredContent:
        """Serialise the content."""
        papers = [entry.paper for entry in content.entries]
        return cls(_compact_json(content.to_json()), len(papers), struct.pack(f"<{len(papers)}i", *papers))

    @classmethod
    def from_entries_json(
        cls, entries: bytes, paper_ids: bytes, *, considered: int, more: int, notice: str, days_back: int = 0
    ) -> StoredContent:
        """Build it from entries that are JSON already, separated by commas, and their packed paper ids."""
        notice_json = _compact_json(notice) if notice else b'""'
        span = b',"days_back":%d' % days_back if days_back else b""
        text = b'{"entries":[%b],"considered":%d,"more":%d,"notice":%b%b}' % (
            *(entries, considered, more),
            *(notice_json, span),
        )
        return cls(text, len(paper_ids) // 4, paper_ids)

    def content(self) -> Content:
        """Parse the content."""
        return Content.from_json(json.loads(self.text))


def entry_json(entry: Entry) -> bytes:
    """An entry as compact JSON."""
    return _compact_json(_entry_members(entry))


def entry_json_affixes(entry: Entry) -> tuple[bytes, bytes]:
    """The JSON before and after the place where a match's own members go, for an entry without any."""
    text = entry_json(entry)
    split_position = (
        len(_compact_json({"paper": entry.paper, "revision": entry.revision, "section": entry.section})) - 1
    )
    return text[:split_position], text[split_position:]


def _compact_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _entry_members(entry: Entry) -> dict[str, Any]:
    """An entry's JSON members without those that have their default: millions are stored."""
    values: dict[str, Any] = {"paper": entry.paper, "revision": entry.revision, "section": entry.section}
    for name, default in _DEFAULTS:
        value = getattr(entry, name)
        if value != default:
            values[name] = value
    return values


def _entry_from_json(value: Mapping[str, Any]) -> Entry:
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
        get("example", ""),
        tuple(get("example_words", ())),
    )


_DEFAULTS = tuple(Entry._field_defaults.items())
