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


def has_spf(domain: str) -> bool:
    """True where the domain publishes an SPF record."""
    return any(text.lower().startswith("v=spf1") for text in txt_records(domain))


def has_dmarc(domain: str) -> bool:
    """True where the domain publishes a DMARC policy."""
    return any(text.lower().startswith("v=dmarc1") for text in txt_records(f"_dmarc.{domain}"))


def dkim_record(domain: str, selector: str) -> str | None:
    """The published DKIM key record of that selector, or None."""
    key_records = [text for text in txt_records(f"{selector}._domainkey.{domain}") if "p=" in text]
    return key_records[0] if key_records else None
