"""Atom and JSON feeds of a subscriber's editions and of trending papers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sqlmodel import col, select

from digest import clock, i18n, settings
from digest.compose.atom_json_feeds import Feed, Item, tag
from digest.compose.edition import Content
from digest.compose.email import digest_email, wording
from digest.compose.email.paper_block import PaperBlocks
from digest.compose.email.template_environment import fragment_template
from digest.db.core.engine import reading
from digest.errors import NotFound
from digest.i18n import translate
from digest.models import Edition, Subscriber
from digest.models.types import stored_id
from digest.services.catalog import trending
from digest.services.catalog.paper_presenters import row
from digest.services.editions import web_view
from digest.services.security import signed_links
from digest.text.tex import readable

EDITIONS, PAPERS = 30, 50  # the most that a feed holds
_BEGAN = datetime(2025, 1, 1, tzinfo=UTC)  # the date in the ids of the feeds themselves and of an empty feed


def subscriber_feed(subscriber_id: int) -> Feed:
    """A subscriber's last editions, newest first; an edition's id never changes. Raises NotFound after erasure."""
    configured = settings.get()
    with reading() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        if subscriber is None:
            raise NotFound(translate("this subscription no longer exists"))
        editions = session.exec(
            select(Edition)
            .where(Edition.subscriber_id == subscriber_id, col(Edition.cancelled).is_(False))
            .order_by(col(Edition.day).desc())
            .limit(EDITIONS)
        ).all()
        papers = web_view.look_up(session, editions)
    blocks = PaperBlocks()
    items = tuple(_edition(edition, subscriber, papers, blocks) for edition in editions)
    return Feed(
        key=_key(_BEGAN, f"reader-{subscriber_id}"),
        title=translate("%(service)s: your papers", service=configured.service_name),
        name=configured.service_name,
        home=items[0].url if items else configured.base_url,
        atom=signed_links.feed(subscriber_id),
        json=signed_links.feed(subscriber_id, "json"),
        updated=max((item.published for item in items), default=subscriber.created_at),
        language=i18n.language_tag(),
        items=items,
    )


def _edition(edition: Edition, subscriber: Subscriber, papers: web_view.EditionPapers, blocks: PaperBlocks) -> Item:
    recipient = web_view.edition_recipient(
        edition, subscriber, papers.topics(edition), categories=papers.categories(edition)
    )
    content = Content.from_json(edition.content)
    page = signed_links.feed_edition(edition.subscriber_id, stored_id(edition))
    links = replace(web_view.public_links(), further=f"{page}/more")
    subject, html = digest_email.fragment(
        content, papers.papers, recipient, links, blocks=blocks, summaries=papers.summaries_of(edition)
    )
    return Item(
        key=_key(edition.created_at, f"edition-{edition.id}"),
        title=f"{wording.short_date(edition.day)}: {subject}",
        url=page,
        html=html,
        published=edition.created_at,
    )


def trending_feed(category: str | None) -> Feed:
    """Papers trending now, in all fields or one category, in the order of the page. Changes by the hour."""
    configured = settings.get()
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    items = tuple(_paper(rising_paper) for rising_paper in trending.current_trending(category, PAPERS))
    page = f"{configured.base_url}/trending" + (f"/{category}" if category else "")
    return Feed(
        key=_key(_BEGAN, f"trending-{category or 'all'}"),
        title=_rising(configured.service_name, category),
        name=configured.service_name,
        home=page,
        atom=f"{page}.atom",
        json=f"{page}.json",
        updated=hour if items else _BEGAN,
        language=i18n.language_tag(),
        items=items,
    )


def _rising(service: str, category: str | None) -> str:
    """The title of a trending feed."""
    if category:
        return translate("%(service)s: rising now in %(category)s", service=service, category=category)
    return translate("%(service)s: rising now", service=service)


def _paper(rising_paper: trending.RisingPaper) -> Item:
    names = tuple(readable(author) for author in rising_paper.record.authors)
    paper_row = replace(row(rising_paper.number, rising_paper.record, rising_paper.trend.facts), authors=names)
    url = f"{settings.get().base_url}/papers/{rising_paper.number}"
    return Item(
        key=_key(rising_paper.listed, f"paper-{rising_paper.number}"),
        title=paper_row.title,
        url=url,
        html=fragment_template("paper").render(row=paper_row, url=url),
        published=rising_paper.listed,
        authors=paper_row.authors,
        tags=paper_row.categories,
    )


def _key(day: datetime, name: str) -> str:
    """A tag URI that stays the same when the service moves to another URL but keeps its mail domain."""
    configured = settings.get()
    return tag(configured.mail_domain or urlsplit(configured.base_url).hostname or "localhost", day, name)
