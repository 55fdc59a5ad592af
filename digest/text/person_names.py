"""People's names: the same author with and without initials, particles, accents and commas.

Two names agree where the family names are equal and no given name contradicts: `Yingbin Liang`, `Y. Liang`,
`Liang, Yingbin`. An absent middle name contradicts nothing; an absent first name does, unless the wanted name has none.
Which of the people who share a name wrote a paper: `digest.papers.same_person`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from digest.text.collective_authors import is_collective
from digest.text.folding import fold_text
from digest.text.tex import readable
from digest.text.word_tables import INNER_PARTICLES, PARTICLES

_PART = re.compile(r"[^\W_]+")
_AFFILIATION = re.compile(r"\([^()]*\)?")
_SUFFIX = frozenset({"jr", "sr", "ii", "iii", "iv"})


class PersonName(NamedTuple):
    """A folded name in parts: `given_names` in order, `particles` joined (vander), `family` joined (garciamolina)."""

    given_names: tuple[str, ...]
    particles: str
    family: str


@lru_cache(maxsize=1 << 14)
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
    family_start = len(chunks) - max(1, family_words)
    particle_start = family_start
    while particle_start > 0 and _is_particle(chunks, particle_start - 1):
        particle_start -= 1
    while family_start < len(chunks) - 1 and chunks[family_start] in PARTICLES:  # van der Waals, Johannes
        family_start += 1
    given_names = tuple(part for chunk in chunks[:particle_start] for part in chunk.split("-"))
    particles = "".join(chunks[particle_start:family_start])
    return PersonName(given_names, particles, "".join(chunks[family_start:]).replace("-", ""))


def _is_particle(chunks: list[str], index: int) -> bool:
    return chunks[index] in PARTICLES or (index > 0 and chunks[index] in INNER_PARTICLES)


def _chunks(folded: str) -> list[str]:
    """Words of a folded name; parts joined by a hyphen stay one, their hyphen kept."""
    return re.findall(r"[^\W_]+(?:[-‐‑–][^\W_]+)*", folded)


def names_agree(name: PersonName, candidate: PersonName, *, prefix: bool = False) -> bool:
    """True where `candidate` may be the person `name`. `prefix`: its family name need only begin with that name's."""
    if not name.family:
        return False
    pairs = (
        (name, candidate),
        (_with_double_family_name(name), candidate),
        (name, _with_double_family_name(candidate)),
    )
    return any(
        _family_names_agree(a, b, prefix=prefix) and _given_names_agree(a.given_names, b.given_names)
        for a, b in pairs
        if a and b
    )


@lru_cache(maxsize=1 << 14)
def family_keys(person: PersonName) -> frozenset[str]:
    """The readings of a name's family name. Names that agree, without `prefix`, have one in common."""
    return frozenset(
        key for reading in name_readings(person) for key in (reading.family, reading.particles + reading.family) if key
    )


def name_readings(person: PersonName) -> tuple[PersonName, ...]:
    """The name, and its other reading if it has one: with a double family name."""
    return tuple(filter(None, (person, _with_double_family_name(person))))


def matching_names(name: str, names: Sequence[str]) -> list[int]:
    """Positions of the names that may be the wanted person; where some are identical to the wanted name, only these.

    A person is listed once on a paper: beside `Wei Wang`, `W. Wang` is somebody else.
    """
    parsed_name = parse_name(name)
    matches = [(index, other) for index, other in enumerate(map(parse_name, names)) if names_agree(parsed_name, other)]
    identical = [index for index, other in matches if other == parsed_name]
    return identical or [index for index, _ in matches]


def _with_double_family_name(name: PersonName) -> PersonName | None:
    """The other reading of a name with two words before its end: Garcia Molina as a family name, Garcia-Molina."""
    if not name.given_names or len(name.given_names[-1]) == 1:
        return None
    return PersonName(name.given_names[:-1], name.particles, name.given_names[-1] + name.family)


def _family_names_agree(name: PersonName, candidate: PersonName, *, prefix: bool) -> bool:
    """True for equal family names. Particles may not differ, nor be missing where there is no given name (van Gogh)."""
    if name.particles and name.particles != candidate.particles and (candidate.particles or not name.given_names):
        return False
    if prefix:
        return candidate.family.startswith(name.family) or (candidate.particles + candidate.family).startswith(
            name.family
        )
    return candidate.family == name.family or candidate.particles + candidate.family == name.particles + name.family


def _given_names_agree(names: tuple[str, ...], candidates: tuple[str, ...]) -> bool:
    """True where no given name contradicts: each equals the one at its position or its initial. Later ones may miss."""
    if not names:
        return True
    if not candidates:
        return False
    if "".join(names) == "".join(candidates):  # Yue-Jie, Yuejie
        return True
    return all(_equal_or_initial(a, b) for a, b in zip(names, candidates, strict=False))


def _equal_or_initial(a: str, b: str) -> bool:
    return a == b or (len(a) == 1 and b.startswith(a)) or (len(b) == 1 and a.startswith(b))
