"""The outlets whose papers come in here, by key: what subscribers choose as sources."""

from __future__ import annotations

from digest.sources import registry


def enabled_outlets() -> dict[str, str]:
    """Names of the outlets that enabled sources carry, by key."""
    return registry.enabled_outlets()


def known_outlets() -> dict[str, str]:
    """Names of all outlets that a subscriber may have chosen, also of sources that are disabled now, by key."""
    return registry.all_outlets()
