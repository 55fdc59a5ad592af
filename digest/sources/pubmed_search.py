"""Searches of PubMed by `esearch`: the articles of a day, in parts of at most 9,999 that the server remembers.

An answer with HTTP 200 may report an error. Page size and windows of days: `pubmed.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from digest import settings
from digest.errors import BadInput, SourceDown
from digest.settings import TextSetting
from digest.sources import http
from digest.sources.decoding import decode
from digest.sources.request_turns import Pacing

MAX_RESULTS = 9_999  # of one search that can be retrieved
MAX_TERM = 6_000  # characters of a search
_TOOL = "papers-inbox"
_PAUSE, _PAUSE_WITH_KEY = 0.35, 0.11  # 3 requests a second for an IP address, 10 with a key
# Criteria that split a day of more results: those that meet one, and those that do not.
_CRITERIA = ("hasabstract", "english[la]", "journal article[pt]", "free full text[sb]", "medline[sb]", "review[pt]")

URL = TextSetting("pubmed_url", "https://eutils.ncbi.nlm.nih.gov/entrez/eutils")
QUERY = TextSetting("pubmed_query", "")
JOURNALS = TextSetting("pubmed_journals", "")
API_KEY = TextSetting("pubmed_api_key", "", secret=True)
PACING = Pacing("pubmed", pause=lambda: _PAUSE_WITH_KEY if API_KEY.value() else _PAUSE)


@dataclass(frozen=True, slots=True)
class SearchHistory:
    """The results of a search on the server. `count`: how many there are."""

    count: int
    web_env: str = ""
    query_key: str = ""


def configured_term() -> str:
    """The search for papers that match the query or are in one of the journals. Raises SourceDown without either."""
    query = " ".join(QUERY.value().split())
    journals = [name for part in JOURNALS.value().split(",") if (name := " ".join(part.replace('"', " ").split()))]
    terms = [f"({query})"] if query else []
    terms += [f'"{name}"[ta]' for name in journals]
    term = " OR ".join(terms)
    if not term:
        raise SourceDown("set DIGEST_PUBMED_QUERY or DIGEST_PUBMED_JOURNALS", retryable=False)
    if len(term) > MAX_TERM:
        raise SourceDown(f"the search is longer than {MAX_TERM} characters", retryable=False)
    return f"({term})"


def request(tool: str, parameters: Mapping[str, str]) -> http.SourceRequest:
    """A request to one of the tools (`esearch`, `efetch`), with the name and address that it asks for."""
    emails = settings.get().admin_emails
    identity = {"tool": _TOOL, "email": emails[0] if emails else "", "api_key": API_KEY.value()}
    values = {"db": "pubmed", **parameters, **{name: value for name, value in identity.items() if value}}
    return http.SourceRequest(f"{URL.value().rstrip('/')}/{tool}.fcgi", PACING, params=tuple(values.items()))


def search_parts(term: str, first: date, last: date, *, date_type: str) -> Iterator[tuple[str, SearchHistory]]:
    """The search of some dates (`edat`: of entry, `mdat`: of the last change), in parts that can be retrieved whole.

    Yields each part's own search term and results. Raises SourceDown, also for a part that is still too large.
    """
    yield from _split(term, _CRITERIA, first, last, date_type)


def _split(
    term: str, criteria: tuple[str, ...], first: date, last: date, date_type: str
) -> Iterator[tuple[str, SearchHistory]]:
    history = search(term, first, last, date_type=date_type)
    if history.count <= MAX_RESULTS:
        yield term, history
        return
    if not criteria:
        raise SourceDown(
            f"{history.count} results of {first}; a search retrieves {MAX_RESULTS}: narrow DIGEST_PUBMED_QUERY",
            retryable=False,
        )
    criterion, *others = criteria
    for part in (f"({term} AND {criterion})", f"({term} NOT {criterion})"):
        yield from _split(part, tuple(others), first, last, date_type)


def search(term: str, first: date, last: date, *, date_type: str) -> SearchHistory:
    """Search, so that the server remembers the results. Raises SourceDown."""
    parameters = {
        "term": term,
        "datetype": date_type,
        "mindate": f"{first:%Y/%m/%d}",
        "maxdate": f"{last:%Y/%m/%d}",
        "usehistory": "y",
        "retmode": "json",
        "retmax": "0",
    }
    return http.fetch(request("esearch", parameters), parse_search)


def parse_search(data: bytes) -> SearchHistory:
    """Parse an answer in JSON. Raises BadInput for anything else, SourceDown for an error that it reports."""
    text = decode(data)
    try:
        answer = json.loads(text, strict=False)  # messages with line ends in them have been seen
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {text[:60]!r}") from error
    answer = answer if isinstance(answer, dict) else {}
    result = answer.get("esearchresult")
    result = result if isinstance(result, dict) else {}
    if message := answer.get("error") or result.get("ERROR"):
        line = " ".join(str(message).split())[:160]
        raise SourceDown(f"the API answered: {line}", retryable="key invalid" not in line.lower())
    if unknown := _unknown_fields(result):
        raise SourceDown(f"the search has unknown fields: {unknown}", retryable=False)
    count, web_env, query_key = (str(result.get(name, "")) for name in ("count", "webenv", "querykey"))
    if not (count.isascii() and count.isdigit()) or (int(count) and not (web_env and query_key)):
        raise BadInput("expected a count and a history of results")
    return SearchHistory(int(count), web_env, query_key)


def _unknown_fields(result: Mapping[str, Any]) -> str:
    errors = result.get("errorlist")
    fields = errors.get("fieldsnotfound") if isinstance(errors, dict) else None
    return ", ".join(map(str, fields))[:100] if isinstance(fields, list) else ""
