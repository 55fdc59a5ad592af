"""When public pages about papers must be rendered again: after the data has changed, and every quarter of an hour."""

from __future__ import annotations

from collections.abc import Hashable

from digest import clock
from digest.db.core.engine import reading_connection
from digest.db.papers import catalog_version


def current_version() -> Hashable:
    """A value that is equal while trending, papers and authors are unchanged; a cheap query.

    The quarter of an hour is part of it because pages show how long ago a paper was listed.
    """
    with reading_connection() as connection:
        return catalog_version.catalog_version(connection), clock.slot_of(clock.now())
