"""Classifies refusals: what a server's reply, or a bounce report, says about the reason. Pure.

One classifier serves the SMTP session (`reply_outcome`) and later reports (`mail.bounces`). A refusal counts
against a subscriber only where it is about the subscriber's address (`Cause.ADDRESS`) or mailbox (`Cause.MAILBOX`).
Evidence in order of weight: words about us (a blocklist that says 5.1.1 is still a blocklist), a specific enhanced
status (RFC 3463, 5248, 7372, 7505), other words, the reply code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from digest.mail.smtp import refusal_wording as patterns

MAX_TEXT = 6000  # characters that are read


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

# Tried in this order, each with the detail of the equivalent status. Causes that concern us come before the
# recipient's address: a blocklist must not cost a subscriber the subscription.
_PATTERNS = (
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
    (Cause.SYSTEM, "3.2", patterns.HOST_CLOSED),
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
# Wording of these causes outweighs any status.
_OUTWEIGHS_STATUS = frozenset(
    {Cause.RELAY, Cause.CLIENT, Cause.SENDER, Cause.AUTHENTICATION, Cause.RATE, Cause.CONTENT, Cause.POLICY}
)
# Words about size, format and policy may only paraphrase a precise status; spam, SPF and blocklists do not.
_GENERAL_WORDS = frozenset({(Cause.CONTENT, "3.4"), (Cause.CONTENT, "6.0"), (Cause.POLICY, "7.1")})
_PRECISE_DETAILS = frozenset({"1.1", "1.6", "1.10", "2.1", "2.2"})
# Full or disabled mailboxes: only the receiver knows these, so they are never a sending server's default.
_RECEIVER_ONLY_DETAILS = frozenset({"2.1", "2.2"})
LOGIN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954
_NO_MAIL_CODE = 556  # RFC 7504: the domain takes no mail
_NO_SERVICE_CODE = 521  # RFC 7504: the server takes no mail, from us at least

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?[^\W_])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45][0-5]\d)(?=[ -](?!\d*\.\d)|[ -][45]\.\d{1,3}\.\d|$)")
# Matches begin at word starts, so that a long word is scanned once.
_ADDRESS_IN_TEXT = re.compile(
    r"<[^<>\s]{0,300}>|(?<![^\s<>,;:()\[\]\"'])[^\s<>,;:()\[\]\"'@]{1,254}@[^\s<>,;:()\[\]\"']+"
)
# Written by sending servers in front of the receiver's reply.
_PHRASES_WITHOUT_MEANING = re.compile(
    r"unknown address error|permanent fatal errors|fatal error|permanent error|in relay recipient table"
)
_CODES_IN_FRONT = re.compile(r"^(?:smtp; ?)?(?:[45]\d\d[ -])?[ #]*(?:[45]\.\d+\.\d+)?")
_URL = re.compile(r"\bhttps?://\S*")
_HOST_NAME = re.compile(r"(?<![\w.-])(?:[\w-]{1,63}\.){1,12}[a-z][\w-]*|\[?\b\d{1,3}(?:\.\d{1,3}){3}\b\]?")
_NAMES_WITH_MEANING = re.compile(r"resolver\.|queue\.|adr\.|recipnotfound")
_VAGUE_DETAILS = frozenset({"0", "1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status`: the enhanced status (RFC 3463) as stated, else the equivalent of the words, '' for neither."""

    cause: Cause
    status: str = ""


def classify(text: str, *, code: int = 0, status: str = "") -> Refusal:
    """Classify a refusal by its text, its reply code (0: none) and a report's Status field ('': none)."""
    status = status if _is_specific(status) else find_status(text, code) or status
    cause_by_words, detail = _read_words(text, is_quote=bool(code or status))
    if (
        cause_by_words == Cause.MAILBOX
        and is_address_status(status)
        and patterns.HEDGED.search(text[:MAX_TEXT].lower())
    ):
        cause_by_words, detail = None, ""  # prose that lists possible reasons does not outweigh a status
    if (
        status == "5.4.1"
        and cause_by_words == Cause.POLICY
        and patterns.NOT_IN_DIRECTORY.search(without_addresses(text))
    ):
        cause_by_words, detail, status = Cause.ADDRESS, "1.1", "5.1.1"
    cause = _decide_cause(cause_by_words, detail, status, code)
    cause_by_status = _cause_of_status(status)
    both_ours = cause_by_status in ABOUT_US and cause in ABOUT_US
    if both_ours or cause_by_status == cause or not (cause == cause_by_words and detail):
        return Refusal(cause, status)
    return Refusal(cause, f"{(status or str(code or 5))[0]}.{detail}")


