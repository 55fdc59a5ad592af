"""The syntax of one sender or recipient: `address`, or `name <address>`."""

from __future__ import annotations

import re

# RFC 5322 3.4: a name with punctuation that means something in a list of addresses stands in quotes.
_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\".][^@\s<>,;\"]*")
_QUOTED_NAME = r"\"(?:[^\"\\]|\\.)*\""
_PLAIN_NAME = r"[^\"<>()\[\]:;@,\\]*"
_NAMED_ADDRESS = re.compile(rf"(?:{_QUOTED_NAME}|{_PLAIN_NAME})\s*<(?P<address>[^<>]*)>")


def require_mailbox(text: str) -> str:
    """The address of one sender or recipient. Raises ValueError where mail programs would read another, or several."""
    match = _NAMED_ADDRESS.fullmatch(text.strip())
    address = match["address"] if match else text.strip()
    if _ADDRESS.fullmatch(address):
        return address
    if match or ("<" not in text and text.count("@") < 2):
        raise ValueError(f"{text[:80]!r} is not an e-mail address")
    raise ValueError(
        f"{text[:80]!r} is not one sender: write name <address>, and put a name with a comma or other punctuation "
        "in double quotes"
    )
