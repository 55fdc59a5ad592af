"""Mails about an account count towards the ceiling of the whole service."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import Browser, mails, path, subscribed


@MAINLY_SQLITE
def test_account_links_stop_at_the_ceiling_and_the_administrators_get_an_alarm(
    web: Browser, configured: Callable[..., None]
) -> None:
    subscribed(web, "a@digest.example")
    subscribed(web, "b@digest.example")
    configured(SIGN_UP_CEILING=4)

    responses = [web.post(path(signed_links.preferences(n)), data={"action": "erase"}).status_code for n in (1, 2, 1)]

    assert responses == [200, 200, 429]
    assert [mail.kind for mail in mails()][-3:] == ["account-link", "account-link", "alarm"]


@MAINLY_SQLITE
@pytest.mark.parametrize("new_address", ["free@new.example", "b@digest.example"])
def test_at_the_ceiling_a_free_and_a_taken_new_address_get_the_same_answer(
    web: Browser, configured: Callable[..., None], new_address: str
) -> None:
    subscribed(web, "a@digest.example")
    subscribed(web, "b@digest.example")
    configured(SIGN_UP_CEILING=3)
    web.post(path(signed_links.preferences(1)), data={"action": "change-address"})

    response = web.post(path(signed_links.account("change-address", 1)), data={"address": new_address})

    assert response.status_code == 429
    assert [mail.kind for mail in mails()][-2:] == ["account-link", "alarm"]


@MAINLY_SQLITE
@pytest.mark.parametrize("page", [signed_links.unsubscribe, signed_links.feed_edition])
def test_links_requested_from_shared_pages_stop_at_the_ceiling(
    web: Browser, configured: Callable[..., None], page: Callable[..., str]
) -> None:
    subscribed(web, "a@digest.example")
    subscribed(web, "b@digest.example")
    configured(SIGN_UP_CEILING=3)
    more = () if page is signed_links.unsubscribe else (1,)

    answers = [web.post(f"{path(page(n, *more))}/link").status_code for n in (1, 2, 9)]

    assert answers == [200, 429, 429]  # nobody has the number 9: the answer does not tell
    assert [mail.kind for mail in mails()][-2:] == ["link", "alarm"]
