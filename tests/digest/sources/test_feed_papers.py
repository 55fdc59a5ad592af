"""The papers of a feed: identity, title, abstract, date, what is left out; and every sample of the shared data."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from digest.errors import BadInput
from digest.sources.feed_dates import parse_day
from digest.sources.feed_document import read_feed
from digest.sources.feed_fetch import feed_of_saved_file
from digest.sources.feed_identity import clean_link
from digest.sources.feed_non_papers import reason_to_leave_out
from digest.sources.feed_papers import FeedPaper, FeedReading, read_papers
from tests.digest.sources.feed_server import LONG, feed

TODAY = date(2026, 8, 7)


def read(*items: str) -> FeedReading:
    return read_papers(read_feed(feed(*items), url="https://journal.example/feed.xml"), TODAY)


def only(*items: str) -> FeedPaper:
    (paper,) = read(*items).papers
    return paper


def entry(inner: str, title: str = "Synapses grow with use") -> str:
    return f"<item><title>{title}</title>{inner}</item>"


@pytest.mark.parametrize(
    "inner",
    [
        "<prism:doi>10.1002/exa.12650</prism:doi>",
        "<dc:identifier>doi:10.1002/EXA.12650</dc:identifier>",
        "<dc:identifier>pmid:1</dc:identifier><dc:identifier>10.1002/exa.12650</dc:identifier>",
        "<guid isPermaLink='false'>10.1002/exa.12650</guid>",
        "<guid>https://doi.org/10.1002/exa.12650</guid>",
        "<link>https://onlinelibrary.example/doi/full/10.1002/exa.12650?af=R</link>",
        "<link>https://journals.example/article?id=10.1002/exa.12650</link>",
        "<link>https://journals.example/content/10.1002%2Fexa.12650/abstract</link>",
        "<description>Journal, Published online: 27 May 2026; doi:10.1002/exa.12650 A study.</description>",
    ],
)
def test_the_doi_is_read_wherever_the_publisher_puts_it(inner: str) -> None:
    assert only(entry(inner)).record.doi == "10.1002/exa.12650"


@pytest.mark.parametrize(
    ("inner", "doi"),
    [
        ("<guid>10.1103/mm1r-518p</guid>", "10.1103/mm1r-518p"),
        ("<guid>10.26434/chemrxiv-2025-abcde-v2</guid>", "10.26434/chemrxiv-2025-abcde"),
        ("<link>https://www.biorxiv.org/content/10.1101/2026.01.02.123456v3?rss=1</link>", "10.1101/2026.01.02.123456"),
        ("<link>https://x.example/doi/10.1016/S0092-8674(26)99999-6</link>", "10.1016/s0092-8674(26)99999-6"),
        ("<description>(see doi:10.1/a and doi:10.1234/b and doi:10.1234/c)</description>", None),
        ("<link>https://x.example/doi/10.1234/a%00b</link>", "10.1234/a"),
        (f"<description>{LONG}{LONG}this extends doi:10.1234/cited, {LONG}</description>", None),
    ],
)
def test_odd_dois_are_read_and_those_of_other_papers_are_not(inner: str, doi: str | None) -> None:
    assert only(entry(inner)).record.doi == doi


def test_an_entry_of_arxiv_has_its_identifier() -> None:
    record = only(entry("<link>https://arxiv.org/abs/2601.01234v2</link>")).record

    assert (record.arxiv_id, record.version) == ("2601.01234", 2)


@pytest.mark.parametrize(
    ("link", "cleaned"),
    [
        ("https://B.example/p?utm_source=rss&id=7&utm_medium=x", "https://b.example/p?id=7"),
        ("https://b.example/a;jsessionid=AB12?af=R", "https://b.example/a"),
        ("https://b.example/a?rss=yes", "https://b.example/a"),
        ("https://pubmed.ncbi.nlm.nih.gov/123/?utm_source=x&fc=20211&v=2.15", "https://pubmed.ncbi.nlm.nih.gov/123/"),
        ("https://hal.science/hal-09999999v2", "https://hal.science/hal-09999999"),
        ("https://b.example:443/a?", "https://b.example/a"),
        ("https://b.example/?p=12", "https://b.example/?p=12"),
        ("https://video.example/watch?v=12", "https://video.example/watch?v=12"),
    ],
)
def test_a_link_is_the_same_at_each_fetch(link: str, cleaned: str) -> None:
    assert clean_link(link) == cleaned


def test_entries_without_identifier_are_known_by_their_link_whatever_is_added_to_it() -> None:
    first, second = (
        only(entry(f"<link>https://blog.example/a?utm_campaign={n}</link><guid>{n}</guid>")).key for n in range(2)
    )

    assert first == second
    assert only(entry("<link>http://www.blog.example/a/</link>")).record.url == "https://www.blog.example/a/"


def test_entries_that_share_one_link_are_told_apart_by_their_identifiers() -> None:
    reading = read(*(entry(f"<link>https://b.example/</link><guid>{n}</guid>", f"Title number {n}") for n in range(3)))

    assert len({paper.key for paper in reading.papers}) == 3


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Author Correction: Examples of imaging", "correction"),
        ("Correction to: Examples", "correction"),
        ("Correction to “Examples”", "correction"),
        ("Corrigendum to Examples [J. Ex. 1 (2025) 1]", "correction"),
        ("Erratum: Quantum criticality", "correction"),
        ("Publisher’s Note: Examples", "correction"),
        ("Retraction: Examples", "retraction notice"),
        ("RETRACTED: Examples", "retracted"),
        ("[RETRACTED] Examples", "retracted"),
        ("Expression of Concern: Examples", "expression of concern"),
        ("Cover Image, Volume 12, Issue 3", "cover"),
        ("Front Cover: Examples (Adv. Ex. 3/2026)", "cover"),
        ("Inside Back Cover", "cover"),
        ("Issue Information", "front matter"),
        ("Editorial Board", "front matter"),
        ("Table of Contents", "front matter"),
        ("Proceedings of the 99th Meeting (Volume 1: Long Papers)", "front matter"),
        ("Editorial", "editorial"),
        ("Guest Editorial: On examples", "editorial"),
        ("Daily briefing: nothing happened", "news"),
        ("In Science Journals", "news"),
        ("Book Review: On examples", "news"),
        ("News & Views", "news"),
        ("Correction of aberrations in electron microscopes", None),
        ("Corrections to scaling in the Ising model", None),
        ("Covers of hyperelliptic surfaces", None),
        ("Cover crops and soil carbon", None),
        ("Editorial policies and gender bias: a study of examples", None),
        ("News consumption and polarisation", None),
        ("Retractions of free groups", None),
        ("Contents of heavy metals in fish", None),
        ("Index theorems for manifolds", None),
        ("Obituaries as data: what newspapers remember", None),
        ("Announcements by central banks move markets", None),
        ("Withdrawal: dynamics of opioid use", None),
        ("News: A dataset for summarization", None),
        ("News-based forecasts of volatility", None),
        ("Calendar: time representation in LLMs", None),
        ("Copyright: a legal analysis of LLMs", None),
        ("Imprint: learning in birds", None),
        ("Cover: a theory", None),
        ("Corrections: prisons and their costs", None),
        ("On the cover time of planar graphs", None),
        ("Instructions for authors: a survey of journals", None),
        ("Errata in genome assemblies", None),
        ("Errata and corrigenda to Examples", "correction"),
        ("Erratum in “Examples”", "correction"),
        ("Withdrawal notice: Examples", "retraction notice"),
        ("Cover: Examples (Adv. Ex. 3/2026)", "cover"),
        ("On the Cover: examples", "cover"),
        ("Copyright", "front matter"),
        ("News", "news"),
    ],
)
def test_what_is_no_paper_is_told_by_its_title(title: str, reason: str | None) -> None:
    assert reason_to_leave_out(title, (), None) == reason


@pytest.mark.parametrize(
    "title",
    ["News: a meeting in May", "Calendar – May", "Contents | Volume 3", "Cover: a frog", "Withdrawal: Examples"],
)
def test_words_that_begin_papers_too_count_where_there_is_neither_author_nor_abstract(title: str) -> None:
    abstract = f"<description>{LONG}{LONG}{LONG}</description>"

    assert read(entry("", title)).papers == ()
    assert only(entry("<dc:creator>Ada Sample</dc:creator>", title)).record.title == title
    assert only(entry(abstract, title)).record.title == title


@pytest.mark.parametrize(
    ("markup", "abstract"),
    [
        (
            "&lt;p&gt;Nature, Published online: 27 May 2026; &lt;a href='x'&gt;doi:10.1038/s1&lt;/a&gt;&lt;/p&gt;"
            + LONG,
            LONG,
        ),
        ("Journal of Examples, EarlyView. ", ""),
        ("Science, Volume 392, Issue 6800, Page 8-9, May 2026. &lt;br/&gt;", ""),
        ("Proceedings, Volume 1, Issue 4, January 2026. &lt;br/&gt;Significance" + LONG, LONG),
        ("&lt;p&gt;by Robin Example, Ada Sample&lt;/p&gt; " + LONG, LONG),
        ("&lt;p&gt;Author(s): R. Example &lt;i&gt;et al.&lt;/i&gt;&lt;/p&gt;&lt;p&gt;" + LONG + "&lt;/p&gt;", LONG),
        (LONG + "&lt;p&gt;[Phys. Rev. Lett. 137, 050401] Published Fri Jul 31, 2026&lt;/p&gt;", LONG),
        ("Abstract. " + LONG, LONG),
        ("ABSTRACT " + LONG, LONG),
        (LONG + " The post Synapses grow appeared first on Blog.", LONG),
        ("Synapses grow with use", ""),
        ("Not Available &lt;P /&gt;", ""),
        ("Publication date: July 2026 Source: Examples, Volume 12 Author(s): R. Example", ""),
    ],
)
def test_abstracts_lose_what_the_publisher_puts_around_them(markup: str, abstract: str) -> None:
    assert only(entry(f"<guid>1</guid><description>{markup}</description>")).record.abstract == " ".join(
        abstract.split()
    )


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-05-27", date(2026, 5, 27)),
        ("2026-05-27T23:59:59-08:00", date(2026, 5, 27)),
        ("2018-12-17-08:00", date(2018, 12, 17)),
        ("20260527", date(2026, 5, 27)),
        ("Wed, 27 May 2026 00:00:00 EST", date(2026, 5, 27)),
        ("WED, 27 MAY 2026 00:00:00 GMT", date(2026, 5, 27)),
        ("27 May 2026", date(2026, 5, 27)),
        ("May 27, 2026", date(2026, 5, 27)),
        ("27th May, 2026", date(2026, 5, 27)),
        ("2026", None),
        ("May 2026", None),
        ("Mon, 31 Feb 2026 00:00:00 GMT", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_are_read_in_all_their_forms(text: str, day: date | None) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-08-08", TODAY),
        ("2027-01-01", None),
        ("Mon, 01 Jan 0001 00:00:00 +0000", None),
        ("2026", None),
        ("2026-08-06T23:00:00Z", date(2026, 8, 6)),
    ],
)
def test_a_date_that_lies_ahead_or_is_a_year_only_is_not_believed(text: str, day: date | None) -> None:
    assert only(entry(f"<guid>1</guid><dc:date>{text}</dc:date>")).record.published == day


@pytest.mark.parametrize(
    ("inner", "names"),
    [
        ("<dc:creator>Robin Example, Ada Sample</dc:creator>", ("Robin Example", "Ada Sample")),
        ("<dc:creator>Example, Robin</dc:creator>", ("Robin Example",)),
        ("<dc:creator>Robin Example</dc:creator><dc:creator>Robin Example</dc:creator>", ("Robin Example",)),
        ("<dc:creator>Robin Example and Ada Sample</dc:creator>", ("Robin Example", "Ada Sample")),
        ("<dc:creator>\nRobin Example, \nAda Sample\n</dc:creator>", ("Robin Example", "Ada Sample")),
        ("<author>person1@example.org (Robin Example)</author>", ("Robin Example",)),
        ("<dc:creator>Robin ExampleaDepartment of Examples, City</dc:creator>", ("Robin Example",)),
    ],
)
def test_authors_are_read_in_the_forms_of_feeds(inner: str, names: tuple[str, ...]) -> None:
    assert only(entry(f"<guid>1</guid>{inner}")).record.authors == names


def test_a_json_feed_is_read() -> None:
    data = (
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "Examples", "items": [{"id": "1", "url": '
        b'"https://doi.org/10.1234/a", "title": "Synapses grow", "content_html": "<p>One two three four.</p>",'
        b'"date_published": "2026-08-01T10:00:00Z", "authors": [{"name": "Ada Sample"}]}, 7]}'
    )
    reading = read_papers(read_feed(data), TODAY)
    record = reading.papers[0].record

    assert (record.doi, record.authors, record.published) == ("10.1234/a", ("Ada Sample",), date(2026, 8, 1))
    assert record.abstract == "One two three four."
    assert [item.reason for item in reading.left_out] == ["not an object"]


def test_damaged_items_are_refused_and_the_others_used() -> None:
    data = feed(*(entry(f"<guid>{n}</guid>", f"Title number {n}") for n in range(5)))
    damaged = data.replace(b"Title number 2</title>", b"Title number 2</titel>").replace(
        b"number 3", b"number \x003 &nbsp;"
    )
    reading = read_papers(read_feed(damaged), TODAY)

    assert [paper.record.title for paper in reading.papers] == [f"Title number {n}" for n in (0, 1, 3, 4)]
    assert [item.is_fault for item in reading.left_out] == [True]


def test_a_feed_that_breaks_off_gives_what_came_before() -> None:
    reading = read_papers(read_feed(feed(*(entry(f"<guid>{n}</guid>") for n in range(3)))[:-60]), TODAY)

    assert (len(reading.papers), reading.is_cut) == (2, True)


def test_a_namespace_that_is_no_address_costs_no_entry() -> None:
    data = feed(entry("<guid>10.1234/a</guid>")).replace(b"basic/2.0/", b"basic 2.0/")

    assert [paper.record.doi for paper in read_papers(read_feed(data), TODAY).papers] == ["10.1234/a"]


@pytest.mark.parametrize(
    "piece",
    [
        "&lt;p a=",
        "&lt;p&gt;Author(s):",
        "Abstract. ",
        "&lt;!--",
        "a@b ",
        "&amp;",
        "10.1234/",
        "doi:10.1/",
        "by A, ",
        "(",
        "A, ",
    ],
)
def test_long_damaged_texts_take_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        text = piece * count
        item = (
            f"<title>{text}</title><guid>{text}</guid><dc:creator>{text}</dc:creator><description>{text}</description>"
        )
        data = feed(f"<item>{item}</item>")
        start = time.process_time()
        read_papers(read_feed(data), TODAY)
        return time.process_time() - start

    assert seconds(8_000) < 60 * max(seconds(1_000), 0.004)


# --- the shared samples

EXPECTED = {
    "acl_anthology.rss": (1, {"front matter"}),
    "acm_dl.rdf": (1, set()),
    "aps_prl.rdf": (2, set()),
    "biorxiv_plant_biology_2019.rdf": (30, set()),
    "cambridge.rdf": (1, set()),
    "cell_press.rdf": (1, {"news"}),
    "hal.rss": (1, set()),
    "iop.rdf": (1, set()),
    "jpeds_elsevier_health_2018.rdf": (1, set()),
    "nature.rdf": (1, {"correction", "news"}),
    "plos.atom": (1, {"correction"}),
    "science.rdf": (1, {"news"}),
    "springer_search.rss": (3, set()),
    "wiley.rss": (1, {"front matter"}),
}


def test_every_sample_of_a_feed_is_parsed_or_refused_with_a_reason(shared: Path) -> None:
    folder = shared / "data" / "sources" / "feeds"
    files = [path for path in sorted(folder.rglob("*.*")) if path.is_file()]
    outcomes = {}
    for path in files:
        try:
            reading = feed_of_saved_file(path.read_bytes())
        except BadInput:
            continue
        assert all(item.reason for item in reading.left_out), path.name
        assert all(paper.record.title and "<i>" not in paper.record.title for paper in reading.papers), path.name
        outcomes[path.name] = (len(reading.papers), {item.reason for item in reading.left_out if not item.is_fault})

    assert {name: outcomes[name] for name in EXPECTED if name in outcomes} == {
        name: expected for name, expected in EXPECTED.items() if name in outcomes
    }
    assert len(outcomes) > 0.8 * len(files)


def test_a_feed_whose_namespace_contains_a_blank_is_read_all_the_same() -> None:
    data = (
        b'<?xml version="1.0"?><feed xmlns="http://www. w3.org/2005/Atom"><title>J</title><entry><id>https://j.example/1'
        b'</id><title>Synapses grow</title><link href="https://j.example/1"/><updated>2025-11-17T00:00:00Z</updated>'
        b"</entry></feed>"
    )

    reading = read_papers(read_feed(data, url="https://j.example/feed"), TODAY)

    assert [paper.record.title for paper in reading.papers] == ["Synapses grow"]


@pytest.mark.parametrize(
    "fields",
    [
        '"authors": 5',
        '"authors": true',
        '"authors": {"name": "Ada"}',
        '"authors": [{"name": 5}, 7, null]',
        '"author": "Ada"',
        '"tags": 5',
        '"url": "https://x.example/?a=\\ud800"',
        '"url": "https://x.example/\\ud800"',
        '"external_url": "https://\\ud800.example/"',
        '"id": "\\ud800"',
        '"title": "Graphs \\ud800"',
        '"title": "\\ud800"',
        '"title": 5, "id": "\\ud800"',
        '"date_published": "\\ud800"',
        '"date_published": "99999999999-01-01"',
        '"content_text": "\\ud800"',
        '"authors": [{"name": "Ada \\ud800"}]',
        '"tags": ["\\ud800"]',
    ],
)
def test_an_odd_entry_of_a_json_feed_does_not_cost_the_others(fields: str) -> None:
    valid_item = '{"id": "1", "url": "https://x.example/1", "title": "Synapses grow with use"}'
    odd_item = '{"id": "2", "url": "https://x.example/2", "title": "Graphs grow too", ' + fields + "}"
    text = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{odd_item}, "\\ud800", {valid_item}]}}'
    reading = feed_of_saved_file(text.encode())

    assert "Synapses grow with use" in {paper.record.title for paper in reading.papers}
    assert len(reading.papers) + len(reading.left_out) == 3
    assert repr(reading).encode()


@pytest.mark.parametrize(
    "inner",
    [
        '<link rel="related" href="https://arxiv.org/abs/1706.03762v9"/>',
        '<link rel="via" href="https://arxiv.org/abs/1706.03762v9"/>',
        '<link rel="enclosure" href="https://arxiv.org/pdf/1706.03762"/>',
        '<link rel="related" href="https://doi.org/10.1234/a"/>',
        '<link href="https://blog.example/x?url=https://arxiv.org/abs/1706.03762"/>',
        '<link href="https://blog.example/arxiv.org/abs/1706.03762"/>',
        '<link href="https://arxiv.org.blog.example/abs/1706.03762"/>',
        '<link href="https://blog.example/x?uri=https://doi.org/10.1234/a"/>',
        "<source><id>https://doi.org/10.1234/a</id></source>",
    ],
)
def test_an_entry_about_a_paper_is_not_that_paper(inner: str) -> None:
    text = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><entry><title>Attention explained</title>'
        f'<id>tag:blog.example,2026:1</id><link href="https://blog.example/1"/>{inner}</entry></feed>'
    )
    (paper,) = feed_of_saved_file(text.encode()).papers

    assert (paper.record.arxiv_id, paper.record.doi, paper.record.url) == (None, None, "https://blog.example/1")
