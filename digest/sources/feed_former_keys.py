"""The keys under which earlier releases stored a feed's entries, so that an upgrade brings no entry once more. Pure.

Since then DOIs are read in more places and without the versions of more preprint servers, more tracking parameters are
ignored, links of redirectors and links in `guid` are read, and titles and authors lose more that is not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from datetime import date

from digest.sources.author_line import authors_of
from digest.sources.feed_authors import ADS_AUTHOR, DEPARTMENT, EMAIL
from digest.sources.feed_document import FeedEntry
from digest.sources.feed_identity import (
    FRAGMENTS,
    NOT_TRACKING_BEFORE,
    clean_link,
    doi_in,
    entry_key,
    former_doi_places,
    title_digest,
)
from digest.text.markup import text_of_markup

_VERSION = re.compile(r"(?<=[\w)])([-/._]?v)(\d{1,2})$", re.IGNORECASE)
_FORMER_FRAGMENTS = FRAGMENTS[:3]
_MAX_MARKUP = 20_000


def former_keys(
    entry: FeedEntry, own_links: Sequence[str], title: str, key: str, shared_dois: Container[str]
) -> tuple[str, ...]:
    """The keys that an entry had or may have had, without its present one.

    `own_links`: the links of this entry and of no other; `title`: as the feed has it, without markup; `shared_dois`:
    those that identify no entry.
    """
    keys = [entry_key(doi, None, "", "", "") for doi in _former_dois(entry) if doi not in shared_dois]
    for link in own_links:
        for cleaned in (
            clean_link(link),
            clean_link(link, not_tracking=NOT_TRACKING_BEFORE, fragments=_FORMER_FRAGMENTS),
        ):
            keys.append(entry_key(None, None, cleaned, "", ""))
    if entry.id:
        keys.append(entry_key(None, None, "", entry.id, ""))
    keys.append(entry_key(None, None, "", "", title))
    return tuple(former for former in dict.fromkeys(keys) if former != key)


def _former_dois(entry: FeedEntry) -> Iterator[str]:
    """The DOI in the places that were read, also with its version and with those before it."""
    doi = doi_in(entry, former_doi_places(entry), with_version=True)
    if doi is None:
        return
    yield doi
    if match := _VERSION.search(doi):
        bare_doi = doi[: match.start()]
        yield bare_doi
        for version in range(1, int(match[2])):
            yield f"{bare_doi}{match[1]}{version}"


def former_text_keys(
    entry: FeedEntry, titles: Sequence[str], names: Sequence[str], published: date | None, key: str
) -> tuple[str, ...]:
    """The text keys that an entry may have had, without its present one: with former titles, authors and dates."""
    days: list[date | None] = [published, None]
    if entry.date is not None:
        days.append(_date(*entry.date))
    keys: list[str] = []
    for title in dict.fromkeys(titles):
        former_title, former_names = _former_authors(entry, title)
        for day in dict.fromkeys(days):
            keys += [title_digest(former_title, former_names, day), title_digest(title, names, day)]
    return tuple(former for former in dict.fromkeys(keys) if former != key)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _former_authors(entry: FeedEntry, title: str) -> tuple[str, Sequence[str]]:
    """The title without authors in it, and the authors, as they were read before affiliations were taken out."""
    names = list(dict.fromkeys(name for text in entry.authors if (name := _former_author(text))))
    if not names and (match := ADS_AUTHOR.match(title)) and any("adsabs.harvard.edu" in link for link in entry.links):
        return title[match.end() :], _names(f"{match[1]};")
    if len(names) == 1:
        before, comma, after = names[0].partition(",")
        is_person = comma and "," not in after and len(before.split()) == 1 and " and " not in after
        return title, _names(f"{names[0]};" if is_person else names[0])
    return title, tuple(dict.fromkeys(name for text in names for name in _names(f"{text};")))


def _names(line: str) -> tuple[str, ...]:
    return authors_of(line, with_affiliations=True).names


def _former_author(text: str) -> str:
    plain = text_of_markup(text[:_MAX_MARKUP])
    return DEPARTMENT.sub("", EMAIL.sub(lambda match: match[1] or "", plain)).strip(" ,;")
