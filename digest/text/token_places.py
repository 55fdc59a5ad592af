"""Tokens with their places in the text: what the matcher reads, where a reader sees it.

The steps are those of `tokens.words`, on a text of which each character knows the place that it comes from. Meant for
texts as they are shown, which hold no TeX commands; the words of a text with commands have the place of their whole
piece between blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from string import ascii_uppercase
from typing import NamedTuple

from digest.caching import BoundedCache
from digest.text.folding import fold_text
from digest.text.line_end_hyphens import line_end_hyphens
from digest.text.tex_words import without_tex
from digest.text.tokens import APOSTROPHE, CJK, POSSESSIVE, TEX, WORD, Token, is_joined, split_compound, words

_PIECE = re.compile(r"\S+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_TEX_BLANKS, _TEX_SIGNS = frozenset("_~"), frozenset("{}$^_~")
_MAX_REMOVED = 40  # signs of TeX between two characters that are left
_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}
_BYTES_PER_TOKEN = 150


class PlacedToken(NamedTuple):
    """A token with the offsets of its first character and behind its last one."""

    token: Token
    start: int
    end: int


_CACHE: BoundedCache[tuple[PlacedToken, ...]] = BoundedCache(
    max_entries=8192, max_bytes=16 << 20, size_of=lambda placed_tokens: _BYTES_PER_TOKEN * (1 + len(placed_tokens))
)


class _PlacedWord(NamedTuple):
    """A folded word; `places`: the offsets (from, to) in the text of each of its characters."""

    text: str
    places: tuple[tuple[int, int], ...]


def token_places(text: str) -> tuple[PlacedToken, ...]:
    """The tokens of a text, those of `tokens.tokens`, each with its place. Never raises.

    Cached, because titles and sentences are searched for the words of many subscribers.
    """
    return _CACHE.get(text, lambda: _token_places(text))


def _token_places(text: str) -> tuple[PlacedToken, ...]:
    return tuple(placed for word in _join_compounds(_placed_words(text)) for placed in _split(word))


def _split(word: _PlacedWord) -> Iterator[PlacedToken]:
    """The tokens of a word; the parts of a compound are side by side in it."""
    position = 0
    for token in split_compound(word.text):
        begin = word.text.find(token.word, position)
        position = begin + len(token.word)
        yield PlacedToken(token, word.places[begin][0], word.places[position - 1][1])


def _join_compounds(placed_words: Iterable[_PlacedWord]) -> list[_PlacedWord]:
    """The words with open forms of closed compounds joined, from the end on as in `tokens.whole_words`."""
    joined: list[_PlacedWord] = []
    for word in reversed(list(placed_words)):
        second = joined[-1] if joined else None
        if second is not None and is_joined(word.text, second.text):
            joined[-1] = _PlacedWord(word.text + second.text, word.places + second.places)
        else:
            joined.append(word)
    return joined[::-1]


def _placed_words(text: str) -> list[_PlacedWord]:
    if "\\" in text:
        return [
            _PlacedWord(word, ((piece.start(), piece.end()),) * len(word))
            for piece in _PIECE.finditer(text)
            for word in words(piece[0])
        ]
    traced = _TracedText.from_text(text)
    return [
        _PlacedWord(match[0], tuple(traced.places[match.start() : match.end()])) for match in WORD.finditer(traced.text)
    ]


class _TracedText:
    """A text in which each character has the place (from, to) that it comes from."""

    def __init__(self, text: str, places: list[tuple[int, int]]) -> None:
        self.text, self.places = text, places

    @classmethod
    def from_text(cls, text: str) -> _TracedText:
        """A text after all steps before words are found in it."""
        traced = cls(text, [(place, place + 1) for place in range(len(text))])
        traced._delete(line_end_hyphens(text))
        if TEX.search(traced.text):
            traced._remove_tex()
        traced._fold()
        if "'" in traced.text:
            traced._delete(match.span() for match in POSSESSIVE.finditer(traced.text))
            traced._delete(match.span() for match in APOSTROPHE.finditer(traced.text))
        if not traced.text.isascii():
            traced._replace((match.start(), match.end(), f" {match[0]} ") for match in CJK.finditer(traced.text))
        return traced

    def _delete(self, spans: Iterable[tuple[int, int]]) -> None:
        self._replace((start, end, "") for start, end in spans)

    def _replace(self, replacements: Iterable[tuple[int, int, str]]) -> None:
        """Replace (start, end, by), in order; what is longer than one character comes from all that it replaces."""
        pieces: list[str] = []
        places: list[tuple[int, int]] = []
        position = 0
        for start, end, by in replacements:
            pieces += (self.text[position:start], by)
            places += self.places[position:start]
            places += [(self.places[start][0], self.places[end - 1][1])] * len(by)
            position = end
        if pieces:
            self.text = "".join([*pieces, self.text[position:]])
            self.places = places + self.places[position:]

    def _remove_tex(self) -> None:
        """Remove signs of TeX: what is left stands in the text in the same order, with blanks for some signs."""
        readable_text = without_tex(self.text)
        places: list[tuple[int, int]] = []
        position = 0
        for character in readable_text:
            readable_at = self._find_left(character, position)
            places.append(self.places[min(position if readable_at < 0 else readable_at, len(self.text) - 1)])
            position = position if readable_at < 0 else readable_at + 1
        self.text, self.places = readable_text, places

    def _find_left(self, character: str, position: int) -> int:
        """Where a character that was left is, from a position on; −1 for a blank that was put between two symbols."""
        for place in range(position, min(position + _MAX_REMOVED, len(self.text))):
            sign = self.text[place]
            if sign == character or (character == " " and sign in _TEX_BLANKS):
                return place
            if character == " " and sign not in _TEX_SIGNS:
                return -1
        return -1

    def _fold(self) -> None:
        """Fold runs of other than ASCII characters each, with the letter before that may carry their marks."""
        text = self.text
        self._replace(
            replacement for run in _NOT_ASCII.finditer(text) for replacement in _folded_run(run.start(), run[0])
        )
        self.text = self.text.translate(_LOWER)


def _folded_run(start: int, run: str) -> Iterator[tuple[int, int, str]]:
    """The folded run by its characters where these can be folded apart, else as one."""
    apart = [fold_text(character) for character in run]
    if "".join(apart) == (whole := fold_text(run)):
        yield from ((place, place + 1, folded) for place, folded in enumerate(apart, start))
    else:
        yield start, start + len(run), whole
