"""Suggestions for the topics field, over stored papers, on both databases."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import Browser
from tests.digest.web.pages.test_search import paper, store

SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
ABSTRACT = (
    "We study masked diffusion for protein design. Masked diffusion generates backbones, and a protein language model"
    " scores them. Our experiments show that protein design by masked diffusion needs few samples."
)


@pytest.fixture
def titles(web: Browser) -> Browser:
    store(*(paper(n, f"Graph neural networks for task {n}", authors=("Niao He",)) for n in range(1, 6)))
    store(*(paper(n, f"A graph neural network, part {n}") for n in range(6, 9)))
    store(*(paper(n, f"Protein language models and masked diffusion {n}") for n in range(9, 13)))
    return web


def suggested(web: Browser, text: str) -> list[list[str]]:
    """The topics of each suggestion."""
    answer = web.get("/topics/suggest", params={"q": text})
    assert answer.status_code == 200
    return [item["topics"] for item in answer.json()["suggestions"]]


def test_frequent_phrases_complete_what_is_typed_in_their_usual_form(titles: Browser) -> None:
    assert suggested(titles, "graph neu")[0] == ["graph neural networks"]
    assert suggested(titles, "Graph N")[0] == ["graph neural networks"]
    assert suggested(titles, "zzz") == suggested(titles, "g") == suggested(titles, "") == []


def test_a_misspelled_word_is_corrected(titles: Browser) -> None:
    assert suggested(titles, "protien language") == [["protein language"]]


@MAINLY_SQLITE
def test_an_author_is_recognised(titles: Browser) -> None:
    assert suggested(titles, "niao he")[0] == ['au:"Niao He"']
    assert suggested(titles, "au:He") == []


@MAINLY_SQLITE
def test_a_list_is_split(titles: Browser) -> None:
    assert suggested(titles, "optimal transport; causal inference")[0] == ["optimal transport", "causal inference"]


def test_a_long_text_offers_topics_that_papers_have(titles: Browser) -> None:
    topics = [topic for (topic,) in suggested(titles, ABSTRACT)]

    assert "masked diffusion" in topics
    assert 1 <= len(topics) <= 6
    assert not any("experiments show" in topic for topic in topics)


@MAINLY_SQLITE
def test_suggestions_may_be_cached_and_are_limited(titles: Browser) -> None:
    answers = [titles.get("/topics/suggest", params={"q": "graph"}) for _ in range(121)]

    assert answers[0].headers["Cache-Control"] == "public, max-age=600"
    assert answers[-1].status_code == 429
    assert titles.get("/topics/suggest", params={"q": "x" * 6000}).status_code in {422, 429}


@MAINLY_SQLITE
@pytest.mark.parametrize("text", ['"open', "(((", "a\x07b", "\ud7ff\U0010ffff", "%", "ab*", "x:y", ";;", ", ,"])
def test_any_text_is_answered(titles: Browser, text: str) -> None:
    assert titles.get("/topics/suggest", params={"q": text}).status_code == 200


@MAINLY_SQLITE
def test_the_script_is_allowed_on_both_pages(web: Browser) -> None:
    for page in ("/", "/search"):
        response = web.get(page)
        [script] = [text for text in SCRIPT.findall(response.text) if "aria-autocomplete" in text]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in response.headers["Content-Security-Policy"]
