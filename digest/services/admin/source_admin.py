"""Administration of sources: add a feed after a preview, confirm, pause, resume, restore and remove it, all audited.

Built-in sources can be paused; what is fetched of them is the setting SOURCES.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.papers import feed_sources
from digest.errors import BadInput, NotFound, Refused
from digest.i18n import localize
from digest.models import Audit, FeedSource
from digest.papers.outlets import outlet_key
from digest.papers.subjects import subject_code
from digest.services.admin.feed_preview import FeedPreview, preview_feed
from digest.services.ingestion import fetch_schedule, import_files
from digest.services.subscriptions import removed_sources
from digest.sources import registry
from digest.sources.feed_moves import checked_address
from digest.text.folding import fold_text
from digest.text.plain_text import one_line

MAX_FEEDS = 500
MAX_NAME = 40
MAX_PAPERS_A_DAY = 1000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NO_NAME = re.compile(r"[^a-z0-9]+")
_TITLE_NOISE = re.compile(
    r"^(?:wiley|aaas|association for computing machinery|acs publications|tandf|sciencedirect publication|rss)\s*:\s*"
    r"|\s*[:|–—-]\s*(?:table of contents|current issue|latest (?:issue|papers|articles)|rss(?: feed)?)\s*$"
    r"|\s+(?:latest papers|rss feed)\s*$",
    re.IGNORECASE,
)


def add_feed(
    address: str, *, name: str = "", title: str = "", subject: str = "", max_a_day: int | None = None, actor: str
) -> tuple[FeedSource, FeedPreview]:
    """Add a feed, which is fetched within a minute; only what can be read as a feed is added.

    `name` and `title` come from the feed where they are empty. `subject`: name or code of the subject of its papers
    that have none, '' for none. Raises BadInput, Refused for a feed that is there
    already, and SourceDown.
    """
    address = checked_address(address)
    title = one_line(title)[:200]
    if title and not outlet_key(title):
        raise BadInput(localize("title: use letters or digits"), field="title")
    if max_a_day is not None and not 1 <= max_a_day <= MAX_PAPERS_A_DAY:
        raise BadInput(localize("a day: use a number from 1 to %(most)s", most=MAX_PAPERS_A_DAY), field="max_a_day")
    subject_of_papers = subject_code(subject)
    if subject.strip() and not subject_of_papers:
        message = localize("%(name)s is not a subject such as Neuroscience or cs.LG", name=repr(subject[:40]))
        raise BadInput(f"subject: {message}", field="subject")
    with reading() as session:
        _require_new(session, address)
    preview = preview_feed(address, max_lookups=0)
    title = title or title_of(preview.title, address)
    now = clock.now()
    with transaction() as session:
        _require_new(session, address)
        feed = FeedSource(
            name=_free_name(session, name, title),
            title=title,
            url=address,
            max_a_day=max_a_day,
            added_at=now,
            subject=subject_of_papers,
        )
        session.add(feed)
        session.add(Audit(at=now, actor=actor, action="add feed", detail={"source": feed.name, "address": address}))
        session.flush()
        session.expunge(feed)
    return feed, preview


def title_of(feed_title: str, address: str) -> str:
    """What people call a feed: its title without words about feeds, or its host where it has no letter."""
    title = one_line(feed_title)
    previous = ""
    while previous != title:
        previous, title = title, _TITLE_NOISE.sub("", title).strip()
    return title[:200] if outlet_key(title[:200]) else (urlsplit(address).hostname or "feed")


def confirm_feed(name: str, *, actor: str) -> None:
    """Confirm that a feed's papers are right: the daily limit for new feeds ends. Raises NotFound, Refused."""
    with transaction() as session:
        feed = _feed(session, name)
        if feed.confirmed_at is not None:
            raise Refused(localize("%(source)s is confirmed already", source=name))
        feed.confirmed_at = clock.now()
        session.add(Audit(at=feed.confirmed_at, actor=actor, action="confirm feed", detail={"source": name}))
    _fetch_soon(name)  # what waits is stored then


