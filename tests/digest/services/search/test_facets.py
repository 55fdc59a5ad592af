"""The number beside each value that narrows a search is the number of papers that are left after a click on it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from digest import clock
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.papers.subjects import ARXIV_SUBJECTS, SUBJECTS
from digest.services.ingestion.import_document import store_document
from digest.services.search.paper_search import search
from digest.services.search.search_indexing import index_papers
from digest.services.search.search_schemas import BEST, NEWEST, PERIODS, SearchRequest
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY

pytestmark = MAINLY_SQLITE

WORDS = ("graphs", "trees", "synapses", "proteins", "dark matter", "neural networks", "neural", "long range order")
QUERIES = (
    "graphs",
    "graphs OR trees",
    "neural networks",
    '"long range order"',
    "cat:bio.*",
    "cat:cs",
    "neural* ANDNOT x",
)
RELATED = [code for subject in SUBJECTS.values() if subject.arxiv for code in (subject.code, *subject.arxiv)]
ODD = ("acc-phys", "chao-dyn", "cs", "bio", "q-bio", "physics", "CS.lg", "bio.scientific-communication", "J. 7 (x)")


def corpus(seed: int, size: int) -> Iterator[tuple[str, date, Record]]:
    """Papers of random categories, sources and days; some have code."""
    choice = random.Random(seed)
    codes = [*RELATED, *RELATED, *choice.sample([*SUBJECTS, *ARXIV_SUBJECTS], 20), *ODD]
    for number in range(size):
        words = " and ".join(choice.sample(WORDS, 3))
        code_url = "https://github.com/a/b" if choice.random() < 0.3 else None
        record = Record(
            f"On {words}, part {number}",
            f"We study {choice.choice(WORDS)} of kind {number}.",
            arxiv_id=f"25{choice.randint(1, 9):02d}.{number:05d}",
            categories=tuple(dict.fromkeys(choice.choices(codes, k=choice.randint(0, 4)))),
            code_url=code_url,
        )
        yield choice.choice(("arxiv", "openalex", "biorxiv")), MONDAY - timedelta(days=choice.randint(0, 500)), record


def stored(seed: int, size: int) -> None:
    for source, day, record in corpus(seed, size):
        store_document(source, f"test {record.arxiv_id}", ParsedDocument((ListedPaper(record, "new"),)), day=day)
    index_papers()


def total(text: str, order: str, **filters: object) -> tuple[int, bool]:
    page = search(SearchRequest(text, order=order, limit=100, **filters))  # type: ignore[arg-type]
    return page.total, page.is_exact


@pytest.mark.parametrize(
    ("seed", "size"),
    [(0, 20), pytest.param(0, 40, marks=pytest.mark.soak), pytest.param(1, 40, marks=pytest.mark.soak)],
)
def test_a_click_on_a_value_gives_as_many_papers_as_it_says(database: str, seed: int, size: int) -> None:
    stored(seed, size)
    for text in QUERIES:
        order = (NEWEST, BEST)[len(text) % 2]
        facets = search(SearchRequest(text, order=order, limit=100)).facets
        today, within = clock.now().astimezone(clock.ARXIV_ZONE).date(), 0
        assert facets.categories, text
        for name, papers in facets.categories:
            assert total(text, order, category=name) == (papers, True), (text, name)
        for name, papers in facets.sources:
            assert total(text, order, source=name) == (papers, True), (text, name)
        assert total(text, order, code=True) == (facets.code, True), text
        for days, papers in zip(PERIODS, facets.periods, strict=False):
            within += papers
            assert total(text, order, first=today - timedelta(days=days)) == (within, True), (text, days)


def test_a_subject_counts_the_papers_of_its_equivalents(database: str) -> None:
    records = [
        Record("Synapses grow", "", arxiv_id=f"2511.0000{number}", categories=categories)
        for number, categories in enumerate(
            [("bio.neuroscience",), ("q-bio.NC",), ("q-bio.NC", "bio.neuroscience"), ("bio",)]
        )
    ]
    store_document("arxiv", "test", ParsedDocument(tuple(ListedPaper(r, "new") for r in records)), day=MONDAY)
    index_papers()
    counts = dict(search(SearchRequest("synapses", limit=1)).facets.categories)

    assert counts == {"bio": 4, "bio.neuroscience": 3, "q-bio.NC": 2}
