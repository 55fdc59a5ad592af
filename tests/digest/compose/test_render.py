"""Mails as their readers see them."""

from __future__ import annotations

import html
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose import render
from digest.compose.edition import NEW, RISING, Content, Entry
from digest.compose.views import Links, Rendered
from digest.compose.wrap import width
from digest.papers import Record
from tests.digest.compose import samples

SNAPSHOTS = Path(__file__).resolve().parents[2] / "snapshots"

hostile = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("\r\n\0\u202e\u2066\u200b{}%<>&\"'\\$^_")), max_size=120
) | st.sampled_from(
    [
        "{{ 7*7 }}",
        "{% raw %}",
        "<script>alert(1)</script>",
        '"><img src=x>',
        "a\r\nBcc: x@y.example",
        "x" * 150,
        "مرحبا بالعالم",
        "強化学習",
    ]
)


class Tags(HTMLParser):
    """The tags of a document in their order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.links: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


def day(records: tuple[Record, ...] = samples.INVENTED, **changes: object) -> Rendered:
    reader = replace(samples.READER, **changes)  # type: ignore[arg-type]
    return render.digest(
        samples.edition(records), samples.papers(records), reader, samples.LINKS, service=samples.SERVICE
    )


def one(record: Record, **entry: object) -> Rendered:
    fields: dict[str, object] = {"paper": 0, "revision": 1, "section": NEW} | entry
    content = Content((Entry(**fields),))  # type: ignore[arg-type]
    return render.digest(content, {(0, 1): record}, samples.READER, samples.LINKS, service=samples.SERVICE)


@pytest.mark.parametrize("kind", ["digest", "welcome", "resend"])
def test_the_text_part_is_the_one_agreed_on(kind: str) -> None:
    """Set DIGEST_SNAPSHOTS=write to agree on a new one."""
    path = SNAPSHOTS / f"{kind}.txt"
    mail = day(kind=kind)
    shown = f"Subject: {mail.subject}\n\n{mail.text}"
    if os.environ.get("DIGEST_SNAPSHOTS") == "write":
        path.write_text(shown, encoding="utf-8")

    assert shown == path.read_text(encoding="utf-8")


def test_the_text_part_has_every_title_reason_and_address() -> None:
    text = day().text

    for part in (
        "Sampling proteins with diffusion models",
        "you follow Yingbin Liang",
        "https://arxiv.org/abs/2511.04321",
    ):
        assert part in text
    assert samples.LINKS.unsubscribe is not None
    assert samples.LINKS.unsubscribe in text


def test_the_title_of_the_page_is_the_subject() -> None:
    mail = day()
    title = re.search(r"<title>(.*?)</title>", mail.html)

    assert title is not None
    assert html.unescape(title[1]) == mail.subject


def test_a_subject_names_what_there_is() -> None:
    content = samples.edition(samples.INVENTED, followed=0, rising=1)
    mail = render.digest(content, samples.papers(samples.INVENTED), samples.READER, samples.LINKS)

    assert mail.subject == "3 new on offline reinforcement learning and more, 1 rising"


def test_matched_words_are_marked_where_they_stand() -> None:
    page = one(Record(title="Off-line learning"), matched=((0, ("offline learning", "learning")),)).html

    assert ">learning</span>" in page


def test_a_word_is_marked_whatever_its_case_and_accents() -> None:
    page = one(Record(title="SCHRÖDINGER bridges"), matched=((0, ("schrodinger bridge",)),)).html

    assert ">SCHRÖDINGER bridges</span>" in page


def test_a_followed_author_is_always_named() -> None:
    names = ("Ada A", "Bea B", "Cid C", "Dan D", "Eve E", "Yingbin Liang")
    text = one(Record(title="T", authors=names), section="followed", followed=("Y. Liang",)).text

    assert "A. A, B. B, Y. Liang ★, and 3 more" in text


def test_a_rising_paper_shows_its_facts() -> None:
    text = one(Record(title="T"), section=RISING, signals=(("upvotes", 41.0), ("stars", 1200.0))).text

    assert "↑ 41 votes, 1,200 stars" in text


def test_long_days_roll_over_to_the_web_view() -> None:
    records = tuple(
        replace(samples.INVENTED[0], title=f"Paper {i}", abstract="Long words here. " * 30) for i in range(150)
    )
    mail = day(records)

    assert len(mail.html.encode()) <= 100_000
    assert "more papers did not fit into this mail" in mail.html
    assert "more papers did not fit into this mail" in mail.text


def test_the_web_view_shows_all_of_it() -> None:
    records = tuple(
        replace(samples.INVENTED[0], title=f"Paper {i}", abstract="Long words here. " * 30) for i in range(150)
    )
    content = samples.edition(records)
    page = render.digest(content, samples.papers(records), samples.READER, samples.LINKS, limit=None).html

    assert page.count("<h3") == 150


def test_links_that_do_not_exist_are_left_out() -> None:
    content = samples.edition(samples.INVENTED)
    page = render.digest(content, samples.papers(samples.INVENTED), samples.READER, Links()).html

    assert "Mute topic" not in page
    assert "None" not in page
    assert "Unsubscribe" not in page


def test_no_link_leaves_tls_and_no_image_is_loaded() -> None:
    record = replace(samples.INVENTED[0], code_url="http://plain.example/code")
    tags = Tags(day((record,)).html)

    assert not [link for link in tags.links if not link.startswith("https://")]
    assert not {"img", "script", "form", "link", "iframe"} & set(tags.names)


def test_a_title_that_looks_like_an_address_is_no_link() -> None:
    page = one(Record(title="www.example.com considered harmful")).html

    assert 'class="title"' not in page


def test_a_confirmation_holds_the_plain_address_and_a_button() -> None:
    mail = render.confirmation(samples.URL, service=samples.SERVICE)

    assert mail.html.count(samples.URL) == 3
    assert samples.URL in mail.text


def test_a_quiet_day_says_how_many_papers_there_were() -> None:
    text = render.notice(samples.READER, samples.LINKS, 412, service=samples.SERVICE).text

    assert "Nothing new for your topics today. 412 papers were announced." in text


def test_an_edition_without_papers_still_reads_well() -> None:
    mail = render.digest(Content(considered=3), {}, samples.READER, samples.LINKS)

    assert mail.subject == "Nothing new for your topics today"
    assert "Chosen from 3 announced papers." in mail.text


def test_blocks_shared_by_readers_give_the_same_mail() -> None:
    blocks = render.Blocks()
    content, papers = samples.edition(samples.INVENTED), samples.papers(samples.INVENTED)
    other = replace(samples.READER, topics=("proteins", "bounds", "pessimism"))
    render.digest(content, papers, other, samples.LINKS, blocks=blocks)

    shared = render.digest(content, papers, samples.READER, samples.LINKS, blocks=blocks)

    assert shared == render.digest(content, papers, samples.READER, samples.LINKS)


@given(hostile, hostile, hostile, hostile)
@settings(max_examples=120, deadline=None)
def test_no_foreign_text_can_change_the_structure(title: str, abstract: str, author: str, topic: str) -> None:
    plain = samples.Record(title="Title", abstract="Abstract.", authors=("Ada Byron",), arxiv_id="2511.00001")
    foreign = replace(plain, title=f"Title {title}", abstract=f"Abstract {abstract}.", authors=(f"Ada {author}",))
    content = Content((Entry(paper=0, revision=1, section=NEW, topic=0, matched=((0, ("zzz",)),)),))
    usual = render.digest(content, {(0, 1): plain}, replace(samples.READER, topics=("offline",)), samples.LINKS)
    mail = render.digest(content, {(0, 1): foreign}, replace(samples.READER, topics=(f"t {topic}",)), samples.LINKS)

    assert [name for name in Tags(mail.html).names if name != "a"] == [n for n in Tags(usual.html).names if n != "a"]
    assert "{{" not in mail.html
    assert "{%" not in mail.html
    assert "\r" not in mail.subject + mail.text
    assert "\n" not in mail.subject
    assert "\u202e" not in mail.html + mail.text
    assert all(width(line) <= 76 for line in mail.text.split("\n") if "https://" not in line)


def test_a_huge_abstract_costs_no_more_than_its_beginning() -> None:
    mail = one(Record(title="T", abstract="word $\\frac{" * 1_000_000))

    assert len(mail.html) < 20_000


def test_a_riser_shows_its_bars_to_eyes_alone() -> None:
    mail = one(Record(title="T"), section=RISING, reason="41 votes", spark="▁▂▅▇")

    assert "↑ 41 votes · ▁▂▅▇" in mail.text
    assert '<span aria-hidden="true">▁▂▅▇</span>' in mail.html


def test_a_measured_paper_wears_its_novelty_beside_its_category() -> None:
    mail = one(samples.INVENTED[0], signals=(("novelty", 72.0),))

    assert "novelty 72" in mail.text
    assert "cs.LG · code · NeurIPS 2026 · novelty 72" in mail.html
