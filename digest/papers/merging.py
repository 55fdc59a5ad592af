"""Merging. Of two records of one paper the better field wins; what only one knows is kept.

The precedence: a real title over one made from the abstract; complete authors over 'et al.', then the longer list;
the newer version; text with its formulas over text that lost them; the longer text. Where two are equal in all this
the order of their texts decides, so `merge(a, b) == merge(b, a)` and `merge(a, a) == a`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from digest.papers.identity import abstract_keys, arxiv_identity, doi_identity, title_key, title_words
from digest.papers.likeness import is_same_paper
from digest.papers.record import ListedPaper, Record

_TYPES = ("new", "cross", "replace", "replace-cross")  # the strongest first
_LEAST_WINS = frozenset({"rank"})


def merge_records(a: Record, b: Record) -> Record:
    """One record with the best of both, which tell of the same paper. Commutative and idempotent."""
    if a == b:
        return a
    better, other = sorted((a, b), key=_worth, reverse=True)
    titled = max(a, b, key=lambda r: (not r.title_derived, r.version, *_text_worth(r.title)))
    signed = max(a, b, key=_signature_worth)
    return replace(
        better,
        title=titled.title,
        title_derived=titled.title_derived,
        abstract=max(a, b, key=lambda r: (bool(r.abstract), r.version, *_text_worth(r.abstract))).abstract,
        authors=signed.authors,
        authors_complete=signed.authors_complete,
        arxiv_id=better.arxiv_id or other.arxiv_id,
        doi=better.doi or other.doi,
        categories=_union(better.categories, other.categories),
        comment=better.comment or other.comment,
        institutions=_union(better.institutions, other.institutions),
        venue=better.venue or other.venue,
        code_url=better.code_url or other.code_url,
        published=min((day for day in (a.published, b.published) if day), default=None),
        has_code=a.has_code or b.has_code,
        withdrawn=any(r.withdrawn for r in (a, b) if r.version == better.version),
    )


def _worth(record: Record) -> tuple[object, ...]:
    """A total order; the newer version first, then who knows more."""
    known = (record.arxiv_id, record.doi, record.authors, record.categories, record.comment, record.published)
    return (record.version, sum(bool(value) for value in known), len(record.abstract), repr(record))


def _signature_worth(record: Record) -> tuple[object, ...]:
    names = record.authors
    return (bool(names), record.authors_complete, len(names), record.version, sum(map(len, names)), names)


def _text_worth(text: str) -> tuple[int, int, str]:
    """By its formulas (a page that lost them lost dollars and backslashes), then length, then the text itself."""
    return (text.count("$") + text.count("\\"), len(text), text)


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def merge_listed(a: ListedPaper, b: ListedPaper) -> ListedPaper:
    """Merged records with all signals: of two values of one name the greater, of two ranks the smaller (the better).

    Of two summaries the longer stays.
    """
    types = {a.announce_type, b.announce_type}
    signals: dict[str, float] = {}
    for name, value in sorted((*a.signals, *b.signals)):
        best = min if name in _LEAST_WINS else max
        signals[name] = best(signals.get(name, value), value)
    return ListedPaper(
        merge_records(a.record, b.record),
        announce_type=next((kind for kind in _TYPES if kind in types), a.announce_type or b.announce_type),
        signals=tuple(sorted(signals.items())),
        summary=max(a.summary, b.summary, key=lambda summary: (len(summary), summary)),
    )


def merge_all(listed: Iterable[ListedPaper]) -> list[ListedPaper]:
    """The same set with every paper once, in the order of first appearance.

    Papers that share a key (id, DOI, title, one of the abstract's) are compared, no others, so the work grows with
    the papers, not with their pairs. Where all have arXiv ids these decide alone.
    """
    listed = _by_arxiv_id(listed)
    if all(arxiv_identity(one.record) for one in listed):
        return listed
    groups: dict[int, ListedPaper] = {}
    moved: dict[int, int] = {}
    index: defaultdict[str, set[int]] = defaultdict(set)
    for number, one in enumerate(listed):
        merged, place = one, number
        keys = _keys(one.record)
        for at in sorted({_home(at, moved) for key in keys for at in index[key]}):
            if is_same_paper(groups[at].record, merged.record):
                merged = merge_listed(groups.pop(at), merged)
                place = min(place, at)
                moved |= {gone: place for gone in (number, at) if gone != place}
        groups[place] = merged
        for key in keys:
            index[key].add(place)
    return [groups[place] for place in sorted(groups)]


def _by_arxiv_id(listed: Iterable[ListedPaper]) -> list[ListedPaper]:
    """The same with every arXiv id once."""
    found: dict[str | int, ListedPaper] = {}
    for number, one in enumerate(listed):
        key = arxiv_identity(one.record) or number
        found[key] = merge_listed(found[key], one) if key in found else one
    return list(found.values())


def _home(place: int, moved: dict[int, int]) -> int:
    """Where a group is now that was taken in by an earlier one."""
    while place in moved:
        place = moved[place]
    return place


def _keys(record: Record) -> list[str]:
    """Everything by which a twin of this record could be found."""
    exact = (arxiv_identity(record), doi_identity(record), title_key(record))
    title = () if record.title_derived else ("".join(title_words(record.title)),)
    return [key for key in (*exact, *title, *abstract_keys(record)) if key]
