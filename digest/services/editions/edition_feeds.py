"""Atom and JSON feeds of a subscriber's editions and of trending papers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from digest import clock, i18n, settings
from digest.compose.atom_json_feeds import Feed, Item, tag_uri
from digest.compose.edition import Content
from digest.compose.email import digest_email, wording
from digest.compose.email.paper_block import PaperBlocks
from digest.compose.email.template_environment import fragment_template
from digest.db.core.engine import reading
from digest.db.runs.editions import newest_editions
from digest.errors import NotFound
from digest.i18n import localize
from digest.models import Edition, Subscriber
from digest.models.types import stored_id
from digest.papers.subjects import category_text
from digest.services.catalog import trending_list
from digest.services.catalog.paper_presenters import present_row
from digest.services.editions import web_view
from digest.services.security import signed_links
from digest.text.tex import readable

MAX_EDITIONS, MAX_PAPERS = 30, 50  # the most that a feed holds
FEED_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)  # the date in the ids of the feeds themselves and of an empty feed


def subscriber_feed(subscriber_id: int) -> Feed:
    """A subscriber's last editions, newest first; an edition's id never changes. Raises NotFound after erasure."""
    configured = settings.get()
    with reading() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        if subscriber is None:
            raise NotFound(localize("this subscription no longer exists"))
        editions = newest_editions(session, subscriber_id, MAX_EDITIONS)
        papers = web_view.load_edition_papers(session, editions)
    blocks = PaperBlocks()
    items = tuple(_edition_item(edition, subscriber, papers, blocks) for edition in editions)
    return Feed(
        key=feed_tag(FEED_EPOCH, f"reader-{subscriber_id}"),
        title=localize("%(service)s: your papers", service=configured.service_name),
        name=configured.service_name,
        home=items[0].url if items else configured.base_url,
        atom=signed_links.feed(subscriber_id),
        json=signed_links.feed(subscriber_id, "json"),
        updated=max((item.published for item in items), default=subscriber.created_at),
        language=i18n.language_tag(),
        items=items,
    )


def _edition_item(
    edition: Edition, subscriber: Subscriber, papers: web_view.EditionPapers, blocks: PaperBlocks
) -> Item:
    recipient = web_view.edition_recipient(
        edition, subscriber, papers.topics(edition), categories=papers.categories(edition)
    )
    content = Content.from_json(edition.content)
    page = signed_links.feed_edition(edition.subscriber_id, stored_id(edition))
    links = replace(web_view.public_links(), further=f"{page}/more")
    subject, html = digest_email.feed_fragment(
        content, papers.papers, recipient, links, blocks=blocks, summaries=papers.summaries_of(edition)
    )
    day = wording.short_date(edition.day)
    return Item(
        key=feed_tag(edition.created_at, f"edition-{edition.id}"),
        title=subject if subject.startswith(day) else f"{day}: {subject}",  # the subject of a quiet day names it
        url=page,
        html=html,
        published=edition.created_at,
    )


def trending_feed(category: str | None) -> Feed:
    """Papers trending now, in all fields or one category, in the order of the page. Changes by the hour."""
    configured = settings.get()
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    items = tuple(_paper_item(rising_paper) for rising_paper in trending_list.current_trending(category, MAX_PAPERS))
    page = f"{configured.base_url}/trending" + (f"/{category}" if category else "")
    return Feed(
        key=feed_tag(FEED_EPOCH, f"trending-{category or 'all'}"),
        title=_trending_title(configured.service_name, category),
        name=configured.service_name,
        home=page,
        atom=f"{page}.atom",
        json=f"{page}.json",
        updated=hour if items else FEED_EPOCH,
        language=i18n.language_tag(),
        items=items,
    )


def _trending_title(service: str, category: str | None) -> str:
    """The title of a trending feed."""
    if category:
        return localize("%(service)s: rising now in %(category)s", service=service, category=category)
    return localize("%(service)s: rising now", service=service)


def _paper_item(rising_paper: trending_list.RisingPaper) -> Item:
    names = tuple(readable(author) for author in rising_paper.record.authors)
    paper_row = replace(
        present_row(rising_paper.paper_id, rising_paper.record, rising_paper.trend.facts), authors=names
    )
    url = f"{settings.get().base_url}/papers/{rising_paper.paper_id}"
    return Item(
        key=feed_tag(rising_paper.listed_at, f"paper-{rising_paper.paper_id}"),
        title=paper_row.title,
        url=url,
        html=fragment_template("paper").render(row=paper_row, url=url),
        published=rising_paper.listed_at,
        authors=paper_row.authors,
        tags=tuple(map(category_text, paper_row.categories)),
    )


def feed_tag(day: datetime, name: str) -> str:
    """A tag URI that stays the same when the service moves to another URL but keeps its mail domain."""
    configured = settings.get()
    return tag_uri(configured.mail_domain or urlsplit(configured.base_url).hostname or "localhost", day, name)
