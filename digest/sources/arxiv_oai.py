"""arXiv by OAI-PMH: records changed on a date, in both metadata formats (`arXiv`, `arXivRaw`). The parser is pure.

A record's datestamp is its last change, not its announcement; `to_listed_paper` decides whether it is new. Resumption
tokens expire at midnight UTC, so a window is one date, and a window whose token expired is started again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from digest import clock, papers, settings
from digest.errors import BadInput, SourceDown
from digest.papers import ListedPaper, ParsedDocument, Record, RejectedItem
from digest.sources import arxiv, arxiv_calendar, dates, http, identifiers, xml
from digest.sources.author_line import Authors, authors_of
from digest.sources.limits import within_limits
from digest.sources.source import (
    LATE,
    DayMark,
    Fetched,
    FetchedDocument,
    NamedDocument,
    SavedFile,
    Source,
    refused_file,
)

FORMS = ("arXivRaw", "arXiv")  # arXivRaw has versions; arXiv is for servers that have only that
RESTARTS = 3
MAX_PAGES = 400
LONGEST_HELD = timedelta(days=60)
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
_FORM = xml.form(("record",), {"OAI-PMH": "ListRecords"}, (("resumptionToken", ""),), {"": _NS["oai"]})
_VERSION = re.compile(r"v(\d+)")
_Text = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Harvested:
    """One record: `changed_on` is its datestamp, `submitted_on` its first version's date, None if deleted."""

    record: Record
    changed: date
    submitted_on: date | None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `token` requests the next, '' ends the list. `error`: the protocol's error code, '' for none.

    `cut`: where the answer is truncated or its token unreadable, so that later records are missing.
    """

    records: tuple[Harvested, ...] = ()
    bad: tuple[RejectedItem, ...] = ()
    token: str = ""
    error: str = ""
    cut: RejectedItem | None = None


class TokenExpired(SourceDown):
    """The resumption token expired; the window has to be started again."""


def parse(data: bytes) -> Page:
    """Parse one answer. Raises BadInput for anything else; protocol errors that the caller handles come as `error`."""
    document = xml.read(data, _FORM)
    top = document.head
    if top.tag != f"{_OAI}OAI-PMH":
        raise BadInput("not an answer of OAI-PMH: expected <OAI-PMH>")
    error = top.find("oai:error", _NS)
    if error is not None:
        code = error.get("code", "")
        if code not in {"noRecordsMatch", "badResumptionToken", "cannotDisseminateFormat"}:
            raise SourceDown(f"OAI-PMH refused: {code} {' '.join((error.text or '').split())[:120]}", again=False)
        return Page(error=code)
    listing = top.find("oai:ListRecords", _NS)
    if listing is None:
        raise BadInput("not a list of records: expected <ListRecords>")
    harvested, bad = [], []
    for position, record in enumerate(document.items, start=1):
        if isinstance(record, RejectedItem):
            bad.append(record)
            continue
        try:
            harvested.append(_harvested(record))
        except ValueError as invalid:
            where = xml.text(record, "oai:header/oai:identifier", _NS)
            bad.append(RejectedItem(position, str(invalid), where[:120]))
    cut = document.cut
    if cut is None and document.rebuilt and listing.find("oai:resumptionToken", _NS) is None:
        cut = RejectedItem(len(document.items) + 1, "the resumption token can't be read", "")
    return Page(tuple(harvested), tuple(bad), xml.text(listing, "oai:resumptionToken", _NS), cut=cut)


def set_of(category: str) -> str:
    """The set of a category: `cs.AI` is `cs:cs:AI`, `hep-th` is `physics:hep-th`, `cs` is `cs`."""
    archive, _, subject = category.partition(".")
    group = "physics" if archive in _PHYSICS else archive
    if not subject:
        return f"{group}:{archive}" if group != archive else group
    return f"{group}:{archive}:{subject}"


def announced_records(harvested: Harvested, since: date) -> ListedPaper:
    """How a record with an unknown identifier was announced on its datestamp.

    `since`: every announcement from then on is stored or being fetched. A paper that can't have been announced earlier
    (by the date of its first version and the month of its identifier) is new. So is a first version, unless it is
    older than moderators hold papers: then only its metadata changed.
    """
    record = harvested.record
    if harvested.submitted_on is None:
        return ListedPaper(record, announce_type="replace")
    earliest = max(harvested.submitted_on, identifiers.month(record.arxiv_id or "") or harvested.submitted_on)
    may_have_been_held = record.version == 1 and harvested.changed - earliest <= LONGEST_HELD
    soonest = arxiv_calendar.announcing(datetime.combine(earliest, time.max, UTC))
    return ListedPaper(record, announce_type="new" if may_have_been_held or soonest >= since else "replace")


def fetch(day: date, oai_set: str) -> Iterator[Page]:
    """All pages of one date and one set ('': all of arXiv). Raises SourceDown.

    Where a token expires the pages start again from the first, so records may be repeated.
    """
    for _ in range(RESTARTS):
        for form in FORMS:
            try:
                yield from _pages(_first_request(day, oai_set, form))
                return
            except _UnsupportedForm:
                continue
            except TokenExpired:
                break
    raise SourceDown(f"the resumption token for {day} expired {RESTARTS} times", again=False)


class _UnsupportedForm(Exception):
    """The server does not support this metadata format."""


def _pages(request: http.Request) -> Iterator[Page]:
    used_tokens: set[str] = set()
    cut: RejectedItem | None = None
    while len(used_tokens) < MAX_PAGES:
        page = http.fetch(request, parse, whole=lambda page: page.cut is None)
        if page.error == "cannotDisseminateFormat":
            raise _UnsupportedForm
        if page.error == "badResumptionToken":
            raise TokenExpired("the resumption token expired", again=False)
        yield page
        cut = cut or page.cut
        if not page.token or page.token in used_tokens:
            break
        used_tokens.add(page.token)
        request = replace(request, params=(("verb", "ListRecords"), ("resumptionToken", _unquoted(page.token))))
    else:
        raise SourceDown(f"more than {MAX_PAGES} pages for one date", again=False)
    if cut is not None:
        raise SourceDown(f"record {cut.position} of a page: {cut.reason}", again=False)


def _unquoted(token: str) -> str:
    """Undo the URL quoting of arXiv's tokens: the HTTP client quotes them again."""
    return unquote(token) if "%" in token else token


