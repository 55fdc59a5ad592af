"""Status codes (RFC 3463) and the words of old servers that amount to one."""

from __future__ import annotations

import re

from digest.deliver.bounce.kinds import HARD, POLICY, SOFT
from digest.deliver.bounce.words import AMOUNTS, FAILURE

MOST_WORDS = 300

# A code stands alone in its field, behind a reply code, after a hash, or in brackets: 5.1.1.3 is an address.
_FIELD = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_IN_WORDS = re.compile(
    r"(?:\b[45]\d\d[ -]+#?|#|\(|\bstatus:? *|\bsaid: *)([45])\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.IGNORECASE
)
_REPLY = re.compile(r"(?<![\d.])([45])[0-5]\d(?=[ -](?!\d*\.\d))")
_VAGUE = frozenset({"0.0", "5.0", "3.0", "2.0", "1.0", "4.0"})


def in_field(value: str) -> str:
    """The code that a Status field begins with, also where it holds a reply code; '' for none."""
    found = _FIELD.match(value)
    if found:
        return ".".join(found.groups())
    reply = _REPLY.match(value.strip() + " ")
    return f"{reply[1]}.0.0" if reply else ""


def in_words(text: str) -> str:
    """The first code in a server's words; '' for none."""
    found = _IN_WORDS.search(text)
    return ".".join(found.groups()) if found else ""


def settle(code: str, text: str, *, temporary: bool) -> str:
    """The best code known: the one given, unless it is vague and the words tell more; '' where nothing tells.

    A refusal for what the mail is (a blocklist, spam) counts as 5.7.1 also where the server said 5.1.x: many do.
    """
    if code and code.partition(".")[2] not in _VAGUE and not (code[2:4] == "1." and _amounts(text) == "7.1"):
        return code
    known = in_words(text)
    if known and known.partition(".")[2] not in _VAGUE and not (known[2:4] == "1." and _amounts(text) == "7.1"):
        return known
    worded, group = _amounts(text), "4" if temporary else "5"
    if worded:
        return f"{group}.{worded}"
    reply = _REPLY.search(text)
    return code or known or (f"{group}.0.0" if reply else "")


def _amounts(text: str) -> str:
    line = " ".join(text.split())
    return next((code for code, pattern in AMOUNTS if pattern.search(line)), "")


def tells_failure(text: str) -> bool:
    """True where the words speak of a mail that did not arrive."""
    return bool(FAILURE.search(text)) or bool(_amounts(text))


def kind(status: str, *, temporary: bool) -> str:
    """Still being tried is soft; refused for what it is or who we are is policy; any other failure is hard."""
    if temporary:
        return SOFT
    return POLICY if status.partition(".")[2].startswith("7.") or status in {"5.1.7", "5.1.8"} else HARD


def shown(text: str) -> str:
    """The beginning of a report's words, in one line."""
    return " ".join(text.split())[:MOST_WORDS]
