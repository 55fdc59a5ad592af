"""Write matches as JSON in machine code: the members of each `Match` between the JSON of its paper.

Members with default values are left out, as in an edition's entries. The caller supplies the papers' JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.match_results import MatchResults
from digest.matching.engine.query_texts import QueryTextArrays
from digest.matching.kernel.array_layout import FOLLOWED, I32, I64, STRICT, U8, CompiledProfiles, MatchArrays, Rows
from digest.matching.kernel.jit import entry, inlined

_NONE = 255
_MOST_BYTES = 7  # of a mask that fits into an int64; the caller writes longer masks and followed authors
_MOST_WORDS = 512  # texts of one topic
_PLACE = np.dtype([("at", np.int64), ("papers", np.int64), ("odd", np.int64)])
_PARTS = (b',"score":', b',"strict":true', b',"topic":', b',"mask":', b',"matched":[[', b",[", b"]]", b"]")
_PART = np.frombuffer(b"".join(_PARTS), np.uint8).copy()
_PART_AT = np.array([0, *accumulate(map(len, _PARTS))], np.int64)
_SCORE, _STRICT, _TOPIC, _MASK, _MATCHED, _NEXT, _CLOSE, _END = range(8)


class EntryTemplates(NamedTuple):
    """The JSON before and after the members of each paper's match, concatenated."""

    head: U8
    head_at: I64
    tail: U8
    tail_at: I64

    @classmethod
    def from_parts(cls, parts: Sequence[tuple[bytes, bytes]]) -> EntryTemplates:
        """Concatenate (before, after) of each paper, in the order of the indexes."""
        heads, tails = [head for head, _ in parts], [tail for _, tail in parts]
        return cls(*_strung(heads), *_strung(tails))


@dataclass(frozen=True, slots=True)
class WrittenEntries:
    """The matches of each row as JSON, separated by commas."""

    text: memoryview
    places: NDArray[Any]

    def rows(self) -> list[tuple[bytes, int] | None]:
        """The JSON and number of each row's matches; None where the caller must write them."""
        at, papers, not_writable = (self.places[name].tolist() for name in ("at", "papers", "odd"))
        text = self.text
        return [
            None if strange else (bytes(text[begin:end]), number)
            for begin, end, number, strange in zip(at, at[1:], papers, not_writable, strict=False)
        ]


def write_entries(
    answers: MatchResults, book: CompiledProfiles, rows: Sequence[int], sheets: EntryTemplates, texts: QueryTextArrays
) -> WrittenEntries:
    """Write the matches of these rows; they must have been matched with `explain`."""
    places = np.zeros(len(rows) + 1, _PLACE)
    record_rows, text_numbers = np.array(rows, np.int64), np.zeros(_MOST_WORDS, np.int32)
    out = np.empty(max(4096, 256 * len(answers.arrays.papers[: int(answers.arrays.rows["first"][-1])])), np.uint8)
    row = 0
    while (row := _write(book, texts, record_rows, answers.arrays, sheets, out, places, text_numbers, row)) < len(rows):
        grown = np.empty(2 * len(out), np.uint8)
        grown[: places["at"][row]] = out[: places["at"][row]]
        out = grown
    return WrittenEntries(out.data, places)


def _strung(parts: Sequence[bytes]) -> tuple[U8, I64]:
    at = np.array([0, *accumulate(map(len, parts))], np.int64)
    return np.frombuffer(b"".join(parts), np.uint8), at


@entry
def _write(
    book: CompiledProfiles,
    texts: QueryTextArrays,
    record_rows: I64,
    results: MatchArrays,
    sheets: EntryTemplates,
    out: U8,
    places: Rows,
    text_numbers: I32,
    begin: int,
) -> int:
    """Write rows from `begin` until all are written or the buffer is full. Returns the row to continue with."""
    for row in range(begin, len(record_rows)):
        at, of = places[row].at, results.rows[row]
        first, behind = of.first, results.rows[row + 1].first
        size = of.masks + of.terms + of.topics
        not_writable = of.masks > _MOST_BYTES
        for n in range(first, behind):
            not_writable |= results.papers[n].kind & FOLLOWED != 0
        for n in range(first, first if not_writable else behind):
            if n > first:
                at = _byte(out, at, 44)  # a comma
            hit = results.papers[n]
            at = _put(out, at, sheets.head, sheets.head_at[hit.paper], sheets.head_at[hit.paper + 1])
            at = _match(
                book,
                texts,
                book.record[record_rows[row]],
                results,
                row,
                n,
                out,
                at,
                text_numbers,
                of.note_at + (n - first) * size,
            )
            at = _put(out, at, sheets.tail, sheets.tail_at[hit.paper], sheets.tail_at[hit.paper + 1])
        if at > len(out):
            return row
        places[row].papers, places[row].odd = behind - first, not_writable
        places[row + 1].at = at
    return len(record_rows)


