"""Feeds of all forms: what of each becomes a paper, one line each. The names of publishers stand for their forms."""

from __future__ import annotations

import json
from datetime import date
from xml.etree.ElementTree import Element

import pytest

from digest.errors import BadInput
from digest.papers import Record
from digest.sources import feed_document
from digest.sources.feed_document import FeedEntry, read_feed
from digest.sources.feed_papers import FeedReading, read_papers
from tests.digest.sources.feed_server import LONG

TITLE, LINK = "Synapses grow with use", "https://j.example/1"
DC = "http://purl.org/dc/elements/1.1/"
NAMESPACES = (
    f'xmlns:dc="{DC}" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dcterms="http://purl.org/dc/terms/"'
)
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'
AUDIO = '<enclosure url="https://p.example/12.mp3" type="audio/mpeg" length="1"/>'


def rss(inner: str, *, title: str = TITLE, version: str = "2.0", namespaces: str = NAMESPACES, head: str = "") -> str:
    item = f"<item><title>{title}</title>{inner}</item>"
    channel = f"<channel><title>J</title>{head}{item}</channel>"
    return f'<?xml version="1.0"?><rss version="{version}" {namespaces}>{channel}</rss>'


def linked(inner: str = "", **fields: str) -> str:
    return rss(f"<link>{LINK}</link>{inner}", **fields)


def atom(inner: str, *, title: str = f"<title>{TITLE}</title>", attributes: str = "", entry: str = "") -> str:
    return (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>J</title>'
        f"<entry {entry}>{title}{inner}</entry></feed>"
    )


def rdf(inner: str, about: str = LINK, *, namespaces: str = f'xmlns="http://purl.org/rss/1.0/" xmlns:dc="{DC}"') -> str:
    return (
        f'<?xml version="1.0"?><rdf:RDF {RDF} {namespaces}><channel rdf:about="https://j.example/"><title>J</title>'
        f'</channel><item rdf:about="{about}"><title>{TITLE}</title>{inner}</item></rdf:RDF>'
    )


def json_feed(version: str = "1", **fields: object) -> str:
    item = {"title": TITLE, **fields}
    return json.dumps({"version": f"https://jsonfeed.org/version/{version}", "title": "J", "items": [item]})


def reading_of(document: str | bytes) -> FeedReading:
    data = document if isinstance(document, bytes) else document.encode()
    return read_papers(read_feed(data, url="https://f.example/d/feed.xml"), date(2026, 8, 7))


def record_of(document: str | bytes) -> Record:
    (paper,) = reading_of(document).papers
    return paper.record


ADDRESSES: dict[str, tuple[str, str | None]] = {
    "RSS 0.91": (linked(version="0.91", namespaces=""), LINK),
    "RSS 0.92": (linked(version="0.92", namespaces=""), LINK),
    "RSS 1.0": (rdf(""), LINK),
    "RSS 1.0 with a prefix": (
        rdf("", namespaces='xmlns:rss="http://purl.org/rss/1.0/"')
        .replace("<item", "<rss:item")
        .replace("</item", "</rss:item"),
        LINK,
    ),
    "Atom 0.3": (
        atom(f'<link rel="alternate" href="{LINK}"/>').replace("www.w3.org/2005/Atom", "purl.org/atom/ns#"),
        LINK,
    ),
    "Atom without a namespace": (
        atom(f'<link href="{LINK}"/>').replace('xmlns="http://www.w3.org/2005/Atom"', ""),
        LINK,
    ),
    "Atom with a relative link": (atom('<link href="/1"/>'), "https://f.example/1"),
    "Atom with xml:base": (atom('<link href="../1"/>', attributes='xml:base="https://j.example/a/b"'), LINK),
    "entry with xml:base": (atom('<link href="1"/>', entry='xml:base="https://j.example/"'), LINK),
    "link with xml:base": (atom('<link xml:base="https://j.example/" href="1"/>'), LINK),
    "channel with xml:base": (
        rss("<link>1</link>").replace("<channel>", '<channel xml:base="https://j.example/">'),
        LINK,
    ),
    "guid that is a link": (rss(f"<guid>{LINK}</guid>"), LINK),
    "guid that is no link": (rss(f'<guid isPermaLink="false">{LINK}</guid>'), None),
    "guid of a number": (rss('<guid isPermaLink="false">12</guid>'), None),
    "item outside the channel": (linked().replace("</channel>", "").replace("<item>", "</channel><item>"), LINK),
    "JSON without an id": (json_feed(content_text=LONG), None),
    "JSON with a number as id": (json_feed(id=17), None),
    "JSON with a link as id": (json_feed("1.1", id=LINK), LINK),
    "JSON with a relative link": (json_feed(id="x", url="/1"), "https://f.example/1"),
    "ScienceDirect": (rss(f"<link>{LINK}?dgcid=rss_sd_all</link>"), LINK),
    "SSRN": (rss(f"<link>{LINK}?abstract_id=4&amp;dgcid=ejournal_x</link>"), f"{LINK}?abstract_id=4"),
    "NBER": (rss(f"<link>{LINK}#fromrss</link>"), LINK),
    "OpenReview": (
        rss("<link>https://openreview.net/forum?id=AbC_d-1</link>"),
        "https://openreview.net/forum?id=AbC_d-1",
    ),
    "link with an impossible port": (rss("<link>https://j.example:99999/1</link>"), None),
    "script as a link": (rss("<link>javascript:alert(1)</link>"), None),
    "undeclared prefix in the item": (linked("<itunes:x>1</itunes:x>", namespaces=""), LINK),
    "undeclared prefix in the head": (linked(namespaces="", head="<itunes:subtitle>S</itunes:subtitle>"), LINK),
    "undeclared prefix of an attribute": (linked('<a xlink:href="x">1</a>', namespaces=""), LINK),
}


