"""The results of a search as the page shows them: titles with highlighted words, links to narrow the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import quote, urlencode

from digest import clock
from digest.compose.text import highlighting
from digest.i18n import format_number, localize, localize_plural
from digest.papers.subjects import category_text
from digest.services.search.search_schemas import BEST, NEWEST, PERIODS, SearchHit, SearchPage

CATEGORIES_SHOWN, SOURCES_SHOWN = 8, 6
_FILTERS = ("category", "source", "code", "from", "to")


@dataclass(frozen=True, slots=True)
class FacetLink:
    """A value to narrow the search by, or with `is_chosen` to widen it again."""

    text: str
    papers: str
    address: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class HitView:
    """A paper found: its title in pieces (text, whether it matched)."""

    hit: SearchHit
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class SearchView:
    """The content of the page. `orders`: (name, address, whether it is in use)."""

    sentence: str
    hits: tuple[HitView, ...]
    groups: tuple[tuple[str, tuple[FacetLink, ...]], ...]
    orders: tuple[tuple[str, str, bool], ...]
    next_page: str
    notes: tuple[str, ...]
    suggestion: tuple[str, str] | None


def search_view(page: SearchPage, params: Mapping[str, str], path: str) -> SearchView:
    """The view of a page of results. `params`: of its address at `path`."""
    current_address = _Address(path, {name: value for name, value in params.items() if value and name != "cursor"})
    order = params.get("order") or NEWEST
    return SearchView(
        sentence=_sentence(page),
        hits=tuple(HitView(hit, highlighting.highlighted_pieces(hit.row.title, page.words)) for hit in page.hits),
        groups=_groups(page, current_address),
        orders=tuple(
            (text, current_address.changed(order=name), name == order)
            for name, text in ((NEWEST, localize("Newest")), (BEST, localize("Best match")))
        ),
        next_page=current_address.changed(cursor=page.cursor) if page.cursor else "",
        notes=_notes(page),
        suggestion=(page.suggestion, current_address.changed(q=page.suggestion)) if page.suggestion else None,
    )


class _Address:
    """The page's address, with changes."""

    def __init__(self, path: str, params: Mapping[str, str]) -> None:
        self._path, self.params = path, params

    def changed(self, **changes: str) -> str:
        """The address with other parameters; an empty value removes one."""
        params = {**self.params, **changes}
        return f"{self._path}?{urlencode({name: value for name, value in params.items() if value}, quote_via=quote)}"


def _sentence(page: SearchPage) -> str:
    if page.is_minimum:
        return localize("More than %(number)s papers", number=format_number(page.total))
    if not page.is_exact:
        return localize_plural("About %(n)s paper", "About %(n)s papers", page.total)
    return localize_plural("%(n)s paper", "%(n)s papers", page.total)


def _notes(page: SearchPage) -> tuple[str, ...]:
    notes = []
    if page.is_ranked_in_part:
        notes.append(localize("So many papers match that only the newest of them are ranked. Add a word to narrow it."))
    if page.is_minimum:
        numbers = localize("The counts below are of the newest %(n)s papers alone.", n=format_number(page.total))
        notes.append(numbers)
    if page.is_indexing:
        notes.append(localize("Some papers are still being indexed; search again in a few minutes to find all."))
    return tuple(notes)


def _groups(page: SearchPage, current_address: _Address) -> tuple[tuple[str, tuple[FacetLink, ...]], ...]:
    facets = page.facets
    code = [("1", facets.code)] if facets.code else []
    categories = facets.categories[:CATEGORIES_SHOWN]
    codes = [*(name for name, _ in categories), current_address.params.get("category", "")]
    names = {code: category_text(code) for code in codes}
    groups = (
        (localize("Category"), _links("category", categories, current_address, names)),
        (localize("Source"), _links("source", facets.sources[:SOURCES_SHOWN], current_address)),
        (localize("Code"), _links("code", code, current_address, {"1": localize("with code")})),
        (localize("Announced"), _period_links(facets.periods, current_address)),
    )
    return tuple((name, links if page.is_exact else _about(links)) for name, links in groups if links)


def _about(links: tuple[FacetLink, ...]) -> tuple[FacetLink, ...]:
    """The links with numbers that the index estimates."""
    return tuple(
        replace(link, papers=localize("about %(n)s", n=link.papers)) if link.papers else link for link in links
    )


def _links(
    name: str, counts: Sequence[tuple[str, int]], current_address: _Address, texts: Mapping[str, str] | None = None
) -> tuple[FacetLink, ...]:
    """Links for the values of a facet; the chosen value is alone, with a link that removes it."""
    current_value = current_address.params.get(name, "")
    if current_value:
        return (
            FacetLink(
                (texts or {}).get(current_value, current_value),
                "",
                current_address.changed(**{name: ""}),
                is_chosen=True,
            ),
        )
    return tuple(
        FacetLink((texts or {}).get(value, value), format_number(papers), current_address.changed(**{name: value}))
        for value, papers in counts
    )


def _period_links(periods: tuple[int, ...], current_address: _Address) -> tuple[FacetLink, ...]:
    """Links for the last 7, 30 and 365 days, each with the papers since then."""
    if current_address.params.get("from") or current_address.params.get("to"):
        return (FacetLink(localize("any day"), "", current_address.changed(**{"from": "", "to": ""}), is_chosen=True),)
    today, links, papers = clock.now().astimezone(clock.ARXIV_ZONE).date(), [], 0
    for days, count in zip(PERIODS, periods, strict=False):
        papers += count
        if papers:
            text = localize_plural("last %(n)s day", "last %(n)s days", days)
            first = (today - timedelta(days=days)).isoformat()
            links.append(FacetLink(text, format_number(papers), current_address.changed(**{"from": first})))
    return tuple(links)
