"""arXiv by OAI-PMH: records changed on a date, in both metadata formats (`arXiv`, `arXivRaw`). The parser is pure.

A record's datestamp is its last change, not its announcement; `to_listed_paper` decides whether it is new. Resumption
tokens expire at midnight UTC, so a window is one date, and a window whose token expired is started again.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from digest import clock, papers, settings
from digest.errors import BadInput, SourceDown
from digest.papers import ListedPaper, ParsedDocument, Record, RejectedItem
from digest.papers.outlets import ARXIV
from digest.sources import arxiv, arxiv_calendar, dates, http, identifiers, xml
from digest.sources.author_line import AuthorLine, authors_of
from digest.sources.item_conversion import convert_items
from digest.sources.record_limits import require_within_limits
from digest.sources.source import (
    LATE,
    DayMark,
    FetchedDocument,
    FetchResult,
    NamedDocument,
    SavedFile,
    Source,
    rejected_file,
)

METADATA_FORMATS = ("arXivRaw", "arXiv")  # arXivRaw has versions; arXiv is for servers that have only that
RESTARTS = 3
MAX_PAGES = 400
LONGEST_HELD = timedelta(days=60)
MAX_EXPLANATION = 200  # characters of the server's words about an error
_NO_RECORDS = "noRecordsMatch"  # the protocol's error code for a list without records
_HARVEST_GRACE = timedelta(minutes=30)
_PHYSICS = {
    "astro-ph",
    "cond-mat",
    "gr-qc",
    "hep-ex",
    "hep-lat",
    "hep-ph",
    "hep-th",
    "math-ph",
    "nlin",
    "nucl-ex",
    "nucl-th",
    "physics",
    "quant-ph",
}
_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_NS = {"oai": "http://www.openarchives.org/OAI/2.0/"}
_XML_FORM = xml.xml_form(("record",), {"OAI-PMH": "ListRecords"}, (("resumptionToken", ""),), {"": _NS["oai"]})
_VERSION = re.compile(r"v(\d+)")
_ReadText = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class HarvestedRecord:
    """One record: `changed_on` is its datestamp, `submitted_on` its first version's date, None if deleted."""

    record: Record
    changed_on: date
    submitted_on: date | None


@dataclass(frozen=True, slots=True)
class OaiPage:
    """One answer. `token` requests the next, '' ends the list. `error`: the protocol's error code, '' for none.

    `cut`: where the answer is truncated or its token unreadable, so that later records are missing.
    """

    records: tuple[HarvestedRecord, ...] = ()
    rejected: tuple[RejectedItem, ...] = ()
    token: str = ""
    error: str = ""
    cut: RejectedItem | None = None


class TokenExpired(SourceDown):
    """The resumption token expired; the window has to be started again."""


def parse(data: bytes) -> OaiPage:
    """Parse one answer. Raises BadInput for anything else; protocol errors that the caller handles come as `error`."""
    document = xml.read(data, _XML_FORM)
    root = document.head
    if root.tag != f"{_OAI}OAI-PMH":
        raise BadInput("not an answer of OAI-PMH: expected <OAI-PMH>")
    error = root.find("oai:error", _NS)
    if error is not None:
        code = error.get("code", "")
        if code not in {_NO_RECORDS, "badResumptionToken", "cannotDisseminateFormat"}:
            explanation = textwrap.shorten(error.text or "", MAX_EXPLANATION, placeholder=" …")
            raise SourceDown(f"OAI-PMH refused: {code} {explanation}", retryable=False)
        return OaiPage(error=code)
    listing = root.find("oai:ListRecords", _NS)
    if listing is None:
        raise BadInput("not a list of records: expected <ListRecords>")
    harvested, rejected = convert_items(
        document.items, _convert_record, lambda record: xml.text(record, "oai:header/oai:identifier", _NS)
    )
    cut = document.truncation
    if cut is None and document.is_rebuilt and listing.find("oai:resumptionToken", _NS) is None:
        cut = RejectedItem(len(document.items) + 1, "the resumption token can't be read", "")
    return OaiPage(tuple(harvested), tuple(rejected), xml.text(listing, "oai:resumptionToken", _NS), cut=cut)


