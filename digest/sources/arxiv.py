"""What arXiv's sources (feed, query API, OAI-PMH) share: pacing, the announcement calendar, the days stored by any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit

from digest import clock, settings
from digest.db.core.engine import reading
from digest.db.papers import source_days
from digest.errors import Misconfigured
from digest.settings import TextSetting
from digest.sources import arxiv_calendar
from digest.sources.request_turns import Pacing
from digest.sources.source import A_DAY, MAX_DAYS_BACK

RSS, API, OAI = "arxiv-rss", "arxiv-api", "arxiv-oai"
SOURCES = (RSS, API, OAI)
RSS_URL = TextSetting("arxiv_rss_url", "https://rss.arxiv.org")
API_URL = TextSetting("arxiv_api_url", "https://export.arxiv.org/api/query")
OAI_URL = TextSetting("arxiv_oai_url", "https://oaipmh.arxiv.org/oai")
SHORTEST_PAUSE = 3.0  # seconds between two requests, by arXiv's terms of use
_LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}
_FEED_DELAY = timedelta(minutes=5)
_HARVEST_TIME = time(0, 30)  # in New York, each day
_SATURDAY = 5


def _pause() -> float:
    """Seconds between two requests to any of arXiv's services. Raises Misconfigured below arXiv's minimum.

    Only servers on this machine may be queried faster.
    """
    interval = settings.get().arxiv_interval
    is_local = all(urlsplit(url.value()).hostname in _LOCAL_HOSTS for url in (RSS_URL, API_URL, OAI_URL))
    if interval < SHORTEST_PAUSE and not is_local:
        raise Misconfigured("DIGEST_ARXIV_INTERVAL: must be 3 seconds or more (arXiv's terms of use)")
    return interval


PACING = Pacing("arxiv", _pause)


class ArxivAnnouncements:
    """arXiv's calendar with the closed evenings of the settings."""

    label = "arXiv"
    sources = SOURCES

    def announces_on(self, instant: datetime) -> bool:
        """True where that instant's date in New York has an announcement."""
        return arxiv_calendar.announces(instant.astimezone(clock.ARXIV_ZONE).date(), _closed())

    def between(self, first: date, last: date) -> list[date]:
        """The announcements from `first` to `last`, both included."""
        return arxiv_calendar.between(first, last, _closed())

    def previous(self, day: date) -> date:
        """The announcement before that date."""
        return arxiv_calendar.previous(day, _closed())

    def current(self, day: date) -> date:
        """The newest announcement not after that date."""
        return arxiv_calendar.current(day, _closed())

    def newest(self, instant: datetime) -> date:
        """The newest announcement whose feed appears by that instant."""
        return arxiv_calendar.newest(instant, arxiv_calendar.feed_at, _closed())

    def published_at(self, day: date) -> datetime:
        """When the feeds of that announcement appear."""
        return arxiv_calendar.feed_at(day)

    def available_from(self, day: date) -> datetime:
        """When OAI-PMH has that announcement, which is before the feeds."""
        return arxiv_calendar.harvest_at(day)


ANNOUNCEMENTS = ArxivAnnouncements()


def _closed() -> arxiv_calendar.ClosedEvenings:
    return settings.get().closed_evenings


def oldest_complete_since(day: date) -> date:
    """The announcement from which on every one up to `day` is stored: an identifier unknown since then is new."""
    with reading() as session:
        stored_days = source_days.stored_days(session, SOURCES, day - MAX_DAYS_BACK * A_DAY, day)
    since = ANNOUNCEMENTS.current(day)
    while ANNOUNCEMENTS.previous(since) in stored_days:
        since = ANNOUNCEMENTS.previous(since)
    return since


def next_feed(attempted_at: datetime) -> datetime:
    """When the next feed is there. Holidays are included, because the calendar may be wrong about them."""
    return _next_instant(attempted_at, lambda day: arxiv_calendar.feed_at(day) + _FEED_DELAY, weekdays_only=True)


def next_harvest(attempted_at: datetime) -> datetime:
    """The next 00:30 in New York."""
    return _next_instant(attempted_at, lambda day: clock.local_instant(day, _HARVEST_TIME, clock.ARXIV_ZONE))


def _next_instant(after: datetime, instant_of: Callable[[date], datetime], *, weekdays_only: bool = False) -> datetime:
    day = after.astimezone(clock.ARXIV_ZONE).date()
    while instant_of(day) <= after or (weekdays_only and day.weekday() >= _SATURDAY):
        day += A_DAY
    return instant_of(day)
