"""The search pages and the API's search, over papers that were stored and indexed, on both databases."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.services.search.search_indexing import index_papers
from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import Browser, path, subscribed

MONDAY = date(2025, 11, 17)


def store(*records: Record, day: date = MONDAY, source: str = "arxiv") -> None:
    store_document(source, "test", ParsedDocument(papers=tuple(ListedPaper(r, "new") for r in records)), day=day)
    index_papers()


def paper(number: int, title: str, abstract: str = "", **more: object) -> Record:
    return Record(title, abstract or "We study it.", arxiv_id=f"2511.{number:05d}", **more)  # type: ignore[arg-type]


def titles(web: Browser, query: str, **params: str) -> list[str]:
    """The titles found, in order."""
    response = web.get("/search", params={"q": query, **params})
    assert response.status_code == 200, response.text
    rows = re.findall(r"<h2><a href=\"/papers/\d+\"[^>]*>(.*?)</a></h2>", response.text)
    return [re.sub("</?mark>", "", row) for row in rows]


@pytest.fixture
def library(web: Browser) -> Browser:
    store(
        paper(1, "Offline reinforcement learning", authors=("Yingbin Liang",), categories=("cs.LG", "stat.ML")),
        paper(2, "Reinforcement learning from offline data", authors=("Percy Liang",), categories=("cs.LG",)),
        paper(3, "Protein design by diffusion", comment="Accepted at ICML 2025", code_url="https://github.com/a/b"),
        paper(4, "Folding of proteins: a survey", categories=("q-bio.BM",), institutions=("ETH Zurich",)),
        paper(5, "The Schrödinger bridge", "Learned samplers for $\\ell_2$ norms.", categories=("math.PR",)),
    )
    return web


@pytest.mark.parametrize(
    ("query", "matching_ids"),
    [
        ("reinforcement learning", {1, 2}),
        ("Schrodinger bridge", {5}),
        ("L2 norm", {5}),
        ("au:Liang", {1, 2}),
        ('au:"Yingbin Liang"', {1}),
        ('au:"Y. Liang"', {1}),
        ("au:Lia*", {1, 2}),
        ("cat:cs", {1, 2}),
        ("cat:stat.ML", {1}),
        ("ti:protein", {3, 4}),
        ("abs:protein", set()),
        ("abs:sampler", {5}),
        ("has:code", {3}),
        ("co:ICML", {3}),
        ('inst:"ETH Zurich"', {4}),
        ("all:zurich", {4}),
        ("protein AND (design OR folding) ANDNOT survey", {3}),
        ('protein ANDNOT "protein design"', {4}),
        ('"offline reinforcement learning"', {1}),
        ("fold*", {4}),
        ("learn*", {1, 2, 5}),
        ("learni*", {1, 2}),
    ],
)
def test_a_query_finds_what_a_topic_would(library: Browser, query: str, matching_ids: set[int]) -> None:
    by_title = dict(
        enumerate(
            (
                "Offline reinforcement learning",
                "Reinforcement learning from offline data",
                "Protein design by diffusion",
                "Folding of proteins: a survey",
                "The Schrödinger bridge",
            ),
            1,
        )
    )

    assert set(titles(library, query)) == {by_title[number] for number in matching_ids}


def test_plain_words_find_papers_with_all_of_them_the_phrase_first(library: Browser) -> None:
    response = library.get("/search", params={"q": "offline reinforcement learning", "order": "best"})

    assert titles(library, "offline reinforcement learning", order="best") == [
        "Offline reinforcement learning",
        "Reinforcement learning from offline data",
    ]
    assert response.text.count("close: all words, but not side by side") == 1
    assert "2 papers" in response.text
    assert "<mark>Offline reinforcement learning</mark>" in response.text


@MAINLY_SQLITE
def test_the_identifier_of_a_paper_finds_it(library: Browser) -> None:
    for text in ("2511.00003", "arXiv:2511.00003v2", "https://arxiv.org/abs/2511.00003"):
        assert titles(library, text) == ["Protein design by diffusion"]
    assert "No paper matches" in library.get("/search", params={"q": "2511.99999"}).text


def test_facets_count_and_narrow(library: Browser) -> None:
    text = library.get("/search", params={"q": "reinforcement learning"}).text

    assert '<a href="/search?q=reinforcement%20learning&amp;category=stat.ML">stat.ML</a> <span class="muted">1' in text
    assert '>cs.LG</a> <span class="muted">2' in text
    assert '>arxiv</a> <span class="muted">2' in text
    assert titles(library, "reinforcement learning", category="stat.ML") == ["Offline reinforcement learning"]
    assert titles(library, "protein", code="1") == ["Protein design by diffusion"]
    assert titles(library, "protein", source="openalex") == []
    assert titles(library, "protein", **{"from": "2025-11-18"}) == []
    assert len(titles(library, "protein", **{"from": "2025-11-17", "to": "2025-11-17"})) == 2


@MAINLY_SQLITE
@pytest.mark.parametrize("category", ["bio.scientific-communication", "acc-phys"])
def test_each_category_that_papers_have_narrows_the_results(web: Browser, category: str) -> None:
    store(paper(1, "Graphs", categories=(category,)), paper(2, "Graphs and trees", categories=("cs.LG",)))
    text = web.get("/search", params={"q": "graphs"}).text

    assert f'href="/search?q=graphs&amp;category={category}"' in text
    assert titles(web, "graphs", category=category) == ["Graphs"]
    assert web.get("/api/v1/search", params={"q": "graphs", "category": category}).json()["total"] == 1


@MAINLY_SQLITE
def test_numbers_that_the_index_estimates_are_marked(web: Browser) -> None:
    store(*(paper(n, f"The long range order {n}", categories=("cs.LG",)) for n in range(1, 31)))
    text = web.get("/search", params={"q": '"the long range order"'}).text

    assert re.search(r'>cs.LG</a> <span class="muted">about 30<', text)


def test_newest_first_and_pages_by_cursor_show_each_paper_once(web: Browser) -> None:
    for number in range(50):
        store(paper(number + 1, f"Graphs, part {number}"), day=MONDAY - timedelta(days=number % 5))
    for order in ("newest", "best"):
        listed_titles: list[str] = []
        address = f"/search?q=graphs&order={order}"
        while address:
            text = web.get(address).text
            listed_titles += re.findall(r"part (\d+)</a>", text)
            following = re.search(r'<a href="([^"]+)" rel="next">', text)
            address = following[1].replace("&amp;", "&") if following else ""
        assert sorted(map(int, listed_titles)) == list(range(50))
        if order == "newest":
            assert [int(number) % 5 for number in listed_titles] == sorted(int(number) % 5 for number in listed_titles)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('graphs AND "open', "A quote is open"),
        ("author:Liang", "The field"),
        ("ab* OR graphs", "begins too many words"),
        ("the of", "too common"),
        ("x" * 600, "at most 500"),
        (" OR ".join(f"w{n}*" for n in range(40)), "begins too many words"),
        (" OR ".join(f"word{n}*" for n in range(25)), "at most 20"),
    ],
)
def test_a_bad_query_is_explained_at_the_box(web: Browser, query: str, message: str) -> None:
    response = web.get("/search", params={"q": query})

    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert message in response.text.replace("&#39;", "'")


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "params",
    [{"cursor": "1"}, {"cursor": "' OR 1=1"}, {"order": "worst"}, {"category": "x y"}, {"from": "yesterday"},
     {"from": "2025-02-01", "to": "2025-01-01"}],
)  # fmt: skip
def test_a_bad_parameter_is_explained(web: Browser, params: dict[str, str]) -> None:
    assert web.get("/search", params={"q": "graphs", **params}).status_code == (400 if "cursor" in params else 422)


def test_marks_of_the_databases_own_query_languages_are_words(library: Browser) -> None:
    for query in ("protein' | 'x", "protein NEAR survey", "terms:protein", "protein & !x", "\\ protein", "{protein}"):
        assert library.get("/search", params={"q": query}).status_code in {200, 422}


def test_a_query_of_many_parentheses_is_answered(library: Browser) -> None:
    nested_right, nested_left, nested_exclusions = "protein", "protein", "protein"
    for number in range(38):
        operator = ("AND", "OR")[number % 2]
        nested_right, nested_left = f"w{number} {operator} ({nested_right})", f"({nested_left}) {operator} w{number}"
        nested_exclusions = f"w{number} ANDNOT ({nested_exclusions})"
    for query in (nested_right, nested_left, nested_exclusions, " OR ".join(f"w{n}" for n in range(70))):
        assert library.get("/search", params={"q": query, "order": "best"}).status_code == 200


@MAINLY_SQLITE
def test_searches_are_limited_as_previews_are(web: Browser) -> None:
    answers = [web.get("/search", params={"q": "graphs"}) for _ in range(31)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert web.get("/search").status_code == 200


@MAINLY_SQLITE
def test_a_search_becomes_a_topic(library: Browser) -> None:
    text = library.get("/search", params={"q": "protein design", "category": "cs.LG"}).text

    link = "/?topics=protein%20design&categories=cs.LG"
    assert link.replace("&", "&amp;") in text
    assert "protein design</textarea>" in library.get(link).text


@MAINLY_SQLITE
def test_a_subscriber_adds_a_search_to_their_topics(library: Browser) -> None:
    subscriber = subscribed(library)
    page = path(signed_links.preferences(subscriber.id or 0))
    response = library.post(f"{page}/search", data={"topic": "protein design", "action": "add", "on_page": "yes"})

    assert "‘protein design’ is one of your topics now." in response.text
    assert "offline reinforcement learning\nprotein design</textarea>" in library.get(page).text
    refused = library.post(f"{page}/search", data={"topic": 'protein "', "action": "add", "on_page": "yes"})
    assert refused.status_code == 422
    assert "protein &#34;" not in library.get(page).text


def test_a_revised_paper_is_found_by_its_new_words_only(web: Browser) -> None:
    store(paper(1, "On graphs and trees"))
    store(paper(1, "On hypergraphs and forests", version=2), day=MONDAY + timedelta(days=1))

    assert titles(web, "forests") == ["On hypergraphs and forests"]
    assert titles(web, "trees") == []


@MAINLY_SQLITE
def test_a_withdrawn_paper_is_not_found(web: Browser) -> None:
    store(paper(1, "On graphs and trees"))
    store(paper(1, "On graphs and trees", version=2, withdrawn=True), day=MONDAY + timedelta(days=1))

    assert titles(web, "graphs") == []


def test_a_misspelled_word_gets_a_suggestion(web: Browser) -> None:
    store(*(paper(n, f"Reinforcement learning, part {n}") for n in range(1, 4)))
    text = web.get("/search", params={"q": "reinforcement lerning"}).text

    assert '<a href="/search?q=reinforcement%20learning">reinforcement learning</a>' in text


@MAINLY_SQLITE
def test_papers_that_are_not_indexed_yet_are_mentioned(web: Browser) -> None:
    listed = tuple(ListedPaper(paper(n, f"Graphs, part {n}"), "new") for n in range(1, 4))
    store_document("arxiv", "test", ParsedDocument(papers=listed), day=MONDAY)

    assert "still being indexed" in web.get("/search", params={"q": "graphs"}).text
    index_papers()
    assert "still being indexed" not in web.get("/search", params={"q": "graphs"}).text


@MAINLY_SQLITE
def test_the_api_searches_with_a_cursor(library: Browser) -> None:
    first = library.get("/api/v1/search", params={"q": "learning", "limit": 1})
    second = library.get(first.json()["next"]).json()

    page = first.json()

    assert (page["total"], page["total_is"], page["facets"]["categories"]["cs.LG"]) == (3, "exact", 2)
    assert second["papers"][0]["id"] != page["papers"][0]["id"]
    assert page["papers"][0]["strict"] is True
    assert library.get("/api/v1/search", params={"q": 'learning "'}).status_code == 422
