"""The syntax tree of queries, and the words of phrases, analysed in the same way as papers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from digest.text.tokens import Token, is_weighted, tokens, words

TEXT_FIELDS = ("", "ti", "abs", "all")
FIELDS = ("ti", "abs", "au", "cat", "co", "all", "inst", "venue", "has")


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase in one field ('' is title or abstract). `text` is as typed, with single spaces."""

    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class And:
    """All parts match."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part matches."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AndNot:
    """`keep` matches and `drop` does not."""

    keep: Node
    drop: Node


Node = Term | And | Or | AndNot


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed topic. `plain`: words only, so it also matches closely; then `root` is one Term."""

    root: Node
    plain: bool = False


class Word(NamedTuple):
    """One word of a Term: a stem, or with `prefix` the beginning of a word as written. `typed`: the original text.

    `is_weighted` is False for stop words, which only keep their position in the phrase.
    """

    text: str
    prefix: bool
    typed: str
    is_weighted: bool


@lru_cache(maxsize=1 << 14)
def phrase_words(term: Term) -> tuple[Word, ...]:
    """The words of a Term in order; a `*` ends a prefix. They are never empty in a parsed query."""
    analysed: list[Word] = []
    for prefixes, pieces in groupby(term.text.split(), key=is_prefix):
        for piece in pieces if prefixes else _join_tokens(pieces):
            analysed += _prefix_words(piece) if prefixes else (_word(token, piece) for token in tokens(piece))
    return tuple(analysed)


def is_prefix(piece: str) -> bool:
    """True for `model*`; but `A*` names something: a single letter with a star is a word."""
    return piece.endswith("*") and not re.search(r"(?<![^\W_])[A-Za-z]\*$", piece)


def positive_terms(node: Node) -> tuple[Term, ...]:
    """The terms that can match, in the order typed, without those excluded by ANDNOT."""
    if isinstance(node, Term):
        return (node,)
    if isinstance(node, AndNot):
        return positive_terms(node.keep)
    return tuple(term for part in node.parts for term in positive_terms(part))


def all_terms(node: Node) -> Iterator[Term]:
    """All terms of a query, also those that ANDNOT excludes."""
    match node:
        case Term():
            yield node
        case AndNot(keep, drop):
            yield from all_terms(keep)
            yield from all_terms(drop)
        case And(parts) | Or(parts):
            for part in parts:
                yield from all_terms(part)


def _join_tokens(pieces: Iterable[str]) -> list[str]:
    """Typed words, joined where adjacent words form one token, such as `data set`."""
    chunks: list[str] = []
    for piece in pieces:
        joined = f"{chunks[-1]} {piece}" if chunks else ""
        if chunks and tokens(joined) != tokens(chunks[-1]) + tokens(piece):
            chunks[-1] = joined
        else:
            chunks.append(piece)
    return chunks


def _prefix_words(piece: str) -> list[Word]:
    """`self-superv*` is the word self, then a prefix."""
    *complete_words, last = words(piece[:-1]) or [""]
    analysed = [_word(token, piece) for token in tokens(" ".join(complete_words))]
    return [*analysed, Word(last, True, piece, True)] if last else analysed


def _word(token: Token, typed: str) -> Word:
    return Word(token.stem, False, typed, is_weighted(token.word))