@pytest.mark.parametrize("form", ADDRESSES)
def test_a_paper_without_identifier_has_the_address_of_its_page(form: str) -> None:
    document, address = ADDRESSES[form]
    record = record_of(document)

    assert (record.title, record.doi, record.url) == (TITLE, None, address)


DOIS: dict[str, tuple[str, str | None]] = {
    "prism:url": (linked("<prism:url>https://doi.org/10.1234/abc</prism:url>"), "10.1234/abc"),
    "dc:source": (linked("<dc:source>10.1234/abc</dc:source>"), "10.1234/abc"),
    "dc:source with the journal": (rdf("<dc:source>Journal, doi:10.1234/abc</dc:source>"), "10.1234/abc"),
    "dc:source as a link": (linked("<dc:source>https://doi.org/10.1234/abc</dc:source>"), "10.1234/abc"),
    "dc:source of two": (linked("<dc:source>doi:10.1234/abc, doi:10.1234/d</dc:source>"), None),
    "RSS source": (linked('<source url="https://doi.org/10.1234/abc">doi:10.1234/abc</source>'), None),
    "dc:relation": (linked("<dc:relation>https://doi.org/10.1234/abc</dc:relation>"), None),
    "dc:identifier as a link": (linked("<dc:identifier>https://doi.org/10.1234/abc</dc:identifier>"), "10.1234/abc"),
    "dcterms:identifier": (linked("<dcterms:identifier>doi:10.1234/ABC</dcterms:identifier>"), "10.1234/abc"),
    "prism:doi as a link": (linked("<prism:doi>http://dx.doi.org/10.1234/abc</prism:doi>"), "10.1234/abc"),
    "undeclared prism:doi": (linked("<prism:doi>10.1234/abc</prism:doi>", namespaces=""), "10.1234/abc"),
    "RDF about": (rdf("", about="https://j.example/doi/10.1234/abc?rss=1"), "10.1234/abc"),
    "JSON extension": (json_feed(id="x", doi="https://doi.org/10.1234/abc"), "10.1234/abc"),
    "Springer": (linked("<guid>10.1007/s00422-026-0001-1</guid>"), "10.1007/s00422-026-0001-1"),
    "Wiley": (rss("<link>https://w.example/doi/10.1002/cne.1?af=R</link>"), "10.1002/cne.1"),
    "PLOS": (atom("<id>10.1371/journal.pbio.3000001</id>"), "10.1371/journal.pbio.3000001"),
    "eLife": (linked("<guid isPermaLink='false'>https://dx.doi.org/10.7554/eLife.90001</guid>"), "10.7554/elife.90001"),
    "Zenodo": (linked("<guid>https://doi.org/10.5281/zenodo.9000001</guid>"), "10.5281/zenodo.9000001"),
    "OSF": (linked("<dc:identifier>https://doi.org/10.31234/osf.io/abc12_v1</dc:identifier>"), "10.31234/osf.io/abc12"),
    "PubMed": (
        linked("<dc:identifier>pmid:3</dc:identifier><dc:identifier>doi:10.1234/abc</dc:identifier>"),
        "10.1234/abc",
    ),
}


