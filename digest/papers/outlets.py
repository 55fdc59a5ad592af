"""Outlets: where papers appear, as people name it (`arXiv`, a preprint server, an index, a journal's feed). Pure.

Subscribers choose outlets by their keys; several sources may carry the papers of one outlet.
"""

from __future__ import annotations

import hashlib
import re

from digest.papers.record import Record

ARXIV = "arXiv"
MAX_OUTLET_KEY = 40  # characters
MAX_OUTLETS = 8  # of one paper
_DIGEST_BYTES = 4  # in the key of a long name
_SEPARATORS = re.compile(r"[\W_]+")


def outlet_key(name: str) -> str:
    """The key of an outlet: its name in lower case, with hyphens for all other characters. Idempotent.

    A long name is cut and ends with a digest, so that it differs from others with that beginning; '' for a name without
    letters and digits.
    """
    key = _SEPARATORS.sub("-", name.casefold()).strip("-")
    if len(key) <= MAX_OUTLET_KEY:
        return key
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{key[: MAX_OUTLET_KEY - len(digest) - 1].rstrip('-')}-{digest}"


def outlet_names(record: Record) -> tuple[str, ...]:
    """The outlets of a paper, arXiv first; empty where no source of it has one."""
    names = (ARXIV, *record.outlets) if record.arxiv_id else record.outlets
    names_by_key = {outlet_key(name): name for name in names}
    return tuple(name for key, name in names_by_key.items() if key)[:MAX_OUTLETS]


def outlet_keys(record: Record) -> str:
    """The keys of the outlets of a paper, separated by blanks, as they are stored beside the paper."""
    return " ".join(map(outlet_key, outlet_names(record)))