def _first_request(day: date, oai_set: str, form: str) -> http.Request:
    params = [("verb", "ListRecords"), ("metadataPrefix", form), ("from", str(day)), ("until", str(day))]
    if oai_set:
        params.append(("set", oai_set))
    return http.Request(arxiv.OAI_URL.value(), arxiv.PACING, tuple(params))


def _harvested(record: Element) -> Harvested:
    """Convert one record. Raises ValueError."""
    header = record.find("oai:header", _NS)
    if header is None:
        raise ValueError("no header")
    arxiv_id, _ = identifiers.split(xml.text(header, "oai:identifier", _NS).removeprefix("oai:arXiv.org:"))
    changed = dates.day("datestamp", xml.text(header, "oai:datestamp", _NS))
    if header.get("status") == "deleted":
        return Harvested(Record("", arxiv_id=arxiv_id, withdrawn=True), changed, None)
    for form, read in (("arXiv", _read_arxiv_form), ("arXivRaw", _read_raw_form)):
        metadata = record.find(f"oai:metadata/{{http://arxiv.org/OAI/{form}/}}{form}", _NS)
        if metadata is not None:
            return read(metadata, arxiv_id, changed)
    raise ValueError("no metadata in a known format (arXiv, arXivRaw)")


def _read_arxiv_form(meta: Element, arxiv_id: str, changed: date) -> Harvested:
    """Format `arXiv`: authors in parts, no version numbers; `updated` means that there is a second version."""
    names = {"a": "http://arxiv.org/OAI/arXiv/"}

    def text(path: str) -> str:
        return xml.text(meta, f"a:{path}", names)

    authors = []
    for author in meta.iterfind("a:authors/a:author", names):
        parts = (xml.text(author, f"a:{part}", names) for part in ("forenames", "keyname", "suffix"))
        authors.append(" ".join(part for part in parts if part))
    submitted_on = dates.day("created", text("created"))
    record = _record(text, arxiv_id, Authors(tuple(name for name in authors if name)), submitted_on)
    return Harvested(replace(record, version=2 if text("updated") else 1), changed, submitted_on)


