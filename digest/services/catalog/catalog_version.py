"""When public pages about papers have to be made anew: the data has changed, or a quarter of an hour has passed."""

from __future__ import annotations

from collections.abc import Hashable

from digest import clock
from digest.db.core.engine import reading_connection
from digest.db.papers import catalog_version


def current_version() -> Hashable:
    """Equal for as long as trending, papers and authors look the same; a cheap query.

    The quarter of an hour is part of it because pages show how long ago a paper was listed.
    """
    with reading_connection() as connection:
        return catalog_version.catalog_version(connection), clock.slot_of(clock.now())
