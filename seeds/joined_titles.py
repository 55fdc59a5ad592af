"""Splits titles and authors that are joined in one line (`…without BackpropagationLiang Zhang, Bingcong Li et al.`).

The line ends with a list of names, and the boundary is inside the first of them. A *candidate* is a position inside
a word, before an upper-case letter, where everything to its right, up to the next comma, has the form of a
person's name (below) and every later piece between commas has it too. Before 'et al.' the page prints exactly three
authors, so the boundary is in the third piece from the right; otherwise in one of the last three.

The form of a name: two to five words, each a capitalised word (`Niao`, `Ya-Ping`, `O'Brien`), an initial (`Q.`), or,
after the first word, a particle (`van`, `de`, …). A second capital inside a word is allowed only after the prefixes
of names (`McMahan`, `DeVries`).

A candidate is *plain* when the word before it, the title's last, has no inner change to upper case
(`Backpropagation`, `PL`, `MDPs`, `Agents`). A line with one candidate, which is plain, is split there. Otherwise
(`TiAda`, `PoLAR` at a title's end; `XiaoMing` as a given name) the document must confirm a candidate: the word to its
left occurs in the document's prose, or the name to its right in another line. Exactly one confirmed candidate splits
the line. Other lines stay unsplit: a missed paper is better than a wrong title. No list of names is used.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

AUTHORS_SHOWN = 3  # authors the page prints before 'et al.'

_PREFIX = r"(?:Mc|Mac|De|Di|Du|La|Le|Van|Von|El|Al|Fitz|[ODL]['’])"
_LETTER = r"[^\W\d_]"
_CAPITALISED = re.compile(rf"{_LETTER}(?:{_LETTER}|['’])*(?:-{_LETTER}(?:{_LETTER}|['’])*)*")
_INITIALS = re.compile(rf"(?:{_LETTER}\.-?)+")
_PREFIXED = re.compile(rf"{_PREFIX}(?={_LETTER}{{2}})")
_PARTICLES = frozenset(
    "van von der den de del della di da dos das du la le el al bin ibn ben ter ten zu y e".split()  # noqa: SIM905
)
_NO_SEAM_AFTER = re.compile(
    r"(?:[\s(/\['’\\-]|\b[^\W\d_]\.)$"
)  # after these a capital belongs to a name, or begins a word
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]{2}")


@dataclass(frozen=True, slots=True)
class SplitLine:
    """A line split into title and authors."""

    title: str
    authors: tuple[str, ...]


def split_line(
    line: str, *, is_truncated: bool, words: Collection[str], known_names: Collection[str]
) -> SplitLine | None:
    """Title and authors of a joined line, None where no candidate is certain.

    `line` is without 'et al.' and institution; `is_truncated`: 'et al.' followed. `words`: lower-case words of the
    document's prose; `known_names`: names after commas in its other lines.
    """
    seams = _candidate_splits(line, is_truncated=is_truncated)
    if len(seams) == 1 and _is_plain(_last_word(seams[0].title)):
        return seams[0]
    confirmed = [seam for seam in seams if _is_confirmed(seam, words, known_names)]
    return confirmed[0] if len(confirmed) == 1 else None


def _candidate_splits(line: str, *, is_truncated: bool) -> list[SplitLine]:
    """The line split at every candidate."""
    pieces = line.split(", ")
    counts = (AUTHORS_SHOWN,) if is_truncated else range(1, AUTHORS_SHOWN + 1)
    candidates = []
    for count in counts:
        other_names = tuple(pieces[len(pieces) - count + 1 :]) if count > 1 else ()
        if count > len(pieces) or not all(is_name_shaped(name, min_words=1, strict=False) for name in other_names):
            continue
        head = ", ".join(pieces[: len(pieces) - count + 1])
        start = head.rfind(", ") + 2 if ", " in head else 0
        for position in range(max(start, 1), len(head)):
            if (
                head[position].isupper()
                and not _NO_SEAM_AFTER.search(head[:position])
                and is_name_shaped(head[position:])
            ):
                candidates.append(SplitLine(head[:position], (head[position:], *other_names)))
    return candidates


def is_name_shaped(text: str, *, min_words: int = 2, strict: bool = True) -> bool:
    """True where the text has the form of a person's name; `strict` refuses unusual capitals inside words."""
    words = text.split(" ")
    if not min_words <= len(words) <= 5 or not words[0] or (strict and words[0].lower() in _PARTICLES):
        return False
    return all(
        _is_name_word(word, strict=strict) or (index > 0 and word in _PARTICLES) for index, word in enumerate(words)
    )


def _is_name_word(word: str, *, strict: bool) -> bool:
    if _INITIALS.fullmatch(word):
        return True
    if not _CAPITALISED.fullmatch(word) or not word[0].isupper():
        return False
    if not strict:
        return True
    return all(_has_one_capital(part) for part in word.split("-"))


def _has_one_capital(part: str) -> bool:
    """True for `Niao`, `McMahan`; not for `LLM`, `TorchWei`, `A`. After a hyphen lower case is usual (`Hsin-yi`)."""
    part = _PREFIXED.sub("", part, count=1)
    return len(part) > 1 and not any(letter.isupper() for letter in part[1:])


def _last_word(title: str) -> str:
    return re.split(r"[\s/(-]", title)[-1]


def _is_plain(word: str) -> bool:
    """True without a change to upper case inside: `Agents`, `PL`, `MDPs`, `3D`; not `DPZero`, `LearningXiao`, `M`."""
    letters = "".join(letter for letter in word if letter.isalpha())
    return word != letters[:1] and not _INNER_CAPITAL.search(letters)


def _is_confirmed(seam: SplitLine, words: Collection[str], known_names: Collection[str]) -> bool:
    word = _last_word(seam.title).strip(".,:;?!$)\"'").lower()
    return (len(word) > 1 and word in words) or seam.authors[0] in known_names
