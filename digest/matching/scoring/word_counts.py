"""An epoch's word counts: count them, blend them with the shipped prior while they are few, and pack them."""

from __future__ import annotations

import json
import lzma
import sys
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from digest.errors import BadInput
from digest.matching.profile import Candidate, Counts
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.papers import Record
from digest.text.tokens import TERM_RULES

PRESET = 0  # of xz: a seventh more bytes than its default 6, in a fifth of the time
MIN_OWN_PAPERS = 2000  # with so many own papers the prior is no longer needed
_UNREADABLE = "word counts can't be read: they are cut or from another version"
_FIRST_RULES = 1  # those of counts that do not name theirs
_HEADER_BYTES = 200  # more than a header has


def count(papers: Iterable[Record | Document], *, announcements: int = 0) -> Counts:
    """The word counts of papers: in how many each stem is, and how long they are on average (tokens)."""
    df: Counter[str] = Counter()
    number = length = 0
    for paper in papers:
        document = paper if isinstance(paper, Document) else prepare_document(Candidate(0, paper, 0))
        df.update(document.tf.keys())
        number += 1
        length += document.length
    return Counts(number, length / number if number else 0.0, dict(df), announcements)


def blend(own: Counts) -> Counts:
    """The counts to rank by: the installation's own, plus the prior's while there are few.

    Few means fewer than 14 announcements or 2,000 papers. As counts are added, the own share grows every day.
    """
    if own.announcements >= WINDOW_ANNOUNCEMENTS and own.papers >= MIN_OWN_PAPERS:
        return own
    prior_counts = prior()
    papers = own.papers + prior_counts.papers
    length = own.papers * own.average_length + prior_counts.papers * prior_counts.average_length
    df = dict(prior_counts.df)  # the sum of two Counters takes ten times as long
    for word, number in own.df.items():
        df[word] = df.get(word, 0) + number
    return Counts(papers, length / papers, df, own.announcements)


@lru_cache(maxsize=1)
def prior() -> Counts:
    """The shipped counts, computed from 66,000 abstracts by `tests/benchmarks/prior.py`."""
    return unpack((files("digest.matching") / "prior.bin").read_bytes())


def pack(counts: Counts) -> bytes:
    """Counts as compact bytes, the same for equal counts. `unpack` is the inverse; the length keeps three digits."""
    words = sorted(counts.df)
    header = {
        "papers": counts.papers,
        "average_length_milli": round(1000 * counts.average_length),
        "announcements": counts.announcements,
        "rules": TERM_RULES,
    }
    lines = [json.dumps(header), " ".join(words), " ".join(str(counts.df[word]) for word in words)]
    return lzma.compress("\n".join(lines).encode(), format=lzma.FORMAT_XZ, preset=PRESET)


def packed_rules(packed: bytes) -> int:
    """The rules of terms (`TERM_RULES`) by which words were counted; only the header is decompressed. Raises BadInput.

    Counts by other rules lack the stems of these, so their words would seem to be the rarest.
    """
    try:
        start = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(packed, _HEADER_BYTES)
        header_line, end, _ = start.partition(b"\n")
        return int(json.loads(header_line if end else b"").get("rules", _FIRST_RULES))
    except (lzma.LZMAError, ValueError, AttributeError) as error:
        raise BadInput(_UNREADABLE, field="terms") from error


def unpack(packed: bytes) -> Counts:
    """The counts that `pack` gave. Raises BadInput.

    Words are shared with other counts, because two epochs have nearly the same.
    """
    try:
        header_line, words, numbers = lzma.decompress(packed).decode().split("\n")
        header = json.loads(header_line)
        df = dict(zip(map(sys.intern, words.split()), map(int, numbers.split()), strict=True))
        return Counts(header["papers"], header["average_length_milli"] / 1000, df, header["announcements"])
    except (lzma.LZMAError, ValueError, KeyError) as error:
        raise BadInput(_UNREADABLE, field="terms") from error
