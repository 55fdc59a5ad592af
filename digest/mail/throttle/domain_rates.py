"""How many mails a second a receiving domain is sent. Pure: the table, and how a rate that was halved recovers."""

from __future__ import annotations

from collections.abc import Mapping

# Mails a second to the large mailbox providers: below what they are known to take from a sender of good standing.
# A domain that is not named is not limited until it asks for less.
USUAL: Mapping[str, float] = {
    "gmail.com": 20, "googlemail.com": 20,
    "outlook.com": 10, "hotmail.com": 10, "live.com": 10, "msn.com": 10,
    "yahoo.com": 10, "ymail.com": 10, "aol.com": 10, "yahoo.co.jp": 5,
    "icloud.com": 10, "me.com": 10, "mac.com": 10,
    "gmx.de": 5, "gmx.net": 5, "web.de": 5, "t-online.de": 2, "freenet.de": 2,
    "orange.fr": 2, "wanadoo.fr": 2, "free.fr": 2, "laposte.net": 2, "libero.it": 2,
    "comcast.net": 5, "att.net": 5, "mail.ru": 5, "yandex.ru": 5,
    "qq.com": 5, "foxmail.com": 5, "163.com": 5, "126.com": 5, "naver.com": 5,
}  # fmt: skip
EVERY = "*"  # in the settings: all domains that are named nowhere
ASSUMED = 10.0  # what an unlimited domain is taken to have had when it asks for less
LEAST = 1 / 64  # the smallest share of its rate that a domain is slowed to
SECONDS_TO_DOUBLE = 600.0  # a slowed rate recovers in so long from a half to the whole
SECONDS_AT_ONCE = 10.0  # refusals so close together are answers to one burst: they halve the rate once


def rate(domain: str, chosen: Mapping[str, float]) -> float:
    """Mails a second for that domain by the settings, else by the table; 0: not limited."""
    return chosen.get(domain, USUAL.get(domain, chosen.get(EVERY, 0.0)))


def share(halved_to: float, seconds: float) -> float:
    """The share of its rate that a domain has so long after it was slowed to that share; at most 1."""
    return 1.0 if seconds > SECONDS_TO_DOUBLE * 10 else min(1.0, halved_to * 2 ** (max(seconds, 0) / SECONDS_TO_DOUBLE))


def slowed(rate: float, share: float) -> float:
    """The rate that is left; 0 for not limited."""
    return rate if share >= 1 else (rate or ASSUMED) * share
