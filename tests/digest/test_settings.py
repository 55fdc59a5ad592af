"""Settings that guard the service: keys long enough, networks that can be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from digest import settings
from digest.errors import Misconfigured

LONG = "k" * 32


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("x", "the key has 1 bytes, 32 are needed"),
        ("k" * 31, "the key has 31 bytes"),
        (f"{LONG},x", "key 2 of the list has 1 bytes"),
        (f"x,{LONG}", "key 1 of the list has 1 bytes"),
        (f"{LONG}, {'ö' * 15}", "key 2 of the list has 30 bytes"),
    ],
)
def test_a_short_key_is_refused_with_the_way_to_make_one(
    configured: Callable[..., None], keys: str, words: str
) -> None:
    configured(SECRET_KEY=keys)

    with pytest.raises(Misconfigured, match=f"^DIGEST_SECRET_KEY: {words}.*token_urlsafe") as refused:
        settings.get()
    assert "kkk" not in str(refused.value)


@pytest.mark.parametrize("keys", [LONG, f"{LONG},{'n' * 40}", "ö" * 16, f" {LONG} ,"])
def test_long_keys_are_taken(configured: Callable[..., None], keys: str) -> None:
    configured(SECRET_KEY=keys)

    assert settings.get().secret_key


@pytest.mark.parametrize("proxies", ["proxy.example", "10.0.0.0/33", "10.0.0.1-10.0.0.9", "127.0.0.1,x"])
def test_a_proxy_that_is_no_network_is_refused_at_the_start(configured: Callable[..., None], proxies: str) -> None:
    configured(TRUSTED_PROXIES=proxies)

    with pytest.raises(Misconfigured, match=r"^DIGEST_TRUSTED_PROXIES: .*use addresses or networks"):
        settings.get()
