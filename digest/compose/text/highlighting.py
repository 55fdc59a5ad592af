"""Mark matched words in a text, whatever their case, accents and hyphens; plural endings may differ."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from markupsafe import Markup, escape

from digest.text.folding import GREEK

_TEMPLATE_LIKE = str.maketrans({"{": "&#123;", "}": "&#125;"})
_FIELD = re.compile(r"^(?:ti|abs|au|cat|co|all|inst|venue|has):", re.IGNORECASE)
COMMON_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "the", "to", "via", "vs")
)
_GREEK_BY_NAME = {name: sign for sign, name in GREEK.items()}
_PART = re.compile(r"[α-ω]|[^\W_α-ω]+")
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


@lru_cache(maxsize=4096)
def compile_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern that finds these words in folded text; None if all of them are too common to mark."""
    expressions = [part for part in map(_expression, words[:40]) if part]
    if not expressions:
        return None
    expressions.sort(key=len, reverse=True)  # the longer phrase first
    return re.compile(rf"(?<!\w)(?:{'|'.join(expressions)})(?!\w)")


def _expression(word: str) -> str:
    """The expression for a word or phrase, '' for one too common to mark."""
    plain = fold_for_search(_FIELD.sub("", word.strip().strip("\"'"))).strip("\"' ")
    parts = _PART.findall(plain)[:12]
    if not parts or " ".join(parts) in COMMON_WORDS or len("".join(parts)) < 2:
        return ""
    ending = r"\w*" if plain.endswith("*") else r"(?:s|es)?"
    last = parts[-1]
    if ending != r"\w*" and len(last) > 3 and last.endswith("s") and last not in _GREEK_BY_NAME:
        last = last[:-1]
    return r"[\s\-–_]?".join(map(_part, [*parts[:-1], last])) + ending


def _part(part: str) -> str:
    """The expression for a part of a word; a Greek letter and its name find each other."""
    name, sign = GREEK.get(part, part), _GREEK_BY_NAME.get(part, part)
    return re.escape(part) if name == sign else f"(?:{name}|{sign})"


def mark_words(text: str, folded: str, words_pattern: re.Pattern[str] | None, plain: Markup) -> Markup:
    """The text for HTML with the matches marked. `folded`: `fold_for_search(text)`, `plain`: `escape_text(text)`."""
    spans = _spans(folded, words_pattern) if words_pattern else []
    if not spans:
        return plain
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces += [escape_text(text[position:start]), f"<span {MARK}>{escape_text(text[start:end])}</span>"]
        position = end
    return Markup("".join([*pieces, escape_text(text[position:])]))  # noqa: S704


def _spans(folded: str, words_pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """The offsets of the matches; adjacent ones share a marker."""
    spans: list[tuple[int, int]] = []
    for match in words_pattern.finditer(folded):
        start, end = match.span()
        if spans and not folded[spans[-1][1] : start].strip(" -–"):
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def highlighted_pieces(title: str, words: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """The title in pieces (text, whether to highlight it), as in the mail."""
    matcher = compile_pattern(words)
    if matcher is None:
        return ((title, False),)
    spans: list[tuple[int, int]] = []
    for match in matcher.finditer(fold_for_search(title)):
        gap = title[spans[-1][1] : match.start()] if spans else "."
        start = spans.pop()[0] if gap.strip(" -") == "" else match.start()  # highlight adjacent words together
        spans.append((start, match.end()))
    segments, position = [], 0
    for start, end in spans:
        segments += [(title[position:start], False), (title[start:end], True)]
        position = end
    return tuple(piece for piece in (*segments, (title[position:], False)) if piece[0])
