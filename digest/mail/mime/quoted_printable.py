"""Encodes quoted-printable bodies (RFC 2045) and ASCII headers (RFC 2047, 5322)."""

from __future__ import annotations

import base64
import binascii
import re
import sys
from collections.abc import Iterator, Sequence

MAX_LINE = 76  # bytes of a body line, and of a header line that holds an encoded-word
_CHUNK_BYTES = 42  # bytes of UTF-8 whose base64 fits an encoded-word: 4·⌈42/3⌉ + len('=?utf-8?b??=') = 68
_BREAKS = re.compile(r"\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_MAX_SEEN = 1 << 14  # pieces of which it is remembered that they were encoded: those of some thousand mails
_SENTINEL = "~"  # needs no encoding; stands for the text that follows a piece
_FROM = re.compile(rb"^(?:From )+(?=.)", re.MULTILINE)
_DOTS = re.compile(rb"^\.+", re.MULTILINE)
_DOTS_A_LINE = 24  # encoded dots that fit a line with its soft break
_UNSAFE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]")
_ADDRESS = re.compile(r"[^\s<>\"(),:;\[\]\\@]{1,64}@[A-Za-z0-9.-]{1,190}")
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')


class EncodedPieces(dict[str, bytes]):
    """The encoded pieces that mails share; a piece is encoded when it is looked up, and kept from the second time on.

    So a piece that only one mail has takes no place. Emptied where pieces and results would take more than `max_bytes`.
    """

    def __init__(self, max_bytes: int = 8 << 20) -> None:
        super().__init__()
        self._max_bytes = max_bytes
        self._size = 0  # bytes
        self._seen_hashes: set[int] = set()

    def __missing__(self, piece: str) -> bytes:
        encoded = _encode_piece(piece)
        if hash(piece) in self._seen_hashes:
            self._keep(piece, encoded)
        else:
            if len(self._seen_hashes) >= _MAX_SEEN:
                self._seen_hashes.clear()
            self._seen_hashes.add(hash(piece))
        return encoded

    def _keep(self, piece: str, encoded: bytes) -> None:
        added = sys.getsizeof(piece) + sys.getsizeof(encoded)
        if self._size + added > self._max_bytes:
            self.clear()
            self._size = 0
        self._size += added
        self[piece] = encoded


def encode_body(pieces: Sequence[str], encoded_pieces: EncodedPieces | None = None) -> bytes:
    """Encode the joined pieces as quoted-printable: CRLF, lines of at most 76, one line end at the end.

    Every Unicode line break becomes CRLF, without blanks before it. Pieces are joined by soft breaks, so that text that
    many mails share is encoded once where they are given the same `encoded_pieces`. No line begins with a dot, which
    SMTP would double.
    """
    encode = (EncodedPieces() if encoded_pieces is None else encoded_pieces).__getitem__
    *first_pieces, last_piece = pieces or ("",)
    encoded = b"".join([*map(encode, first_pieces), encode(f"{last_piece}\n")]).rstrip(b"\r\n")
    if encoded.endswith(b"="):  # a soft break with only empty lines behind it
        blanks = len(encoded) - len(encoded[:-1].rstrip(b" \t")) - 1
        encoded = encoded[: -1 - blanks]
    return encoded + b"\r\n"


def _encode_piece(piece: str) -> bytes:
    """One encoded piece; a last line without a line end gets a soft break."""
    *lines, unfinished_line = f"{piece}{_SENTINEL}".splitlines()
    text = "\n".join([*[line.rstrip(" \t") for line in lines], unfinished_line])
    encoded = binascii.b2a_qp(text.encode("utf-8", "replace"), quotetabs=False, istext=True)[:-1]
    if unfinished_line != _SENTINEL and not encoded.endswith(b"=\n"):
        encoded += b"=\n"  # it takes the place of the stop
    if b"From " in encoded:
        encoded = _FROM.sub(_encode_from, encoded)  # an mbox file would turn it into `>From`, which breaks DKIM
    if b"\n." in encoded or encoded.startswith(b"."):
        encoded = _DOTS.sub(_encode_dots, encoded)
    return encoded.replace(b"\n", b"\r\n")


