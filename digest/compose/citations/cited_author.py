"""Splits an author's name into the parts that citation formats have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digest.text.collective_authors import is_collective
from digest.text.folding import fold_text
from digest.text.plain_text import one_line
from digest.text.tex import readable
from digest.text.word_tables import INNER_PARTICLES, PARTICLES

MAX_NAME = 300  # characters
_AFFILIATION = re.compile(r"\s*\([^()]*\)?")
_JOINED_INITIAL = re.compile(r"(?<=\b\w\.)(?=[^\W\d_]{2})")  # V.S.Vladimirov
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_CONJUNCTIONS = frozenset({"and", "und", "et", "&"})


@dataclass(frozen=True, slots=True)
class CitedAuthor:
    """A name in parts: `Johannes` `van der` `Waals` `Jr.`. `is_whole`: all of it is in `family` (a collaboration)."""

    family: str
    given_name: str = ""
    particle: str = ""
    suffix: str = ""
    is_whole: bool = False

    @property
    def full_family(self) -> str:
        """The family name with its particle."""
        return f"{self.particle} {self.family}".strip()


def cited_author(name: str) -> CitedAuthor:
    """The parts of a name. The family name is the last word, or the words before a comma.

    A capital particle is a part of the family name (De Lellis), a small one is not (van der Waals). Collaborations,
    single words and names that have no usual form stay whole.
    """
    text = one_line(readable(name[:MAX_NAME]))
    text = _JOINED_INITIAL.sub(" ", _AFFILIATION.sub("", text).strip(" ,;") or text)
    first_part, *parts = [part.strip() for part in text.split(",") if part.strip()] or [""]
    suffixes = [part for part in parts if _is_suffix(part)]
    given_names = [part for part in parts if not _is_suffix(part)]
    words = first_part.split()
    is_unusual = (
        any(word.lower() in _CONJUNCTIONS for word in text.split()) or len(given_names) > 1 or len(suffixes) > 1
    )
    if is_unusual or is_collective(text) or not words:
        return CitedAuthor(text, is_whole=True)
    suffix = suffixes[0] if suffixes else ""
    if given_names:
        particle_words = _leading_particles(words)
        return _named(words[:particle_words], words[particle_words:], given_names[0], suffix)
    return _split_words(words, suffix)


def _split_words(words: list[str], suffix: str) -> CitedAuthor:
    """The parts of a name without a comma before the given names."""
    if not suffix and len(words) > 2 and _is_suffix(words[-1]):
        *words, suffix = words
    family_start = len(words) - 1
    particle_start = family_start
    while particle_start > 0 and _is_particle(words, particle_start - 1):
        particle_start -= 1
    if len(words) == 1 and not suffix:
        return CitedAuthor(words[0], is_whole=True)
    return _named(words[particle_start:family_start], words[-1:], " ".join(words[:particle_start]), suffix)


def _named(particle: list[str], family: list[str], given_name: str, suffix: str) -> CitedAuthor:
    if particle and particle[0][0].isupper():
        return CitedAuthor(" ".join([*particle, *family]), given_name, "", suffix)
    return CitedAuthor(" ".join(family), given_name, " ".join(particle), suffix)


def _leading_particles(words: list[str]) -> int:
    """The number of particles before a family name."""
    count = 0
    while count < len(words) - 1 and fold_text(words[count]) in PARTICLES | INNER_PARTICLES:
        count += 1
    return count


def _is_particle(words: list[str], index: int) -> bool:
    word = fold_text(words[index])
    return word in PARTICLES or (index > 0 and word in INNER_PARTICLES)


def _is_suffix(part: str) -> bool:
    return part.rstrip(".").lower() in _SUFFIXES
