"""Entries that an earlier release stored come no second time, whatever has changed since in how they are identified."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from digest import clock
from digest.db.core.engine import transaction
from digest.db.papers import feed_sources
from digest.db.papers.feed_sources import ANNOUNCED
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.admin import feed_preview, source_admin
from digest.services.ingestion import catch_up
from digest.services.ingestion.import_document import store_document
from digest.sources.feed_identity import entry_key
from tests.combinations import MAINLY_SQLITE
from tests.digest.sources.feed_server import FeedServer, feed

AUTHOR = "<dc:creator>Ada Sample</dc:creator>"
LINK = "<link>https://journal.example/{}</link>"
ENTRIES: Mapping[str, str] = {
    "a DOI in dc:source": LINK.format(1) + "<dc:source>Examples, doi:10.1234/src.1</dc:source>",
    "a DOI in prism:url": LINK.format(2) + "<prism:url>https://doi.org/10.1234/url.2</prism:url>",
    "a DOI as an address": LINK.format(3) + "<dc:identifier>https://doi.org/10.1234/ide.3</dc:identifier>",
    "a DOI by info:doi": LINK.format(4) + "<dc:identifier>info:doi/10.1234/inf.4</dc:identifier>",
    "a DOI in an element of its own": LINK.format(5) + "<citation_doi>10.1234/own.5</citation_doi>",
    "a link in guid": "<guid>https://journal.example/6</guid>",
    "a version after an underscore": "<link>https://osf.io/7</link><prism:doi>10.31234/osf.io/abcde_v2</prism:doi>",
    "a version of another server": "<link>https://t.example/8</link><prism:doi>10.36227/techrxiv.123456.v1</prism:doi>",
    "a tracking parameter": "<link>https://journal.example/9?x=1&amp;dgcid=rss_sd_all</link>",
    "a tracking fragment": "<link>https://journal.example/10#utm_source=feed</link>",
    "a redirector": "<link>https://www.google.com/url?rct=j&amp;url=https://journal.example/11&amp;ct=ga</link>",
    "a DOI first in a text": LINK.format(12) + "<description>doi: 10.1234/txt.12 We grow.</description>",
}
# computed by the release before, from these entries
FORMER_KEYS: Mapping[str, str] = {
    "a DOI in dc:source": "c956f347e9d982f57713395eae56af3d",
    "a DOI in prism:url": "e89617a7da1820f9b1ba61c4e4e9434e",
    "a DOI as an address": "24c9e216ac1fb9f5909708ddec895f49",
    "a DOI by info:doi": "4b9e8c42a6644fa9cca2fcbf715294c9",
    "a DOI in an element of its own": "03604290166cde9f71a9c8563474f9a6",
    "a link in guid": "0140e40a10ad59325e7962193c8128d3",
    "a version after an underscore": "d76dde0633f5ef31894777eed0760f53",
    "a version of another server": "e59efb6917cc5544ef29358f983ddea8",
    "a tracking parameter": "882980d6eebe2506abd00e58bad7808b",
    "a tracking fragment": "267a307f0a184c79fea3c9b8156062c5",
    "a redirector": "c56ea5936f4a059e25c44def1694081e",
    "a DOI first in a text": "bbab6e7708fcf4e64a93aad18447dc47",
}
FORMER_SECTION_KEY = "9915a6a84c53693a4e830569d8ca77be"
FORMER_TEXT_KEY = "73d3ba37145a0ee825891060e5d53654"


def document(name: str) -> bytes:
    return feed(f"<item><title>How synapses grow: {name}</title>{ENTRIES[name]}{AUTHOR}</item>")


def stored_before(server: FeedServer, body: bytes, key: str, text_key: str = "") -> str:
    """A feed of which an earlier release stored the entry of that key."""
    server.pages["/feed.xml"] = body
    source, _ = source_admin.add_feed(f"{server.url}/feed.xml", actor="test")
    item = {"key": key, "text_key": text_key, "state": ANNOUNCED, "day": clock.now().date(), "record": None}
    with transaction() as session:
        feed_sources.store_items(session, source.name, [item])
    return source.name


@MAINLY_SQLITE
@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_with_a_former_key_is_not_new(server: FeedServer, name: str) -> None:
    source = stored_before(server, document(name), FORMER_KEYS[name])

    assert catch_up.ingest(source).counts.new == 0


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_that_was_not_stored_is_new(server: FeedServer, name: str) -> None:
    source = stored_before(server, document(name), "0" * 32)

    assert catch_up.ingest(source).counts.new == 1


def test_a_later_version_of_a_preprint_that_came_with_its_version_is_not_new(server: FeedServer) -> None:
    name = "a version after an underscore"
    source = stored_before(server, document(name).replace(b"abcde_v2", b"abcde_v4"), FORMER_KEYS[name])

    assert catch_up.ingest(source).counts.new == 0


def test_an_entry_whose_title_lost_its_section_is_not_new(server: FeedServer) -> None:
    body = feed(f"<item><title>[Research Article] How synapses grow</title>{AUTHOR}</item>")
    source = stored_before(server, body, FORMER_SECTION_KEY)

    assert catch_up.ingest(source).counts.new == 0


def test_an_entry_of_a_json_feed_whose_id_was_read_as_an_address_is_not_new(server: FeedServer) -> None:
    body = b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "17", "title": "How synapses grow"}]}'
    former_key = entry_key(None, None, f"{server.url}/17", "", "")
    source = stored_before(server, body, former_key)

    assert catch_up.ingest(source).counts.new == 0


CHANGING = (
    "<item><title>[Letter] How synapses grow</title><link>https://blog.example/p?x={}</link>"
    "<dc:creator>Ada Sample, PhD, University of Examples</dc:creator><dc:creator>Robin Example, MD</dc:creator>"
    "<pubDate>05.08.2026</pubDate></item>"
)


def test_an_entry_whose_address_changes_is_known_by_its_former_text(server: FeedServer) -> None:
    source = stored_before(server, feed(CHANGING.format(2)), "1" * 32, FORMER_TEXT_KEY)

    assert catch_up.ingest(source).counts.new == 0


def test_a_preview_takes_an_entry_with_a_former_text_for_the_same(server: FeedServer) -> None:
    stored_before(server, feed(CHANGING.format(2)), "1" * 32, FORMER_TEXT_KEY)
    preview = feed_preview.preview_feed(f"{server.url}/feed.xml")

    assert (len(preview.papers), [title for title, _ in preview.left_out]) == (0, ["How synapses grow"])


@pytest.mark.parametrize(
    "titles", [("How synapses grow", "How spines grow", "How axons grow"), ("Spines", "Axons", "Glia")]
)
def test_the_entry_that_was_stored_by_the_journals_own_doi_is_not_new(
    server: FeedServer, titles: tuple[str, ...]
) -> None:
    doi = "10.1234/journal"
    entries = [
        f"<item><title>{title}</title>{LINK.format(title)}<prism:doi>{doi}</prism:doi></item>" for title in titles
    ]
    record = Record(titles[1], "", doi=doi, outlets=("Journal of Examples",))
    source = stored_before(server, feed(*entries), entry_key(doi, None, "", "", ""))
    store_document(source, "feed", ParsedDocument((ListedPaper(record, "new"),)))

    assert catch_up.ingest(source).counts.new == 2
