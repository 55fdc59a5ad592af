"""OpenAlex: works' citations, venues and institutions, days after arXiv has them, and their authors' figures.

The parsers are pure. OpenAlex omits from its answer what it does not have: that is unknown, not an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from digest.errors import BadInput
from digest.papers import (
    AuthorFigures,
    AuthorId,
    AuthorProfile,
    ListedPaper,
    ParsedDocument,
    Record,
    RejectedItem,
    arxiv_identity,
)
from digest.settings import TextSetting
from digest.sources import dates, http, json_items
from digest.sources.citation_count_candidates import uncounted_papers
from digest.sources.item_conversion import item_reason
from digest.sources.record_limits import require_count, require_within_limits
from digest.sources.request_turns import Pacing
from digest.sources.source import CurrentFetch, FetchedDocument, FetchResult, Source, each_file
from digest.text.person_references import OPENALEX, ORCID, is_person_id
from digest.text.plain_text import one_line

_NAME = "openalex"
PACING = Pacing(_NAME, pause=0.1)
_URL = TextSetting("openalex_url", "https://api.openalex.org")
_KEY = TextSetting("openalex_key", "", secret=True)
ON, OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")
PEOPLE_LOOKUP = TextSetting("people_lookup", "on", choices=(*ON, *OFF))  # see `openalex_people`
MAX_BATCH = 50  # works or authors of one request; OpenAlex refuses longer filters
MAX_AUTHORS = 30  # of a work: large collaborations say little about each author
MAX_NAME = 200
_ARXIV = "arxiv"
_ADDRESS = "https://openalex.org/"
_WORK_FIELDS = "doi,display_name,authorships,publication_date,cited_by_count,primary_location"
_AUTHOR_FIELDS = "id,display_name,works_count,cited_by_count,summary_stats"


def parse(data: bytes) -> ParsedDocument:
    """Parse one work, a list of works, or authors. A malformed element is refused, the others are used.

    Raises BadInput where it is none of these.
    """
    items = _items(data)
    works: list[ListedPaper] = []
    rejected: list[RejectedItem] = []
    authors: list[AuthorProfile] = []
    for position, item in enumerate(items.values, start=1):
        if isinstance(item, RejectedItem):
            rejected.append(item)
            continue
        try:
            if not _is_author(item):
                works.append(_convert_work(item))
            elif author := _author_profile(item):
                authors.append(author)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"in another form ({error})" if isinstance(error, KeyError) else item_reason(error)
            rejected.append(RejectedItem(position, reason, json.dumps(item, ensure_ascii=False)[:120]))
    return ParsedDocument(tuple(works), tuple(rejected), authors=tuple(authors), is_cut=items.is_cut)


def author_names(data: bytes) -> dict[str, str]:
    """Authors of an answer's works: OpenAlex's key to the name as the paper prints it."""
    names_by_key: dict[str, str] = {}
    for work in _items(data).values:
        with suppress(AttributeError, KeyError, TypeError):  # such a work is refused by `parse`
            names_by_key |= _names_of_work(work)
    return names_by_key


def _names_of_work(work: Mapping[str, Any]) -> dict[str, str]:
    names_by_key = {}
    authorships = work.get("authorships") or ()
    for authorship in authorships if len(authorships) <= MAX_AUTHORS else ():
        author = authorship.get("author") or {}
        key, name = key_of(author), one_line(str(authorship.get("raw_author_name") or author.get("display_name") or ""))
        if key and 0 < len(name) <= MAX_NAME:
            names_by_key[key] = name
    return names_by_key


def _author_ids(work: Mapping[str, Any]) -> tuple[AuthorId, ...]:
    """The authors' keys and ORCID iDs, with their names as the paper prints them, and the first institution."""
    ids: list[AuthorId] = []
    authorships = work.get("authorships") or ()
    for authorship in authorships if len(authorships) <= MAX_AUTHORS else ():
        author = authorship.get("author") or {}
        name = one_line(str(authorship.get("raw_author_name") or author.get("display_name") or ""))
        institutions = [str(item.get("display_name") or "") for item in authorship.get("institutions") or ()]
        orcid_id = str(author.get("orcid") or "").removeprefix("https://orcid.org/")
        for scheme, value in ((OPENALEX, key_of(author)), (ORCID, orcid_id)):
            if value and 0 < len(name) <= MAX_NAME and is_person_id(scheme, value):
                ids.append(AuthorId(name, scheme, value, one_line(next(iter(institutions), ""))))
    return tuple(ids)


