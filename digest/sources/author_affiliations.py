"""Takes degrees, titles and institutions out of lists of authors. Pure; linear time.

`Ada Byron, MD, PhD, Dept. of Physics, University of Oslo, Oslo, Emmy Noether` names two people. Collaborations and the
like are authors, and so is an institution that is named alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from digest.text.collective_authors import is_collective
from digest.text.word_tables import INNER_PARTICLES, PARTICLES

_SURE_DEGREE = (  # nobody's initials
    r"(?:Ph\.?\s?D|D\.?\s?Phil|[BM]\.?\s?Sc|MBBS|MBBCh|MBChB|BMBS|FRCPC?|FRCS|FACP|FACS|FAHA|FESC"
    r"|Pharm\.?\s?D|Psy\.?D|Ed\.?D|Sc\.?D|Dr\.?\s?P\.?\s?H|M\.?\s?Eng|M\.?\s?Phil)"
)
_USUAL_DEGREE = r"(?:M\.?D|M\.?P\.?H|MBA|DVM|RN|DDS|DSc|MSN|BSN|MHS|MSPH)"
_DEGREE = re.compile(rf"(?:{_SURE_DEGREE}|{_USUAL_DEGREE}|[BM]\.?[AS]|DO|JD|LLM)\.?")
_DEGREE_AT_END = re.compile(rf"(?:{_SURE_DEGREE}|{_USUAL_DEGREE})\.?")  # `Wei MA` has a family name in capitals
_SURE = re.compile(rf"{_SURE_DEGREE}\.?")
_TITLE = re.compile(r"^(?:(?:Prof(?:essor)?|Dr|Mr|Mrs|Ms|PD|Doz)\.\s*|Professor\s+)+(?=\S)")
_INITIALS_AT_END = re.compile(r"(?:[^\W\d_][\w'’-]+\s+){1,2}[A-Z]{1,3}")
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[\s-]*){1,4}")
_INSTITUTION = re.compile(
    r"\b(?:universi(?:t\w*|dad\w*)|univ\b|institut\w*|dep(?:ar)?t\b|departments?|departamento|dipartimento|d[ée]partement"
    r"|laborator\w*|(?:national|research|bell)\s+labs?|facult(?:y|é|ad|ät|à|eit)|ministry\s+of|division\s+of"
    r"|(?:school|college|academy)\s+(?:of|for|london|dublin)|(?:imperial|trinity|king['’]?s|medical)\s+(?:college|school)"
    r"|cent(?:er|re|ro)\s+(?:for|of|de|d['’])|(?:research|medical|cancer|health|data|science)\s+cent(?:er|re)"
    r"|(?<!['’])(?:hospitals?|h[ôo]pital)|klinikum|clinics?|polytechnic\w*|politecnico|gmbh|ltd|inc|corp(?:oration)?|llc)\b",
    re.IGNORECASE,
)
_AFTER_NAME = re.compile(r"\s(?:[-–—|/]\s.*|(?:Dep(?:ar)?t\.?|Department|Division|Faculty)\s+of\b.*)$", re.DOTALL)
_GLUED = re.compile(r"(?<=[a-z])(?:Universit|Hospital|Academy|Clinic).*", re.DOTALL)
_LOWER_OR_DOT = frozenset("abcdefghijklmnopqrstuvwxyz.")
_PLACE = re.compile(r"[\d\s-]*[^\W\d_][\w'’.-]*(?:\s\d+)?")
_MAX_NAME = 200  # characters
_POSTAL_CODE = re.compile(r"\d{4,}")


def given_names_of(text: str) -> str:
    """Given names, perhaps as initials, without the degrees behind them."""
    words = text.split()
    count = _degrees_at_end(words)
    is_name = 0 < count < len(words) and words[-count - 1][-1] in _LOWER_OR_DOT
    return " ".join(words[:-count]) if is_name else text


def _degrees_at_end(words: Sequence[str]) -> int:
    """How many of the last words are degrees, `Ph. D` counts as two."""
    count = 0
    while count < len(words):
        last = len(words) - count - 1
        if _DEGREE_AT_END.fullmatch(words[last].rstrip(",")):
            count += 1
        elif last > 0 and _SURE.fullmatch(f"{words[last - 1]} {words[last].rstrip(',')}"):
            count += 2
        else:
            break
    return count


def is_institution(text: str) -> bool:
    """True for a university, department or the like; False for a person and for a group that writes."""
    return _INSTITUTION.search(text) is not None and not is_collective(text)


def people_in(pieces: Sequence[str]) -> list[str]:
    """The pieces between the commas of a line that are no degrees, no institutions, and no places after these.

    A line of nothing but institutions stays.
    """
    people: list[str] = []
    is_affiliation = False
    for number, piece in enumerate(pieces):
        if people and is_degree_of(piece, people[-1]):
            continue
        following = pieces[number + 1] if number + 1 < len(pieces) else ""
        is_place = is_affiliation and (
            _POSTAL_CODE.search(piece) is not None
            or (_PLACE.fullmatch(piece) is not None and not _INITIALS.fullmatch(following))
        )
        is_affiliation = is_place or ("(" not in piece and is_institution(piece) and person_of(piece) == piece)
        if not is_affiliation:
            people.append(piece)
    return people or list(pieces)


def is_degree_of(piece: str, name: str) -> bool:
    """True for a degree behind a name; `MD` behind a family name alone are initials."""
    if not _DEGREE.fullmatch(piece):
        return False
    return _SURE.fullmatch(piece) is not None or _is_full(name[:_MAX_NAME]) or _INITIALS.fullmatch(name) is not None


def _is_full(name: str) -> bool:
    """True for several words that are no family name with a particle."""
    return " " in name and name.split(maxsplit=1)[0].casefold() not in PARTICLES | INNER_PARTICLES


def person_of(name: str) -> str:
    """One author without title, and without the degrees and the institution that follow the name."""
    if is_collective(name):
        return name
    text = _TITLE.sub("", name)
    match = _AFTER_NAME.search(text)
    if match and (is_institution(match[0]) and not is_institution(text[: match.start()])):
        is_person = len(text[: match.start()].split()) > 1
        text = text[: match.start()] if is_person else text
    text = _without_degrees(_GLUED.sub("", text) if " " in text.strip() else text)
    return text.strip(" ,;-–—|/") or name


def _without_degrees(name: str) -> str:
    """`Ada Byron MD, PhD` is Ada Byron; `Byron MD` and `van Byron MD` may have initials at the end."""
    words = name.split()
    degrees = words[len(words) - _degrees_at_end(words) :]
    words_before = words[: len(words) - len(degrees)]
    if not degrees or not words_before:
        return name
    is_sure = len(degrees) > 1 or _SURE.fullmatch(degrees[0].rstrip(",")) is not None
    bare_name = " ".join(words_before).rstrip(",")
    return bare_name if is_sure or _is_full(bare_name) else name


def people_of(names: Sequence[str]) -> tuple[str, ...]:
    """The authors of a list, without institutions where it names others too. Two authors may have one name.

    Where names end with initials (`Byron MD`), these stay.
    """
    has_initials_last = sum(_INITIALS_AT_END.fullmatch(name) is not None for name in names)
    if has_initials_last * 2 <= len(names):
        names = [person_of(name) for name in names]
    people = [name for name in names if not _SURE.fullmatch(name)]
    others = [name for name in people if not (is_institution(name) or _DEGREE.fullmatch(name))]
    return tuple(others or people)
