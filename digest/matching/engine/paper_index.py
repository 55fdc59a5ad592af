"""The index of some papers, usually one announcement's: their words interned, in arrays. Immutable.

It depends on no profile and no word weights, so it can be stored on disk and shared by all processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.interning import Split, Words
from digest.matching.engine.segments import concatenated_ranges, distinct, segment_starts
from digest.papers import Record
from digest.text.person_names import PersonName, parse_name
from digest.text.tokens import stem, whole_words

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

TITLE, ABSTRACT, COMMENT, VENUE, INSTITUTION = range(5)  # kinds of text
WITHDRAWN, CODE = 1, 2  # a paper's flags


@dataclass(frozen=True)
class PaperIndex:
    """Papers as arrays; `x_at` holds the offsets at which the segment of each paper (text, word) begins.

    `stream`: every token as the number of its written form, −1 after each text. Forms are in alphabetical order, so
    the forms of a prefix are a range. `wholes` are compounds written as one word: positions, forms, lengths in tokens.
    `post_*`: for each stem the papers that have it, and tf (3 in the title, 1 in the abstract, 4 in both).
    """

    ids: I64
    flags: U8
    length: I32  # tokens of title and abstract
    forms: tuple[str, ...]
    stems: tuple[str, ...]
    form_stem: I32
    stream: I32
    text_at: I32
    text_paper: I32
    text_kind: U8
    form_at: I32
    form_token: I32  # the positions of each form in the stream
    wholes: tuple[str, ...]
    whole_token: I32
    whole_form: I32
    whole_span: I32
    post_at: I32
    post_paper: I32
    post_tf: U8
    names: tuple[str, ...]  # given names with blanks, |, particles, |, family name
    name_at: I32
    name_id: I32
    categories: tuple[str, ...]
    category_at: I32
    category_id: I32

    @property
    def papers(self) -> int:
        """How many papers there are."""
        return len(self.ids)

    @cached_property
    def stem_number(self) -> dict[str, int]:
        """The number of each stem."""
        return {text: number for number, text in enumerate(self.stems)}

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """The names that may match each family name."""
        found: dict[str, list[int]] = {}
        for number, text in enumerate(self.names):
            for key in family_keys(*text.split("|")):
                found.setdefault(key, []).append(number)
        return found

    @cached_property
    def name_keys(self) -> list[str]:
        """The keys of `by_name`, sorted."""
        return sorted(self.by_name)

    def name(self, number: int) -> PersonName:
        """An author's name in parts."""
        given, particles, family = self.names[number].split("|")
        return PersonName(tuple(given.split()), particles, family)


def family_keys(given: str, particles: str, family: str) -> set[str]:
    """The lookup keys of a family name: also with particles, and with the preceding given name as a part of it."""
    last = given.rpartition(" ")[2]
    return {family, particles + family, last + family, particles + last + family} - {""}


class _Builder:
    """Collects the words, names and categories of papers."""

    def __init__(self) -> None:
        self.split, self.names, self.categories = Split(), Words(), Words()
        self.words: list[int] = []
        self.texts: list[tuple[int, int, int]] = []  # begin, paper, kind
        self.name_of: dict[str, int] = {}
        self.authors: list[list[int]] = []
        self.fields: list[list[int]] = []

    def add(self, record: Record) -> None:
        """Add a paper."""
        paper = len(self.authors)
        self._text(record.title, paper, TITLE)
        self._text(record.abstract, paper, ABSTRACT)
        self._text(record.comment or "", paper, COMMENT)
        self._text(record.venue or "", paper, VENUE)
        for institution in record.institutions:
            self._text(institution, paper, INSTITUTION)
        self.authors.append([self._author(author) for author in record.authors])
        self.fields.append([self.categories(category.lower()) for category in record.categories])

    def _text(self, text: str, paper: int, kind: int) -> None:
        found = whole_words(text) if text else []
        if found:
            self.texts.append((len(self.words), paper, kind))
            self.words += map(self.split.__getitem__, found)
            self.words.append(0)

    def _author(self, author: str) -> int:
        if author not in self.name_of:
            parts = parse_name(author)
            self.name_of[author] = self.names(f"{' '.join(parts.given_names)}|{parts.particles}|{parts.family}")
        return self.name_of[author]


