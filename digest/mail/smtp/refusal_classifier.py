"""Classifies refusals: what a server's reply, or a bounce report, says about the reason. Pure.

One classifier serves the SMTP session (`outcome`) and the reports that come back later (`bounce`). A refusal is held
against a subscriber only where it is about the subscriber's address (`Cause.ADDRESS`) or mailbox (`Cause.MAILBOX`).
Evidence, in this order: words about us (a blocklist that says 5.1.1 is still a blocklist), a specific enhanced status
(RFC 3463, 5248, 7372, 7505), other words, the reply code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from digest.mail.smtp import refusal_patterns as patterns

MOST_TEXT = 6000  # characters that are looked at


class Cause(StrEnum):
    """What a refusal is about."""

    ADDRESS = "address"  # the mailbox or its domain does not exist, or has moved
    MAILBOX = "mailbox"  # it exists, but is full, disabled or restricted
    SENDER = "sender"  # our address or domain
    CLIENT = "client"  # the host that speaks to the server: its IP, name, reputation
    RELAY = "relay"  # the server does not relay for us
    AUTHENTICATION = "authentication"  # a login or encryption is missing or wrong
    RATE = "rate"  # too much or too fast, or our quota at the relay is used up
    CONTENT = "content"  # what the mail holds: spam, a virus, size, format
    POLICY = "policy"  # refused by rule, without saying which (5.7.x)
    NETWORK = "network"  # not reached in time
    SYSTEM = "system"  # the receiving system failed
    UNKNOWN = "unknown"


ABOUT_SUBSCRIBER = frozenset({Cause.ADDRESS, Cause.MAILBOX})
ABOUT_US = frozenset(
    {Cause.SENDER, Cause.CLIENT, Cause.RELAY, Cause.AUTHENTICATION, Cause.RATE, Cause.CONTENT, Cause.POLICY}
)

# Tried in this order, each with the detail of the status that it amounts to. What concerns us stands before the
# recipient's address: a blocklist costs nobody the address.
_WORDS = (
    (Cause.RELAY, "7.1", patterns.RELAY),
    (Cause.CLIENT, "7.1", patterns.CLIENT),
    (Cause.POLICY, "7.26", patterns.DOMAIN_AUTHENTICATION),
    (Cause.SENDER, "1.8", patterns.SENDER),
    (Cause.AUTHENTICATION, "7.0", patterns.AUTHENTICATION),
    (Cause.RATE, "7.0", patterns.QUOTA),
    (Cause.NETWORK, "4.6", patterns.LOOP),
    (Cause.MAILBOX, "2.2", patterns.FULL),
    (Cause.RATE, "7.0", patterns.RATE),
    (Cause.CONTENT, "7.1", patterns.SPAM),
    (Cause.POLICY, "7.2", patterns.POSTING),
    (Cause.MAILBOX, "2.1", patterns.DISABLED),
    (Cause.POLICY, "7.0", patterns.RULE),
    (Cause.NETWORK, "4.3", patterns.LOOKUP_FAILED),
    (Cause.ADDRESS, "1.2", patterns.NO_DOMAIN),
    (Cause.ADDRESS, "1.1", patterns.NO_ADDRESS),
    (Cause.ADDRESS, "1.1", patterns.NO_ADDRESS_TRANSLATED),
    (Cause.NETWORK, "4.7", patterns.EXPIRED),
    (Cause.CONTENT, "3.4", patterns.SIZE),
    (Cause.CONTENT, "6.0", patterns.CONTENT),
    (Cause.MAILBOX, "2.0", patterns.UNAVAILABLE),
    (Cause.POLICY, "7.1", patterns.POLICY),
    (Cause.NETWORK, "4.1", patterns.NETWORK),
    (Cause.SYSTEM, "3.0", patterns.SYSTEM),
)
# Words of these causes are believed against any status.
_BEATS_STATUS = frozenset(
    {Cause.RELAY, Cause.CLIENT, Cause.SENDER, Cause.AUTHENTICATION, Cause.RATE, Cause.CONTENT, Cause.POLICY}
)
# Words about size, format and policy may only paraphrase a precise status; spam, SPF and blocklists do not.
_GENERAL_WORDS = frozenset({(Cause.CONTENT, "3.4"), (Cause.CONTENT, "6.0"), (Cause.POLICY, "7.1")})
_PRECISE_DETAILS = frozenset({"1.1", "1.6", "1.10", "2.1", "2.2"})
# Words for a mailbox that is full or shut, which no sender's server makes up.
_SAID_OUTRIGHT = frozenset({"2.1", "2.2"})
LOGIN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954
_NO_MAIL_CODE = 556  # RFC 7504: the domain takes no mail
_NO_SERVICE_CODE = 521  # RFC 7504: the server takes no mail, from us at least

_CODED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?[^\W_])")
_REPLY = re.compile(r"(?<![\d.])([45][0-5]\d)(?=[ -](?!\d*\.\d)|[ -][45]\.\d{1,3}\.\d|$)")
# Each begins where a word begins, so that a long word is looked at once.
_ADDRESS_IN_TEXT = re.compile(
    r"<[^<>\s]{0,300}>|(?<![^\s<>,;:()\[\]\"'])[^\s<>,;:()\[\]\"'@]{1,254}@[^\s<>,;:()\[\]\"']+"
)
# Written by a sender's own server in front of whatever the receiver said.
_PHRASES_WITHOUT_MEANING = re.compile(
    r"unknown address error|permanent fatal errors|fatal error|permanent error|in relay recipient table"
)
_CODES_IN_FRONT = re.compile(r"^(?:smtp; ?)?(?:[45]\d\d[ -])?[ #]*(?:[45]\.\d+\.\d+)?")
_URL = re.compile(r"\bhttps?://\S*")
_HOST_NAME = re.compile(r"(?<![\w.-])(?:[\w-]{1,63}\.){1,12}[a-z][\w-]*|\[?\b\d{1,3}(?:\.\d{1,3}){3}\b\]?")
_KEPT_NAMES = re.compile(r"resolver\.|queue\.|adr\.|recipnotfound")
_VAGUE_DETAILS = frozenset({"0", "1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status`: the enhanced status (RFC 3463) as given, else the one that the words amount to, '' for neither."""

    cause: Cause
    status: str = ""


