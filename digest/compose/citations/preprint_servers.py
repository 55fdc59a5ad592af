"""Preprint servers as citations name them, told by the DOI: whichever source delivered the paper."""

from __future__ import annotations

import re

# Of openRxiv's two servers, under the present and the former prefix: perhaps the date, then a number.
RXIV_DOI = re.compile(r"10\.(?:1101|64898)/(?:(\d{4})\.(0[1-9]|1[0-2])\.(0[1-9]|[12]\d|3[01])\.)?(\d+)")
_MEDRXIV_DIGITS = 8  # of the number in its DOIs; bioRxiv's have six


def preprint_server(doi: str) -> str:
    """The name of the server that gave a preprint this DOI; '' where it is none of them."""
    match = RXIV_DOI.fullmatch(doi)
    if match is None:
        return ""
    return "medRxiv" if len(match[4]) == _MEDRXIV_DIGITS else "bioRxiv"
