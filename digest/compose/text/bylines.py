"""Authors in one line: family names with initials; followed authors are always named and starred."""

from __future__ import annotations

import re
import unicodedata

from digest.i18n import localize, localize_plural
from digest.text.collectives import is_collective
from digest.text.person_names import matching_names
from digest.text.person_names import parse_name as parsed
from digest.text.tex import readable

NAMES_SHOWN = 3
_SOURCE = 400  # characters of a name that are read at all
_AFFILIATION = re.compile(r"\s*\([^)]*\)?")
_SUFFIX = re.compile(r"(?:Jr|Sr|I{2,3}|IV)\.?", re.IGNORECASE)
_STAR = " ★"


def byline(authors: tuple[str, ...], complete: bool = True, followed: tuple[str, ...] = ()) -> str:
    """`Y. Liang ★, T. Yang, and 3 more`; '' without authors."""
    if not authors:
        return ""
    room = NAMES_SHOWN + (len(authors) == NAMES_SHOWN + 1)  # never 'and 1 more'
    followed_places = sorted({place for name in followed for place in matching_names(name, authors)})[:room]
    others = [index for index in range(min(len(authors), 2 * room)) if index not in followed_places]
    places = sorted(followed_places + others[: room - len(followed_places)])
    names = [short(authors[index]) + _STAR * (index in followed_places) for index in places]
    remaining = len(authors) - len(places)
    if not complete:
        return localize("%(names)s et al.", names=", ".join(names))
    if remaining:
        return localize_plural(
            "%(names)s, and %(n)s more", "%(names)s, and %(n)s more", remaining, names=", ".join(names)
        )
    return (
        names[0] if len(names) == 1 else localize("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])
    )


def short(name: str) -> str:
    """`Yingbin Liang` as `Y. Liang`. Collaborations, other scripts and names without a given one stay as they are."""
    name = _AFFILIATION.sub("", readable(name[:_SOURCE])[:120]).strip()
    if is_collective(name):
        return name
    parts = [part.strip() for part in name.split(",")]
    suffixes = [part for part in parts[1:] if _SUFFIX.fullmatch(part)]
    if len(parts) - len(suffixes) == 2:
        family, given_name = (part for part in parts if part not in suffixes)
        name = " ".join([given_name, family, *suffixes]).strip()
    first, _, family_name = name.partition(" ")
    if not family_name or not _latin(first) or not parsed(name).given:
        return name
    return f"{_initials(first)} {family_name}"


def _initials(first: str) -> str:
    """`Jean-Pierre` as `J.-P.`; initials stay, also two without stops (`JP`)."""
    if first.endswith(".") or (len(first) == 2 and first.isupper()):
        return first
    return "-".join(f"{part[0]}." for part in first.split("-") if part)


def _latin(word: str) -> bool:
    return unicodedata.name(word[:1], "").startswith("LATIN CAPITAL")
