"""The identity of a feed's entry: its DOI or arXiv id wherever the publisher puts it, else a cleaned link. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from digest import papers
from digest.papers.identity import fold_title
from digest.sources import identifiers
from digest.sources.feed_document import FeedEntry
from digest.text.doi_patterns import ENCODED_BRACKET, SICI_ARTICLE, is_cut_off
from digest.text.markup import text_of_markup

_DOI = re.compile(
    r"(?<![\w./-])10\.\d{4,9}/(?:[^\s\x00-\x1f\x7f\"'<>{}|\\^`\[\]]|" + SICI_ARTICLE + "){1,200}",
    re.IGNORECASE,
)
_LABELLED_DOI = re.compile(
    r"\bdoi\s{0,3}[:=]?\s{0,3}(?:https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S{1,200})", re.IGNORECASE
)
_DOI_ELEMENTS = ("doi", "identifier", "digitalobjectidentifier", "citation_doi", "articledoi")
_DOI_IN_SOURCE = re.compile(r"(?:\bdoi:? ?|doi\.org/|^)10\.\d{4,9}/", re.IGNORECASE)  # of dc:source
_AFTER_DOI = re.compile(
    r"(?:/(?:full|abstract|abs|pdf|epdf|html|meta|summary|fulltext|full/html|full-text|supplementary-material)"
    r"|\.(?:pdf|full|abstract|short|full-text|xml)|;jsessionid=.*)+$",
    re.IGNORECASE,
)
_AFTER_PATH = re.compile(r"\?.*|(?<!;2-)#.*", re.DOTALL)  # the last character of a SICI may be #
_PREPRINT_VERSION = re.compile(r"(?<=\d)v\d{1,2}$|(?<=[a-z0-9])[-/._]v\d{1,2}$", re.IGNORECASE)
_ARXIV = re.compile(
    r"https?://(?:[a-z]{2,6}\.)?arxiv\.org/(?:abs|pdf|html)/([\w.-]{5,40}(?:/\d{7})?)|oai:arXiv\.org:(\S{5,40})",
    re.IGNORECASE,
)
_TRACKING = re.compile(
    r"(?:utm_\w+|af|rss|rft_dat|fc|ff|fbclid|gclid|mc_[ce]id|wt[._]mc|cmp(?:id)?|src|ref|referrer|feed|campaign"
    r"|dgcid|_hs(?:enc|mi)|mkt_tok"
    r"|(?:php|asp|j)?sess(?:ion)?_?id|sid|token|timestamp|ts|nocache|cb|_)",
    re.IGNORECASE,
)
NOT_TRACKING_BEFORE = re.compile(r"dgcid|_hs(?:enc|mi)|mkt_tok", re.IGNORECASE)  # in the links of former keys
FRAGMENTS = ("xtor", "rss", "ref", "fromrss", "utm_")  # that say where a link was found; the first three since long
_SESSION_IN_PATH = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_HAL_VERSION = re.compile(r"(/[a-z]{2,12}-\d{6,10})v\d{1,3}$")
_LABEL_START, _LABEL_END = 300, 150  # characters of a text in which a labelled DOI is the paper's own
_MAX_DOI = 250
_KEY_BYTES = 16


def doi_of(entry: FeedEntry) -> str | None:
    """The DOI in lower case, without a preprint's version; None for none.

    A DOI in a text counts only where it is labelled as such, near its beginning or end, and the only one.
    """
    return doi_in(entry, _places(entry))


def doi_in(entry: FeedEntry, places: Iterable[str], *, with_version: bool = False) -> str | None:
    """The first DOI in these places of an entry, else the labelled one in its texts. See `doi_of`."""
    for place in places:
        text = unquote(place) if ENCODED_BRACKET.search(place) else place
        for match in _DOI.finditer(text):
            if not is_cut_off(match):
                return _clean_doi(match[0], with_version=with_version)
    texts = [text_of_markup(summary[:20_000]) for summary in entry.summaries]
    parts = [text[:_LABEL_START] for text in texts] + [text[_LABEL_START:][-_LABEL_END:] for text in texts]
    labelled = {
        _clean_doi(match[1], with_version=with_version)
        for part in parts
        for match in _LABELLED_DOI.finditer(part)
        if not is_cut_off(match)
    }
    return labelled.pop() if len(labelled) == 1 else None


def _places(entry: FeedEntry) -> Iterator[str]:
    """Where publishers put the DOI, the surest place first."""
    for name in _DOI_ELEMENTS:
        yield from map(_value_or_path, entry.values.get(name, ()))
    yield _value_or_path(entry.id)
    yield from entry.values.get("guid", ())
    yield from map(_path, entry.links)
    yield from map(_path, entry.values.get("url", ()))  # prism:url
    sources = [text for text in entry.values.get("source", ()) if len(_DOI_IN_SOURCE.findall(text)) == 1]
    yield from map(_value_or_path, sources)


def former_doi_places(entry: FeedEntry) -> Iterator[str]:
    """The places in which earlier releases looked for the DOI."""
    yield from entry.values.get("doi", ())
    yield from entry.values.get("identifier", ())
    yield _path(entry.id) if entry.id.startswith(("http:", "https:")) else entry.id
    yield from entry.values.get("guid", ())
    yield from map(_path, entry.links)


def _value_or_path(text: str) -> str:
    if text.lower().startswith(("http:", "https:")):
        return _path(text)
    return text[len("info:doi/") :] if text.lower().startswith("info:doi/") else text  # RFC 4452


def _path(link: str) -> str:
    """A link's path, and those of its parameters that may be a DOI; '' for what is no address."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    names = {"id", "doi", "article", "uri"}
    values = [value for name, value in parse_qsl(parts.query) if name.lower() in names and "://" not in value]
    return " ".join(part.removeprefix("/") for part in (unquote(parts.path), *values)).replace("/10.", " 10.")


