"""Looks up the DNS records that receivers check for our domain: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489)."""

from __future__ import annotations

from digest.errors import Transient

_TIMEOUT_SECONDS = 4.0


def txt_records(name: str) -> list[str]:
    """The TXT records of a name, each joined from its strings. Raises Transient where no DNS server answers."""
    import dns.exception  # an eighth of a second, and the pages that show what was found ask no DNS server
    import dns.resolver

    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=_TIMEOUT_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise Transient(f"no answer from DNS for {name}") from error
    return [b"".join(record.strings).decode(errors="replace") for record in answer]


def spf_count(domain: str) -> int:
    """How many SPF records the domain publishes: with more than one, none counts (RFC 7208, 4.5)."""
    return sum(text.lower().split(" ")[0] == "v=spf1" for text in txt_records(domain))


def dmarc_count(domain: str) -> int:
    """How many DMARC policies hold for the domain: with more than one, none counts (RFC 7489, 6.6.3).

    Where it has none, those of the domains above it hold. Which of them is the organizational domain only a list tells,
    so all with two labels or more are asked, the nearest first.
    """
    labels = domain.split(".")
    names = [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]
    counts = (sum(_is_dmarc(text) for text in txt_records(f"_dmarc.{name}")) for name in names)
    return next(filter(None, counts), 0)


def _is_dmarc(text: str) -> bool:
    return text.lower().partition(";")[0].replace(" ", "") == "v=dmarc1"


def dkim_record(domain: str, selector: str) -> str | None:
    """The published DKIM key record of that selector, or None."""
    key_records = [text for text in txt_records(f"{selector}._domainkey.{domain}") if "p=" in text]
    return key_records[0] if key_records else None
