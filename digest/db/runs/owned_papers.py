"""Papers that are no news to subscribers: those of their own libraries, and those that they gave feedback on."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from string import ascii_lowercase, ascii_uppercase

from sqlalchemy import ColumnElement, Text, func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values
from digest.db.papers import papers as store
from digest.models import ExamplePaper, Feedback, Paper, PaperVersion
from digest.papers.identity import title_words

_MIN_TITLE_WORDS = 4  # a shorter title is that of many papers, and an example has no authors to compare
_TITLE_END = " ."
_VALUES_PER_QUERY = 5_000
_PMID = "pmid:"
_ASCII_CAPITALS = str.maketrans(ascii_uppercase, ascii_lowercase)

_Key = tuple[str, str]  # identifier and title of an example


def owned_papers(
    session: Session, subscriber_ids: Sequence[int], oldest_paper: int, *, before: datetime | None = None
) -> dict[int, Sequence[int]]:
    """Each subscriber's examples and papers with feedback, from the paper with that id on.

    `before`: only what was there at that time. Joined papers are one: the stored one counts.
    """
    opinions = [col(Feedback.at) < before] if before else []
    pairs = chain(
        _example_pairs(session, subscriber_ids, oldest_paper, before),
        _pairs(session, Feedback, subscriber_ids, oldest_paper, opinions),
    )
    return _by_subscriber(pairs)


def stored_examples(session: Session, subscriber_ids: Sequence[int]) -> dict[int, Sequence[int]]:
    """Each subscriber's examples that are stored papers, without feedback."""
    return _by_subscriber(_example_pairs(session, subscriber_ids, 0, None))


def _by_subscriber(pairs: Iterable[tuple[int, int]]) -> dict[int, Sequence[int]]:
    papers: dict[int, array[int]] = {}
    for subscriber_id, paper_id in pairs:
        papers.setdefault(subscriber_id, array("i")).append(paper_id)
    return dict(papers)


def _example_pairs(
    session: Session, subscriber_ids: Sequence[int], oldest_paper: int, before: datetime | None
) -> Iterator[tuple[int, int]]:
    """Subscriber and paper of each example, also of those that were stored after the import."""
    counted = [col(ExamplePaper.request_id).is_(None), *([col(ExamplePaper.added_at) < before] if before else [])]
    yield from _pairs(session, ExamplePaper, subscriber_ids, oldest_paper, counted)
    subscribers_by_key: dict[_Key, list[int]] = {}
    columns = col(ExamplePaper.subscriber_id), col(ExamplePaper.identifier), col(ExamplePaper.title)
    is_elsewhere = in_values(session, columns[0], subscriber_ids), col(ExamplePaper.paper_id).is_(None), *counted
    for subscriber_id, identifier, title in session.execute(select(*columns).where(*is_elsewhere)):
        subscribers_by_key.setdefault((identifier or "", title), []).append(subscriber_id)
    if not subscribers_by_key:
        return
    by_identifier = _papers_by_identifier(session, {identifier for identifier, _ in subscribers_by_key})
    by_title = _papers_by_title(session, {title for _, title in subscribers_by_key}, oldest_paper)
    for (identifier, title), owners in subscribers_by_key.items():
        own_papers = {*by_identifier.get(identifier, ()), *by_title.get(_plain_title(title), ())}
        yield from ((owner, paper_id) for owner in owners for paper_id in own_papers if paper_id >= oldest_paper)


def _pairs(
    session: Session,
    table: type[ExamplePaper | Feedback],
    subscriber_ids: Sequence[int],
    oldest_paper: int,
    conditions: Iterable[ColumnElement[bool]],
) -> Iterator[tuple[int, int]]:
    """Subscriber and paper of these rows; instead of a joined paper the one that it was joined to."""
    current_paper = func.coalesce(col(Paper.merged_into), col(Paper.id))
    statement = (
        select(col(table.subscriber_id), current_paper)
        .join(Paper, col(Paper.id) == col(table.paper_id))
        .where(in_values(session, col(table.subscriber_id), subscriber_ids), current_paper >= oldest_paper, *conditions)
    )
    yield from ((int(subscriber_id), int(paper_id)) for subscriber_id, paper_id in session.execute(statement))


def _papers_by_identifier(session: Session, identifiers: Collection[str]) -> Mapping[str, list[int]]:
    """Stored papers by arXiv id, DOI or PMID as an example has it."""
    papers: dict[str, list[int]] = {}
    for part in _parts(identifiers):
        pmids = {value: value.lower() for value in part if value.lower().startswith(_PMID)}
        dois = [value for value in part if value.startswith("10.")]
        arxiv_ids = [value for value in part if value not in pmids]
        by_arxiv_id, by_doi = store.find_by_identifiers(session, arxiv_ids, dois)
        by_pmid = store.find_by_further_identifiers(session, pmids.values())
        papers |= {value: [paper_id] for value, paper_id in by_arxiv_id.items()}
        papers |= {value: [paper_id] for value, (paper_id, _) in by_doi.items()}
        papers |= {value: [by_pmid[key][0]] for value, key in pmids.items() if key in by_pmid}
    return papers


def _papers_by_title(session: Session, titles: Iterable[str], oldest_paper: int) -> Mapping[str, list[int]]:
    """Stored papers from that id on by their title, as `_plain_title` writes it."""
    telling_titles = [title for title in titles if len(title_words(title)) >= _MIN_TITLE_WORDS]
    lower_titles = {lower(title).rstrip(_TITLE_END) for title in telling_titles for lower in (str.lower, _lower_ascii)}
    stored_title: ColumnElement[str] = func.rtrim(func.lower(col(PaperVersion.title)), _TITLE_END, type_=Text())
    papers: dict[str, list[int]] = {}
    for part in _parts(lower_titles):
        statement = select(stored_title, col(PaperVersion.paper_id)).where(
            col(PaperVersion.paper_id) >= oldest_paper, in_values(session, stored_title, part)
        )
        for title, paper_id in session.execute(statement):
            papers.setdefault(_plain_title(str(title)), []).append(int(paper_id))
    return papers


def _plain_title(title: str) -> str:
    return title.lower().rstrip(_TITLE_END)


def _lower_ascii(title: str) -> str:
    """The title as SQLite writes it in lower case: other letters than ASCII stay."""
    return title.translate(_ASCII_CAPITALS)


def _parts(values: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(filter(None, values))
    yield from (ordered[start : start + _VALUES_PER_QUERY] for start in range(0, len(ordered), _VALUES_PER_QUERY))
