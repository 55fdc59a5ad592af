"""Outlets: where papers appear, as people name it (`arXiv`, a preprint server, an index, a journal's feed). Pure.

Subscribers choose outlets by their keys; several sources may carry the papers of one outlet.
"""

from __future__ import annotations

import re

from digest.papers.record import Record

ARXIV = "arXiv"
MAX_OUTLET_KEY = 40  # characters
MAX_OUTLETS = 8  # of one paper
_SEPARATORS = re.compile(r"[\W_]+")


def outlet_key(name: str) -> str:
    """The key of an outlet: its name in lower case, with hyphens for all other characters. Idempotent."""
    return _SEPARATORS.sub("-", name.casefold()).strip("-")[:MAX_OUTLET_KEY].rstrip("-")


def outlet_names(record: Record) -> tuple[str, ...]:
    """The outlets of a paper, arXiv first; empty where no source of it has one."""
    names = (ARXIV, *record.outlets) if record.arxiv_id else record.outlets
    return tuple({outlet_key(name): name for name in names}.values())[:MAX_OUTLETS]


def outlet_keys(record: Record) -> str:
    """The keys of the outlets of a paper, separated by blanks, as they are stored beside the paper."""
    return " ".join(map(outlet_key, outlet_names(record)))
