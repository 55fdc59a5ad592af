"""DKIM (RFC 6376): rsa-sha256, relaxed headers, simple body. Signs the bytes that are sent; no length tag."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from digest.errors import Misconfigured
from digest.settings import Settings

_SIGNED_HEADERS = (
    b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"reply-to",
    b"auto-submitted", b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id",
)  # fmt: skip
# Listed once more than they occur, so that adding a second one breaks the signature.
_OVERSIGNED_HEADERS = (b"from", b"to", b"subject", b"date")
_FOLDING = re.compile(rb"\r\n(?=[ \t])")
_BLANKS = re.compile(rb"[ \t]+")


class DkimSigner:
    """Signs for one domain with one key. `private_key_pem`: RSA of at least 1024 bits. Raises Misconfigured."""

    def __init__(self, domain: str, selector: str, private_key_pem: bytes) -> None:
        try:
            key = serialization.load_pem_private_key(private_key_pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Misconfigured(
                "DIGEST_DKIM_KEY_FILE holds no unencrypted private key in PEM form; remove its passphrase "
                "(openssl pkey -in OLD -out NEW), or make a key: digest dkim new"
            ) from error
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
            raise Misconfigured("DIGEST_DKIM_KEY_FILE needs an RSA key of 2048 bits; `digest dkim new` makes one")
        self._key = key
        self._tags = f"v=1; a=rsa-sha256; c=relaxed/simple; d={domain}; s={selector};"

    def sign(self, message: bytes) -> bytes:
        """Prepend a DKIM-Signature to the message. Lines must end in CRLF, as `message_builder` writes them."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = _fields(head)
        names, lines = _select_signed(fields)
        header = f"{self._tags}\r\n h={_fold_names(names)};\r\n bh={_body_hash(body)};\r\n b="
        canonical = b"".join(lines) + _relaxed(b"dkim-signature", _FOLDING.sub(b"", header.encode("ascii")))
        signature = self._key.sign(canonical, padding.PKCS1v15(), hashes.SHA256())
        return f"DKIM-Signature: {header}{_wrap_base64(signature)}\r\n".encode("ascii") + message


def generate_key(bits: int = 2048) -> tuple[bytes, str]:
    """Return a new private key in PEM form, and the text of the DNS record that publishes its public key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, dns_record(pem)


def dns_record(private_key_pem: bytes) -> str:
    """Return the DNS record text of a private key: `v=DKIM1; k=rsa; p=…`."""
    key = serialization.load_pem_private_key(private_key_pem, password=None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.DER, form)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode('ascii')}"


def key_bits(private_key_pem: bytes) -> int:
    """The length of an RSA key in bits; 0 for another kind of key."""
    key = serialization.load_pem_private_key(private_key_pem, password=None)
    return key.key_size if isinstance(key, rsa.RSAPrivateKey) else 0


def _fields(head: bytes) -> dict[bytes, list[bytes]]:
    """Unfolded header values by lower-case name, in the order of the message."""
    fields: dict[bytes, list[bytes]] = {}
    unfolded = _FOLDING.sub(b"", head) if b"\r\n " in head or b"\r\n\t" in head else head
    for line in unfolded.split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name.lower(), []).append(value)
    return fields


def _select_signed(fields: dict[bytes, list[bytes]]) -> tuple[tuple[bytes, ...], list[bytes]]:
    """The signed header names and their canonical lines; repeated headers are signed from the last (RFC 6376, 5.4.2).

    The last occurrence of an oversigned name refers to no header.
    """
    names = tuple([name for name in _SIGNED_HEADERS for _ in fields.get(name, ())])
    lines = [_relaxed(name, value) + b"\r\n" for name in _SIGNED_HEADERS for value in reversed(fields.get(name, ()))]
    return names + _OVERSIGNED_HEADERS, lines


def _relaxed(name: bytes, value: bytes) -> bytes:
    """Relaxed canonical form (RFC 6376, 3.4.2) of an unfolded header: lower-case name, single blanks."""
    if b"  " in value or b"\t" in value:
        value = _BLANKS.sub(b" ", value)
    return name + b":" + value.strip(b" \t")


def _body_hash(body: bytes) -> str:
    """SHA-256 of the simple canonical body (3.4.3): empty lines at its end are ignored."""
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    digest = hashlib.sha256(memoryview(body)[:end])
    digest.update(b"\r\n")
    return base64.b64encode(digest.digest()).decode("ascii")


@lru_cache(maxsize=64)
def _fold_names(names: tuple[bytes, ...]) -> str:
    """The names of the signed headers, folded after every six."""
    decoded_names = [name.decode("ascii") for name in names]
    return ":\r\n  ".join(":".join(decoded_names[start : start + 6]) for start in range(0, len(decoded_names), 6))


def _wrap_base64(signature: bytes) -> str:
    """The signature in base64, in lines of 72."""
    text = base64.b64encode(signature).decode("ascii")
    return "\r\n  ".join(text[start : start + 72] for start in range(0, len(text), 72))


def signer_from(configuration: Settings) -> DkimSigner | None:
    """The configured signer, or None where no DKIM setting is set, as when the relay signs. Raises Misconfigured."""
    dkim_settings = (configuration.dkim_domain, configuration.dkim_selector, configuration.dkim_key_file)
    if not any(dkim_settings):
        return None
    if not all(dkim_settings) or configuration.dkim_key_file is None:
        raise Misconfigured(
            "DIGEST_DKIM_DOMAIN, DIGEST_DKIM_SELECTOR and DIGEST_DKIM_KEY_FILE must be set together; "
            "set the others too, or none"
        )
    try:
        pem = configuration.dkim_key_file.read_bytes()
    except OSError as error:
        raise Misconfigured(
            f"DIGEST_DKIM_KEY_FILE: {configuration.dkim_key_file} can't be read ({error.strerror}); "
            f"{cure_of_unreadable_key(error)}"
        ) from error
    return DkimSigner(configuration.dkim_domain, configuration.dkim_selector, pem)


def cure_of_unreadable_key(error: OSError) -> str:
    """What to do about a key file that can't be read, by the reason."""
    if isinstance(error, FileNotFoundError):
        return "make a key: digest dkim new"
    if isinstance(error, PermissionError):
        return "give it to the user of the service (chown)"
    return "name the PEM file of a private key, or make one: digest dkim new"