def oai_set_of(category: str) -> str:
    """The set of a category: `cs.AI` is `cs:cs:AI`, `hep-th` is `physics:hep-th`, `cs` is `cs`."""
    archive, _, subject = category.partition(".")
    prefix = "physics" if archive in _PHYSICS else archive
    if not subject:
        return f"{prefix}:{archive}" if prefix != archive else prefix
    return f"{prefix}:{archive}:{subject}"


def to_listed_paper(harvested: HarvestedRecord, since: date) -> ListedPaper:
    """How a record with an unknown identifier was announced on its datestamp.

    `since`: every announcement from then on is stored or being fetched. A paper that can't have been announced earlier
    (by the date of its first version and the month of its identifier) is new. So is a first version, unless it is
    older than moderators hold papers: then only its metadata changed.
    """
    record = harvested.record
    if harvested.submitted_on is None:
        return ListedPaper(record, announce_type="replace")
    earliest = max(
        harvested.submitted_on, identifiers.month_of_identifier(record.arxiv_id or "") or harvested.submitted_on
    )
    may_have_been_held = record.version == 1 and harvested.changed_on - earliest <= LONGEST_HELD
    earliest_announcement = arxiv_calendar.announcement_of_submission(datetime.combine(earliest, time.max, UTC))
    return ListedPaper(
        record, announce_type="new" if may_have_been_held or earliest_announcement >= since else "replace"
    )


def fetch(day: date, oai_set: str) -> Iterator[OaiPage]:
    """All pages of one date and one set ('': all of arXiv). Raises SourceDown.

    Where a token expires the pages start again from the first, so records may be repeated.
    """
    for _ in range(RESTARTS):
        for metadata_format in METADATA_FORMATS:
            try:
                yield from _pages(_first_request(day, oai_set, metadata_format))
                return
            except _UnsupportedFormat:
                continue
            except TokenExpired:
                break
    raise SourceDown(f"the resumption token for {day} expired {RESTARTS} times", retryable=False)


class _UnsupportedFormat(Exception):
    """The server does not support this metadata format."""


def _pages(request: http.SourceRequest) -> Iterator[OaiPage]:
    used_tokens: set[str] = set()
    cut: RejectedItem | None = None
    while len(used_tokens) < MAX_PAGES:
        page = http.fetch(request, parse, is_complete=lambda page: page.cut is None)
        if page.error == "cannotDisseminateFormat":
            raise _UnsupportedFormat
        if page.error == "badResumptionToken":
            raise TokenExpired("the resumption token expired", retryable=False)
        yield page
        cut = cut or page.cut
        if not page.token or page.token in used_tokens:
            break
        used_tokens.add(page.token)
        request = replace(request, params=(("verb", "ListRecords"), ("resumptionToken", _unquote(page.token))))
    else:
        raise SourceDown(f"more than {MAX_PAGES} pages for one date", retryable=False)
    if cut is not None:
        raise SourceDown(f"record {cut.position} of a page: {cut.reason}", retryable=False)


def _unquote(token: str) -> str:
    """Undo the URL quoting of arXiv's tokens: the HTTP client quotes them again."""
    return unquote(token) if "%" in token else token


def _first_request(day: date, oai_set: str, metadata_format: str) -> http.SourceRequest:
    params = [("verb", "ListRecords"), ("metadataPrefix", metadata_format), ("from", str(day)), ("until", str(day))]
    if oai_set:
        params.append(("set", oai_set))
    return http.SourceRequest(arxiv.OAI_URL.value(), arxiv.PACING, tuple(params))


