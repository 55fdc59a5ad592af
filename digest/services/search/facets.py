"""What search results are narrowed by, as it is stored with each paper of the index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from digest.papers.subjects import included_categories
from digest.services.search.search_schemas import SearchFacets

MAX_CATEGORY = 60  # characters
_CATEGORY = re.compile(r"[A-Za-z][A-Za-z-]*(?:\.[A-Za-z-]+)?")
_FIELDS, _VALUES = "|", " "


@dataclass(frozen=True, slots=True)
class PaperFacets:
    """A paper's categories and sources, and whether its code is known. As a text: `cs.LG cs.AI|arxiv|1`."""

    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    has_code: bool = False

    def __str__(self) -> str:
        """The stored form; `parse` is the inverse."""
        categories, sources = (_VALUES.join(map(_one_word, names)) for names in (self.categories, self.sources))
        return _FIELDS.join((categories, sources, "1" if self.has_code else ""))

    @classmethod
    def parse(cls, text: str) -> PaperFacets:
        """The facets of a stored text."""
        categories, sources, code = text.split(_FIELDS)
        return cls(tuple(categories.split()), tuple(sources.split()), has_code=bool(code))


def _one_word(name: str) -> str:
    return "".join(name.replace(_FIELDS, " ").split())


def is_category(name: str) -> bool:
    """True for what search results can be narrowed by, also for a category that nobody uses any more."""
    return len(name) <= MAX_CATEGORY and _CATEGORY.fullmatch(name) is not None


def count_facets(texts: Iterable[str], days: Iterable[int], period_starts: Sequence[int]) -> SearchFacets:
    """How many papers have each value. `texts`: the stored facets of each paper, `days`: its ordinal.

    `period_starts`: the first day of each period, the newest period first; older papers are of one more.
    """
    periods = [0] * (len(period_starts) + 1)
    for day, papers in Counter(days).items():
        periods[sum(day < start for start in period_starts)] += papers
    sources: Counter[str] = Counter()
    papers_by_categories: list[tuple[tuple[str, ...], int]] = []
    code = 0
    for text, papers in Counter(texts).items():
        facets = PaperFacets.parse(text)
        code += papers if facets.has_code else 0
        papers_by_categories.append((facets.categories, papers))
        for name in facets.sources:
            sources[name] += papers
    categories = category_counts(papers_by_categories)
    return SearchFacets(_most_first(categories), _most_first(sources), code, tuple(periods))


def _most_first(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def category_counts(papers_by_categories: Iterable[tuple[tuple[str, ...], int]]) -> Mapping[str, int]:
    """How many papers each category narrows the results to, with the categories that it includes.

    `papers_by_categories`: categories of papers, and how many papers have them.
    """
    papers_with: Counter[tuple[str, ...]] = Counter()
    for categories, papers in papers_by_categories:
        papers_with[categories] += papers
    all_names = dict.fromkeys(name for categories in papers_with for name in categories)
    names = {name.lower(): name for name in all_names if is_category(name)}
    including: dict[str, set[str]] = {}
    for name in names.values():
        for code in included_categories(name):
            including.setdefault(code, set()).add(name)
    narrowed_by = {name: _values_at(including, name.lower(), name.lower().partition(".")[0]) for name in all_names}
    counts: Counter[str] = Counter()
    for categories, papers in papers_with.items():
        for name in frozenset().union(*(narrowed_by[category] for category in categories)):
            counts[name] += papers
    return counts


def _values_at(sets: Mapping[str, set[str]], *keys: str) -> frozenset[str]:
    return frozenset().union(*(sets.get(key, ()) for key in keys))
