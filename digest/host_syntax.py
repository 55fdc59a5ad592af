"""The syntax of host names and web addresses in settings."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

# Underscores are in names of container networks, other letters in international names.
_HOST_NAME = re.compile(r"(?=.{1,253}$)(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))*\.?")
_NUMERIC = re.compile(r"[\d.]+")


def is_host(text: str) -> bool:
    """True for a host name, or an IP address without brackets."""
    if ":" in text or _NUMERIC.fullmatch(text):
        try:
            ip_address(text)
        except ValueError:
            return False
        return True
    return bool(_HOST_NAME.fullmatch(text))


def require_host(text: str, example: str) -> None:
    """Check a host. Raises ValueError, which shows `example`; it does not repeat more than 60 characters."""
    if not is_host(text):
        raise ValueError(f"{text[:60]!r} is not the name of a host; write it alone, such as {example}")


def is_web_address(text: str) -> bool:
    """True for an address that begins with https:// or http:// and names a host."""
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0  # raises ValueError for an impossible one
    except ValueError:
        return False
    is_host_named = parts.hostname is not None and is_host(parts.hostname)
    return parts.scheme in {"http", "https"} and has_port and is_host_named and not re.search(r"\s", text)
