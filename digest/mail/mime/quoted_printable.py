"""The wire's own spellings: quoted-printable bodies and headers in ASCII, written once and never serialised again."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

LINE = 76  # a line of a body, and a header line that holds an encoded-word
_CHUNK = 42  # bytes of UTF-8 whose base64 fits an encoded-word: 4·⌈42/3⌉ + len('=?utf-8?b??=') = 68
_BREAKS = re.compile(r"\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_STOP = "~"  # stands for itself in quoted-printable, and for what follows a piece
_FROM = re.compile(rb"^From (?=.)", re.MULTILINE)
_DOT = re.compile(rb"^\.", re.MULTILINE)
_UNSAFE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]")
_ADDRESS = re.compile(r"[^\s<>\"(),:;\[\]\\@]{1,64}@[A-Za-z0-9.-]{1,190}")
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')


def body(pieces: Sequence[str]) -> bytes:
    """The text of these pieces as quoted-printable: CRLF, lines of at most 76, closed by one line end.

    Every sign that ends a line is a line end; in a piece none has blanks before it. Pieces meet in a soft break, so
    that what many mails share is encoded once. No line begins with a dot, which SMTP would double.
    """
    *before, last = pieces or ("",)
    encoded = b"".join([*map(_piece, before), _piece(f"{last}\n")]).rstrip(b"\r\n")
    if encoded.endswith(b"="):  # a soft break, and only empty lines behind it
        blanks = len(encoded) - len(encoded[:-1].rstrip(b" \t")) - 1
        encoded = encoded[: -1 - blanks]
    return encoded + b"\r\n"


@lru_cache(maxsize=16384)
def _piece(piece: str) -> bytes:
    """A piece in lines of at most 76; a last line that is not ended ends in a soft break."""
    *lines, rest = f"{piece}{_STOP}".splitlines()
    text = "\n".join([*[line.rstrip(" \t") for line in lines], rest])
    encoded = binascii.b2a_qp(text.encode("utf-8", "replace"), quotetabs=False, istext=True)[:-1]
    if rest != _STOP and not encoded.endswith(b"=\n"):
        encoded += b"=\n"  # the stop has left its place to it
    if b"From " in encoded:
        encoded = _FROM.sub(b"=46rom =\n", encoded)  # a mailbox file would turn it into `>From`, and break DKIM
    if b"\n." in encoded or encoded.startswith(b"."):
        encoded = _DOT.sub(b"=2E=\n", encoded)
    return encoded.replace(b"\n", b"\r\n")


def plain(text: str) -> str:
    """One line that can stand in a header: every run of blanks one blank, no controls and no hidden signs."""
    if text.isprintable():
        return " ".join(text.split())
    return " ".join(_UNSAFE.sub("", _BREAKS.sub(" ", text)).split()).encode("utf-8", "replace").decode("utf-8")


def unstructured(name: str, text: str) -> bytes:
    """A header of free text. ASCII stays whole while its line may be 998; else encoded-words, one to a line."""
    text = plain(text)
    if text.isascii() and "=?" not in text:
        return f"{name}: {text[:900]}\r\n".encode("ascii")
    return f"{name}: ".encode("ascii") + b"\r\n ".join(_words(text, len(name) + 2)) + b"\r\n"


def structured(name: str, value: str) -> bytes:
    """A header for machines: ASCII, in one line as long as it is, never an encoded-word. Raises ValueError."""
    line = f"{name}: {value}"
    if not line.isascii() or not line.isprintable() or value != value.strip() or len(line) > 998:
        raise ValueError(f"{name} can't be written in one line of printable ASCII")
    return line.encode("ascii") + b"\r\n"


def mailbox(name: str, display: str, address: str) -> bytes:
    """From, To or Reply-To with one address; its display name quoted or encoded as it needs. Raises ValueError."""
    if not _ADDRESS.fullmatch(address) or not address.isascii():
        raise ValueError(f"{name} needs an address of printable ASCII")
    display = plain(display) if display else ""
    if not display:
        return structured(name, address)
    if display.isascii() and "=?" not in display and len(display) < 200:
        quoted = display.replace("\\", "\\\\").replace('"', '\\"')
        return structured(name, f'"{quoted}" <{address}>' if _SPECIAL.search(display) else f"{display} <{address}>")
    words = b"\r\n ".join(_words(display[:200], len(name) + 2))
    return f"{name}: ".encode("ascii") + words + f"\r\n <{address}>\r\n".encode("ascii")


class _Quoted(dict[int, str]):
    """By character its Q form that is safe in free text and in names, made at its first use."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        plain = letter.isascii() and letter.isalnum()
        self[code] = letter if plain else "".join(f"={byte:02X}" for byte in letter.encode("utf-8"))
        return self[code]


_QUOTED = _Quoted({ord(" "): "_"})


def _words(text: str, before: int) -> Iterator[bytes]:
    """Encoded-words, none longer than 75 nor splitting a character; the first shares its line, and may be alone."""
    letters = text.translate(_QUOTED)
    if before + len(letters) + len("=?utf-8?q??=") <= LINE and len(letters) <= LINE - 1 - len("=?utf-8?q??="):
        yield f"=?utf-8?q?{letters}?=".encode("ascii")
        return
    room = (LINE - 1 - before - len("=?utf-8?b??=")) // 4 * 3
    chunk = b""
    for letter in text:
        encoded = letter.encode("utf-8")
        if len(chunk) + len(encoded) > room:
            yield b"=?utf-8?b?" + base64.b64encode(chunk) + b"?="
            chunk, room = b"", _CHUNK
        chunk += encoded
    yield b"=?utf-8?b?" + base64.b64encode(chunk) + b"?="