def classify(text: str, *, code: int = 0, status: str = "") -> Refusal:
    """Classify a refusal by its words, its reply code (0: none) and the status of a report's field ('': none)."""
    found = status if _is_specific(status) else find_status(text, code) or status
    worded, detail = _read_words(text, is_quote=bool(code or found))
    if worded == Cause.MAILBOX and is_address_status(found) and patterns.HEDGED.search(text[:MOST_TEXT].lower()):
        worded, detail = None, ""  # prose that lists what may have happened does not outweigh a status
    if found == "5.4.1" and worded == Cause.POLICY and patterns.NOT_IN_DIRECTORY.search(without_addresses(text)):
        worded, detail, found = Cause.ADDRESS, "1.1", "5.1.1"
    cause = _decide(worded, detail, found, code)
    coded = _cause_of_status(found)
    both_ours = coded in ABOUT_US and cause in ABOUT_US
    if both_ours or coded == cause or not (cause == worded and detail):
        return Refusal(cause, found)
    return Refusal(cause, f"{(found or str(code or 5))[0]}.{detail}")


def find_status(text: str, code: int = 0) -> str:
    """The enhanced status in a server's words, wherever it stands: a specific one before a vague one; '' for none.

    `code`: the reply code, whose class it must have; 0 for any failure.
    """
    wanted = {str(code // 100)} if code else {"4", "5"}
    found = [match for match in _CODED.finditer(text[:MOST_TEXT]) if match[1] in wanted]
    coded = [f"{match[1]}.{int(match[2])}.{int(match[3])}" for match in found]
    return next((one for one in coded if _is_specific(one)), coded[0] if coded else "")


def find_code(text: str) -> int:
    """The first failing reply code in a report's words; 0 for none."""
    found = _REPLY.search(text[:MOST_TEXT])
    return int(found[1]) if found else 0


def cause_of_words(text: str) -> Cause | None:
    """What the words alone say; None where they say nothing that is known."""
    return _read_words(text, is_quote=True)[0]


def is_address_status(status: str) -> bool:
    """True where a status alone says that the address does not exist."""
    return _cause_of_status(status) == Cause.ADDRESS


def _read_words(text: str, *, is_quote: bool) -> tuple[Cause | None, str]:
    """The cause that the words name, with the detail of its status.

    `is_quote`: a server's line. Prose lists what may have happened, so translated wording, which can't be as narrow as
    the English, is not believed in prose that says "perhaps".
    """
    words = _PHRASES_WITHOUT_MEANING.sub(" ", without_addresses(text))
    if patterns.BLOCKLISTS.search(words):
        return Cause.CLIENT, "7.1"
    words = plain_words(words)
    hedged = not is_quote and patterns.HEDGED.search(words)
    skipped = patterns.NO_ADDRESS_TRANSLATED if hedged else None
    for cause, detail, pattern in _WORDS:
        match = None if pattern is skipped else pattern.search(words)
        if match and cause == Cause.ADDRESS and patterns.SENDER_NAMED.search(match[0]):
            return Cause.SENDER, "1.8"
        if match:
            return cause, detail
    return None, ""


def without_addresses(text: str) -> str:
    """One line in lower case without e-mail addresses."""
    return " ".join(_ADDRESS_IN_TEXT.sub(" ", text[:MOST_TEXT].lower()).split())


def plain_words(words: str) -> str:
    """Without URLs, host names, IP addresses and codes."""
    words = _CODES_IN_FRONT.sub("", _URL.sub(" ", words))
    named = _HOST_NAME.sub(lambda match: match[0] if _KEPT_NAMES.search(match[0]) else " ", words)
    return " ".join(named.replace("_", " ").split())


def _is_specific(status: str) -> bool:
    """False for a status that names no reason, as 5.0.0 and 5.1.0."""
    _, _, detail = status.partition(".")
    return bool(detail) and detail not in _VAGUE_DETAILS and not detail.startswith("0.")


def _decide(worded: Cause | None, detail: str, status: str, code: int) -> Cause:
    if code in LOGIN_CODES:
        return Cause.AUTHENTICATION
    if code == _NO_SERVICE_CODE:
        return Cause.CLIENT
    coded = _cause_of_status(status)
    if worded in _BEATS_STATUS and not _contradicts((worded, detail), coded, status):
        return worded
    if worded == Cause.ADDRESS and status.startswith("4.") and detail == "1.2":
        return Cause.NETWORK  # the reporter itself says that the look-up may succeed later
    if coded is None or (worded is not None and _settles((worded, detail), coded, status)):
        coded = worded
    if coded is None and code == _NO_MAIL_CODE:
        return Cause.ADDRESS
    return coded or Cause.UNKNOWN


def _contradicts(words: tuple[Cause | None, str], coded: Cause | None, status: str) -> bool:
    """True where a precise status outweighs general words: 5.1.1 'message rejected', 5.2.2 'exceeded'."""
    return words in _GENERAL_WORDS and coded in ABOUT_SUBSCRIBER and status[2:] in _PRECISE_DETAILS


def _settles(words: tuple[Cause, str], coded: Cause, status: str) -> bool:
    """True where words about the recipient are more telling than the status.

    A reporter that knows no better writes 5.1.1 or 5.2.1 for any refused RCPT; the receiver's words were its own.
    """
    worded, detail = words
    if worded == Cause.ADDRESS:
        is_generic = coded in {Cause.POLICY, Cause.SYSTEM, Cause.CONTENT} or (
            coded == Cause.MAILBOX and status[2:] != "2.2"
        )
        return is_generic or (coded == Cause.NETWORK and status.startswith("5."))
    if worded == Cause.MAILBOX:
        return coded != Cause.ADDRESS or detail in _SAID_OUTRIGHT or status.startswith("4.")
    # 5.4.4 also stands for a domain whose servers do not answer now
    return coded == Cause.ADDRESS and (worded == Cause.NETWORK or (worded == Cause.SYSTEM and status[2:] == "4.4"))


def _cause_of_status(status: str) -> Cause | None:
    """What the status says by itself; None for a vague one (RFC 3463, 3)."""
    if not _is_specific(status):
        return None
    detail = status[2:]
    if detail in _BY_DETAIL:
        return _BY_DETAIL[detail]
    return _BY_SUBJECT.get(detail.partition(".")[0])


_BY_DETAIL = {
    "1.1": Cause.ADDRESS,
    "1.2": Cause.ADDRESS,
    "1.3": Cause.ADDRESS,
    "1.6": Cause.ADDRESS,
    "1.10": Cause.ADDRESS,  # RFC 7505: the domain takes no mail
    "1.7": Cause.SENDER,
    "1.8": Cause.SENDER,
    "2.3": Cause.CONTENT,
    "3.4": Cause.CONTENT,
    "4.4": Cause.ADDRESS,  # no host for the domain
    "4.5": Cause.RATE,
}
_BY_SUBJECT = {
    "2": Cause.MAILBOX,
    "3": Cause.SYSTEM,
    "4": Cause.NETWORK,
    "6": Cause.CONTENT,
    "7": Cause.POLICY,
}
