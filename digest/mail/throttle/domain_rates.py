"""Mails per second to each receiving domain: the default table, and how a halved rate recovers. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# Mails per second to large mailbox providers: below what they accept from a sender with a good reputation.
# Other domains are not limited until they ask for a lower rate.
DEFAULT_RATES: Mapping[str, float] = {
    "gmail.com": 20, "googlemail.com": 20,
    "outlook.com": 10, "hotmail.com": 10, "live.com": 10, "msn.com": 10,
    "yahoo.com": 10, "ymail.com": 10, "aol.com": 10, "yahoo.co.jp": 5,
    "icloud.com": 10, "me.com": 10, "mac.com": 10,
    "gmx.de": 5, "gmx.net": 5, "web.de": 5, "t-online.de": 2, "freenet.de": 2,
    "orange.fr": 2, "wanadoo.fr": 2, "free.fr": 2, "laposte.net": 2, "libero.it": 2,
    "comcast.net": 5, "att.net": 5, "mail.ru": 5, "yandex.ru": 5,
    "qq.com": 5, "foxmail.com": 5, "163.com": 5, "126.com": 5, "naver.com": 5,
}  # fmt: skip
WILDCARD = "*"  # in the settings: every domain that neither they nor the table name
ASSUMED_RATE = 10.0  # the rate of an unlimited domain when it asks for a lower one
MIN_SHARE = 1 / 64  # the smallest share of its rate that a domain is slowed to
SECONDS_TO_DOUBLE = 600.0  # a reduced rate doubles in this time, up to the full rate
SECONDS_BETWEEN_HALVINGS = 10.0  # refusals closer together answer one burst, so they halve the rate once


def configured_rate(domain: str, overrides: Mapping[str, float]) -> float:
    """Mails a second to a domain, by the settings or else the table; 0 for no limit."""
    return overrides.get(domain, DEFAULT_RATES.get(domain, overrides.get(WILDCARD, 0.0)))


def recovered_share(halved_to: float, seconds: float) -> float:
    """The share of its rate that a domain has regained `seconds` after it was slowed to `halved_to`; at most 1."""
    return 1.0 if seconds > SECONDS_TO_DOUBLE * 10 else min(1.0, halved_to * 2 ** (max(seconds, 0) / SECONDS_TO_DOUBLE))


def reduced_rate(rate: float, share: float) -> float:
    """Mails a second at that share of the rate; 0 for no limit."""
    return rate if share >= 1 else (rate or ASSUMED_RATE) * share
