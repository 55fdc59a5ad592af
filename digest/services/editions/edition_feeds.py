"""The twins of mail and page: a reader's editions, and what trends, as feeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sqlmodel import col, select

from digest import clock, i18n, settings
from digest.compose.atom_json_feeds import Feed, Item, tag
from digest.compose.edition import Content
from digest.compose.email import digest_email, wording
from digest.compose.email.paper_block import Blocks
from digest.compose.email.template_environment import fragment
from digest.db.core.engine import reading
from digest.errors import NotFound
from digest.i18n import say
from digest.models import Edition, Subscriber
from digest.services.catalog import trending
from digest.services.catalog.paper_presenters import row
from digest.services.editions import web_view
from digest.services.security import signed_links
from digest.text.tex import readable

EDITIONS, PAPERS = 30, 50  # the most that a feed holds
_BEGAN = datetime(2025, 1, 1, tzinfo=UTC)  # the day in the ids of feeds themselves, and of an empty one


def of_reader(subscriber_id: int) -> Feed:
    """A reader's last editions, newest first; an edition's id never changes. Raises NotFound after erasure."""
    chosen = settings.get()
    with reading() as session:
        reader = session.get(Subscriber, subscriber_id)
        if reader is None:
            raise NotFound(say("this subscription no longer exists"))
        found = session.exec(
            select(Edition)
            .where(Edition.subscriber_id == subscriber_id, col(Edition.cancelled).is_(False))
            .order_by(col(Edition.day).desc())
            .limit(EDITIONS)
        ).all()
        shown = web_view.look_up(session, found)
    blocks = Blocks()
    items = tuple(_edition(edition, reader, shown, blocks) for edition in found)
    return Feed(
        key=_key(_BEGAN, f"reader-{subscriber_id}"),
        title=say("%(service)s: your papers", service=chosen.service_name),
        name=chosen.service_name,
        home=items[0].url if items else chosen.base_url,
        atom=signed_links.feed(subscriber_id),
        json=signed_links.feed(subscriber_id, "json"),
        updated=max((item.published for item in items), default=reader.created_at),
        language=i18n.tag(),
        items=items,
    )


def _edition(edition: Edition, reader: Subscriber, shown: web_view.Shown, blocks: Blocks) -> Item:
    to = web_view.reader_of(edition, reader, shown.topics(edition))
    content = Content.from_json(edition.content)
    subject, html = digest_email.fragment(content, shown.papers, to, web_view.public_links(), blocks=blocks)
    return Item(
        key=_key(edition.created_at, f"edition-{edition.id}"),
        title=f"{wording.short_date(edition.day)}: {subject}",
        url=signed_links.feed_edition(edition.subscriber_id, edition.id or 0),
        html=html,
        published=edition.created_at,
    )


def of_trending(category: str | None) -> Feed:
    """What rises now, in all fields or one category, in the page's order. Its facts change by the hour."""
    chosen = settings.get()
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    items = tuple(_paper(found) for found in trending.now(category, PAPERS))
    page = f"{chosen.base_url}/trending" + (f"/{category}" if category else "")
    return Feed(
        key=_key(_BEGAN, f"trending-{category or 'all'}"),
        title=_rising(chosen.service_name, category),
        name=chosen.service_name,
        home=page,
        atom=f"{page}.atom",
        json=f"{page}.json",
        updated=hour if items else _BEGAN,
        language=i18n.tag(),
        items=items,
    )


def _rising(service: str, category: str | None) -> str:
    """The name of a feed of what rises."""
    if category:
        return say("%(service)s: rising now in %(category)s", service=service, category=category)
    return say("%(service)s: rising now", service=service)


def _paper(found: trending.Rising) -> Item:
    names = tuple(readable(author) for author in found.record.authors)
    line = replace(row(found.number, found.record, found.trend.facts), authors=names)
    url = f"{settings.get().base_url}/papers/{found.number}"
    return Item(
        key=_key(found.listed, f"paper-{found.number}"),
        title=line.title,
        url=url,
        html=fragment("paper").render(row=line, url=url),
        published=found.listed,
        authors=line.authors,
        tags=line.categories,
    )


def _key(day: datetime, name: str) -> str:
    """An id that stays when the service moves to another address, as long as it mails from the same domain."""
    chosen = settings.get()
    return tag(chosen.mail_domain or urlsplit(chosen.base_url).hostname or "localhost", day, name)