def _convert_record(record: Element) -> HarvestedRecord:
    """Convert one record. Raises ValueError."""
    header = record.find("oai:header", _NS)
    if header is None:
        raise ValueError("no header")
    arxiv_id, _ = identifiers.parse_arxiv_id(xml.text(header, "oai:identifier", _NS).removeprefix("oai:arXiv.org:"))
    changed_on = dates.parse_date("datestamp", xml.text(header, "oai:datestamp", _NS))
    if header.get("status") == "deleted":
        return HarvestedRecord(Record("", arxiv_id=arxiv_id, withdrawn=True), changed_on, None)
    for metadata_format, read_format in (("arXiv", _read_arxiv_format), ("arXivRaw", _read_raw_format)):
        metadata = record.find(f"oai:metadata/{{http://arxiv.org/OAI/{metadata_format}/}}{metadata_format}", _NS)
        if metadata is not None:
            return read_format(metadata, arxiv_id, changed_on)
    raise ValueError("no metadata in a known format (arXiv, arXivRaw)")


def _read_arxiv_format(meta: Element, arxiv_id: str, changed_on: date) -> HarvestedRecord:
    """Format `arXiv`: authors in parts, no version numbers; `updated` means that there is a second version."""
    names = {"a": "http://arxiv.org/OAI/arXiv/"}

    def text(path: str) -> str:
        return xml.text(meta, f"a:{path}", names)

    authors = []
    for author in meta.iterfind("a:authors/a:author", names):
        parts = (xml.text(author, f"a:{part}", names) for part in ("forenames", "keyname", "suffix"))
        authors.append(" ".join(part for part in parts if part))
    submitted_on = dates.parse_date("created", text("created"))
    record = _record(text, arxiv_id, AuthorLine(tuple(name for name in authors if name)), submitted_on)
    return HarvestedRecord(replace(record, version=2 if text("updated") else 1), changed_on, submitted_on)


def _read_raw_format(meta: Element, arxiv_id: str, changed_on: date) -> HarvestedRecord:
    """Format `arXivRaw`: authors in one line, every version with date and size; an empty version is a withdrawal."""
    names = {"a": "http://arxiv.org/OAI/arXivRaw/"}

    def text(path: str) -> str:
        return xml.text(meta, f"a:{path}", names)

    versions = meta.findall("a:version", names)
    if not versions:
        raise ValueError("no version")
    first_version, last_version = versions[0], versions[-1]
    version_match = _VERSION.fullmatch(last_version.get("version", ""))
    submitted_on = _submitted_on(xml.text(first_version, "a:date", names))
    is_empty = xml.text(last_version, "a:size", names).lower() in {"0kb", "0b"}
    record = _record(text, arxiv_id, authors_of(text("authors")), submitted_on)
    version = int(version_match[1]) if version_match else len(versions)
    return HarvestedRecord(
        replace(record, version=version, withdrawn=record.withdrawn or is_empty), changed_on, submitted_on
    )


def _submitted_on(text: str) -> date:
    """The date of a version, in RFC 5322 format. Raises ValueError."""
    try:
        submitted_on = parsedate_to_datetime(text).date()
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise ValueError(f"version: {text[:40]!r} is not a date") from error
    return dates.require_plausible("version", submitted_on)


def _record(text: _ReadText, arxiv_id: str, authors: AuthorLine, submitted_on: date) -> Record:
    """The fields common to both formats. Raises ValueError."""
    if text("id") and identifiers.parse_arxiv_id(text("id"))[0] != arxiv_id:
        raise ValueError(f"id: {text('id')[:40]} stands under the identifier {arxiv_id}")
    title, abstract, comment = text("title"), text("abstract"), text("comments") or None
    if not title:
        raise ValueError("no title")
    record = Record(
        title=title,
        abstract=abstract,
        authors=authors.names,
        authors_complete=authors.complete,
        arxiv_id=arxiv_id,
        doi=text("doi").split(" ")[0].lower() or None,
        categories=tuple(text("categories").split()),
        comment=comment,
        venue=text("journal-ref") or papers.venue(comment),
        code_url=papers.code_address(comment, abstract),
        published=submitted_on,
        withdrawn=papers.is_withdrawn(comment, abstract),
    )
    return require_within_limits(record)


