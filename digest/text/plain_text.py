"""Makes text from outside safe to store and show: the only place that decides which characters are allowed.

`remove_controls` cleans imported texts (titles, abstracts, names, comments, venues); `one_line` also collapses spaces,
for texts stored without cleaning and for every line that is shown. Both take linear time.
"""

from __future__ import annotations

import re
import unicodedata

MAX_MARKS = 10  # combining marks in a row; real text has at most five, and sorting long runs is quadratic

# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties) of those that `str.isprintable` calls printable
_INVISIBLE_CHARACTERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0"
_INVISIBLE = re.compile(f"[{_INVISIBLE_CHARACTERS}\ufe00-\ufe0d\U000e0100-\U000e01ef]|[\ufe0e\ufe0f](?=[\ufe0e\ufe0f])")
_KEPT_BLANKS = frozenset("\t\n\r")
# A joiner has a meaning only between emoji, and in scripts that join their letters.
_JOINER = re.compile("[\u200c\u200d]")
_JOINED_SCRIPTS = re.compile(
    "[\u0600-\u07ff\u08a0-\u0dff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]"
)
# A run of combining marks is within a run of characters that are neither letters nor blanks nor ASCII.
_MARK_RUN = re.compile(rf"[^\x00-\x7f\w\s]{{{MAX_MARKS + 1},}}")


def remove_controls(text: str) -> str:
    """The text without control, direction, invisible, private and unassigned characters.

    Tabs and line ends stay, other white space becomes a space, lone surrogates are removed. Of more than ten combining
    marks in a row the first ten stay.
    """
    if text.isascii() and text.isprintable():  # nearly every title
        return text
    if not text.isprintable():
        replacements = {
            ord(character): _replacement(character) for character in set(text) if not character.isprintable()
        }
        text = _without_loose_joiners(text.translate(replacements))
    if text.isascii():
        return text
    return bound_marks(_INVISIBLE.sub("", text))


def one_line(text: str) -> str:
    """The cleaned text with every run of white space as one space."""
    return " ".join(remove_controls(text).split())


def bound_marks(text: str) -> str:
    """The text with at most ten combining marks in a row, so that normalising it takes linear time."""
    return _MARK_RUN.sub(_bound_run, text)


def normalize(text: str) -> str:
    """NFC in linear time: `unicodedata.normalize` sorts a run of combining marks by insertion."""
    return text if text.isascii() else unicodedata.normalize("NFC", bound_marks(text))


def _replacement(character: str) -> str:
    """The replacement of a character that is not printable: itself, a space, or nothing."""
    if character in _KEPT_BLANKS or _JOINER.match(character) or unicodedata.category(character) == "Zs":
        return character
    return " " if character.isspace() else ""


def _without_loose_joiners(text: str) -> str:
    """The text without joiners between characters that they cannot join."""
    return _JOINER.sub(lambda match: match[0] if _can_join(text, match.start()) else "", text)


def _can_join(text: str, index: int) -> bool:
    return 0 < index < len(text) - 1 and all(
        _JOINED_SCRIPTS.match(text[neighbour]) for neighbour in (index - 1, index + 1)
    )


def _bound_run(match: re.Match[str]) -> str:
    characters: list[str] = []
    marks = 0
    for character in match[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            characters.append(character)
    return "".join(characters)