@pytest.mark.parametrize("form", DOIS)
def test_the_doi_is_the_papers_own(form: str) -> None:
    document, doi = DOIS[form]

    assert record_of(document).doi == doi


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Wed, 05 Aug 26 10:00:00 GMT", date(2026, 8, 5)),
        ("05 Aug 26 10:00 EST", date(2026, 8, 5)),
        ("Tue, 05 Jan 99 10:00:00 GMT", date(1999, 1, 5)),
        ("Wed, 05 Aug 2026 10:00:00 CEST", date(2026, 8, 5)),
        ("Wed, 05 Aug 2026 10:00:00 JST", date(2026, 8, 5)),
        ("Wed, 05 Aug 2026 23:30:00 PDT", date(2026, 8, 6)),
        ("Wednesday, August 5, 2026", date(2026, 8, 5)),
        ("Mi, 05 Aug 2026 10:00:00 +0200", date(2026, 8, 5)),
        ("2026-08-05T10:00Z", date(2026, 8, 5)),
        ("2026/08/05", date(2026, 8, 5)),
        ("05-Aug-2026", date(2026, 8, 5)),
        ("05.08.2026", date(2026, 8, 5)),
        ("5 Sept 2025", date(2025, 9, 5)),
        ("08/05/2026", None),
        ("2026-08", None),
        ("Aug 2026", None),
        ("5 Aug", None),
        ("1785924000", None),
    ],
)
def test_the_date_of_an_item_is_a_day_or_unknown(text: str, day: date | None) -> None:
    assert record_of(linked(f"<pubDate>{text}</pubDate>")).published == day


@pytest.mark.parametrize(
    "document",
    [
        linked(f"<content:encoded><![CDATA[<p>{LONG}</p>]]></content:encoded>"),
        linked(f"<description><![CDATA[<p><b>Abstract</b></p><p>{LONG}</p>]]></description>"),
        linked(f"<description>Journal, Volume 5, August 2026. </description><content:encoded>{LONG}</content:encoded>"),
        linked(
            "<description>J Ex. 2026 Aug 5;12(3):e1. doi: 10.1234/abc. Online ahead of print. ABSTRACT "
            f"{LONG} PMID:39999999 | DOI:10.1234/abc</description>"
        ),
        atom(f'<summary type="xhtml">{XHTML}<p>{LONG}</p></div></summary>'),
        linked(f"<m:group xmlns:m='http://search.yahoo.com/mrss/'><m:description>{LONG}</m:description></m:group>"),
        json_feed(content_html=f"<p>{LONG}</p>"),
        json_feed(summary=LONG),
    ],
)
def test_the_abstract_is_read_wherever_it_is(document: str) -> None:
    assert record_of(document).abstract == LONG.strip()


@pytest.mark.parametrize(
    "document",
    [
        linked(title="<![CDATA[<i>Synapses</i> grow &lt; α]]>"),
        linked(title="&lt;i&gt;Synapses&lt;/i&gt; grow &amp;lt; &amp;alpha;"),
        atom("", title='<title type="html">&lt;i&gt;Synapses&lt;/i&gt; grow &amp;lt; α</title>'),
        atom("", title=f'<title type="xhtml">{XHTML}<i>Synapses</i> grow &lt; α</div></title>'),
        atom("", title='<title type="text">Synapses grow &lt; α</title>'),
        linked(title="Synapses grow &lt; &alpha;"),
        linked(title="Synapses grow < α").encode("utf-16"),
        linked(title="Synapses grow &lt; α").replace("?>", ' encoding="UTF-8"?>', 1).encode("utf-16"),
        b"\xef\xbb\xbf" + linked(title="Synapses grow &lt; α").encode(),
        linked(title="Synapses grow &lt; α").replace("?>", ' encoding="ISO-8859-1"?>', 1).encode(),
    ],
)
def test_markup_and_character_sets_of_a_title_are_read(document: str | bytes) -> None:
    assert record_of(document).title == "Synapses grow < α"


def test_windows_1252_that_says_utf_8_is_read() -> None:
    text = linked(title="Größe – Müller’s").replace("?>", ' encoding="UTF-8"?>', 1)

    assert record_of(text.encode("cp1252")).title == "Größe – Müller’s"


