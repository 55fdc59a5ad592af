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

from digest.matching.engine.interning import TokenSplitter, WordInterner
from digest.matching.engine.segments import concatenated_ranges, distinct, segment_starts
from digest.matching.scoring.parameters import ABSTRACT_TF, TITLE_TF
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
    def paper_count(self) -> int:
        """How many papers there are."""
        return len(self.ids)

    @cached_property
    def stem_number(self) -> dict[str, int]:
        """The number of each stem."""
        return {text: number for number, text in enumerate(self.stems)}

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """The names that may match each family name."""
        names_by_key: dict[str, list[int]] = {}
        for number, text in enumerate(self.names):
            for key in family_keys(*text.split("|")):
                names_by_key.setdefault(key, []).append(number)
        return names_by_key

    @cached_property
    def name_keys(self) -> list[str]:
        """The keys of `by_name`, sorted."""
        return sorted(self.by_name)

    def name(self, number: int) -> PersonName:
        """An author's name in parts."""
        given_names, particles, family = self.names[number].split("|")
        return PersonName(tuple(given_names.split()), particles, family)


def family_keys(given_names: str, particles: str, family: str) -> set[str]:
    """The lookup keys of a family name: also with particles, and with the preceding given name as a part of it."""
    last_given_name = given_names.rpartition(" ")[2]
    return {family, particles + family, last_given_name + family, particles + last_given_name + family} - {""}


class _IndexBuilder:
    """Collects the words, names and categories of papers."""

    def __init__(self) -> None:
        self.split, self.names, self.categories = TokenSplitter(), WordInterner(), WordInterner()
        self.words: list[int] = []
        self.texts: list[tuple[int, int, int]] = []  # begin, paper, kind
        self.name_of: dict[str, int] = {}
        self.authors: list[list[int]] = []
        self.fields: list[list[int]] = []

    def add(self, record: Record) -> None:
        """Add a paper."""
        paper = len(self.authors)
        self._add_text(record.title, paper, TITLE)
        self._add_text(record.abstract, paper, ABSTRACT)
        self._add_text(record.comment or "", paper, COMMENT)
        self._add_text(record.venue or "", paper, VENUE)
        for institution in record.institutions:
            self._add_text(institution, paper, INSTITUTION)
        self.authors.append([self._author_number(author) for author in record.authors])
        self.fields.append([self.categories(category.lower()) for category in record.categories])

    def _add_text(self, text: str, paper: int, kind: int) -> None:
        text_words = whole_words(text) if text else []
        if text_words:
            self.texts.append((len(self.words), paper, kind))
            self.words += map(self.split.__getitem__, text_words)
            self.words.append(0)

    def _author_number(self, author: str) -> int:
        if author not in self.name_of:
            parts = parse_name(author)
            self.name_of[author] = self.names(f"{' '.join(parts.given_names)}|{parts.particles}|{parts.family}")
        return self.name_of[author]


def build_index(papers: Iterable[tuple[int, Record]]) -> PaperIndex:
    """Build the index of papers, as pairs of id and record, in their order."""
    builder = _IndexBuilder()
    ids, flags = [], []
    for paper_id, record in papers:
        builder.add(record)
        ids.append(paper_id)
        flags.append(WITHDRAWN * record.withdrawn + CODE * (record.has_code or record.code_url is not None))
    forms, form_rank = builder.split.forms.sorted_words()
    stems = {text: i for i, text in enumerate(dict.fromkeys(map(stem, forms)))}
    form_stem = np.array([stems[stem(form)] for form in forms], np.int32)
    stream, texts, compounds = _token_stream(builder, form_rank)
    name_at, name_id = _flatten(builder.authors)
    category_at, category_id = _flatten(builder.fields)
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
        **_form_positions(stream, len(forms)),
        **compounds,
        **_postings(stream, texts, form_stem, len(stems)),
        names=tuple(builder.names.number_of),
        name_at=name_at,
        name_id=name_id,
        categories=tuple(builder.categories.number_of),
        category_at=category_at,
        category_id=category_id,
    )


def _token_stream(builder: _IndexBuilder, form_rank: I32) -> tuple[I32, NDArray[np.int32], dict[str, Any]]:
    """The stream of tokens, the texts in it (begin, paper, kind), and the compounds."""
    split, words = builder.split, np.array(builder.words, np.int32)
    token_at, form, whole = np.array(split.at), np.array(split.form), np.array(split.whole)
    form[form >= 0] = form_rank[form[form >= 0]]
    size = np.diff(token_at)[words]
    begin = np.cumsum(size) - size
    stream = form[concatenated_ranges(token_at[words], size)].astype(np.int32)
    texts = np.array(builder.texts, np.int32).reshape(-1, 3)
    texts[:, 0] = begin[texts[:, 0]]
    wholes, whole_rank = split.wholes.sorted_words()
    compound = np.flatnonzero(whole[words] >= 0)
    return stream, texts, {
        "wholes": wholes,
        "whole_token": begin[compound].astype(np.int32),
        "whole_form": whole_rank[whole[words[compound]]],
        "whole_span": size[compound].astype(np.int32),
    }  # fmt: skip


def _lengths(stream: I32, texts: NDArray[np.int32], papers: int) -> I32:
    """Tokens of title and abstract."""
    size = np.diff(np.append(texts[:, 0], len(stream))) - 1
    counted = texts[:, 2] <= ABSTRACT
    return np.bincount(texts[counted, 1], size[counted], papers).astype(np.int32)


def _flatten(lists: list[list[int]]) -> tuple[I32, I32]:
    """Where each list begins, and all lists concatenated."""
    starts = np.zeros(len(lists) + 1, np.int32)
    np.cumsum([len(values) for values in lists], out=starts[1:])
    return starts, np.array([value for values in lists for value in values], np.int32)


def _form_positions(stream: I32, forms: int) -> dict[str, Any]:
    order = np.argsort(stream, kind="stable").astype(np.int32)[np.count_nonzero(stream < 0) :]
    return {"form_at": segment_starts(stream[order], forms), "form_token": order}


def _postings(stream: I32, texts: NDArray[np.int32], form_stem: I32, stems: int) -> dict[str, Any]:
    """Each stem's papers in order, with tf: 3 in the title, 1 in the abstract, 4 in both."""
    text = np.repeat(np.arange(len(texts)), np.diff(np.append(texts[:, 0], len(stream))))
    in_text = (stream >= 0) & (texts[text, 2] <= ABSTRACT)
    if not in_text.any():
        empty = np.zeros(0, np.int32)
        return {"post_at": np.zeros(stems + 1, np.int32), "post_paper": empty, "post_tf": empty.astype(np.uint8)}
    papers = int(texts[-1, 1]) + 1
    pairs = form_stem[stream[in_text]].astype(np.int64) * papers + texts[text[in_text], 1]
    keys = distinct(pairs * 2 + (texts[text[in_text], 2] == ABSTRACT))
    first_of_pair = np.flatnonzero(np.diff(keys >> 1, prepend=-1))
    tf = np.add.reduceat(np.where(keys & 1, ABSTRACT_TF, TITLE_TF), first_of_pair)
    stem_of, paper = np.divmod(keys[first_of_pair] >> 1, papers)
    return {
        "post_at": segment_starts(stem_of, stems),
        "post_paper": paper.astype(np.int32),
        "post_tf": tf.astype(np.uint8),
    }