def build(papers: Iterable[tuple[int, Record]]) -> PaperIndex:
    """Build the index of papers, as pairs of id and record, in their order."""
    builder = _Builder()
    ids, flags = [], []
    for number, record in papers:
        builder.add(record)
        ids.append(number)
        flags.append(WITHDRAWN * record.withdrawn + CODE * (record.has_code or record.code_url is not None))
    forms, place = builder.split.forms.in_order()
    stems = {text: at for at, text in enumerate(dict.fromkeys(map(stem, forms)))}
    form_stem = np.array([stems[stem(form)] for form in forms], np.int32)
    stream, texts, compounds = _tokens(builder, place)
    name_at, name_id = _rows(builder.authors)
    category_at, category_id = _rows(builder.fields)
    return PaperIndex(
        ids=np.array(ids, np.int64),
        flags=np.array(flags, np.uint8),
        length=_lengths(stream, texts, len(ids)),
        forms=forms,
        stems=tuple(stems),
        form_stem=form_stem,
        stream=stream,
        text_at=np.ascontiguousarray(texts[:, 0]),
        text_paper=np.ascontiguousarray(texts[:, 1]),
        text_kind=texts[:, 2].astype(np.uint8),
        **_places(stream, len(forms)),
        **compounds,
        **_postings(stream, texts, form_stem, len(stems)),
        names=tuple(builder.names.number),
        name_at=name_at,
        name_id=name_id,
        categories=tuple(builder.categories.number),
        category_at=category_at,
        category_id=category_id,
    )


def _tokens(builder: _Builder, place: I32) -> tuple[I32, NDArray[np.int32], dict[str, Any]]:
    """The stream of tokens, the texts in it (begin, paper, kind), and the compounds."""
    split, words = builder.split, np.array(builder.words, np.int32)
    at, form, whole = np.array(split.at), np.array(split.form), np.array(split.whole)
    form[form >= 0] = place[form[form >= 0]]
    size = np.diff(at)[words]
    begin = np.cumsum(size) - size
    stream = form[concatenated_ranges(at[words], size)].astype(np.int32)
    texts = np.array(builder.texts, np.int32).reshape(-1, 3)
    texts[:, 0] = begin[texts[:, 0]]
    wholes, whole_place = split.wholes.in_order()
    compound = np.flatnonzero(whole[words] >= 0)
    return stream, texts, {
        "wholes": wholes,
        "whole_token": begin[compound].astype(np.int32),
        "whole_form": whole_place[whole[words[compound]]],
        "whole_span": size[compound].astype(np.int32),
    }  # fmt: skip


def _lengths(stream: I32, texts: NDArray[np.int32], papers: int) -> I32:
    """Tokens of title and abstract."""
    size = np.diff(np.append(texts[:, 0], len(stream))) - 1
    counted = texts[:, 2] <= ABSTRACT
    return np.bincount(texts[counted, 1], size[counted], papers).astype(np.int32)


def _rows(lists: list[list[int]]) -> tuple[I32, I32]:
    """Where each list begins, and all lists concatenated."""
    at = np.zeros(len(lists) + 1, np.int32)
    np.cumsum([len(one) for one in lists], out=at[1:])
    return at, np.array([value for one in lists for value in one], np.int32)


def _places(stream: I32, forms: int) -> dict[str, Any]:
    order = np.argsort(stream, kind="stable").astype(np.int32)[np.count_nonzero(stream < 0) :]
    return {"form_at": segment_starts(stream[order], forms), "form_token": order}


def _postings(stream: I32, texts: NDArray[np.int32], form_stem: I32, stems: int) -> dict[str, Any]:
    """Each stem's papers in order, with tf: 3 in the title, 1 in the abstract, 4 in both."""
    text = np.repeat(np.arange(len(texts)), np.diff(np.append(texts[:, 0], len(stream))))
    kept = (stream >= 0) & (texts[text, 2] <= ABSTRACT)
    if not kept.any():
        empty = np.zeros(0, np.int32)
        return {"post_at": np.zeros(stems + 1, np.int32), "post_paper": empty, "post_tf": empty.astype(np.uint8)}
    papers = int(texts[-1, 1]) + 1
    pairs = form_stem[stream[kept]].astype(np.int64) * papers + texts[text[kept], 1]
    keys = distinct(pairs * 2 + (texts[text[kept], 2] == ABSTRACT))
    firsts = np.flatnonzero(np.diff(keys >> 1, prepend=-1))
    tf = np.add.reduceat(np.where(keys & 1, 1, 3), firsts)
    stem_of, paper = np.divmod(keys[firsts] >> 1, papers)
    return {
        "post_at": segment_starts(stem_of, stems),
        "post_paper": paper.astype(np.int32),
        "post_tf": tf.astype(np.uint8),
    }