PEOPLE = ("Robin Example", "Ada Sample")
PUBLISHERS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "Cell Press": (
        linked(
            f"<dc:identifier>10.1016/j.cell.2026.07.001</dc:identifier>"
            "<dc:creator>Robin Example, Ada Sample</dc:creator>"
            f"<description>{LONG}</description>"
        ),
        "10.1016/j.cell.2026.07.001",
        PEOPLE,
        LONG,
    ),
    "HighWire": (
        rdf(
            f"<description>{LONG}</description><dc:creator>Example, R., Sample, A. B.</dc:creator>"
            "<dc:identifier>info:doi/10.1523/JNEUROSCI.0001-26.2026</dc:identifier>"
            "<dc:identifier>hwp:master-id:jneuro;JNEUROSCI.0001-26.2026</dc:identifier>"
        ).replace(TITLE, f"{TITLE} [Research Articles]"),
        "10.1523/jneurosci.0001-26.2026",
        ("R. Example", "A. B. Sample"),
        LONG,
    ),
    "MDPI": (
        linked(
            f"<description>Cells, Vol. 15, Pages 1: {TITLE} Cells doi: 10.3390/cells15010001 Authors: Robin Example "
            f"Ada Sample {LONG}</description><dc:creator>Robin Example</dc:creator><dc:creator>Ada Sample</dc:creator>"
            "<dc:identifier>doi: 10.3390/cells15010001</dc:identifier><dc:source>Cells</dc:source>",
            title=f"Cells, Vol. 15, Pages 1: {TITLE}",
        ),
        "10.3390/cells15010001",
        PEOPLE,
        LONG,
    ),
    "Lancet": (
        linked("<dc:identifier>10.1016/S0140-6736(26)00001-1</dc:identifier>", title=f"[Articles] {TITLE}"),
        "10.1016/s0140-6736(26)00001-1",
        (),
        "",
    ),
    "ACS": (
        rss(
            "<link>http://dx.doi.org/10.1021/acs.6c00001</link><author>Robin Example, Ada Sample</author>",
            title=f"[ASAP] {TITLE}",
        ),
        "10.1021/acs.6c00001",
        PEOPLE,
        "",
    ),
    "IEEE": (
        linked(f"<authors>Robin Example;Ada Sample</authors><description>{LONG}</description>"),
        LINK,
        PEOPLE,
        LONG,
    ),
    "OUP": (
        linked(
            "<guid isPermaLink='false'>http://oup.example/brain/article/doi/10.1093/brain/awag001/8000001?rss=1</guid>"
            f"<dc:identifier>doi:10.1093/brain/awag001</dc:identifier><description>&lt;div&gt;Abstract&lt;/div&gt;{LONG}</description>"
        ),
        "10.1093/brain/awag001",
        (),
        LONG,
    ),
    "Frontiers": (
        rss(
            "<link>https://f.example/articles/10.3389/fnins.2026.1</link>"
            "<author>Robin Example</author><author>Ada Sample</author>"
        ),
        "10.3389/fnins.2026.1",
        PEOPLE,
        "",
    ),
    "F1000": (linked(title=f"{TITLE} [version 1; peer review: awaiting peer review]"), LINK, (), ""),
    "NEJM": (
        rss(
            "<link>https://n.example/doi/full/10.1056/NEJMoa2600001?query=featured</link>"
            "<description>Journal of Medicine, Volume 395, Issue 5, Page 401-410, July 30, 2026. </description>"
        ),
        "10.1056/nejmoa2600001",
        (),
        "",
    ),
    "alert that wraps the link": (
        rss(f"<link>https://scholar.google.com/scholar_url?url={LINK}&amp;hl=en&amp;ei=abc&amp;scisig=xyz</link>"),
        LINK,
        (),
        "",
    ),
}


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_the_feeds_of_publishers_are_read(publisher: str) -> None:
    document, identity, authors, abstract = PUBLISHERS[publisher]
    record = record_of(document)

    assert (record.title, record.doi or record.url, record.authors) == (TITLE, identity, authors)
    assert record.abstract == abstract.strip()


def test_an_entry_that_nobody_foresaw_does_not_cost_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(element: Element, *rest: object) -> FeedEntry:
        if "Second" in "".join(element.itertext()):
            raise AttributeError("'str' object has no attribute 'get'")
        return entry_of(element, *rest)  # type: ignore[arg-type]

    entry_of = feed_document._entry
    monkeypatch.setattr(feed_document, "_entry", fails)
    reading = several("", "First title", "Second title", "Third title")

    assert [paper.record.title for paper in reading.papers] == ["First title", "Third title"]
    assert [(item.title[:12], item.reason) for item in reading.left_out] == [
        ("Second title", "not understood: AttributeError")
    ]