def fetch(arxiv_ids: Sequence[str]) -> Iterator[ParsedDocument]:
    """The works of these arXiv papers, then their authors' figures under the names that the papers print."""
    names_by_key: dict[str, str] = {}
    for start in range(0, len(arxiv_ids), MAX_BATCH):
        dois = "|".join(
            f"https://doi.org/10.48550/arxiv.{arxiv_id.lower()}" for arxiv_id in arxiv_ids[start : start + MAX_BATCH]
        )
        works, authors = http.fetch(
            _request("works", f"doi:{dois}", _WORK_FIELDS), _with_names, is_complete=lambda answer: not answer[0].is_cut
        )
        names_by_key |= authors
        yield works
    keys = sorted(names_by_key)
    for start in range(0, len(keys), MAX_BATCH):
        request = _request("authors", f"openalex:{'|'.join(keys[start : start + MAX_BATCH])}", _AUTHOR_FIELDS)
        authors_of_batch = http.fetch(request, parse).authors
        yield ParsedDocument(
            authors=tuple(
                AuthorProfile(names_by_key[author.key], author.figures, author.key)
                for author in authors_of_batch
                if author.key in names_by_key
            )
        )


def _with_names(data: bytes) -> tuple[ParsedDocument, dict[str, str]]:
    return parse(data), author_names(data)


def _request(resource: str, filter_expression: str, fields: str) -> http.SourceRequest:
    return request(resource, (("filter", filter_expression), ("select", fields), ("per-page", str(MAX_BATCH))))


def has_key() -> bool:
    """True where the administrator has a key of OpenAlex."""
    return bool(_KEY.value())


def request(resource: str, params: tuple[tuple[str, str], ...]) -> http.SourceRequest:
    """A request for `works` or `authors`, with the key, if any."""
    key = _KEY.value()
    key_params = (("api_key", key),) if key else ()
    return http.SourceRequest(f"{_URL.value().rstrip('/')}/{resource}", PACING, (*params, *key_params))


def work_request(filter_expression: str, fields: str) -> http.SourceRequest:
    """A request for the works of a filter."""
    return _request("works", filter_expression, fields)


def _items(data: bytes) -> json_items.JsonItems:
    """The answer's objects: one, or those of a list. Raises BadInput."""
    items = json_items.read_items(data, "results")
    only_value = items.values[0] if len(items.values) == 1 else None
    if isinstance(only_value, dict) and not only_value.keys() & {"id", "doi", "display_name"}:
        raise BadInput("expected a work, an author, or a list of them")
    return items


def key_of(item: Mapping[str, Any]) -> str:
    """OpenAlex's key of a work or author without the address: A5048491430."""
    return str(item.get("id") or "").removeprefix(_ADDRESS)


def _is_author(item: Mapping[str, Any]) -> bool:
    return key_of(item).startswith("A")


def _author_profile(author: Mapping[str, Any]) -> AuthorProfile | None:
    """An author with figures, None without any. Absent figures stay None. Raises ValueError."""
    name = one_line(str(author.get("display_name") or ""))
    figures = AuthorFigures(
        h_index=require_count((author.get("summary_stats") or {}).get("h_index"), "summary_stats.h_index"),
        papers=require_count(author.get("works_count"), "works_count"),
        citations=require_count(author.get("cited_by_count"), "cited_by_count"),
    )
    has_figures = 0 < len(name) <= MAX_NAME and figures != AuthorFigures()
    return AuthorProfile(name, figures, key_of(author)) if has_figures else None


def _convert_work(work: Mapping[str, Any]) -> ListedPaper:
    """A work as a record: title, authors and institutions as printed there, and its citations. Raises ValueError."""
    doi = str(work.get("doi") or "").lower().removeprefix("https://doi.org/")
    authorships = work.get("authorships") or ()
    institutions = [
        str(institution["display_name"])
        for authorship in authorships
        for institution in authorship.get("institutions") or ()
    ]
    names = [str((authorship.get("author") or {}).get("display_name") or "") for authorship in authorships]
    published = work.get("publication_date")
    count = require_count(work.get("cited_by_count"), "cited_by_count")
    record = Record(
        title=one_line(str(work.get("display_name") or "")),
        authors=tuple(name for name in names if name),
        doi=doi or None,
        institutions=tuple(dict.fromkeys(institutions)),
        venue=_venue(work),
        published=dates.parse_date("publication_date", str(published)) if published else None,
    )
    arxiv_id = arxiv_identity(record)
    if arxiv_id:
        # arXiv's own title and names are better than OpenAlex's copies
        record = Record("", arxiv_id=arxiv_id, institutions=record.institutions, venue=record.venue)
    return ListedPaper(
        require_within_limits(record),
        signals=(("citations", float(count)),) if count is not None else (),
        author_ids=_author_ids(work),
    )


def _venue(work: Mapping[str, Any]) -> str | None:
    """The venue, unless that is arXiv."""
    source = (work.get("primary_location") or {}).get("source") or {}
    name = str(source.get("display_name") or "")
    return name if name and _ARXIV not in name.lower() else None


def _fetch_current() -> FetchResult:
    """Citations of recent papers that were not counted this week, and their authors' figures."""
    return FetchResult(FetchedDocument("citations", parsed) for parsed in fetch(uncounted_papers(_NAME)))


SOURCE = Source(
    name=_NAME,
    parser=each_file(parse),
    pacing=PACING,
    settings=(_URL, _KEY, PEOPLE_LOOKUP),
    current=(CurrentFetch(_NAME, _fetch_current),),
    fallback_figures=True,  # it counts days later than others
)