def _encode_from(words: re.Match[bytes]) -> bytes:
    """Each `From ` that begins a line, on a line of its own."""
    return b"=46rom =\n" * words[0].count(b"From ")


def _encode_dots(dots: re.Match[bytes]) -> bytes:
    """All the dots that begin a line, so that none begins the next one."""
    full_lines, remainder = divmod(len(dots[0]), _DOTS_A_LINE)
    lines = [_DOTS_A_LINE] * full_lines + [remainder] * bool(remainder)
    return b"".join([b"=2E" * count + b"=\n" for count in lines])


def header_text(text: str) -> str:
    """One line fit for a header: single blanks, no control and no invisible characters."""
    if text.isprintable():
        return " ".join(text.split())
    return " ".join(_UNSAFE.sub("", _BREAKS.sub(" ", text)).split()).encode("utf-8", "replace").decode("utf-8")


def unstructured_header(name: str, text: str) -> bytes:
    """A header of free text: one line for ASCII (at most 998 bytes), else encoded-words, one to a line."""
    text = header_text(text)
    if text.isascii() and "=?" not in text:
        return f"{name}: {text[:900]}\r\n".encode("ascii")
    return f"{name}: ".encode("ascii") + b"\r\n ".join(_encoded_words(text, len(name) + 2)) + b"\r\n"


def structured_header(name: str, value: str) -> bytes:
    """A machine-readable header: one line of ASCII, never folded or encoded. Raises ValueError."""
    line = f"{name}: {value}"
    if not line.isascii() or not line.isprintable() or value != value.strip() or len(line) > 998:
        raise ValueError(f"{name} cannot be written in one line of printable ASCII")
    return line.encode("ascii") + b"\r\n"


def mailbox_header(name: str, display: str, address: str) -> bytes:
    """From, To or Reply-To with one address; the display name quoted or encoded where needed. Raises ValueError."""
    if not _ADDRESS.fullmatch(address) or not address.isascii():
        raise ValueError(f"{name} needs an address of printable ASCII")
    display = header_text(display) if display else ""
    if not display:
        return structured_header(name, address)
    if display.isascii() and "=?" not in display and len(display) < 200:
        quoted = display.replace("\\", "\\\\").replace('"', '\\"')
        return structured_header(
            name, f'"{quoted}" <{address}>' if _SPECIAL.search(display) else f"{display} <{address}>"
        )
    words = b"\r\n ".join(_encoded_words(display[:200], len(name) + 2))
    return f"{name}: ".encode("ascii") + words + f"\r\n <{address}>\r\n".encode("ascii")


class _QEncoding(dict[int, str]):
    """The Q encoding of each character, safe in free text and in names; filled at first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_safe = character.isascii() and character.isalnum()
        self[code] = character if is_safe else "".join(f"={byte:02X}" for byte in character.encode("utf-8"))
        return self[code]


_Q_ENCODING = _QEncoding({ord(" "): "_"})


def _encoded_words(text: str, preceding_bytes: int) -> Iterator[bytes]:
    """Encoded-words of at most 75 bytes, none splitting a character. `before`: bytes in front of the first one."""
    quoted = text.translate(_Q_ENCODING)
    overhead = len("=?utf-8?q??=")
    if preceding_bytes + len(quoted) + overhead <= MAX_LINE and len(quoted) <= MAX_LINE - 1 - overhead:
        yield f"=?utf-8?q?{quoted}?=".encode("ascii")
        return
    available_bytes = (MAX_LINE - 1 - preceding_bytes - len("=?utf-8?b??=")) // 4 * 3
    chunk = b""
    for character in text:
        encoded = character.encode("utf-8")
        if len(chunk) + len(encoded) > available_bytes:
            yield b"=?utf-8?b?" + base64.b64encode(chunk) + b"?="
            chunk, available_bytes = b"", _CHUNK_BYTES
        chunk += encoded
    yield b"=?utf-8?b?" + base64.b64encode(chunk) + b"?="
