"""Matched words, found again in what is shown: case, accents and hyphens don't matter, an ending may differ."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from markupsafe import Markup, escape

from digest.text.folding import GREEK

_TEMPLATE_LIKE = str.maketrans({"{": "&#123;", "}": "&#125;"})
_FIELD = re.compile(r"^(?:ti|abs|au|cat|co|all|inst|venue|has):", re.IGNORECASE)
_COMMON = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "the", "to", "via", "vs")
)
_SIGNS = {name: sign for sign, name in GREEK.items()}
_PART = re.compile(r"[α-ω]|[^\W_α-ω]+")
MARK = 'class="mark" style="background-color:#fdf0c4"'


def shown(text: str) -> Markup:
    """Foreign text for HTML. Nothing in it can look like markup, or like a template that was not filled."""
    escaped = str(escape(text))
    if "{" in escaped or "}" in escaped:
        escaped = escaped.translate(_TEMPLATE_LIKE)
    return Markup(escaped.replace("None", "N&#111;ne").replace("undefined", "un&#100;efined"))  # noqa: S704


def fold(text: str) -> str:
    """The text in lower case without accents, every character still at its place."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold, text))


@lru_cache(maxsize=4096)
def _fold(letter: str) -> str:
    return (unicodedata.normalize("NFKD", letter)[0].casefold() or letter)[0]


@lru_cache(maxsize=4096)
def pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds these words in folded text; None where nothing is left to look for."""
    found = [part for part in map(_expression, words[:40]) if part]
    if not found:
        return None
    found.sort(key=len, reverse=True)  # the longer phrase first
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)")


def _expression(word: str) -> str:
    """One word or phrase as an expression, '' for one too common to mark."""
    plain = fold(_FIELD.sub("", word.strip().strip("\"'"))).strip("\"' ")
    parts = _PART.findall(plain)[:12]
    if not parts or " ".join(parts) in _COMMON or len("".join(parts)) < 2:
        return ""
    ending = r"\w*" if plain.endswith("*") else r"(?:s|es)?"
    last = parts[-1]
    if ending != r"\w*" and len(last) > 3 and last.endswith("s") and last not in _SIGNS:
        last = last[:-1]
    return r"[\s\-–_]?".join(map(_part, [*parts[:-1], last])) + ending


def _part(part: str) -> str:
    """A part of a word as an expression: the name of a Greek letter finds the letter, and the letter its name."""
    name, sign = GREEK.get(part, part), _SIGNS.get(part, part)
    return re.escape(part) if name == sign else f"(?:{name}|{sign})"


def marked(text: str, folded: str, found: re.Pattern[str] | None, plain: Markup) -> Markup:
    """The text for HTML with a marker behind the words found. `folded` is `fold(text)`, `plain` is `shown(text)`."""
    spans = _spans(folded, found) if found else []
    if not spans:
        return plain
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += [shown(text[at:start]), f"<span {MARK}>{shown(text[start:end])}</span>"]
        at = end
    return Markup("".join([*pieces, shown(text[at:])]))  # noqa: S704


def _spans(folded: str, found: re.Pattern[str]) -> list[tuple[int, int]]:
    """Where the words stand; neighbours share one marker."""
    spans: list[tuple[int, int]] = []
    for match in found.finditer(folded):
        start, end = match.span()
        if spans and not folded[spans[-1][1] : start].strip(" -–"):
            start = spans.pop()[0]
        spans.append((start, end))
    return spans
