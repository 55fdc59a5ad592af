"""Feeds over HTTP, and as an independent parser reads them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as Xml

import feedparser
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from digest import clock
from digest.compose import atom_json_feeds as forms
from digest.compose.atom_json_feeds import Feed, Item
from digest.db.core import engine
from digest.models import Announcement, Batch, Edition, Paper, PaperVersion, Signal
from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import NOW, Browser, everything, path, subscribed

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
TAG = re.compile(r"tag:[a-z0-9.-]+,\d{4}-\d\d-\d\d:[a-z0-9.-]+", re.ASCII | re.IGNORECASE)
TITLE = 'Bounds of order $\\tilde{O}(d)$ & <b>more</b> "quoted"'


def paper(number: int = 1, title: str = TITLE) -> None:
    """A paper of today with 41 votes."""
    with engine.transaction() as session:
        day = date(2025, 11, 21)
        if session.get(Announcement, day.toordinal()) is None:
            session.add(Announcement(id=day.toordinal(), day=day))
            session.add(Batch(id=1, source="jsonl", announcement_id=day.toordinal(), started_at=NOW, known_at=NOW))
            session.flush()
        session.add(Paper(id=number, arxiv_id=f"2511.{number:05}", announcement_id=day.toordinal(), batch_id=1))
        session.flush()
        detail = {"authors": ["Ada Byron", "Paul Erd\\H{o}s"], "categories": ["cs.LG"], "arxiv_id": f"2511.{number:05}"}
        session.add(
            PaperVersion(
                paper_id=number, revision=1, batch_id=1, title=title, abstract="We bound 1 < 2 & 3.", detail=detail
            )
        )
        session.add(Signal(paper_id=number, source="huggingface", name="upvotes", taken_at=NOW, value=41.0))


def editions(number: int, *, papers: tuple[int, ...] = (1,)) -> None:
    """That many editions of the only subscriber, a day apart, the last one today."""
    with engine.transaction() as session:
        for days_ago in range(number):
            entries = [
                {"paper": n, "revision": 1, "section": "new", "matched": [[0, ["reinforcement"]]]} for n in papers
            ]
            session.add(
                Edition(
                    subscriber_id=1,
                    day=(NOW - timedelta(days=days_ago)).date(),
                    announcement_id=1,
                    profile_id=1,
                    created_at=NOW - timedelta(days=days_ago),
                    previous_seen=0,
                    papers=len(entries),
                    content={"entries": entries, "considered": 412},
                )
            )


def check_atom(text: bytes) -> None:
    """What RFC 4287 demands of a feed (4.1.1, 4.1.2, 3.3), and that ids are unique."""
    root = Xml.fromstring(text)
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        assert TAG.fullmatch(element.findtext(f"{ATOM}id", ""))
        assert [link for link in element.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
        for name in ("updated", "published"):
            assert all(RFC3339.fullmatch(timestamp.text or "") for timestamp in element.findall(f"{ATOM}{name}"))
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    assert [link.get("rel") for link in root.findall(f"{ATOM}link")].count("self") == 1
    ids = [element.text for element in root.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))


def check_json(text: str) -> None:
    """What JSON Feed 1.1 demands: version, title, items, and of each an id and a content; no author without name."""
    feed = json.loads(text)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(feed["title"], str)
    assert all(isinstance(feed[name], str) and feed[name].startswith("http") for name in ("home_page_url", "feed_url"))
    for item in feed["items"]:
        assert isinstance(item["id"], str)
        assert isinstance(item["content_html"], str)
        assert RFC3339.fullmatch(item["date_published"])
        assert all(author["name"] for author in item.get("authors", ()))


@pytest.fixture
def edition_reader(web: Browser) -> Browser:
    """A subscriber with three editions of one paper."""
    subscribed(web)
    paper()
    editions(3)
    return web


@MAINLY_SQLITE
def test_a_subscribers_editions_are_a_valid_atom_feed(edition_reader: Browser) -> None:
    response = edition_reader.get(path(signed_links.feed(1)))
    check_atom(response.content)
    parsed = feedparser.parse(response.content)

    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert not parsed.bozo
    assert parsed.version == "atom10"
    assert [entry.title for entry in parsed.entries] == [
        'Fri 21 Nov: Bounds of order Õ(d) & <b>more</b> "quoted"',
        'Thu 20 Nov: Bounds of order Õ(d) & <b>more</b> "quoted"',
        'Wed 19 Nov: Bounds of order Õ(d) & <b>more</b> "quoted"',
    ]


@MAINLY_SQLITE
def test_a_subscribers_editions_are_a_valid_json_feed(edition_reader: Browser) -> None:
    response = edition_reader.get(path(signed_links.feed(1, "json")))
    check_json(response.text)

    assert response.headers["content-type"] == "application/feed+json; charset=utf-8"
    assert len(response.json()["items"]) == 3


@MAINLY_SQLITE
def test_both_forms_have_the_same_ids_and_contents(edition_reader: Browser) -> None:
    atom = feedparser.parse(edition_reader.get(path(signed_links.feed(1))).content)
    items = edition_reader.get(path(signed_links.feed(1, "json"))).json()["items"]

    assert [entry.id for entry in atom.entries] == [item["id"] for item in items]
    assert [item["url"] for item in items] == [entry.link for entry in atom.entries]


@MAINLY_SQLITE
def test_titles_are_escaped_once(edition_reader: Browser) -> None:
    html = edition_reader.get(path(signed_links.feed(1, "json"))).json()["items"][0]["content_html"]

    assert "Õ(d) &amp; &lt;b&gt;more&lt;/b&gt; &#34;quoted&#34;" in html


def test_a_feed_has_thirty_editions_at_most(web: Browser) -> None:
    subscribed(web)
    paper()
    editions(33)

    assert len(web.get(path(signed_links.feed(1, "json"))).json()["items"]) == 30


@MAINLY_SQLITE
def test_a_quiet_edition_says_so(web: Browser) -> None:
    subscribed(web)
    editions(1, papers=())
    item = web.get(path(signed_links.feed(1, "json"))).json()["items"][0]

    assert item["title"] == "Fri 21 Nov: Nothing new for your topics today"
    assert "Chosen from 412 announced papers." in item["content_html"]


@MAINLY_SQLITE
def test_a_subscriber_without_editions_has_an_empty_feed(web: Browser) -> None:
    subscribed(web)
    response = web.get(path(signed_links.feed(1)))
    check_atom(response.content)

    assert feedparser.parse(response.content).entries == []


@MAINLY_SQLITE
def test_a_feed_is_private_and_not_indexed(edition_reader: Browser) -> None:
    headers = edition_reader.get(path(signed_links.feed(1))).headers

    assert headers["cache-control"].startswith("private")
    assert "noindex" in headers["x-robots-tag"]


@MAINLY_SQLITE
@pytest.mark.parametrize("form", ["atom", "json"])
def test_what_a_client_has_is_not_sent_again(edition_reader: Browser, form: str) -> None:
    link = path(signed_links.feed(1, form))
    first = edition_reader.get(link)
    for validators in (
        {"If-None-Match": first.headers["etag"]},
        {"If-None-Match": f'"other", W/{first.headers["etag"]}'},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        repeated = edition_reader.get(link, headers=validators)

        assert (repeated.status_code, repeated.content) == (304, b"")
        assert repeated.headers["etag"] == first.headers["etag"]


def test_a_new_edition_is_sent_to_a_client_that_has_the_old_ones(web: Browser) -> None:
    subscribed(web)
    paper()
    editions(1)
    link = path(signed_links.feed(1))
    first = web.get(link).headers
    with engine.transaction() as session:
        session.connection().exec_driver_sql("UPDATE edition SET created_at = '2025-11-22 07:00:00'")

    assert web.get(link, headers={"If-None-Match": first["etag"]}).status_code == 200
    assert web.get(link, headers={"If-Modified-Since": first["last-modified"]}).status_code == 200


@MAINLY_SQLITE
def test_a_tag_that_differs_outweighs_the_date(edition_reader: Browser) -> None:
    link = path(signed_links.feed(1))
    validators = {"If-None-Match": '"other"', "If-Modified-Since": edition_reader.get(link).headers["last-modified"]}

    assert edition_reader.get(link, headers=validators).status_code == 200


@MAINLY_SQLITE
@pytest.mark.parametrize("since", ["", "yesterday", "Fri, 21 Nov 2025 09:07:00 -0000", "\x00"])
def test_a_date_that_can_not_be_read_is_no_reason_for_304(edition_reader: Browser, since: str) -> None:
    assert (
        edition_reader.get(path(signed_links.feed(1)), headers={"If-Modified-Since": since.encode()}).status_code == 200
    )


@MAINLY_SQLITE
def test_a_link_for_another_purpose_opens_no_feed(edition_reader: Browser) -> None:
    token = path(signed_links.preferences(1)).removeprefix("/preferences/")

    assert edition_reader.get(f"/feeds/{token}.atom").status_code == 400


@MAINLY_SQLITE
def test_feeds_change_nothing(edition_reader: Browser) -> None:
    before = everything()
    for link in (path(signed_links.feed(1)), path(signed_links.feed(1, "json")), "/trending.atom"):
        edition_reader.get(link)
        edition_reader.head(link)

    assert everything() == before


@MAINLY_SQLITE
@pytest.mark.parametrize("where", ["", "/cs.LG"])
def test_what_trends_is_a_valid_feed_of_papers(web: Browser, where: str) -> None:
    paper(1)
    paper(2, "Another one")
    response = web.get(f"/trending{where}.atom")
    check_atom(response.content)
    parsed = feedparser.parse(response.content)

    assert not parsed.bozo
    assert [(entry.link, entry.author) for entry in parsed.entries] == [
        ("http://testserver/papers/1", "Paul Erdős"),
        ("http://testserver/papers/2", "Paul Erdős"),
    ]
    check_json(web.get(f"/trending{where}.json").text)


@MAINLY_SQLITE
def test_a_papers_id_stays_when_its_votes_change(web: Browser, clock_stands: time_machine.Traveller) -> None:
    paper()
    before = web.get("/trending.json").json()["items"][0]
    clock_stands.shift(timedelta(minutes=1))
    with engine.transaction() as session:
        now = clock.now()
        session.add(Signal(paper_id=1, source="huggingface", name="upvotes", taken_at=now, value=55.0))
    after = web.get("/trending.json").json()["items"][0]

    assert before["content_html"] != after["content_html"]
    assert before["id"] == after["id"]


@MAINLY_SQLITE
def test_a_category_that_is_none_has_no_feed(web: Browser) -> None:
    assert web.get("/trending/nonsense.atom").status_code == 404


@MAINLY_SQLITE
def test_the_page_names_its_feeds(web: Browser) -> None:
    text = web.get("/trending/cs.LG").text

    assert 'type="application/atom+xml"' in text
    assert 'href="/trending/cs.LG.json"' in text


@MAINLY_SQLITE
def test_the_preferences_link_the_subscribers_feeds(edition_reader: Browser) -> None:
    assert signed_links.feed(1) in edition_reader.get(path(signed_links.preferences(1))).text


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_any_text_makes_a_document_that_can_be_read(title: str, html: str, names: list[str]) -> None:
    updated_at = datetime(2025, 11, 21, tzinfo=UTC)
    item = Item(
        "tag:digest.example,2025-11-21:x", title, "https://x.example/", html, updated_at, tuple(names), tuple(names)
    )
    feed = Feed("tag:digest.example,2025-01-01:y", title, "Papers", *["https://x.example/"] * 3, updated_at, (item,))
    atom, parsed_json = Xml.fromstring(forms.to_atom(feed)), json.loads(forms.to_json_feed(feed))

    assert len(atom.findall(f"{ATOM}entry/{ATOM}category")) == len(names)
    assert parsed_json["items"][0]["id"] == item.key
