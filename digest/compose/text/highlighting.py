"""Mark matched words in a text: those by which the matcher found the paper, in whatever form they stand there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape

from digest.matching.query.syntax_tree import Term, Word, phrase_words
from digest.text.token_places import PlacedToken, token_places

_TEMPLATE_LIKE = str.maketrans({"{": "&#123;", "}": "&#125;"})
_FIELD = re.compile(r"^(?:ti|abs|au|cat|co|all|inst|venue|has):", re.IGNORECASE)
_QUOTES = "\"' "
MAX_WORDS = 40  # that are marked in one paper
Phrase = tuple[Word, ...]
MARK = 'class="mark" style="background-color:#fdf0c4"'


def escape_text(text: str) -> Markup:
    """Escape foreign text for HTML, so that nothing in it looks like markup or an unfilled template."""
    escaped = str(escape(text))
    if "{" in escaped or "}" in escaped:
        escaped = escaped.translate(_TEMPLATE_LIKE)
    return Markup(escaped.replace("None", "N&#111;ne").replace("undefined", "un&#100;efined"))  # noqa: S704


def bind_dots(line: Markup) -> Markup:
    """The text with each dot between facts bound to the word before it, so that no line begins with one."""
    return line.replace(" · ", "\u00a0· ")


def fold_for_search(text: str) -> str:
    """The text in lower case without accents; offsets stay the same."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold, text))


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    return (unicodedata.normalize("NFKD", character)[0].casefold() or character)[0]


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A place where matched words stand, by offsets; with the methods of `re.Match` for it."""

    place: tuple[int, int]

    def span(self) -> tuple[int, int]:
        """The offsets of the first character and behind the last one."""
        return self.place

    def start(self) -> int:
        """The offset of the first character."""
        return self.place[0]

    def end(self) -> int:
        """The offset behind the last character."""
        return self.place[1]


class WordPattern:
    """Finds matched words in a text as the matcher does, by stems of tokens; with methods of a compiled `re.Pattern`.

    `phrases`: words that stand side by side. `compounds`: words typed as one, such as `self-play`, of which the matcher
    counts each part; the parts are looked for where the whole does not stand.
    """

    def __init__(self, phrases: Iterable[Phrase], compounds: Iterable[Phrase] = ()) -> None:
        self._phrases = _PhraseTable(phrases)
        self._compounds = [(_PhraseTable([phrase]), _PhraseTable(_weighted_parts(phrase))) for phrase in compounds]

    def finditer(self, text: str) -> Iterator[WordMatch]:
        """The places of the words in order; they do not overlap."""
        placed = token_places(text)
        spans = [*self._phrases.spans(placed)]
        for whole, parts in self._compounds:
            spans += [*whole.spans(placed)] or [*parts.spans(placed)]
        end = 0
        for start, stop in sorted(spans, key=lambda span: (span[0], -span[1])) if self._compounds else spans:
            if start >= end:
                yield WordMatch((start, stop))
                end = stop

    def search(self, text: str) -> WordMatch | None:
        """The first place, None where none of the words stands in the text."""
        return next(self.finditer(text), None)


class _PhraseTable:
    """Phrases by the stem of their first word; those that begin with a prefix apart."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_stem: dict[str, list[Phrase]] = {}
        self._by_prefix: list[Phrase] = []
        for phrase in phrases:
            (self._by_prefix if phrase[0].prefix else self._by_stem.setdefault(phrase[0].text, [])).append(phrase)

    def spans(self, placed: Sequence[PlacedToken]) -> Iterator[tuple[int, int]]:
        """The places of the phrases in a text; of those that begin at one place the longest."""
        by_stem, by_prefix, following = self._by_stem, self._by_prefix, 0
        for position, (token, start, _) in enumerate(placed):
            if position < following or not (by_prefix or token.stem in by_stem):
                continue
            phrases = [*by_stem.get(token.stem, ()), *by_prefix]
            if end := max([_phrase_end(phrase, placed, position) for phrase in phrases]):
                yield start, placed[end - 1].end
                following = end


def _phrase_end(phrase: Phrase, placed: Sequence[PlacedToken], position: int) -> int:
    """The number of the token behind a phrase that begins at a position; 0 where it does not."""
    for word in phrase:
        if position >= len(placed):
            return 0
        token = placed[position].token
        if token.stem == word.text if not word.prefix else token.word.startswith(word.text):
            position += 1
        elif word.prefix and token.whole.startswith(word.text):
            position += token.span
        else:
            return 0
    return position


def _weighted_parts(phrase: Phrase) -> list[Phrase]:
    return [(word,) for word in phrase if word.is_weighted]


@lru_cache(maxsize=4096)
def compile_pattern(words: tuple[str, ...]) -> WordPattern | None:
    """A pattern that finds these words and phrases as typed; None if all of them are too common to mark."""
    analysed = {word: term_words(word) for word in words[:MAX_WORDS]}
    phrases = {word: phrase for word, phrase in analysed.items() if any(part.is_weighted for part in phrase)}
    if not phrases:
        return None
    compounds = [word for word, phrase in phrases.items() if len(phrase) > 1 and " " not in word.strip()]
    return WordPattern(
        [phrase for word, phrase in phrases.items() if word not in compounds], [phrases[word] for word in compounds]
    )


def term_words(word: str) -> Phrase:
    """The words of a term as typed, analysed as those of a topic."""
    return phrase_words(Term(" ".join(_FIELD.sub("", word.strip().strip(_QUOTES)).strip(_QUOTES).split())))


def mark_words(text: str, words_pattern: WordPattern | None, plain: Markup) -> Markup:
    """The text for HTML with the matches marked. `plain`: `escape_text(text)`."""
    spans = marked_spans(text, words_pattern) if words_pattern else []
    if not spans:
        return plain
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces += [escape_text(text[position:start]), f"<span {MARK}>{escape_text(text[start:end])}</span>"]
        position = end
    return Markup("".join([*pieces, escape_text(text[position:])]))  # noqa: S704


def marked_spans(text: str, words_pattern: WordPattern) -> list[tuple[int, int]]:
    """The offsets of the matches; adjacent ones share a marker."""
    spans: list[tuple[int, int]] = []
    for match in words_pattern.finditer(text):
        start, end = match.span()
        if spans and not text[spans[-1][1] : start].strip(" -–"):
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def highlighted_pieces(title: str, words: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """The title in pieces (text, whether to highlight it), as in the mail."""
    matcher = compile_pattern(words)
    if matcher is None:
        return ((title, False),)
    segments, position = [], 0
    for start, end in marked_spans(title, matcher):
        segments += [(title[position:start], False), (title[start:end], True)]
        position = end
    return tuple(piece for piece in (*segments, (title[position:], False)) if piece[0])
