"""The client address of a request. Forwarding headers count only from TRUSTED_PROXIES."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from digest import settings
from digest.services.security import proxy_warning

UNKNOWN = "unknown"
MAX_FORWARDED_HOPS = 20  # hops of X-Forwarded-For that are read
PRIVATE_NETWORKS = (  # where our own proxy or container bridge is
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)
FORWARDING_HEADERS = ("x-forwarded-for", "x-real-ip", "forwarded")


@lru_cache(maxsize=4096)
def client_of(peer: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """The client behind `peer`: the rightmost hop of X-Forwarded-For that is not a trusted proxy.

    Hops further left were written by that client and prove nothing. An IPv6 client is its /64 network, because one
    household or server usually has a whole one.
    """
    hops = forwarded.split(",")[-MAX_FORWARDED_HOPS:] if forwarded else []
    address = _parse_address(peer)
    while address is not None and _is_trusted(address, trusted) and hops:
        address = _parse_address(hops.pop())
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


def is_untrusted_proxy(peer: str, headers: Mapping[str, str], trusted: tuple[str, ...]) -> bool:
    """True for what is probably our own proxy, missing from TRUSTED_PROXIES: a forwarding header, a private address.

    From a public address anybody may send such headers.
    """
    address = _parse_address(peer)
    if address is None or not any(name in headers for name in FORWARDING_HEADERS):
        return False
    return _is_trusted(address, PRIVATE_NETWORKS) and not _is_trusted(address, trusted)


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address, with or without a port (`192.0.2.1:8080`, `[2001:db8::1]:8080`); None if it is invalid."""
    text = text.strip().strip('"')
    with_port = re.fullmatch(r"\[([^\]]{1,50})\](?::[0-9]{1,5})?|([0-9.]{7,15}):[0-9]{1,5}", text)
    try:
        address = ip_address((with_port[1] or with_port[2]) if with_port else text[:60])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_trusted(address: IPv4Address | IPv6Address, trusted: tuple[str, ...]) -> bool:
    return any(address in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network, strict=False) for network in trusted)


async def client_of_request(request: Request) -> str:
    """The client address of a request."""
    peer = request.client.host if request.client else ""
    trusted = settings.get().trusted_proxies
    if is_untrusted_proxy(peer, request.headers, trusted):
        await run_in_threadpool(proxy_warning.record_peer, peer)
    return client_of(peer, ",".join(request.headers.getlist("x-forwarded-for")), trusted)


Client = Annotated[str, Depends(client_of_request)]