@pytest.mark.parametrize(
    ("document", "title", "reason"),
    [
        (
            rss(f"<description>&lt;b&gt;Synapses&lt;/b&gt; grow</description><link>{LINK}</link>", title=""),
            "Synapses grow",
            "no title",
        ),
        (linked(AUDIO, title="Episode 12: how synapses grow"), "Episode 12: how synapses grow", "recording"),
        (json_feed(attachments=[{"url": "x", "mime_type": "video/mp4"}, 7]), TITLE, "recording"),
        (linked(title="[Department of Error] Department of Error"), "Department of Error", "correction"),
        (atom("<id>yt:video:abc</id><link href='https://v.example/watch?v=abc'/>"), TITLE, "recording"),
        (linked(title=f"RETRACTED: {TITLE}"), f"RETRACTED: {TITLE}", "retracted"),
    ],
)
def test_an_entry_that_is_left_out_is_listed_with_its_reason(document: str, title: str, reason: str) -> None:
    reading = reading_of(document)

    assert (reading.papers, [(item.title, item.reason) for item in reading.left_out]) == ((), [(title, reason)])


def test_a_paper_with_a_film_beside_it_is_a_paper() -> None:
    assert record_of(linked(f"<prism:doi>10.1234/abc</prism:doi>{AUDIO}")).doi == "10.1234/abc"


def several(identifier: str, *titles: str) -> FeedReading:
    items = "".join(
        f"<item><title>{title}</title><link>{LINK}{number}</link>{identifier}</item>"
        for number, title in enumerate(titles)
    )
    return reading_of(f'<rss version="2.0" {NAMESPACES}><channel><title>J</title>{items}</channel></rss>')


def test_a_doi_that_all_entries_have_is_the_journals_and_none_of_theirs() -> None:
    reading = several("<dc:identifier>doi:10.1234/j</dc:identifier>", "Synapses grow", "Neurons fire", "Cells divide")

    assert [(paper.record.doi, paper.record.url) for paper in reading.papers] == [
        (None, f"{LINK}{n}") for n in range(3)
    ]


def test_an_entry_with_the_doi_of_another_title_is_listed() -> None:
    reading = several("<prism:doi>10.1234/abc</prism:doi>", "Synapses grow", "Synapses grow in mice", "Synapses grow")

    assert [paper.record.title for paper in reading.papers] == ["Synapses grow"]
    assert [(item.title, item.reason) for item in reading.left_out] == [
        ("Synapses grow in mice", "has the 10.1234/abc of another entry: Synapses grow")
    ]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('<RSS VERSION="2.0"><CHANNEL><ITEM><TITLE>T</TITLE></ITEM></CHANNEL></RSS>', "its root is <RSS>"),
        ('{"version": "1", "items": []}', "names no version of jsonfeed.org"),
        ("", "the answer is empty"),
        ("Gone", "malformed XML"),
        ('<?xml version="1.0"?><opml version="2.0"><body/></opml>', "its root is <opml>"),
        ('<?xml version="1.0"?><urlset><url/></urlset>', "its root is <urlset>"),
    ],
)
def test_what_is_no_feed_is_refused_with_the_reason(document: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        reading_of(document)


@pytest.mark.parametrize("prose", ["a fit with R²:adj = 0.9", "a ratio of ½:b", "β:alpha and 名:x", "p:q r:s t:u 5:b"])
def test_a_colon_in_prose_is_no_prefix_and_costs_no_entry(prose: str) -> None:
    entries = "".join(
        f"<item><title>Graphs, part {number}</title><link>https://f.example/{number}</link>"
        f"<description>We show {prose}.</description><dc:creator>Ada Byron</dc:creator></item>"
        for number in range(3)
    )

    assert len(reading_of(f"<rss version='2.0'><channel><title>J</title>{entries}</channel></rss>").papers) == 3


@pytest.mark.parametrize("address", ["http://[bad/x", "https://[bad", "//[", "http://a:99999999/x"])
@pytest.mark.parametrize("element", ["prism:url", "guid"])
def test_an_address_that_is_none_costs_no_entry(address: str, element: str) -> None:
    assert record_of(linked(f"<{element}>{address}</{element}>")).title == TITLE
