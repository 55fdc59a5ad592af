"""Authors in one line: family names with initials; followed authors are always named and starred."""

from __future__ import annotations

import re
import unicodedata

from digest.i18n import localize, localize_plural
from digest.text.collective_authors import is_collective
from digest.text.person_names import matching_names
from digest.text.person_names import parse_name as parsed
from digest.text.tex import readable

NAMES_SHOWN = 3
_MAX_NAME_LENGTH = 400  # characters of a name that are read at all
_AFFILIATION = re.compile(r"\s*\([^)]*\)?")
_SUFFIX = re.compile(r"(?:Jr|Sr|I{2,3}|IV)\.?", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_SPLIT_INITIALS = re.compile(r"(?<=\w\.) (?=-\w)")
_FOLLOWED_MARK = " ★"


def byline(authors: tuple[str, ...], complete: bool = True, followed: tuple[str, ...] = ()) -> str:
    """`Y. Liang ★, T. Yang, and 3 more`; '' without authors."""
    authors = tuple([author for author in authors if _LETTER.search(author)])  # arXiv lists `:` behind collaborations
    if not authors:
        return ""
    max_names = NAMES_SHOWN + (len(authors) == NAMES_SHOWN + 1)  # never 'and 1 more'
    followed_positions = sorted({position for name in followed for position in matching_names(name, authors)})[
        :max_names
    ]
    others = [index for index in range(min(len(authors), 2 * max_names)) if index not in followed_positions]
    positions = sorted(followed_positions + others[: max_names - len(followed_positions)])
    names = [short_name(authors[index]) + _FOLLOWED_MARK * (index in followed_positions) for index in positions]
    remaining = len(authors) - len(positions)
    if not complete:
        return localize("%(names)s et al.", names=", ".join(names))
    if remaining:
        return localize_plural(
            "%(names)s, and %(n)s more", "%(names)s, and %(n)s more", remaining, names=", ".join(names)
        )
    return (
        names[0] if len(names) == 1 else localize("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])
    )


def short_name(name: str) -> str:
    """`Yingbin Liang` as `Y. Liang`. Collaborations, other scripts and names without a given one stay as they are."""
    name = _AFFILIATION.sub("", readable(name[:_MAX_NAME_LENGTH])[:120]).strip()
    name = _SPLIT_INITIALS.sub("", name)
    if is_collective(name):
        return name
    parts = [part.strip() for part in name.split(",")]
    suffixes = [part for part in parts[1:] if _SUFFIX.fullmatch(part)]
    if len(parts) - len(suffixes) == 2:
        family, given_name = (part for part in parts if part not in suffixes)
        name = " ".join([given_name, family, *suffixes]).strip()
    first_word, _, family_name = name.partition(" ")
    if not family_name or not _starts_with_latin_capital(first_word) or not parsed(name).given_names:
        return name
    return f"{_initials(first_word)} {family_name}"


def _initials(first: str) -> str:
    """`Jean-Pierre` as `J.-P.`; initials stay, also two without stops (`JP`)."""
    if first.endswith(".") or (len(first) == 2 and first.isupper()):
        return first
    return "-".join(f"{part[0]}." for part in first.split("-") if part)


def _starts_with_latin_capital(word: str) -> bool:
    return unicodedata.name(word[:1], "").startswith("LATIN CAPITAL")