def _harvest(day: date) -> tuple[list[HarvestedRecord], list[RejectedItem], SourceDown | None]:
    """The records of one date by identifier, what was refused, and the failure that ended the harvest early."""
    harvested: dict[str, HarvestedRecord] = {}
    rejected: list[RejectedItem] = []
    try:
        for category in settings.get().arxiv_categories or ("",):
            for page in fetch(day, oai_set_of(category) if category else ""):
                harvested |= {h.record.arxiv_id or "": h for h in page.records}
                rejected += page.rejected
                rejected += (page.cut,) if page.cut else ()
    except SourceDown as error:
        return list(harvested.values()), rejected, error
    return list(harvested.values()), rejected, None


def _fetch_day(day: date) -> FetchResult:
    """The records that changed on one date, all configured categories together.

    Where a later page fails, the pages before it are stored and the day stays open.
    """
    closed, now = settings.get().closed_evenings, clock.now()
    harvested, rejected, failure = _harvest(day)
    since = arxiv.oldest_complete_since(day)
    by_day: dict[date, list[ListedPaper]] = {day: []}
    for item in harvested:  # other dates occur only where a server ignores the request's range
        by_day.setdefault(item.changed_on, []).append(to_listed_paper(item, since))
    new = sum(item.announce_type == "new" for item in by_day[day])
    is_over = now.astimezone(UTC).date() > day
    announces = arxiv_calendar.announces(day, closed)
    complete = is_over or (now >= arxiv_calendar.harvest_at(day) + _HARVEST_GRACE and (new > 0 or not announces))
    mark = DayMark(day, new, final=is_over) if complete and failure is None else None
    documents = tuple(
        FetchedDocument(
            f"records of {changed_on}",
            ParsedDocument(tuple(by_day[changed_on]), tuple(dict.fromkeys(rejected)) if changed_on == day else ()),
            arxiv_calendar.current(changed_on, closed),
            mark=mark if changed_on == day else None,
        )
        for changed_on in sorted(by_day)
    )
    incomplete = failure is None and not complete and announces
    return FetchResult(documents, LATE if incomplete else "", f"{day} is not there yet" if incomplete else "", failure)


def _parse_saved_page(data: bytes) -> OaiPage:
    """Parse a saved answer. Raises BadInput and SourceDown; a saved error has no records to import."""
    page = parse(data)
    if page.error not in {"", _NO_RECORDS}:
        raise BadInput(f"an error of OAI-PMH instead of records: {page.error}")
    return page


def _parse_files(files: Iterable[SavedFile]) -> Iterator[NamedDocument]:
    """Saved pages together: one document for each announcement, oldest first."""
    harvested: dict[str, HarvestedRecord] = {}
    rejected_by_file: dict[str, tuple[RejectedItem, ...]] = {}
    for name, data in files:
        try:
            page = _parse_saved_page(data)
        except (BadInput, SourceDown) as error:
            rejected_by_file[name] = (rejected_file(error, data),)
            continue
        harvested |= {h.record.arxiv_id or "": h for h in page.records}
        rejected_by_file[name] = (*page.rejected, page.cut) if page.cut else page.rejected
    since = min((h.changed_on for h in harvested.values()), default=date.min)
    by_day: dict[date, list[ListedPaper]] = {}
    for item in harvested.values():
        by_day.setdefault(arxiv_calendar.current(item.changed_on), []).append(to_listed_paper(item, since))
    for name, rejected in rejected_by_file.items():
        if rejected:
            yield name, ParsedDocument(rejected=rejected)
    for day in sorted(by_day):
        yield f"records of {day}", ParsedDocument(tuple(by_day[day]), announced=day)


SOURCE = Source(
    name=arxiv.OAI,
    parser=_parse_files,
    pacing=arxiv.PACING,
    settings=(arxiv.OAI_URL,),
    fetch_day=_fetch_day,
    next_fetch=arxiv.next_harvest,
    calendar=arxiv.ANNOUNCEMENTS,
    outlet=ARXIV,
    fills_gaps=True,
    enabled_by_default=True,
)
