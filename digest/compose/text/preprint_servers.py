"""Preprint servers as citations name them, recognised by the DOI: whichever source delivered the paper."""

from __future__ import annotations

from digest.papers.preprint_dois import RXIV_DOI

_MEDRXIV_DIGITS = 8  # of the number in its DOIs; bioRxiv's have six


def preprint_server(doi: str) -> str:
    """The name of the server that gave a preprint this DOI; '' where it is none of them."""
    match = RXIV_DOI.fullmatch(doi)
    if match is None:
        return ""
    return "medRxiv" if len(match[4]) == _MEDRXIV_DIGITS else "bioRxiv"
