"""docs/SECURITY.md says what each link opens and for how long; this compares it with the code."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from digest import signing
from digest.services.security import rate_limits
from digest.services.security.link_and_session_lifetimes import LIFETIMES, lifetime
from digest.web.http import constant_time
from tests.conftest import ROOT
from tests.digest.web.test_links import ROUTES

PAGE = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z-]+)` \| (?:`([^`]+)`|[^|]*) \| [^|]* \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
UNITS = {"minute": "minutes", "hour": "hours", "day": "days"}


def documented() -> dict[str, tuple[str, timedelta | None]]:
    """Route and lifetime by purpose, as the page's table has them."""
    return {purpose: (route.removesuffix("…"), _duration(time)) for purpose, route, time in ROW.findall(PAGE)}


def _duration(text: str) -> timedelta | None:
    if text == "always":
        return None
    number, unit = text.split()
    return timedelta(**{UNITS[unit.rstrip("s")]: int(number)})


def test_every_purpose_and_lifetime_is_documented_as_it_is() -> None:
    assert {purpose: time for purpose, (_, time) in documented().items()} == dict(LIFETIMES)


def test_every_purpose_that_can_be_signed_has_a_lifetime() -> None:
    purposes = {value for name, value in vars(signing).items() if name.isupper() and isinstance(value, str)}

    assert purposes == set(LIFETIMES)


def test_each_purpose_opens_the_route_that_the_page_names() -> None:
    for purpose, (route, _) in documented().items():
        pages = [known_route for known_route in ROUTES[purpose] if not known_route.startswith("/api/")]
        assert all(page.startswith(route) for page in pages), purpose


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    assert rate_limits.LINK_MAILS.window == rate_limits.ACCOUNT_MAILS.window == timedelta(days=1)
    assert f"mailed from a shared page | subscriber | {rate_limits.LINK_MAILS.limit} a day" in PAGE
    assert f"change of address | subscriber | {rate_limits.ACCOUNT_MAILS.limit} a day" in PAGE
    assert f"whole steps of {constant_time.STEP_SECONDS * 1000:.0f} ms" in PAGE


def test_a_link_that_does_not_expire_has_no_lifetime_to_ask_for() -> None:
    with pytest.raises(ValueError, match="do not expire"):
        lifetime(signing.UNSUBSCRIBE)