def find_status(text: str, code: int = 0) -> str:
    """The enhanced status in a server's text: the first specific one, else the first vague one, '' for none.

    `code`: the reply code, whose class it must have; 0 for any failure.
    """
    classes = {str(code // 100)} if code else {"4", "5"}
    matches = [match for match in _STATUS.finditer(text[:MAX_TEXT]) if match[1] in classes]
    statuses = [f"{match[1]}.{int(match[2])}.{int(match[3])}" for match in matches]
    return next((status for status in statuses if _is_specific(status)), statuses[0] if statuses else "")


def find_code(text: str) -> int:
    """The first 4yz or 5yz reply code in a report's text; 0 for none."""
    match = _REPLY_CODE.search(text[:MAX_TEXT])
    return int(match[1]) if match else 0


def cause_of_words(text: str) -> Cause | None:
    """The cause by the words alone; None where no pattern matches."""
    return _read_words(text, is_quote=True)[0]


def is_address_status(status: str) -> bool:
    """True for a status that means the address does not exist."""
    return _cause_of_status(status) == Cause.ADDRESS


def _read_words(text: str, *, is_quote: bool) -> tuple[Cause | None, str]:
    """The cause that the words name, with the detail of its status.

    `is_quote`: the text is a server's line. Prose may list possible reasons, so translated patterns, which are broader
    than the English ones, are skipped in prose that says "perhaps".
    """
    words = _PHRASES_WITHOUT_MEANING.sub(" ", without_addresses(text))
    if patterns.BLOCKLISTS.search(words):
        return Cause.CLIENT, "7.1"
    words = plain_words(words)
    hedged = not is_quote and patterns.HEDGED.search(words)
    skipped = patterns.NO_ADDRESS_TRANSLATED if hedged else None
    for cause, detail, pattern in _PATTERNS:
        match = None if pattern is skipped else pattern.search(words)
        if match and cause == Cause.ADDRESS and patterns.SENDER_NAMED.search(match[0]):
            return Cause.SENDER, "1.8"
        if match:
            return cause, detail
    return None, ""


def without_addresses(text: str) -> str:
    """The text in one line, in lower case and without e-mail addresses."""
    return " ".join(_ADDRESS_IN_TEXT.sub(" ", text[:MAX_TEXT].lower()).split())


def plain_words(words: str) -> str:
    """Remove URLs, host names, IP addresses and codes."""
    words = _CODES_IN_FRONT.sub("", _URL.sub(" ", words))
    named = _HOST_NAME.sub(lambda match: match[0] if _NAMES_WITH_MEANING.search(match[0]) else " ", words)
    return " ".join(named.replace("_", " ").split())


def _is_specific(status: str) -> bool:
    """False for a status that names no reason, such as 5.0.0 and 5.1.0."""
    _, _, detail = status.partition(".")
    return bool(detail) and detail not in _VAGUE_DETAILS and not detail.startswith("0.")


def _decide_cause(cause_by_words: Cause | None, detail: str, status: str, code: int) -> Cause:
    if code in LOGIN_CODES:
        return Cause.AUTHENTICATION
    if code == _NO_SERVICE_CODE:
        return Cause.CLIENT
    cause_by_status = _cause_of_status(status)
    if cause_by_words in _OUTWEIGHS_STATUS and not _contradicts((cause_by_words, detail), cause_by_status, status):
        return cause_by_words
    if cause_by_words == Cause.ADDRESS and status.startswith("4.") and detail == "1.2":
        return Cause.NETWORK  # a temporary status says that the look-up may succeed later
    if cause_by_status is None or (
        cause_by_words is not None and _words_are_more_specific((cause_by_words, detail), cause_by_status, status)
    ):
        cause_by_status = cause_by_words
    if cause_by_status is None and code == _NO_MAIL_CODE:
        return Cause.ADDRESS
    return cause_by_status or Cause.UNKNOWN


def _contradicts(words: tuple[Cause | None, str], cause_by_status: Cause | None, status: str) -> bool:
    """True where a precise status outweighs general words: 5.1.1 'message rejected', 5.2.2 'exceeded'."""
    return words in _GENERAL_WORDS and cause_by_status in ABOUT_SUBSCRIBER and status[2:] in _PRECISE_DETAILS


def _words_are_more_specific(words: tuple[Cause, str], cause_by_status: Cause, status: str) -> bool:
    """True where the words are more specific than the status.

    Some servers write 5.1.1 or 5.2.1 for any refused RCPT, but quote the receiver's own words.
    """
    cause_by_words, detail = words
    if cause_by_words == Cause.ADDRESS:
        is_generic = cause_by_status in {Cause.POLICY, Cause.SYSTEM, Cause.CONTENT} or (
            cause_by_status == Cause.MAILBOX and status[2:] != "2.2"
        )
        return is_generic or (cause_by_status == Cause.NETWORK and status.startswith("5."))
    if cause_by_words == Cause.MAILBOX:
        return cause_by_status != Cause.ADDRESS or detail in _RECEIVER_ONLY_DETAILS or status.startswith("4.")
    # 5.4.4 also stands for a domain whose servers do not answer now
    return cause_by_status == Cause.ADDRESS and (
        cause_by_words == Cause.NETWORK or (cause_by_words == Cause.SYSTEM and status[2:] == "4.4")
    )


def _cause_of_status(status: str) -> Cause | None:
    """The cause that the status names by itself; None for a vague one (RFC 3463, 3)."""
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
