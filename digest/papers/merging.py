"""Merges two records of one paper field by field: the better value wins, and a value that only one has stays.

Precedence: a real title over one derived from the abstract; complete authors over 'et al.', then the longer list;
the newer version; text with its formulas over text that lost them; the longer text. Ties are decided by the texts'
sort order, so merging is commutative and idempotent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, replace

from digest.papers.identity import abstract_keys, arxiv_identity, title_key, title_words, version_dois
from digest.papers.preprint_dois import is_preprint_doi
from digest.papers.record import ListedPaper, Record
from digest.papers.same_paper import is_same_paper

_TYPES = ("new", "cross", "replace", "replace-cross")  # the strongest first
_SMALLER_IS_BETTER = frozenset({"rank"})


def merge_records(a: Record, b: Record) -> Record:
    """One record with the best fields of both, which are of the same paper. Commutative and idempotent."""
    if a == b:
        return a
    better, other = sorted((a, b), key=_record_rank, reverse=True)
    best_title = max(a, b, key=lambda r: (not r.title_derived, r.version, *_text_rank(r.title)))
    best_authors = max(a, b, key=_authors_rank)
    doi, preprint_dois = merge_dois(better, other)
    return replace(
        better,
        title=best_title.title,
        title_derived=best_title.title_derived,
        abstract=max(a, b, key=lambda r: (bool(r.abstract), r.version, *_text_rank(r.abstract))).abstract,
        authors=best_authors.authors,
        authors_complete=best_authors.authors_complete,
        arxiv_id=better.arxiv_id or other.arxiv_id,
        doi=doi,
        preprint_dois=preprint_dois,
        pmid=better.pmid or other.pmid,
        categories=_union(better.categories, other.categories),
        comment=better.comment or other.comment,
        institutions=_union(better.institutions, other.institutions),
        venue=better.venue or other.venue,
        code_url=better.code_url or other.code_url,
        url=better.url or other.url,
        published=min((day for day in (a.published, b.published) if day), default=None),
        has_code=a.has_code or b.has_code,
        withdrawn=a.retracted or b.retracted or any(r.withdrawn for r in (a, b) if r.version == better.version),
        retracted=a.retracted or b.retracted,
        language=better.language or other.language,
        issued=better.issued or other.issued,
        keywords=_union(better.keywords, other.keywords),
        outlets=tuple(sorted({*a.outlets, *b.outlets})),
    )


def fill_empty_fields(stored: Record, other: Record) -> Record:
    """The stored record with what it lacks of another record of the paper, which overrides nothing.

    Whether the paper was withdrawn stays as it is. Categories and outlets are those of both.
    """
    is_titled = not stored.title_derived or other.title_derived or not other.title
    doi, preprint_dois = merge_dois(stored, other)
    return replace(
        stored,
        title=stored.title if is_titled else other.title,
        title_derived=stored.title_derived and is_titled,
        abstract=stored.abstract or other.abstract,
        authors=stored.authors or other.authors,
        authors_complete=stored.authors_complete if stored.authors else other.authors_complete,
        arxiv_id=stored.arxiv_id or other.arxiv_id,
        doi=doi,
        preprint_dois=preprint_dois,
        pmid=stored.pmid or other.pmid,
        categories=_union(stored.categories, other.categories),
        venue=stored.venue or other.venue,
        code_url=stored.code_url or other.code_url,
        url=stored.url or other.url,
        published=stored.published or other.published,
        has_code=stored.has_code or other.has_code,
        issued=stored.issued or other.issued,
        outlets=tuple(sorted({*stored.outlets, *other.outlets})),
    )


def merge_dois(better: Record, other: Record) -> tuple[str | None, tuple[str, ...]]:
    """The DOI to cite (of the published version, where either knows it) and those of preprints."""
    dois = dict.fromkeys(doi for r in (better, other) for doi in (r.doi, *r.preprint_dois) if doi)
    declared = {*better.preprint_dois, *other.preprint_dois}  # of preprints, whatever their form
    preprints = [doi for doi in dois if doi in declared or is_preprint_doi(doi)]
    published = next((doi for doi in dois if doi not in preprints), None)
    if published is not None:
        return published, tuple(preprints)
    return (preprints[0], tuple(preprints[1:])) if preprints else (None, ())


def _record_rank(record: Record) -> tuple[object, ...]:
    """Sort key, a total order: by version, then by the number of known fields."""
    identifying = (record.arxiv_id, record.doi, record.authors, record.categories, record.comment, record.published)
    return (record.version, sum(bool(value) for value in identifying), len(record.abstract), repr(record))


def _authors_rank(record: Record) -> tuple[object, ...]:
    names = record.authors
    return (bool(names), record.authors_complete, len(names), record.version, sum(map(len, names)), names)


def _text_rank(text: str) -> tuple[int, int, str]:
    """Sort key: by formulas (dollars and backslashes, which some pages lose), then length, then the text itself."""
    return (text.count("$") + text.count("\\"), len(text), text)


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def merge_listed(a: ListedPaper, b: ListedPaper) -> ListedPaper:
    """Merged records with all signals: the greater of two values of one name, but the smaller (better) of two ranks.

    Of two summaries the longer one.
    """
    types = {a.announce_type, b.announce_type}
    signals: dict[str, float] = {}
    for name, value in sorted((*a.signals, *b.signals)):
        best = min if name in _SMALLER_IS_BETTER else max
        signals[name] = best(signals.get(name, value), value)
    return ListedPaper(
        merge_records(a.record, b.record),
        announce_type=next(
            (strongest for strongest in _TYPES if strongest in types), a.announce_type or b.announce_type
        ),
        signals=tuple(sorted(signals.items())),
        summary=max(a.summary, b.summary, key=lambda summary: (len(summary), summary)),
        author_ids=tuple(sorted({*a.author_ids, *b.author_ids}, key=astuple)),
    )


def merge_all(listed: Iterable[ListedPaper]) -> list[ListedPaper]:
    """The same papers, each once, in the order of first appearance.

    Only papers that share a key (id, DOI, title, abstract) are compared, so the time is linear in the papers, not in
    their pairs. Where all have arXiv ids these alone decide.
    """
    listed = _merge_by_arxiv_id(listed)
    if all(arxiv_identity(item.record) for item in listed):
        return listed
    groups: dict[int, ListedPaper] = {}
    merged_into: dict[int, int] = {}
    index: defaultdict[str, set[int]] = defaultdict(set)
    for number, item in enumerate(listed):
        merged, group = item, number
        keys = _merge_keys(item.record)
        for other in sorted({_group_of(other, merged_into) for key in keys for other in index[key]}):
            if is_same_paper(groups[other].record, merged.record):
                merged = merge_listed(groups.pop(other), merged)
                group = min(group, other)
                merged_into |= {old: group for old in (number, other) if old != group}
        groups[group] = merged
        for key in keys:
            index[key].add(group)
    return [groups[group] for group in sorted(groups)]


def _merge_by_arxiv_id(listed: Iterable[ListedPaper]) -> list[ListedPaper]:
    """Merge papers with the same arXiv id."""
    papers_by_key: dict[str | int, ListedPaper] = {}
    for number, item in enumerate(listed):
        key = arxiv_identity(item.record) or number
        papers_by_key[key] = merge_listed(papers_by_key[key], item) if key in papers_by_key else item
    return list(papers_by_key.values())


def _group_of(group: int, merged_into: dict[int, int]) -> int:
    """The group that a group was merged into, or itself."""
    while group in merged_into:
        group = merged_into[group]
    return group


def _merge_keys(record: Record) -> list[str]:
    """All keys by which a duplicate of this record can be found."""
    exact = (arxiv_identity(record), *version_dois(record), record.pmid and f"pmid:{record.pmid}", title_key(record))
    title = () if record.title_derived else ("".join(title_words(record.title)),)
    return [key for key in (*exact, *title, *abstract_keys(record)) if key]
