"""People's names: the same author with and without initials, particles, accents and commas.

Two names agree where the family names are equal and no given name contradicts: `Yingbin Liang`, `Y. Liang`,
`Liang, Yingbin`. An absent middle name contradicts nothing; an absent first name does, unless the wanted name has none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from digest.text.collectives import is_collective
from digest.text.folding import fold_text
from digest.text.tex import readable
from digest.text.word_tables import INNER_PARTICLES, PARTICLES

_PART = re.compile(r"[^\W_]+")
_AFFILIATION = re.compile(r"\([^()]*\)?")
_SUFFIX = frozenset({"jr", "sr", "ii", "iii", "iv"})


class PersonName(NamedTuple):
    """A folded name in parts: `given_names` in order, `particles` joined (vander), `family` joined (garciamolina)."""

    given: tuple[str, ...]
    particles: str
    family: str


@lru_cache(maxsize=1 << 16)
def parse_name(text: str) -> PersonName:
    """The parts of a name. The family name is the last word, or the words before a comma.

    A collaboration is one name without given names. Its article and an affiliation in parentheses are ignored.
    """
    text = _AFFILIATION.sub("", text) if "(" in text else text
    text = readable(text) if "\\" in text or "{" in text else text
    folded = re.sub("['`]", "", fold_text(text))
    if is_collective(text):
        return PersonName((), "", "".join(_PART.findall(folded.removeprefix("the "))))
    before, comma, after = folded.partition(",")
    if comma and not set(_PART.findall(after)) <= _SUFFIX:
        folded = f"{after} {before}"
        family_words = len(_chunks(before))
    else:
        family_words = 0
    chunks = [chunk for chunk in _chunks(folded) if chunk not in _SUFFIX] or _chunks(folded)
    if not chunks:
        return PersonName((), "", "")
    start = len(chunks) - max(1, family_words)
    first = start
    while first > 0 and _is_particle(chunks, first - 1):
        first -= 1
    while start < len(chunks) - 1 and chunks[start] in PARTICLES:  # van der Waals, Johannes
        start += 1
    given = tuple(part for chunk in chunks[:first] for part in chunk.split("-"))
    particles = "".join(chunks[first:start])
    return PersonName(given, particles, "".join(chunks[start:]).replace("-", ""))


def _is_particle(chunks: list[str], at: int) -> bool:
    return chunks[at] in PARTICLES or (at > 0 and chunks[at] in INNER_PARTICLES)


def _chunks(folded: str) -> list[str]:
    """Words of a folded name; parts joined by a hyphen stay one, their hyphen kept."""
    return re.findall(r"[^\W_]+(?:[-‐‑–][^\W_]+)*", folded)


def names_agree(wanted: PersonName, found: PersonName, *, prefix: bool = False) -> bool:
    """True where `candidate` may be the person `name`. `prefix`: its family name need only begin with that name's."""
    if not wanted.family:
        return False
    pairs = ((wanted, found), (_doubled(wanted), found), (wanted, _doubled(found)))
    return any(_family(a, b, prefix=prefix) and _given(a.given, b.given) for a, b in pairs if a and b)


@lru_cache(maxsize=1 << 16)
def family_keys(person: PersonName) -> frozenset[str]:
    """The readings of a name's family name. Names that agree, without `prefix`, have one in common."""
    readings = filter(None, (person, _doubled(person)))
    return frozenset(key for read in readings for key in (read.family, read.particles + read.family) if key)


def matching_names(wanted: str, names: Sequence[str]) -> list[int]:
    """Positions of the names that may be the wanted person; where some are identical to the wanted name, only these.

    A person is listed once on a paper: beside `Wei Wang`, `W. Wang` is somebody else.
    """
    sought = parse_name(wanted)
    found = [(index, other) for index, other in enumerate(map(parse_name, names)) if names_agree(sought, other)]
    same = [index for index, other in found if other == sought]
    return same or [index for index, _ in found]


def _doubled(one: PersonName) -> PersonName | None:
    """The other reading of a name with two words before its end: Garcia Molina as a family name, Garcia-Molina."""
    if not one.given or len(one.given[-1]) == 1:
        return None
    return PersonName(one.given[:-1], one.particles, one.given[-1] + one.family)


def _family(wanted: PersonName, found: PersonName, *, prefix: bool) -> bool:
    """True for equal family names. Particles may not differ, nor be missing where there is no given name (van Gogh)."""
    if wanted.particles and wanted.particles != found.particles and (found.particles or not wanted.given):
        return False
    if prefix:
        return found.family.startswith(wanted.family) or (found.particles + found.family).startswith(wanted.family)
    return found.family == wanted.family or found.particles + found.family == wanted.particles + wanted.family


def _given(wanted: tuple[str, ...], found: tuple[str, ...]) -> bool:
    """True where no given name contradicts: each equals the one at its position or its initial. Later ones may miss."""
    if not wanted:
        return True
    if not found:
        return False
    if "".join(wanted) == "".join(found):  # Yue-Jie, Yuejie
        return True
    return all(_same(a, b) for a, b in zip(wanted, found, strict=False))


def _same(a: str, b: str) -> bool:
    return a == b or (len(a) == 1 and b.startswith(a)) or (len(b) == 1 and a.startswith(b))
