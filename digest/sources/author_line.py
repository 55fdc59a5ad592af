"""Splits a line of authors as people type it into names. Pure; linear time.

`A. Byron (1), Emmy Noether and Wei Li ((1) Royal Society)`, `Byron, A.; Noether, E.`, `Byron, A. and Noether, E.`,
`The HELIX Collaboration: A. Byron, E. Noether`, `A. Byron on behalf of the HELIX Collaboration`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from digest.sources.author_affiliations import given_names_of, people_in, people_of
from digest.text.collective_authors import is_collective
from digest.text.tex import readable
from digest.text.word_tables import INNER_PARTICLES, PARTICLES

MAX_LINE = 1_000_000  # characters; the rest of a line is ignored

_MARK = re.compile(r"\$\s*\^[^$]{0,60}\$|\\textsuperscript\{[^{}]{0,60}\}|\^\{[^{}]{0,60}\}|\[[\d,;*\s]{1,40}\]")
_ET_AL = re.compile(
    r"(?<![^\s,;])(?:and\s+|&\s*)?(?:et\.?\s*al(?:ii|ia)?\b\.?|(?:and\s+)?(?:\d+\s+)?(?:others|coauthors|co-authors)\b\.?"
    r"|\.\.\.|…)",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*,?\s+(?:and|&)\s+|^\s*(?:and|&)\s+", re.IGNORECASE)
_ON_BEHALF = re.compile(
    r"\b(?:for|on\s+behalf\s+of|representing)\s+(?=(?:the\b|[^\s,;()]+(?:\s+[^\s,;()]+){0,4}\s+collaboration))"
    r"(?:the\s+)?",
    re.IGNORECASE,
)
_SEVERAL_COLLABORATIONS = re.compile(
    r"(?:^\s*|(?<=the )|(?<=The ))[^\W\d_][\w-]*(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)[^\W\d_][\w-]*){1,9}\s+"
    r"(?:Scientific\s+)?(?:collaborations|consortia|teams|groups)\b",
    re.IGNORECASE,
)
_AND_IN_INSTITUTION = re.compile(  # Department of Physics and Astronomy
    r"\b((?:Dep(?:artmen)?t\.?|Faculty|School|Institute|College|Division|Cent(?:er|re)|Academy|University)\s+(?:of|for)"
    r"(?:\s+[^\s,;]+){1,3}?)\s+(?:and|&)\s+(?=[^\s,;]+\s*(?:[,;]|$))",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(?:Jr|Sr)\.?|I{2,3}|IV|2nd|3rd", re.IGNORECASE)
_INITIAL = r"(?:[^\W\d_]{1,2}\.|[^\W\d_](?![^\W\d_]))"
_INITIALS = re.compile(rf"{_INITIAL}(?:[\s-]*{_INITIAL})*")
_GROUP = re.compile(r"\s*(?:the\s+)?[^,;()]{1,80}\b(?:collaboration|consortium)s?\s*", re.IGNORECASE)
_CONNECTING_WORDS = PARTICLES | INNER_PARTICLES | {"y", "e", "i"}
_LABEL = re.compile(r"\s*(?:authors?|by|with(?: contributions from| an appendix by)?)\s*", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:by|with(?:\s+contributions\s+from|\s+an?\s+(?:appendix|supplement)\s+by)?)\s+", re.IGNORECASE
)
_INSTITUTION = re.compile(
    r"\b(?:univ(?:ersit\w*)?|institut\w*|inst|dept|departm\w*|laborator\w*|labs?|college|school|cent(?:er|re|ro)|"
    r"facult\w*|academ\w*|observator\w*|hospital|ltd|inc|gmbh|corp\w*)\b",
    re.IGNORECASE,
)
_PROTECT_SEPARATORS = str.maketrans({",": "\x01", "&": "\x02"})
_RESTORE_SEPARATORS = str.maketrans({"\x01": ",", "\x02": "&", "\x03": "and"})
_AND_WORD = re.compile(r"\band\b", re.IGNORECASE)
_EDGES = " ,;:*†‡§¶#|\t\n"


@dataclass(frozen=True, slots=True)
class AuthorLine:
    """The names in their order. `complete` is False where the line ends in `et al.` or the like."""

    names: tuple[str, ...]
    complete: bool = True


def authors_of(line: str, *, with_affiliations: bool = False) -> AuthorLine:
    """Split one line: affiliations and degrees are removed, TeX accents become letters, family names come last.

    A collaboration is one name and follows the people who write on its behalf. `with_affiliations`: those that stand
    between commas stay, as the names that they were taken for once.
    """
    line = _MARK.sub(" ", line[:MAX_LINE])
    text, is_unbalanced = _without_affiliations(readable(line))
    text, omitted_count = _ET_AL.subn(" , ", " ".join(text.split()))  # the patterns below expect single spaces
    text = _SEVERAL_COLLABORATIONS.sub(
        lambda match: _AND_WORD.sub("\x03", match[0].translate(_PROTECT_SEPARATORS)), text
    )
    text = " ".join(_ON_BEHALF.sub(" , ", text).split())
    if not with_affiliations:
        text = _AND_IN_INSTITUTION.sub(lambda match: f"{match[1]} \x03 ", text)
    names: list[str] = []
    for part in text.split(":"):
        if not _LABEL.fullmatch(part):
            names += _names_of_part(part, is_unbalanced, with_affiliations or is_unbalanced)
    return AuthorLine(tuple(names) if with_affiliations else people_of(names), complete=not omitted_count)


def _without_affiliations(text: str) -> tuple[str, bool]:
    """Remove parentheses. Also returns whether any was unbalanced.

    A collaboration in parentheses is kept. An unclosed parenthesis ends at the next separator, or at the end of the
    line where it holds a list of numbered affiliations.
    """
    closing_positions = _closing_positions(text)
    parts: list[str] = []
    position, is_unbalanced = 0, False
    for parenthesis in re.finditer(r"[()]", text):
        start = parenthesis.start()
        if start < position:
            continue
        parts.append(text[position:start])
        end = closing_positions.get(start)
        if end is not None:
            parts.append(_replacement(text[start + 1 : end]))
            position = end + 1
            continue
        is_unbalanced, position = True, start + 1
        if parenthesis[0] == "(" and not _ON_BEHALF.match(text, position):
            following = re.compile(r"\s*").match(text, position)
            next_word = following.end() if following else position
            separator = None if next_word in closing_positions else re.compile(r"[,;)]|\sand\s").search(text, position)
            position = separator.start() if separator else len(text)
    return "".join([*parts, text[position:]]), is_unbalanced


def _replacement(content: str) -> str:
    """The replacement of a pair of parentheses: a collaboration is kept, an affiliation is removed."""
    if _ON_BEHALF.match(content):
        return f" {content} "
    return f" , {content} , " if _GROUP.fullmatch(content) else " "


def _closing_positions(text: str) -> dict[int, int]:
    """Position of each balanced opening parenthesis to that of its closing one."""
    open_positions: list[int] = []
    closing_positions: dict[int, int] = {}
    for parenthesis in re.finditer(r"[()]", text):
        if parenthesis[0] == "(":
            open_positions.append(parenthesis.start())
        elif open_positions:
            closing_positions[open_positions.pop()] = parenthesis.start()
    return closing_positions


def _names_of_part(text: str, is_unbalanced: bool, with_affiliations: bool) -> list[str]:
    """The names of a part without labels and parentheses."""
    names: list[str] = []
    for piece in _names_given_first(text, with_affiliations=with_affiliations):
        name = _clean_name(piece, is_unbalanced=is_unbalanced)
        if names and _SUFFIX.fullmatch(name):
            names[-1] += f" {name}"
        elif names and _are_initials(name) and " " not in names[-1] and _is_family(names[-1]):
            names[-1] = f"{name} {names[-1]}"
        elif name:
            names.append(name)
    return names


def _names_given_first(text: str, *, with_affiliations: bool) -> list[str]:
    """Names with given names first, split at semicolons, `and`, or commas, whichever separates names."""

    def split(chunk: str) -> list[str]:
        pieces = _split_at_commas(chunk)
        return pieces if with_affiliations else people_in(pieces)

    groups = [split(group) for group in text.split(";")]
    if len(groups) > 1:
        groups = [group for group in groups if group]
        has_plain_name = any(
            len(group) == 1 and " " in group[0] for group in groups
        )  # then the other groups may be lists of names
        if all(len(g) == 1 or (_is_inverted(g) and (_is_surely_family(g) or not has_plain_name)) for g in groups):
            return [_given_names_first(group) for group in groups]
        return [name for group in groups for piece in group for name in _AND.split(piece)]
    chunks = [pieces for chunk in _AND.split(text) if (pieces := split(chunk))]
    if len(chunks) > 1 and all(_is_inverted(chunk) and _is_surely_family(chunk) for chunk in chunks):
        return [_given_names_first(chunk) for chunk in chunks]
    pieces = [piece for chunk in chunks for piece in chunk]
    pairs = [pieces[start : start + 2] for start in range(0, len(pieces), 2)]
    is_single_pair = len(pieces) == 2 and all(re.fullmatch(r"[A-ZÀ-Þ][^\W\d_A-Z]+", piece) for piece in pieces)
    if is_single_pair or all(_is_inverted(pair) and _are_initials(pair[1]) for pair in pairs):
        return [_given_names_first(pair) for pair in pairs]
    return pieces


def _split_at_commas(text: str) -> list[str]:
    """Split at commas; `Jr.` and the like stay with the name before them."""
    pieces: list[str] = []
    for piece in (part.strip(_EDGES) for part in text.split(",")):
        if pieces and _SUFFIX.fullmatch(piece):
            pieces[-1] += f" {piece}"
        elif piece:
            pieces.append(piece)
    return pieces


def _is_inverted(pieces: Sequence[str]) -> bool:
    """True for a family name and given names, in this order."""
    if len(pieces) != 2 or not _is_family(pieces[0]) or is_collective(pieces[1]):
        return False
    is_place = len(pieces[1]) > 2 and pieces[1].isupper() and not _are_initials(pieces[1])  # Ada Byron, MIT
    return not is_place and not _INSTITUTION.search(pieces[1])


def _is_family(text: str) -> bool:
    """True for a possible family name: one or two words, particles before them, no initials."""
    words = [word for word in text.split() if not _SUFFIX.fullmatch(word)]
    if not words or any(_are_initials(word) for word in words) or is_collective(text):
        return False
    return len([word for word in words if word.casefold() not in _CONNECTING_WORDS]) <= 2


def _is_surely_family(pieces: Sequence[str]) -> bool:
    """True for a one-word family name before given names, or a two-word one before initials."""
    words = [
        word for word in pieces[0].split() if word.casefold() not in _CONNECTING_WORDS and not _SUFFIX.fullmatch(word)
    ]
    return len(words) == 1 or _are_initials(pieces[1])


def _are_initials(text: str) -> bool:
    """True for `A.`, `J.-P.`, `E`, `Yu. A.`, also before `Jr.` and the like."""
    words = text.split()
    initials = " ".join(words[:-1]) if len(words) > 1 and _SUFFIX.fullmatch(words[-1]) else text
    return initials[:1].isupper() and _INITIALS.fullmatch(initials) is not None


def _given_names_first(pieces: Sequence[str]) -> str:
    """Given names first: `Byron Jr.` and `A.` are `A. Byron Jr.`."""
    if len(pieces) != 2:
        return " ".join(pieces)
    family, given_names = pieces[0], given_names_of(pieces[1])
    words, given_words = family.split(), given_names.split()
    suffixes = [word for word in (*words, *given_words) if _SUFFIX.fullmatch(word)]
    return " ".join(
        [*(w for w in given_words if w not in suffixes), *(w for w in words if w not in suffixes), *suffixes]
    )


def _clean_name(piece: str, *, is_unbalanced: bool) -> str:
    """Remove footnote marks; '' where no name is left. `is_unbalanced`: affiliations may follow the name."""
    name = piece.translate(_RESTORE_SEPARATORS).strip(_EDGES)
    name = _LEADING.sub("", re.sub(r"^[\d\W]+\s|(?<=[^\W\d_])[\d,]{1,9}$|\s+[\d,]{1,9}$", "", name)).strip(_EDGES)
    if is_unbalanced and not is_collective(name):
        institution = _INSTITUTION.search(name)
        name = name[: institution.start()].strip(_EDGES) if institution else name
        if " " not in name and "." not in name:
            return ""
    return name if any(character.isalpha() for character in name) else ""