@inlined
def _match(
    book: CompiledProfiles,
    texts: QueryTextArrays,
    record: int,
    results: MatchArrays,
    row: int,
    n: int,
    out: U8,
    at: int,
    text_numbers: I32,
    note: int,
) -> int:
    """A match's own members."""
    hit, of = results.papers[n], results.rows[row]
    if hit.score:
        at = _number(out, _part(out, at, _SCORE), hit.score)
    if hit.kind & STRICT:
        at = _part(out, at, _STRICT)
    if hit.topic != -1:
        at = _number(out, _part(out, at, _TOPIC), hit.topic)
    mask = np.int64(0)
    for i in range(of.masks):
        mask |= np.int64(results.notes[note + i]) << (8 * i)
    if mask:
        at = _number(out, _part(out, at, _MASK), int(mask))
    topics_at = note + of.masks + of.terms
    for i in range(of.topics):
        topic = results.notes[topics_at + i]
        if topic == _NONE:
            break
        at = _number(out, _part(out, at, _NEXT if i else _MATCHED), topic)
        at = _topic(book, texts, record, topic, results, note + of.masks, int(mask), out, at, text_numbers)
    if of.topics and results.notes[topics_at] != _NONE:
        at = _part(out, at, _END)
    return at


@inlined
def _topic(
    book: CompiledProfiles,
    texts: QueryTextArrays,
    record: int,
    topic: int,
    results: MatchArrays,
    terms: int,
    mask: int,
    out: U8,
    at: int,
    text_numbers: I32,
) -> int:
    """The terms of a topic that matched: whole phrases where the paper has them, else single words; each text once."""
    head = book.stream[record]
    occurs, term = np.int64(0), np.int64(0)
    for before in range(topic):
        query = book.stream[record + 1 + before]
        if query >= 0:
            occurs += book.queries[query].wants
            term += book.queries[query + 1].term_at - book.queries[query].term_at
    query = book.stream[record + 1 + topic]
    number = 0
    for i in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        if results.notes[terms + (term >> 3)] >> (term & 7) & 1:
            number = _text(texts.term[i], text_numbers, number)
        term += 1
    if not number:
        words = record + 1 + (head >> 8)
        occurs += words + 1 + book.stream[words] + 2
        for i in range(texts.word_at[query], texts.word_at[query + 1], 2):
            bit = book.stream[occurs + texts.word[i]] >> 16
            if mask >> bit & 1:
                number = _text(texts.word[i + 1], text_numbers, number)
    at = _byte(out, _byte(out, at, 44), 91)  # ,[
    for i in range(number):
        if i:
            at = _byte(out, at, 44)
        at = _put(out, at, texts.text, texts.text_at[text_numbers[i]], texts.text_at[text_numbers[i] + 1])
    return _part(out, at, _CLOSE)


@inlined
def _text(text: int, text_numbers: I32, number: int) -> int:
    """Add a text unless it is there already. Returns the number of texts."""
    for i in range(number):
        if text_numbers[i] == text:
            return number
    if number < len(text_numbers):
        text_numbers[number] = text
        return number + 1
    return number


@inlined
def _part(out: U8, at: int, part: int) -> int:
    return int(_put(out, at, _PART, _PART_AT[part], _PART_AT[part + 1]))


@inlined
def _put(out: U8, at: int, text: U8, begin: int, end: int) -> int:
    """Copy a text, or only advance where the buffer is full. Returns the new end."""
    if at + end - begin <= len(out):
        for i in range(begin, end):
            out[at + i - begin] = text[i]
    return at + end - begin


@inlined
def _byte(out: U8, at: int, byte: int) -> int:
    if at < len(out):
        out[at] = byte
    return at + 1


@inlined
def _number(out: U8, at: int, value: int) -> int:
    """A whole number in decimal."""
    negative = value < 0
    remaining_value = np.int64(-value if negative else value)
    end, remaining = at + 1 + negative, remaining_value // 10
    while remaining:
        end += 1
        remaining //= 10
    if end <= len(out):
        for place in range(end - 1, at - 1 + negative, -1):
            out[place] = 48 + remaining_value % 10
            remaining_value //= 10
        if negative:
            out[at] = 45
    return int(end)
