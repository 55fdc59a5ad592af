"""What is typed as a topic although something else was meant is answered at the field, by every door."""

from __future__ import annotations

import pytest

from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, Browser, everything

NOT_TOPICS = (
    "(foo",
    "foo)",
    "x (y",
    "ti:",
    "ti: diffusion",
    "year:2024",
    "year: 2024",
    "author: He",
    "ti : diffusion",
    "Title : diffusion models",
    "diffusion -survey",
    "not multi-agent",
    "★ Niao He",
    '-"image synthesis"',
    "graph|transformers",
    "graph neural networks || transformers",
    'ti:"foo" AND year:2024',
    "https://arxiv.org/abs/2310.18919",
    "arxiv.org/abs/2310.18919",
    "2310.18919v2",
    "arXiv:2310.18919",
    "arXiv 2310.18919",
    "www.research-collection.ethz.ch/handle/1",
    "research-collection.ethz.ch/handle/1",
    "arxiv.org",
    "hep-th/9901001",
    "10.1145/1234.5678",
    "ada@digest.example",
)
TOPICS = (
    "SE(3) equivariance",
    "networks (CNN)",
    '"p:q resonance"',
    "1:1 matching",
    "deep learning: a survey",
    "graph: neural",
    "p(y|x) estimation",
    "state-of-the-art",
    "not all tokens are what you need",
    "A* search",
    "COVID -19",
    "character.ai",
    '"graph|transformers"',
    "TCP/IP",
    "node.js",
    "GPT-4.1",
    "au:He",
    "has:code",
)

pytestmark = MAINLY_SQLITE


@pytest.mark.parametrize("text", NOT_TOPICS)
def test_what_is_not_a_topic_is_refused_at_the_field(web: Browser, text: str) -> None:
    page = web.post("/subscribe", data={"address": ADA, "topics": f"graphs\n{text}"})
    api = web.post("/api/v1/subscriptions", json={"address": ADA, "topics": ["graphs", text]})

    assert (page.status_code, api.status_code) == (422, 422)
    assert 'id="topics-error"' in page.text
    assert api.json()["errors"][0]["field"] == "topics"
    assert everything()["subscriber"] == []


@pytest.mark.parametrize("text", TOPICS)
def test_topics_with_punctuation_are_taken(web: Browser, text: str) -> None:
    assert web.post("/subscribe", data={"address": ADA, "topics": text}).status_code == 303
