"""What patterns for DOIs in texts share: older DOIs hold `<` and `>`, which end others (markup)."""

from __future__ import annotations

import re

# The part of a SICI (ANSI/NISO Z39.56) that names the article: <654::AID-ASI7>3.0.CO;2-S, <1237:TSOTP>2.0.CO;2
SICI_ARTICLE = r"<[^\s<>\"'{}|\\^`]{1,60}>(?=\d\.\d\.[A-Za-z]{2};\d)"
ENCODED_BRACKET = re.compile(r"%3[CE]", re.IGNORECASE)  # in an address: the DOI in it is to be decoded
_SICI_ARTICLE = re.compile(SICI_ARTICLE)
_SICI = re.compile(r"/\(sici\)|\d\.\d\.[a-z]{2};\d", re.IGNORECASE)


def is_cut_off(match: re.Match[str]) -> bool:
    """True for a DOI found in a text that has lost the article: what is left may name a whole issue."""
    is_before_bracket = match.string[match.end() : match.end() + 1] == "<"
    if is_before_bracket and match.string[match.end() + 1 : match.end() + 2].isdigit():
        return True
    return _SICI.search(match[0]) is not None and _SICI_ARTICLE.search(match[0]) is None
