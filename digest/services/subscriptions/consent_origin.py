"""The origin of a consent: stored so that a claim can be checked, without storing a network address.

A salted scrypt hash (RFC 7914) needs no key: it can be checked after every rotation of DIGEST_SECRET_KEY and in an
installation that imported it. It is slow on purpose, because there are few enough addresses to try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from ipaddress import IPv6Address, ip_address, ip_network

from digest import settings
from digest.errors import BadInput

ADMINISTRATOR, MAIL, COMPLAINT = "administrator", "mail", "complaint"
ONE_CLICK = "one-click"  # RFC 8058: sent by the mail provider, whose address says nothing about the subscriber
KNOWN_WORDS = frozenset({"", ADMINISTRATOR, MAIL, COMPLAINT, ONE_CLICK})  # no address: kept as they are
_SALT_BYTES = _HASH_BYTES = 16
_COST = {"n": 2**12, "r": 8, "p": 1}  # 4 MiB and about 10 ms; never change it: stored hashes depend on it


def stored_form(client: str) -> str:
    """The stored form of a client: 64 hexadecimal digits, salt before hash; words such as `mail` are not hashed."""
    return client if client in KNOWN_WORDS else _hash(client, secrets.token_bytes(_SALT_BYTES))


def matches_client(stored_origin: str, client: str) -> bool:
    """True where the stored origin is that client. `client` is an IP address. Raises BadInput."""
    if stored_origin in KNOWN_WORDS or len(stored_origin) != 2 * (_SALT_BYTES + _HASH_BYTES):
        return False
    client = _normalized_client(client)
    salt = bytes.fromhex(stored_origin[: 2 * _SALT_BYTES])
    return hmac.compare_digest(_hash(client, salt), stored_origin) or stored_origin in _legacy_hashes(client)


def _hash(client: str, salt: bytes) -> str:
    return (salt + hashlib.scrypt(client.encode(), salt=salt, dklen=_HASH_BYTES, **_COST)).hex()


def _normalized_client(client: str) -> str:
    """The client's address; for IPv6 its /64 network, as in `web.http.client_ip`. Raises BadInput."""
    try:
        address = ip_address(client.strip())
    except ValueError as error:
        raise BadInput(f"client: {client[:60]!r} is no IP address", field="client") from error
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


def _legacy_hashes(client: str) -> list[str]:
    """The form stored by earlier releases: an HMAC under the first secret key of that time."""
    keys = settings.get().secret_key
    return [hmac.new(key.encode(), client.encode(), hashlib.sha256).hexdigest() for key in keys]
