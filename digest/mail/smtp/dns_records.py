"""What receivers will look up about our domain: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489)."""

from __future__ import annotations

import dns.exception
import dns.resolver

from digest.errors import Transient

_SECONDS = 4.0


def texts(name: str) -> list[str]:
    """The TXT records of a name, joined; none where the name has none. Raises Transient where nobody answers."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise Transient(f"no answer from DNS for {name}") from error
    return [b"".join(record.strings).decode(errors="replace") for record in answer]


def spf(domain: str) -> bool:
    """True where the domain says who may send for it."""
    return any(text.lower().startswith("v=spf1") for text in texts(domain))


def dmarc(domain: str) -> bool:
    """True where the domain states a policy."""
    return any(text.lower().startswith("v=dmarc1") for text in texts(f"_dmarc.{domain}"))


def dkim(domain: str, selector: str) -> str | None:
    """The published key record of that selector, if there is one."""
    found = [text for text in texts(f"{selector}._domainkey.{domain}") if "p=" in text]
    return found[0] if found else None
