"""Atom and JSON feeds of an author's papers and of any list of papers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from digest import clock, i18n, settings
from digest.compose.atom_json_feeds import Feed, Item
from digest.compose.email.template_environment import fragment_template
from digest.i18n import localize
from digest.papers.subjects import category_text
from digest.services.catalog import author_pages, paper_listing
from digest.services.catalog.page_schemas import PaperRow
from digest.services.editions.edition_feeds import FEED_EPOCH, MAX_PAPERS, feed_tag
from digest.text.tex import readable


def author_feed(author_name: str) -> Feed:
    """An author's newest papers. Raises NotFound."""
    page = author_pages.author(author_name, MAX_PAPERS)
    title = localize("%(service)s: papers by %(name)s", service=settings.get().service_name, name=page.name)
    return _feed(f"author-{_short_hash(page.name)}", title, f"/authors/{quote(page.name)}", "", page.rows)


def listing_feed(identifiers: Sequence[str]) -> Feed:
    """The first papers of a list of identifiers."""
    rows = paper_listing.listing(identifiers, limit=MAX_PAPERS).rows
    title = localize("%(service)s: a list of papers", service=settings.get().service_name)
    query = "?ids=" + quote(",".join(identifiers), safe=",:/")
    return _feed(f"list-{_short_hash(query)}", title, "/papers", query, rows)


def _feed(key: str, title: str, path: str, query: str, rows: Sequence[PaperRow]) -> Feed:
    """The feed of the page at that path."""
    configured = settings.get()
    items = tuple(_item(row) for row in rows)
    page = f"{configured.base_url}{path}"
    return Feed(
        key=feed_tag(FEED_EPOCH, key),
        title=title,
        name=configured.service_name,
        home=page + query,
        atom=f"{page}.atom{query}",
        json=f"{page}.json{query}",
        updated=max((item.published for item in items), default=FEED_EPOCH),
        language=i18n.language_tag(),
        items=items,
    )


def _item(row: PaperRow) -> Item:
    """A paper; without a date it has that of feeds without dates, so that its entry never changes."""
    url = f"{settings.get().base_url}/papers/{row.id}"
    published = datetime.combine(row.published, datetime.min.time(), UTC) if row.published else FEED_EPOCH
    return Item(
        key=feed_tag(FEED_EPOCH, f"paper-{row.id}"),
        title=row.title,
        url=url,
        html=fragment_template("paper").render(row=row, url=url),
        published=min(published, clock.now()),
        authors=tuple(readable(name) for name in row.authors),
        tags=tuple(map(category_text, row.categories)),
    )


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