def restore_feed(name: str, *, actor: str) -> str:
    """Give a feed that moved its former address back, which is then fetched. Returns that address.

    Where that address still redirects permanently to a feed, the feed moves again. Raises NotFound, Refused for a feed
    that has not moved, or whose former address another feed has.
    """
    with transaction() as session:
        feed = _feed(session, name)
        if not feed.former_url:
            raise Refused(localize("%(source)s has not moved", source=name))
        same = feed_sources.feed_at(session, feed.former_url)
        if same is not None and same.name != feed.name:
            raise Refused(localize("this feed is there already: %(source)s", source=same.name))
        feed_sources.restore_address(session, feed, at=clock.now(), actor=actor)
        address = feed.url
    _fetch_soon(name)
    return address


def pause_source(name: str, *, actor: str) -> None:
    """Stop fetching a source until it is resumed. Raises NotFound, Refused where it is paused already."""
    _require_source(name)
    with transaction() as session:
        now = clock.now()
        if not feed_sources.pause(session, name, now):
            raise Refused(localize("%(source)s is paused already", source=name))
        session.add(Audit(at=now, actor=actor, action="pause source", detail={"source": name}))


def resume_source(name: str, *, actor: str) -> None:
    """Fetch a paused source again, from where it stopped. Raises NotFound, Refused where it is not paused."""
    _require_source(name)
    with transaction() as session:
        if not feed_sources.resume(session, name):
            raise Refused(localize("%(source)s is not paused", source=name))
        session.add(Audit(at=clock.now(), actor=actor, action="resume source", detail={"source": name}))


def remove_feed(name: str, *, actor: str) -> None:
    """Remove a feed, also from the sources that subscribers chose. Its papers stay.

    Raises NotFound, Refused for a built-in source.
    """
    if name in registry.SOURCES:
        raise Refused(localize("%(source)s is built in; pause it, or take it out of DIGEST_SOURCES", source=name))
    with transaction() as session:
        feed = _feed(session, name)
        address, outlet = feed.url, outlet_key(feed.title)
        feed_sources.delete_feed(session, name)
        others = [*(other.title for other in feed_sources.feeds(session)), *registry.built_in_outlets()]
        if outlet not in map(outlet_key, others):
            removed_sources.remove_from_profiles(session, outlet)
        detail = {"source": name, "address": address}
        session.add(Audit(at=clock.now(), actor=actor, action="remove feed", detail=detail))


def _fetch_soon(name: str) -> None:
    try:
        fetch_schedule.request_fetch(name)
    except Refused:
        return  # it is paused, or asked for no request before a time


def _require_new(session: Session, address: str) -> None:
    """Raises Refused where the feed is there already, or there are too many."""
    same = feed_sources.feed_at(session, address)
    if same is not None:
        raise Refused(localize("this feed is there already: %(source)s", source=same.name))
    if len(feed_sources.feeds(session)) >= MAX_FEEDS:
        raise Refused(localize("there are %(most)s feeds already, which is the limit", most=MAX_FEEDS))


def _feed(session: Session, name: str) -> FeedSource:
    feed = feed_sources.feed(session, name[:MAX_NAME])
    if feed is None:
        raise NotFound(localize("there is no feed of the name %(source)s", source=name[:MAX_NAME]))
    return feed


def _require_source(name: str) -> None:
    if name not in registry.all_sources():
        raise NotFound(localize("there is no source of the name %(source)s", source=name[:MAX_NAME]))


def _free_name(session: Session, name: str, title: str) -> str:
    """A name that no source has. Raises BadInput for a typed one that is none or in use."""
    used = {*registry.SOURCES, *import_files.FILE_FORMATS, registry.DEFAULT}
    used |= {feed.name for feed in feed_sources.feeds(session)}
    if name:
        if not _NAME.fullmatch(name):
            raise BadInput(localize("name: use at most 40 small letters, digits and hyphens"), field="name")
        if name in used:
            raise BadInput(localize("name: %(source)s is in use", source=name), field="name")
        return name
    base = _NO_NAME.sub("-", fold_text(title).lower())[: MAX_NAME - 4].strip("-") or "feed"
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, MAX_FEEDS + 2))
    return next(candidate for candidate in numbered if candidate not in used)
