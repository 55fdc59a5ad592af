"""Crossref: abstract, authors and journal of a paper by its DOI, for feeds that have none. The parser is pure.

Crossref states in its answers how often it may be asked; the pause between requests follows that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import quote

from digest import papers, settings
from digest.errors import BadInput, SourceDown
from digest.papers import Record
from digest.settings import TextSetting
from digest.sources import dates, http
from digest.sources.decoding import decode
from digest.sources.feed_abstracts import clean_abstract
from digest.sources.feed_authors import without_affiliation
from digest.sources.feed_non_papers import reason_to_leave_out
from digest.sources.request_pacing import Pacing
from digest.text.markup import text_of_markup

_URL = TextSetting("crossref_url", "https://api.crossref.org")
_MAILTO = TextSetting("crossref_mailto", "")
SETTINGS = (_URL, _MAILTO)
DEFAULT_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between requests
MAX_ANSWER = 4 * 1024 * 1024
REQUEST_SECONDS = 30.0
TRIES = 2
MAX_AUTHORS = 5_000
MAX_RELATED = 10  # DOIs of other versions
_INTERVAL = re.compile(r"(\d{1,5})\s*(ms|s|m|h)?$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_NO_PAPERS = {
    "component": "part of a paper",
    "peer-review": "peer review",
    "journal": "journal",
    "journal-issue": "front matter",
    "journal-volume": "front matter",
    "grant": "grant",
    "database": "database",
}
_NOTICES = {
    "retraction": "retraction notice",
    "withdrawal": "retraction notice",
    "removal": "retraction notice",
    "partial_retraction": "retraction notice",
    "expression_of_concern": "expression of concern",
    "erratum": "correction",
    "corrigendum": "correction",
    "correction": "correction",
    "addendum": "correction",
    "clarification": "correction",
}
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s?)?(10\.\d{4,9}/\S+)")
_ET_AL = re.compile(r"(?:and\s+)?(?:et\.?\s*al\.?|others)", re.IGNORECASE)
_RETRACTIONS = frozenset({"retraction", "withdrawal", "removal"})
_DATES = ("published-online", "posted", "published", "published-print", "issued")


class _RequestRate:
    """The pause that the last answer asked for. Its headers may come in any state; too long a pause is not believed."""

    def __init__(self) -> None:
        self.pause = DEFAULT_PAUSE

    def read(self, headers: Mapping[str, str]) -> None:
        limit = headers.get("x-rate-limit-limit", "")
        interval = _INTERVAL.match(headers.get("x-rate-limit-interval", "").strip())
        if limit.isascii() and limit.isdigit() and int(limit) and interval:
            self.pause = min(int(interval[1]) * _SECONDS[interval[2]] / int(limit), LONGEST_PAUSE)

    def seconds(self) -> float:
        return self.pause


_RATE = _RequestRate()
PACING = Pacing("crossref", pause=_RATE.seconds)


@dataclass(frozen=True, slots=True)
class CrossrefWork:
    """A work. `left_out`: why it is no paper, '' where it is one; `is_retracted`: a notice says so."""

    record: Record
    left_out: str = ""
    is_retracted: bool = False


def is_enabled() -> bool:
    """False where the administrator emptied the address."""
    return bool(_URL.value().strip())


def fetch_work(doi: str, *, seconds: float | None = None) -> CrossrefWork | None:
    """The work of a DOI; None where Crossref does not know it. Raises SourceDown.

    `seconds`: for somebody who waits: at most so long for the turn, then for the one answer.
    """
    mailto = _MAILTO.value().strip() or settings.get().mail_from.rpartition("<")[2].rstrip("> ")
    params = (("mailto", mailto),) if "@" in mailto else ()
    url = f"{_URL.value().strip().rstrip('/')}/works/{quote(doi, safe='')}"
    request = http.SourceRequest(url, PACING, params=params, max_bytes=MAX_ANSWER, seconds=REQUEST_SECONDS)
    if seconds is not None:
        request = replace(request, seconds=min(seconds, REQUEST_SECONDS), turn_seconds=seconds)
    try:
        return http.fetch_answer(request, _read, tries=TRIES if seconds is None else 1)
    except SourceDown as error:
        if error.status in {404, 410}:
            return None
        raise


def _read(answer: http.SourceResponse) -> CrossrefWork:
    _RATE.read(answer.headers)
    return parse(answer.body)


def parse(data: bytes) -> CrossrefWork:
    """Parse the answer about one work. Raises BadInput for anything else."""
    try:
        answer = json.loads(decode(data))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {str(error)[:100]}") from error
    message = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(message, dict) or answer.get("status") != "ok" or not isinstance(message.get("DOI"), str):
        raise BadInput("expected a work of Crossref")
    return convert(message)


def convert(work: Mapping[str, Any]) -> CrossrefWork:
    """Convert one work of an answer; what is missing is unknown."""
    title = text_of_markup(_first_text(work.get("title")))
    abstract = clean_abstract(_text(work.get("abstract")), title)
    names = tuple(filter(None, (_name(person) for person in _objects(work.get("author"))[:MAX_AUTHORS])))
    own_doi = _dois([work.get("DOI")])
    updates = _objects(work.get("update-to"))
    own_updates = [update for update in updates if own_doi and _dois([update.get("DOI")]) == own_doi]  # made in place
    about_it = (*_objects(work.get("updated-by")), *own_updates)
    retracted = any(_update_type(update) in _RETRACTIONS for update in about_it)
    doi, preprint_dois = _version_dois(work)
    record = Record(
        title=title[:5000],
        abstract=abstract,
        authors=names,
        doi=doi,
        preprint_dois=preprint_dois,
        venue=text_of_markup(_first_text(work.get("container-title")))[:300] or None,
        code_url=papers.code_address(abstract),
        published=_published(work),
        withdrawn=retracted or papers.is_withdrawn(None, abstract),
        retracted=retracted,
    )
    notices = [
        _NOTICES[kind] for update in updates if update not in own_updates and (kind := _update_type(update)) in _NOTICES
    ]
    left_out = next(iter(notices), "") or _NO_PAPERS.get(_text(work.get("type")), "")
    left_out = left_out or reason_to_leave_out(title, (), doi) or ""
    return CrossrefWork(record, left_out, retracted)


def complete(record: Record, work: CrossrefWork) -> Record:
    """The record with what it lacks; its own title, and its own authors where there are any, stay."""
    other = work.record
    return replace(
        record,
        abstract=max(record.abstract, other.abstract, key=len),
        authors=record.authors or other.authors,
        authors_complete=record.authors_complete if record.authors else True,
        venue=record.venue or other.venue,
        code_url=record.code_url or other.code_url,
        published=record.published or other.published,
        withdrawn=record.withdrawn or other.withdrawn,
        retracted=record.retracted or other.retracted,
        doi=other.doi if other.preprint_dois else record.doi,
        preprint_dois=other.preprint_dois or record.preprint_dois,
    )


def _version_dois(work: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """The DOI to cite and those of preprints, by the relations that the publishers deposited."""
    own = next(iter(_dois([work.get("DOI")])), None)
    published = [doi for doi in _related_dois(work, "is-preprint-of") if doi != own]
    if published and own:
        return published[0], (own,)
    preprints = [papers.without_version(doi) for doi in _related_dois(work, "has-preprint") if doi != own]
    return own, tuple(dict.fromkeys(preprints))


def _related_dois(work: Mapping[str, Any], relation: str) -> list[str]:
    relations = work.get("relation")
    related = _objects(relations.get(relation)) if isinstance(relations, dict) else []
    return _dois([item.get("id") for item in related if _text(item.get("id-type")) == "doi"])[:MAX_RELATED]


def _dois(values: Sequence[object]) -> list[str]:
    """The DOIs in lower case; publishers also deposit their addresses."""
    texts = [_text(value).strip().lower()[:300] for value in values]
    return [match[1][:250] for text in texts if (match := _DOI.match(text))]


def _update_type(update: Mapping[str, Any]) -> str:
    name = _text(update.get("type")) or _text(update.get("update-type")) or _text(update.get("label"))
    return name.lower().replace("-", "_").replace(" ", "_")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _first_text(value: object) -> str:
    return (
        next((item for item in value if isinstance(item, str) and item.strip()), "")
        if isinstance(value, list)
        else _text(value)
    )


def _objects(value: object) -> list[Mapping[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, dict)]


def _name(person: Mapping[str, Any]) -> str:
    """A person's name with the family name last, or an organisation's."""
    parts = [_text(person.get(part)) for part in ("given", "family", "suffix")]
    name = text_of_markup(" ".join(filter(None, parts)) or _text(person.get("name")))[:300]
    return "" if _ET_AL.fullmatch(name) else without_affiliation(name)


def _published(work: Mapping[str, Any]) -> date | None:
    """The first complete date; a year or a month alone is none."""
    for name in _DATES:
        value = work.get(name)
        rows = value.get("date-parts") if isinstance(value, dict) else None
        parts = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], list) else []
        try:
            year, month, day = map(int, parts)
            return dates.require_plausible(name, date(year, month, day))
        except (ValueError, TypeError, OverflowError):
            continue
    return None
