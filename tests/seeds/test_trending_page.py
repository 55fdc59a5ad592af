"""The page of trending papers."""

from __future__ import annotations

from digest.papers import ParsedDocument
from seeds import loader, trending_page
from tests.seeds.conftest import TODAY

GREETING = "Get trending papers in your email inbox once a day!\n"
ABSTRACT = "We show that an abstract of the usual length can be told from a title. " * 4


def test_all_papers_are_read_in_order_with_their_rank(parsed: dict[str, ParsedDocument]) -> None:
    ranks = [dict(paper.signals)["rank"] for paper in parsed["001"].papers]

    assert ranks == [float(place) for place in range(1, 214)]


def test_the_first_title_loses_the_button_before_it(parsed: dict[str, ParsedDocument]) -> None:
    first = parsed["001"].papers[0].record

    assert first.title.startswith("Cooperative Multi-Agent Reinforcement Learning: Asynchronous")


def test_code_addresses_are_found_however_they_are_written(parsed: dict[str, ParsedDocument]) -> None:
    code_urls = {paper.record.code_url for paper in parsed["001"].papers}

    assert code_urls >= {
        "https://github.com/masa-ue/SVDD",  # printed twice, the second time in braces
        "https://github.com/anyasims/edge-of-reach",  # without https
        "https://github.com/radarFudan/Curse-of-memory",  # without a stop behind it
        "https://tinyurl.com/kv-adaquant",  # 'The code is available at'
    }


def test_a_list_of_links_is_not_code(parsed: dict[str, ParsedDocument]) -> None:
    assert not [paper for paper in parsed["001"].papers if "Awesome" in (paper.record.code_url or "")]


def test_a_title_without_abstract_is_refused_and_the_next_pair_read() -> None:
    page = f"{GREETING}SubscribeFirst\n{ABSTRACT}\nLonely Title\nSecond\n{ABSTRACT}"
    document = trending_page.parse(page, today=TODAY)

    assert [paper.record.title for paper in document.papers] == ["First", "Second"]
    assert [(bad.position, bad.excerpt) for bad in document.rejected] == [(4, "Lonely Title")]


def test_a_rank_counts_the_papers_that_could_not_be_read() -> None:
    page = f"{GREETING}SubscribeFirst\n{ABSTRACT}\nLonely Title\nThird\n{ABSTRACT}"
    document = trending_page.parse(page, today=TODAY)

    assert document.papers[1].signals == (("rank", 3.0),)


def test_an_abstract_without_title_is_refused_and_the_next_pair_read() -> None:
    page = f"{GREETING}SubscribeFirst\n{ABSTRACT}\n{ABSTRACT}\nSecond\n{ABSTRACT}"
    document = trending_page.parse(page, today=TODAY)

    assert [paper.record.title for paper in document.papers] == ["First", "Second"]
    assert [bad.reason for bad in document.rejected] == ["an abstract without a title"]


def test_a_page_cut_in_its_greeting_says_so() -> None:
    document = loader.parse(GREETING, today=TODAY)

    assert [bad.reason for bad in document.rejected] == ["no list of papers on this page"]
