"""Who is asking: the address that a request came from. Forwarded headers count only from TRUSTED_PROXIES."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request

from digest import settings
from digest.errors import Misconfigured

UNKNOWN = "unknown"


def client_of(peer: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """The client behind `peer`: the last hop of X-Forwarded-For that is not a trusted proxy.

    An IPv6 client is its /64 network, as one household or server holds a whole one.
    """
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    while _is_trusted(peer, trusted) and hops:
        peer = hops.pop()
    try:
        address = ip_address(peer)
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


def _is_trusted(peer: str, trusted: tuple[str, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(one, strict=False) for one in trusted)
    except ValueError as error:
        raise Misconfigured(f"DIGEST_TRUSTED_PROXIES: {error}; use addresses or networks such as 10.0.0.0/8") from error


def _client(request: Request) -> str:
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    return client_of(peer, forwarded, settings.get().trusted_proxies)


Client = Annotated[str, Depends(_client)]
