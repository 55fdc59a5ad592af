"""How papers trend among those of the last announcements."""

from __future__ import annotations

from datetime import timedelta

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.models import Paper, PaperVersion, Signal
from digest.services.catalog import author_pages, epochs, paper_presenters, trending_ranks
from digest.services.catalog.page_schemas import PaperRow
from digest.services.selection import candidate_papers
from tests.digest.services.conftest import MONDAY, Lab, paper, utc


def voted(lab: Lab) -> None:
    """Eight days of papers in two fields, with votes; one is withdrawn."""
    for day in range(8):
        lab.set_time(utc(MONDAY + timedelta(days=day), 12))
        numbers = range(10 * day + 1, 10 * day + 9)
        papers = [
            paper(n, f"Paper {n}", signals={"upvotes": float(n * 7 % 31)}, categories=FIELDS[n % 3]) for n in numbers
        ]
        lab.store(MONDAY + timedelta(days=day), *papers)


FIELDS = (("cs.LG", "cs.AI"), ("cs.AI", "cs.LG"), ("cs.LG",))


def figures_of_row(row: PaperRow) -> tuple[int | None, str, tuple[tuple[str, int], ...]]:
    return row.score, row.facts, row.parts


def test_a_paper_s_figures_are_the_same_wherever_it_stands(lab: Lab) -> None:
    voted(lab)
    figures_by_paper = {row.id: figures_of_row(row) for row in paper_presenters.trending(None, 100)}
    narrow = {
        row.id: figures_of_row(row) for category in ("cs.LG", "cs.AI") for row in paper_presenters.trending(category, 5)
    }
    figures_alone = {number: figures_of_row(paper_presenters.paper(number).row) for number in figures_by_paper}
    by_author = {row.id: figures_of_row(row)[::2] for row in author_pages.author("Ada Byron", 20).rows}

    assert len(figures_by_paper) > 40
    assert figures_alone == figures_by_paper
    assert narrow.items() <= figures_by_paper.items()
    assert by_author.items() <= {n: figures[::2] for n, figures in (figures_by_paper | figures_alone).items()}.items()
    assert len({score for score, _, _ in figures_by_paper.values()}) > 5


def test_a_page_ranks_a_paper_as_an_edition_does(lab: Lab) -> None:
    voted(lab)
    with reading() as session:
        current = store.current_announcement(session, clock.now().date())
        assert current is not None
        numbers = store.announcement_window(session, current, WINDOW_ANNOUNCEMENTS)
        pool = candidate_papers.pool_of(session, numbers, signals_at=clock.now(), weights=epochs.weights(None))
        listings = {n: trending_ranks.PaperListing(pool.announcement_of[n], p.revision) for n, p in pool.papers.items()}
        trends = trending_ranks.trends_among_recent(session, listings, at=clock.now())
        newest = candidate_papers.pool_of(session, numbers[:1], signals_at=clock.now(), weights=epochs.weights(None))

    assert {n: t.percentile for n, t in trends.items()} == {n: t.percentile for n, t in pool.trends.items()}
    assert {n: t.facts for n, t in trends.items()} == {n: t.facts for n, t in pool.trends.items()}
    assert 0 < len(newest.trends) < len(pool.trends)
    assert {n: t.percentile for n, t in newest.trends.items()}.items() <= {
        n: t.percentile for n, t in trends.items()
    }.items()


def test_an_old_paper_ranks_among_those_of_its_day(lab: Lab) -> None:
    voted(lab)
    for day in range(8, 24):
        lab.store(MONDAY + timedelta(days=day), paper(10 * day + 1, f"Paper {day}", signals={"upvotes": 90.0}))
    lab.set_time(utc(MONDAY + timedelta(days=24), 12))

    figures_alone = {number: figures_of_row(paper_presenters.paper(number).row) for number in range(1, 9)}

    assert len({score for score, _, _ in figures_alone.values()}) > 3
    assert all("of 8 listed that day" in facts for _, facts, _ in figures_alone.values())


def test_a_withdrawn_paper_changes_nobody_else_s_rank(lab: Lab) -> None:
    voted(lab)
    lab.set_time(utc(MONDAY + timedelta(days=7), 13))
    before = {row.id: figures_of_row(row) for row in paper_presenters.trending(None, 100)}
    with transaction() as session:
        withdrawn = Paper(batch_id=1, announcement_id=(MONDAY + timedelta(days=7)).toordinal(), withdrawn=True)
        session.add(withdrawn)
        session.flush()
        number = withdrawn.id or 0
        session.add(PaperVersion(paper_id=number, revision=1, batch_id=1, title="Gone", abstract="", detail={}))
        session.flush()
        session.add(Signal(paper_id=number, source="x", name="upvotes", taken_at=utc(MONDAY, 12), value=99))

    after = {row.id: figures_of_row(row) for row in paper_presenters.trending(None, 100)}
    paper_row = paper_presenters.paper(number).row

    assert after == before
    assert "1st of 9 listed" in paper_row.facts
