"""The interface of a source: its entry in the registry, and the documents that a fetch returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from digest.errors import N_, BadInput, DigestError, SourceDown
from digest.papers import ParsedDocument, Record, RejectedItem
from digest.settings import TextSetting
from digest.sources.request_turns import Pacing

LATE, PARTIAL, STALE, DOWN = N_("late"), N_("partial"), N_("stale"), N_("down")
A_DAY = timedelta(days=1)
MAX_DAYS_BACK = 60  # announcements that are older are not fetched to fill a gap

SavedFile = tuple[str, bytes]  # file name, unpacked content
NamedDocument = tuple[str, ParsedDocument]
FileParser = Callable[[Iterable[SavedFile]], Iterator[NamedDocument]]


@dataclass(frozen=True, slots=True)
class DayMark:
    """Recorded when a day is completely stored. `final`: the day is over and need not be fetched again."""

    day: date
    papers: int
    final: bool = True


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """Papers to store together, and the mark to store in the same transaction.

    Its new papers join the announcement of `announcement`, or the one that was current on `current_on`, or else that of
    the document's own date. `on_stored` is called in the transaction that stores it.
    """

    name: str
    parsed: ParsedDocument
    announcement: date | None = None
    current_on: date | None = None
    mark: DayMark | None = None
    on_stored: Callable[[Session], None] | None = None


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The result of one fetch. `failure` is raised after the documents are stored.

    `outcome`: '' for success, else LATE, PARTIAL or STALE with a line of `detail`. `documents` may be an iterator that
    fetches page by page and raises SourceDown.
    """

    documents: Iterable[FetchedDocument] = ()
    outcome: str = ""
    detail: str = ""
    failure: SourceDown | None = None


class AnnouncementCalendar(Protocol):
    """The calendar of announcements that several sources carry. A day stored by any of them is not missing."""

    @property
    def label(self) -> str:
        """Name of the announcer, for texts."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources that carry these announcements."""

    def announces_on(self, instant: datetime) -> bool:
        """True where that instant's local date has an announcement."""

    def between(self, first: date, last: date) -> list[date]:
        """The announcements from `first` to `last`, both included."""

    def previous(self, day: date) -> date:
        """The announcement before that date."""

    def current(self, day: date) -> date:
        """The newest announcement not after that date."""

    def newest(self, instant: datetime) -> date:
        """The newest announcement published by that instant."""

    def published_at(self, day: date) -> datetime:
        """When an announcement is late if it is not there yet."""

    def available_from(self, day: date) -> datetime:
        """When the first of the sources has it."""


def all_days(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [first + n * A_DAY for n in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class CurrentFetch:
    """A fetch of what the source offers now, with its label for progress."""

    label: str
    fetch: Callable[[], FetchResult]


@dataclass(frozen=True, slots=True)
class Source:
    """The definition of one source; `registry.SOURCES` lists these entries.

    A source has `fetch_day`, `current`, or both (then the days come first). It is due `interval` after its last
    attempt, or when `next_fetch` says. Without a calendar it is late after three intervals.

    The calendar of announcements is arXiv's. Papers of another source with `fresh_for` are new on the day on which they
    were first seen here. Papers of older days, from a long outage or for the history, join the announcement of their
    own day: where that has left the window of announcements they are stored but never mailed as new.
    """

    name: str
    parser: FileParser
    pacing: Pacing
    settings: tuple[TextSetting, ...]  # its base URL and key
    fetch_day: Callable[[date], FetchResult] | None = None
    days: Callable[[date, date], list[date]] = all_days  # those between two dates that can be fetched
    current: tuple[CurrentFetch, ...] = ()
    interval: timedelta = timedelta(hours=24)
    next_fetch: Callable[[datetime], datetime] | None = None
    calendar: AnnouncementCalendar | None = None
    only_missing_days: bool = False  # skips days that any source of the calendar has stored
    fills_gaps: bool = False  # fetched first and again soon while announcements are missing
    enabled_by_default: bool = False
    fallback_figures: bool = False  # its author figures count only where no other source has any
    summary_origin: str = ""  # what people call it; for a source that gives one-line summaries
    fresh_for: timedelta | None = None  # papers of days this recent join the announcement of the day of their fetch
    outlet: str = ""  # name of the outlet whose papers it carries (`papers.outlets`); '' for facts about papers only
    label: str = ""  # what people call it, where that is not its name

    def next_due(self, attempted_at: datetime) -> datetime:
        """When it is to be fetched again after a successful attempt."""
        return self.next_fetch(attempted_at) if self.next_fetch else attempted_at + self.interval


def each_file(parse: Callable[[bytes], ParsedDocument]) -> FileParser:
    """A parser of saved files where each file is a document of its own."""

    def parser(files: Iterable[SavedFile]) -> Iterator[NamedDocument]:
        for name, data in files:
            try:
                yield name, parse(data)
            except BadInput as error:
                yield name, ParsedDocument(rejected=(rejected_file(error, data),))

    return parser


def rejected_file(error: DigestError, data: bytes) -> RejectedItem:
    """A file that cannot be parsed, as one rejected item with the file's beginning."""
    return RejectedItem(1, str(error), data[:120].decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class PaperLookup:
    """Looks up single papers at a source. `accepts`: whether it may know an identifier.

    `look_up` yields, for each answer, the identifiers asked for and the papers found; it raises SourceDown.
    `max_papers`: of one call, where the source answers about one paper at a time.
    """

    accepts: Callable[[str], bool]
    look_up: Callable[[Sequence[str]], Iterator[tuple[Sequence[str], Mapping[str, Record]]]]
    max_papers: int | None = None
