"""Author pages."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from digest.papers import AuthorFigures, ParsedDocument
from seeds import author_profile
from tests.seeds.conftest import TODAY

ABSTRACT = "We show that a short abstract can be whole. It ends with a stop."


def page(head: str, *, authors: str = "Ada Byron, Emmy Noether", abstract: str = ABSTRACT) -> str:
    return f"{head}\nA Title of Some Words\n\n{authors}\n\n{abstract}"


def test_the_figures_are_read_as_printed(parsed: dict[str, ParsedDocument]) -> None:
    assert parsed["000"].figures == AuthorFigures(h_index=56, papers=105, citations=5787, novelty=60, ai_score=63)


def test_a_page_without_figures_has_none(parsed: dict[str, ParsedDocument]) -> None:
    assert parsed["002"].figures is None


def test_a_figure_that_ends_the_document_is_not_read_since_it_may_be_cut() -> None:
    figures = author_profile.parse("h-index56\n105papers\nAI Score6", today=TODAY).figures

    assert figures == AuthorFigures(h_index=56, papers=105)


def test_all_fifty_papers_of_each_page_are_read(parsed: dict[str, ParsedDocument]) -> None:
    assert [(len(parsed[name].papers), parsed[name].rejected) for name in ("000", "002")] == [(50, ()), (50, ())]


def test_the_first_paper_has_every_field_of_the_page(parsed: dict[str, ParsedDocument]) -> None:
    paper = parsed["000"].papers[0].record

    assert (
        paper.title,
        paper.authors,
        paper.authors_complete,
        paper.categories,
        paper.institutions,
        paper.published,
    ) == (
        "Seeing is not Believing: Robust Reinforcement Learning against Spurious Correlation",
        ("Wenhao Ding", "Laixi Shi", "Yuejie Chi"),
        False,
        ("cs.LG",),
        ("cmu",),
        date(2023, 7, 15),
    )


def test_a_list_without_et_al_is_complete(parsed: dict[str, ParsedDocument]) -> None:
    papers = {paper.record.title: paper.record for paper in parsed["000"].papers}
    paper = papers["Faster Last-iterate Convergence of Policy Optimization in Zero-Sum Markov Games"]
    other = papers[
        "Independent Natural Policy Gradient Methods for Potential Games: Finite-time Global Convergence "
        "with Entropy Regularization"
    ]

    assert (paper.authors_complete, other.authors_complete) == (False, True)


def test_sixteen_dates_have_no_year_and_all_lie_in_the_past(parsed: dict[str, ParsedDocument]) -> None:
    days = [paper.record.published for name in ("000", "002") for paper in parsed[name].papers]

    assert sum(day is not None and date(2025, 6, 10) < day <= TODAY and day.year == 2026 for day in days) == 16


def test_a_date_without_year_that_would_be_tomorrow_is_last_year() -> None:
    paper = author_profile.parse(page("LGJun 11"), today=TODAY).papers[0]

    assert paper.record.published == date(2025, 6, 11)


def test_a_leap_day_without_year_is_the_latest_there_was() -> None:
    paper = author_profile.parse(page("LGFeb 29"), today=TODAY).papers[0]

    assert paper.record.published == date(2024, 2, 29)


def test_a_day_that_does_not_exist_is_refused_at_its_line() -> None:
    document = author_profile.parse(page("LGFeb 30, 2025"), today=TODAY)

    assert [(bad.position, bad.reason) for bad in document.rejected] == [(1, "no such day")]


@given(
    st.dates(min_value=date(2000, 1, 1), max_value=date(2030, 12, 31)), st.dates(date(2010, 1, 1), date(2030, 12, 31))
)
def test_a_date_without_year_is_never_in_the_future(day: date, today: date) -> None:
    head = f"ML{day:%b} {day.day}"
    published = author_profile.parse(page(head), today=today).papers[0].record.published

    assert published is not None
    assert published <= today
    assert (published.month, published.day) == (day.month, day.day)


def test_code_behind_the_date_marks_code_without_an_address(parsed: dict[str, ParsedDocument]) -> None:
    marked = [paper.record for paper in parsed["000"].papers if paper.record.has_code and not paper.record.code_url]

    assert [paper.title.partition(":")[0] for paper in marked] == ["Robust Gymnasium", "Feynman"]


def test_an_address_in_the_abstract_becomes_the_code_link(parsed: dict[str, ParsedDocument]) -> None:
    assert parsed["002"].papers[0].record.code_url == "https://github.com/Liang137/DPZero"


def test_tags_become_arxiv_categories() -> None:
    categories = [
        author_profile.parse(page(f"{tag}May 1, 2024"), today=TODAY).papers[0].record.categories
        for tag in ("LG", "ML", "OC", "SY", "GT", "IV", "IT", "NA", "quant-ph", "ZZ")
    ]

    assert categories == [
        ("cs.LG",), ("stat.ML",), ("math.OC",), ("eess.SY",), ("cs.GT",), ("eess.IV",), ("cs.IT",), ("math.NA",),
        ("quant-ph",), (),
    ]  # fmt: skip


def test_a_page_cut_behind_the_authors_gives_no_title_made_of_both() -> None:
    document = author_profile.parse("LGMay 1, 2024\nOn Learning\n\nAda Byron, Emmy Noether et al.", today=TODAY)

    assert (document.papers, document.rejected[0].reason) == ((), "cut before its abstract")


def test_a_line_behind_the_abstract_is_refused_and_the_paper_kept() -> None:
    document = author_profile.parse(page("LGMay 1, 2024") + "\nLGMay 2, 20", today=TODAY)

    assert (len(document.papers), [bad.excerpt for bad in document.rejected]) == (1, ["LGMay 2, 20"])


def test_a_glued_line_without_a_certain_seam_is_refused() -> None:
    document = author_profile.parse(f"LGMay 1, 2024\nOn deep learningvladimir\n{ABSTRACT}", today=TODAY)

    assert (document.papers, document.rejected[0].reason) == ((), "title and authors can't be told apart")