def _clean_doi(text: str, *, with_version: bool = False) -> str:
    doi = text.lower()[:_MAX_DOI]
    previous = ""
    while doi != previous:
        previous = doi
        doi = _AFTER_DOI.sub("", _AFTER_PATH.sub("", doi)).rstrip(".,;:&*")
        for opening, closing in ("()", "[]"):
            if doi.endswith(closing) and doi.count(closing) > doi.count(opening):
                doi = doi[:-1]
    if doi.endswith(".co;2-"):
        return f"{doi}#"  # which an address without encoding loses
    return _PREPRINT_VERSION.sub("", doi) if not with_version and papers.is_preprint_doi(doi) else doi


def arxiv_id_of(entry: FeedEntry) -> tuple[str, int] | None:
    """The arXiv id and version of an entry of arXiv, None for others, also where they are about such a paper."""
    for place in (entry.id, *entry.links[:1]):
        match = _ARXIV.match(place)
        if match is None:
            continue
        try:
            arxiv_id, version = identifiers.parse_arxiv_id((match[1] or match[2]).removesuffix(".pdf"))
        except ValueError:
            continue
        return arxiv_id, version or 1
    return None


def clean_link(
    link: str, *, not_tracking: re.Pattern[str] | None = None, fragments: tuple[str, ...] = FRAGMENTS
) -> str:
    """The address without session and tracking parameters, the same at each fetch.

    `not_tracking`: names of parameters that are none; `fragments`: beginnings of fragments that are.
    """
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").lower() + (f":{parts.port}" if parts.port not in {None, 80, 443} else "")
    except ValueError:
        return link
    parameters = _without_tracking(parts, not_tracking)
    path = _HAL_VERSION.sub(r"\1", _SESSION_IN_PATH.sub("", parts.path) or "/")
    fragment = "" if len(parts.fragment) > 40 or parts.fragment.startswith(fragments) else parts.fragment
    return SplitResult(
        parts.scheme.lower(), host, path, urlencode(parameters, safe="/:@,()", errors="replace"), fragment
    ).geturl()


def _without_tracking(parts: SplitResult, not_tracking: re.Pattern[str] | None) -> list[tuple[str, str]]:
    pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100) if parts.query.count("&") < 99 else []
    parameters = [(name, value) for name, value in pairs if not _is_tracking(name, not_tracking)]
    if len(parameters) < len(pairs):  # beside such parameters, `v` is the version of the program that made the link
        parameters = [(name, value) for name, value in parameters if name != "v"]
    return parameters


def _is_tracking(name: str, not_tracking: re.Pattern[str] | None) -> bool:
    return _TRACKING.fullmatch(name) is not None and not (not_tracking and not_tracking.fullmatch(name))


def entry_key(doi: str | None, arxiv_id: str | None, link: str, entry_id: str, title: str) -> str:
    """32 hexadecimal digits that are the same at each fetch of an entry, by the first of these that it has."""
    if doi or arxiv_id:
        return _digest("doi", doi) if doi else _digest("arxiv", arxiv_id or "")
    if link:
        return _digest("link", link.partition("://")[2].removeprefix("www.").rstrip("/"))
    return _digest("id", entry_id) if entry_id else _digest("title", fold_title(title))


def title_digest(title: str, authors: Iterable[str], day: date | None = None) -> str:
    """32 hexadecimal digits of title, authors and date, by which an entry is known whose identifiers change."""
    return _digest("text", fold_title(title), *(fold_title(name) for name in authors), *([str(day)] if day else []))


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(errors="replace"), digest_size=_KEY_BYTES).hexdigest()
