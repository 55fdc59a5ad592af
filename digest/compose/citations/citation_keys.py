"""Citation keys such as `chi2023seeing`: ASCII, unique within a file, and the same in every file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from digest.compose.citations.citation import Citation
from digest.text.folding import fold_text
from digest.text.word_tables import STOP_WORDS

_WORD = re.compile(r"(?<![a-z0-9])[0-9]*[a-z][a-z0-9]+")
_MAX_PART = 30  # characters of the name, and of the title's word


def citation_keys(citations: Iterable[Citation]) -> dict[int, str]:
    """The key of each paper by its id: family name, year and the title's first significant word.

    Papers that would share a key have their arXiv id, or their number here, after it. So a key depends neither on the
    order of a file nor on the papers before, and it never starts with a digit.
    """
    bases = {item.paper_id: (_base(item), _distinction(item)) for item in citations}
    counts = Counter(base for base, _ in bases.values())
    return {
        paper_id: base if counts[base] == 1 and base else f"{base or 'paper'}-{distinction}"
        for paper_id, (base, distinction) in bases.items()
    }


def _base(item: Citation) -> str:
    name = _ascii(item.authors[0].full_family if item.authors else "")
    words = [word for word in _WORD.findall(_folded(item.title)) if word not in STOP_WORDS]
    year = str(item.date[0]) if item.date else ""
    base = f"{name[:_MAX_PART]}{year}{words[0][:_MAX_PART] if words else ''}"
    return f"anon{base}" if base[:1].isdecimal() else base


def _distinction(item: Citation) -> str:
    return _ascii(item.arxiv_id) if item.arxiv_id else f"p{item.paper_id}"


def _folded(text: str) -> str:
    return fold_text(text).replace("'", "")


def _ascii(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", _folded(text))