def _read_raw_form(meta: Element, arxiv_id: str, changed: date) -> Harvested:
    """Format `arXivRaw`: authors in one line, every version with date and size; an empty version is a withdrawal."""
    names = {"a": "http://arxiv.org/OAI/arXivRaw/"}

    def text(path: str) -> str:
        return xml.text(meta, f"a:{path}", names)

    versions = meta.findall("a:version", names)
    if not versions:
        raise ValueError("no version")
    first, last = versions[0], versions[-1]
    number = _VERSION.fullmatch(last.get("version", ""))
    submitted_on = _submitted_on(xml.text(first, "a:date", names))
    empty = xml.text(last, "a:size", names).lower() in {"0kb", "0b"}
    record = _record(text, arxiv_id, authors_of(text("authors")), submitted_on)
    version = int(number[1]) if number else len(versions)
    return Harvested(replace(record, version=version, withdrawn=record.withdrawn or empty), changed, submitted_on)


def _submitted_on(text: str) -> date:
    """The date of a version, in RFC 5322 format. Raises ValueError."""
    try:
        submitted_on = parsedate_to_datetime(text).date()
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise ValueError(f"version: {text[:40]!r} is not a date") from error
    return dates.plausible("version", submitted_on)


def _record(text: _Text, arxiv_id: str, authors: Authors, submitted_on: date) -> Record:
    """The fields common to both formats. Raises ValueError."""
    if text("id") and identifiers.split(text("id"))[0] != arxiv_id:
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
    return within_limits(record)


def _harvest(day: date) -> tuple[list[Harvested], list[RejectedItem], SourceDown | None]:
    """The records of one date by identifier, what was refused, and the failure that ended the harvest early."""
    harvested: dict[str, Harvested] = {}
    bad: list[RejectedItem] = []
    try:
        for category in settings.get().arxiv_categories or ("",):
            for page in fetch(day, set_of(category) if category else ""):
                harvested |= {h.record.arxiv_id or "": h for h in page.records}
                bad += page.bad
                bad += (page.cut,) if page.cut else ()
    except SourceDown as error:
        return list(harvested.values()), bad, error
    return list(harvested.values()), bad, None


def _fetch_day(day: date) -> Fetched:
    """The records that changed on one date, all configured categories together.

    Where a later page fails, the pages before it are stored and the day stays open.
    """
    closed, now = settings.get().closed_evenings, clock.now()
    harvested, bad, failure = _harvest(day)
    since = arxiv.oldest_complete_since(day)
    by_day: dict[date, list[ListedPaper]] = {day: []}
    for item in harvested:  # other dates occur only where a server ignores the request's range
        by_day.setdefault(item.changed, []).append(announced_records(item, since))
    new = sum(item.announce_type == "new" for item in by_day[day])
    over = now.astimezone(UTC).date() > day
    announces = arxiv_calendar.announces(day, closed)
    complete = over or (now >= arxiv_calendar.harvest_at(day) + _HARVEST_GRACE and (new > 0 or not announces))
    mark = DayMark(day, new, final=over) if complete and failure is None else None
    documents = tuple(
        FetchedDocument(
            f"records of {changed}",
            ParsedDocument(tuple(by_day[changed]), tuple(dict.fromkeys(bad)) if changed == day else ()),
            arxiv_calendar.current(changed, closed),
            mark=mark if changed == day else None,
        )
        for changed in sorted(by_day)
    )
    incomplete = failure is None and not complete and announces
    return Fetched(documents, LATE if incomplete else "", f"{day} is not there yet" if incomplete else "", failure)


def _parse_files(files: Iterable[SavedFile]) -> Iterator[NamedDocument]:
    """Saved pages together: one document for each announcement, oldest first."""
    harvested: dict[str, Harvested] = {}
    refused: dict[str, tuple[RejectedItem, ...]] = {}
    for name, data in files:
        try:
            page = parse(data)
        except BadInput as error:
            refused[name] = (refused_file(error, data),)
            continue
        harvested |= {h.record.arxiv_id or "": h for h in page.records}
        refused[name] = (*page.bad, page.cut) if page.cut else page.bad
    since = min((h.changed for h in harvested.values()), default=date.min)
    by_day: dict[date, list[ListedPaper]] = {}
    for item in harvested.values():
        by_day.setdefault(arxiv_calendar.current(item.changed), []).append(announced_records(item, since))
    for name, bad in refused.items():
        if bad:
            yield name, ParsedDocument(rejected=bad)
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
    fills_gaps=True,
    enabled_by_default=True,
)
