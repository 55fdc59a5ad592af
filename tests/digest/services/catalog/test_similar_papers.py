"""More like this on a paper's page: similar papers with the words that they share, on both databases."""

from __future__ import annotations

from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.papers import ListedPaper, Record
from digest.services.catalog.similar_papers import MAX_SIMILAR, SimilarPaper, similar_papers
from digest.services.search.search_indexing import index_papers
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, utc

pytestmark = MAINLY_SQLITE

FOLDING = "We predict how proteins fold from their amino acid sequences with a network that attends to residue pairs."
GALAXIES = "We measure the redshift of galaxies in a deep survey and infer the growth of dark matter halos."


def _similar(arxiv_id: str) -> tuple[SimilarPaper, ...]:
    with reading() as session:
        paper_id = store.by_arxiv_id(session, arxiv_id)
    return similar_papers(paper_id or 0)


def _papers() -> list[ListedPaper]:
    folding = [Record(f"Protein folding, method {n}", FOLDING, arxiv_id=f"2511.1{n:04d}") for n in range(12)]
    galaxies = [Record(f"Galaxies in the survey, part {n}", GALAXIES, arxiv_id=f"2511.2{n:04d}") for n in range(4)]
    return [ListedPaper(record, "new") for record in (*folding, *galaxies)]


def test_similar_papers_come_with_the_words_that_they_share(lab: Lab) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *_papers())
    index_papers()
    similar = _similar("2511.20000")

    assert {paper.title for paper in similar} == {f"Galaxies in the survey, part {n}" for n in (1, 2, 3)}
    assert {"halos", "survey"} & set(similar[0].words)
    assert set(similar[0].words) <= {*GALAXIES.lower().strip(".").split(), "part"}


def test_at_most_eight_are_shown_and_never_the_paper_itself(lab: Lab) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *_papers())
    index_papers()
    similar = _similar("2511.10003")

    assert len(similar) == MAX_SIMILAR
    assert "Protein folding, method 3" not in {paper.title for paper in similar}


def test_withdrawn_papers_are_left_out(lab: Lab) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *_papers())
    index_papers()
    withdrawn = Record("Galaxies in the survey, part 1", GALAXIES, arxiv_id="2511.20001", version=2, withdrawn=True)
    lab.store(MONDAY, ListedPaper(withdrawn, "replace"))

    assert "Galaxies in the survey, part 1" not in {paper.title for paper in _similar("2511.20000")}


def test_without_an_index_or_words_there_are_none(lab: Lab) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *_papers(), ListedPaper(Record("It", arxiv_id="2511.30000"), "new"))

    assert _similar("2511.20000") == ()
    index_papers()
    assert _similar("2511.30000") == ()
    assert similar_papers(99999) == ()
