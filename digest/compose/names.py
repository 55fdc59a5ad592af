"""Authors in one line: family names with initials, the followed ones always there and starred."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from digest.compose.language import count, say
from digest.text.tex import readable

SHOWN = 3
_SOURCE = 400  # characters of a name that are read at all
_AFFILIATION = re.compile(r"\s*\([^)]*\)?")
_STAR = " ★"


def byline(authors: tuple[str, ...], complete: bool = True, followed: tuple[str, ...] = ()) -> str:
    """`Y. Liang ★, T. Yang, and 3 more`; '' where no author is known."""
    if not authors:
        return ""
    room = SHOWN + (len(authors) == SHOWN + 1)  # never 'and 1 more'
    wanted = [index for index, name in enumerate(authors) if _same(name, followed)][:room]
    others = [index for index in range(min(len(authors), 2 * room)) if index not in wanted]
    chosen = sorted(wanted + others[: room - len(wanted)])
    names = [short(authors[index]) + _STAR * (index in wanted) for index in chosen]
    left = len(authors) - len(chosen)
    if not complete:
        return say("%(names)s et al.", names=", ".join(names))
    if left:
        return count("%(names)s, and %(n)s more", "%(names)s, and %(n)s more", left, names=", ".join(names))
    return names[0] if len(names) == 1 else say("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])


def short(name: str) -> str:
    """`Yingbin Liang` as `Y. Liang`; names in other scripts, and of one word, as they are."""
    name = _AFFILIATION.sub("", readable(name[:_SOURCE])[:120]).strip()
    first, _, rest = name.partition(" ")
    if not rest or not _latin(first) or "," in name:
        return name
    return f"{_initials(first)} {rest}"


def _initials(first: str) -> str:
    """`Jean-Pierre` as `J.-P.`; what is an initial stays."""
    if first.endswith("."):
        return first
    return "-".join(f"{part[0]}." for part in first.split("-") if part)


def _latin(word: str) -> bool:
    return unicodedata.name(word[:1], "").startswith("LATIN CAPITAL")


def _same(name: str, followed: tuple[str, ...]) -> bool:
    """True where the author is one of the followed: same family name, and same first letter."""
    if not followed:
        return False
    keys = {_key(one) for one in followed}
    return _key(name) in keys


@lru_cache(maxsize=65536)
def _key(name: str) -> tuple[str, str]:
    plain = unicodedata.normalize("NFKD", _AFFILIATION.sub("", readable(name[:_SOURCE]))).casefold()
    words = re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    return (words[-1], words[0][:1]) if words else ("", "")
