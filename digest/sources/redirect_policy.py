"""Which redirects of a source are followed, and what is sent along.

A compromised source must not learn our keys, downgrade to plain HTTP, or make us send requests into our own network.
RFC 9110, section 15.4, leaves the choice to the client. Whether a feed keeps the new address: `feed_moves.py`.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import SplitResult, urljoin, urlsplit

from digest.errors import SourceDown
from digest.sources.request_turns import Pacing

_PORTS = {"http": 80, "https": 443}
_LOCAL_NETWORKS = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "64:ff9b:1::/48",  # translated addresses of a network of its own (RFC 8215)
            "fec0::/10",  # site-local (RFC 3879)
            "5f00::/16",  # segment routing within a network (RFC 9602)
        ),
    )
)
_IPV4_IN_LAST_BITS = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "64:ff9b::/96",  # NAT64 (RFC 6052)
            "::ffff:0:0/96",  # IPv4-mapped (RFC 4291, section 2.5.5.2)
            "::/96",  # IPv4-compatible (RFC 4291, section 2.5.5.1)
            "::ffff:0:0:0/96",  # translated (RFC 2765)
        ),
    )
)
PERMANENT_REDIRECTS = {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT}  # of these an address is kept
_KEEPS_METHOD = {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT}


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """One request. `pacing`: of its source; `body`: JSON, makes it a POST.

    `address`: the checked IP address to connect to, so that the name is not resolved again. `max_bytes` and `seconds`:
    limits of the answer, below those of all sources. `is_public`: somebody typed the address, so that it must be in no
    private network. `deadline`: the monotonic time at which the turn, redirects, retries and the answer end together,
    where somebody waits.
    """

    url: str
    pacing: Pacing
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    address: str | None = None
    max_bytes: int | None = None
    seconds: float | None = None
    is_public: bool = False
    deadline: float | None = None


def public_request(request: SourceRequest) -> SourceRequest:
    """The request with the checked address of its host.

    Raises SourceDown where the host can't be resolved or is in a private network.
    """
    parts = urlsplit(request.url)
    try:
        return replace(request, address=_public_address(parts))
    except _NotPublicError as error:
        raise SourceDown(f"{parts.hostname} is {error}: not fetched", retryable=False) from error
    except OSError as error:
        raise SourceDown(f"{parts.hostname} can't be resolved ({error})") from error


def redirect_request(request: SourceRequest, status: int, location: str, *, configured_host: str) -> SourceRequest:
    """The request to make after a redirect. Query parameters are the new address's own.

    Headers (which hold keys) and bodies are not sent to another origin. Private addresses are allowed only on the
    configured host. Raises SourceDown for a redirect that is not followed.
    """
    old = urlsplit(request.url)
    try:
        new = urlsplit(urljoin(request.url, location))
        same_origin = _origin(old) == _origin(new)
    except ValueError as error:
        raise _refusal(location, f"which is no address ({error})") from error
    if new.scheme not in _PORTS or not new.hostname:
        raise _refusal(location, "which is not http")
    if old.scheme == "https" and new.scheme == "http":
        raise _refusal(location, "which is not encrypted")
    if new.username or new.password:
        raise _refusal(location, "which carries a password")
    address = None if new.hostname == configured_host else _redirect_address(new, location)
    body = request.body if status in _KEEPS_METHOD else None
    if body is not None and not same_origin:
        raise _refusal(location, "with a request body that must stay on the origin")
    return replace(
        request,
        url=new.geturl(),
        params=(),
        headers=request.headers if same_origin else (),
        body=body,
        address=address,
    )


def _origin(url: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port (RFC 6454). Raises ValueError for an invalid port."""
    return url.scheme, url.hostname or "", url.port or _PORTS.get(url.scheme, 0)


class _NotPublicError(Exception):
    """The host is in a private network; the text says so, with the address."""


def _redirect_address(url: SplitResult, location: str) -> str:
    try:
        return _public_address(url)
    except _NotPublicError as error:
        raise _refusal(location, f"which is {error}") from error
    except OSError as error:
        raise SourceDown(f"redirected to {url.hostname}, which can't be resolved ({error})") from error


def _public_address(url: SplitResult) -> str:
    """An address of the host. All of its addresses must be public, because a name may point anywhere.

    Raises OSError where it can't be resolved, _NotPublicError.
    """
    try:
        infos = socket.getaddrinfo(url.hostname, _origin(url)[2], type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    addresses = [str(info[4][0]).partition("%")[0] for info in infos]
    for address in addresses:
        if not _is_public(address):
            raise _NotPublicError(f"in a private network ({address})")
    return addresses[0]


def _is_public(address: str) -> bool:
    """Whether an address is in no private network, also where it stands for an IPv4 address."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if any(parsed in network for network in _LOCAL_NETWORKS):
            return False
        embedded = [parsed.sixtofour] if parsed.sixtofour else list(parsed.teredo or ())
        if any(parsed in network for network in _IPV4_IN_LAST_BITS):
            embedded.append(_last_bits(parsed))
        if embedded:
            return all(_is_public(str(ipv4)) for ipv4 in embedded)
        if _is_isatap(parsed) and not _is_public(str(_last_bits(parsed))):
            return False
    return parsed.is_global and not parsed.is_multicast


def _last_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    """RFC 5214, section 6.1: the interface identifier is 00-00-5E-FE or 02-00-5E-FE before an IPv4 address."""
    return (int(address) >> 32 & 0xFDFFFFFF) == 0x00005EFE


def _refusal(location: str, reason: str) -> SourceDown:
    printable = location if location.isprintable() else repr(location)
    return SourceDown(f"redirected to {printable[:100]}, {reason}: not followed", retryable=False)
