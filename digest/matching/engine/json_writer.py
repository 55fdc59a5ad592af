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
from digest.matching.kernel.array_layout import (
    EXAMPLE,
    FLAG_BITS,
    FOLLOWED,
    I32,
    I64,
    STRICT,
    U8,
    CompiledProfiles,
    MatchArrays,
    Rows,
)
from digest.matching.kernel.jit import entry, inlined

_NONE = 255
_MAX_MASK_BYTES = 7  # of a mask that fits into an int64; the caller writes longer masks, followed authors and examples
_MAX_TOPIC_TEXTS = 512  # texts of one topic
_ROW_SPAN = np.dtype([("at", np.int64), ("papers", np.int64), ("unwritable", np.int64)])
_SNIPPETS = (b',"score":', b',"strict":true', b',"topic":', b',"mask":', b',"matched":[[', b",[", b"]]", b"]")
_SNIPPET_BYTES = np.frombuffer(b"".join(_SNIPPETS), np.uint8).copy()
_SNIPPET_AT = np.array([0, *accumulate(map(len, _SNIPPETS))], np.int64)
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
        return cls(*_concatenate(heads), *_concatenate(tails))


@dataclass(frozen=True, slots=True)
class WrittenEntries:
    """The matches of each row as JSON, separated by commas."""

    text: memoryview
    spans: NDArray[Any]

    def rows(self) -> list[tuple[bytes, int] | None]:
        """The JSON and number of each row's matches; None where the caller must write them."""
        offsets, papers, unwritable = (self.spans[name].tolist() for name in ("at", "papers", "unwritable"))
        text = self.text
        return [
            None if is_unwritable else (bytes(text[begin:end]), number)
            for begin, end, number, is_unwritable in zip(offsets, offsets[1:], papers, unwritable, strict=False)
        ]


def write_entries(
    results: MatchResults,
    profiles: CompiledProfiles,
    rows: Sequence[int],
    templates: EntryTemplates,
    texts: QueryTextArrays,
) -> WrittenEntries:
    """Write the matches of these rows; they must have been matched with `explain`."""
    spans = np.zeros(len(rows) + 1, _ROW_SPAN)
    record_rows, text_numbers = np.array(rows, np.int64), np.zeros(_MAX_TOPIC_TEXTS, np.int32)
    out = np.empty(max(4096, 256 * len(results.arrays.papers[: int(results.arrays.rows["first"][-1])])), np.uint8)
    row = 0
    while (row := _write(profiles, texts, record_rows, results.arrays, templates, out, spans, text_numbers, row)) < len(
        rows
    ):
        grown = np.empty(2 * len(out), np.uint8)
        grown[: spans["at"][row]] = out[: spans["at"][row]]
        out = grown
    return WrittenEntries(out.data, spans)


def _concatenate(parts: Sequence[bytes]) -> tuple[U8, I64]:
    at = np.array([0, *accumulate(map(len, parts))], np.int64)
    return np.frombuffer(b"".join(parts), np.uint8), at


@entry
def _write(
    profiles: CompiledProfiles,
    texts: QueryTextArrays,
    record_rows: I64,
    results: MatchArrays,
    templates: EntryTemplates,
    out: U8,
    spans: Rows,
    text_numbers: I32,
    begin: int,
) -> int:
    """Write rows from `begin` until all are written or the buffer is full. Returns the row to continue with."""
    for row in range(begin, len(record_rows)):
        offset, result_row = spans[row].at, results.rows[row]
        first, end = result_row.first, results.rows[row + 1].first
        size = result_row.masks + result_row.terms + result_row.topics
        unwritable = result_row.masks > _MAX_MASK_BYTES
        for n in range(first, end):
            unwritable |= results.papers[n].kind & (FOLLOWED | EXAMPLE) != 0
        for n in range(first, first if unwritable else end):
            if n > first:
                offset = _write_byte(out, offset, 44)  # a comma
            hit = results.papers[n]
            offset = _copy(out, offset, templates.head, templates.head_at[hit.paper], templates.head_at[hit.paper + 1])
            offset = _write_match(
                profiles,
                texts,
                profiles.record[record_rows[row]],
                results,
                row,
                n,
                out,
                offset,
                text_numbers,
                result_row.note_at + (n - first) * size,
            )
            offset = _copy(out, offset, templates.tail, templates.tail_at[hit.paper], templates.tail_at[hit.paper + 1])
        if offset > len(out):
            return row
        spans[row].papers, spans[row].unwritable = end - first, unwritable
        spans[row + 1].at = offset
    return len(record_rows)


@inlined
def _write_match(
    profiles: CompiledProfiles,
    texts: QueryTextArrays,
    record: int,
    results: MatchArrays,
    row: int,
    n: int,
    out: U8,
    offset: int,
    text_numbers: I32,
    note: int,
) -> int:
    """A match's own members."""
    hit, result_row = results.papers[n], results.rows[row]
    if hit.score:
        offset = _write_number(out, _write_snippet(out, offset, _SCORE), hit.score)
    if hit.kind & STRICT:
        offset = _write_snippet(out, offset, _STRICT)
    if hit.topic != -1:
        offset = _write_number(out, _write_snippet(out, offset, _TOPIC), hit.topic)
    mask = np.int64(0)
    for i in range(result_row.masks):
        mask |= np.int64(results.notes[note + i]) << (8 * i)
    if mask:
        offset = _write_number(out, _write_snippet(out, offset, _MASK), int(mask))
    topics_at = note + result_row.masks + result_row.terms
    for i in range(result_row.topics):
        topic = results.notes[topics_at + i]
        if topic == _NONE:
            break
        offset = _write_number(out, _write_snippet(out, offset, _NEXT if i else _MATCHED), topic)
        offset = _write_topic(
            profiles, texts, record, topic, results, note + result_row.masks, int(mask), out, offset, text_numbers
        )
    if result_row.topics and results.notes[topics_at] != _NONE:
        offset = _write_snippet(out, offset, _END)
    return offset


@inlined
def _write_topic(
    profiles: CompiledProfiles,
    texts: QueryTextArrays,
    record: int,
    topic: int,
    results: MatchArrays,
    terms: int,
    mask: int,
    out: U8,
    offset: int,
    text_numbers: I32,
) -> int:
    """The terms of a topic that matched: whole phrases where the paper has them, else single words; each text once."""
    head = profiles.stream[record]
    profile_term_offset, term = np.int64(0), np.int64(0)
    for earlier_topic in range(topic):
        query = profiles.stream[record + 1 + earlier_topic]
        if query >= 0:
            profile_term_offset += profiles.queries[query].profile_terms
            term += profiles.queries[query + 1].term_at - profiles.queries[query].term_at
    query = profiles.stream[record + 1 + topic]
    text_count = 0
    for i in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
        if results.notes[terms + (term >> 3)] >> (term & 7) & 1:
            text_count = _add_text(texts.term[i], text_numbers, text_count)
        term += 1
    if not text_count:
        words = record + 1 + (head >> FLAG_BITS)
        profile_term_offset += words + 1 + profiles.stream[words] + 2
        for i in range(texts.word_at[query], texts.word_at[query + 1], 2):
            bit = profiles.stream[profile_term_offset + texts.word[i]] >> 16
            if mask >> bit & 1:
                text_count = _add_text(texts.word[i + 1], text_numbers, text_count)
    offset = _write_byte(out, _write_byte(out, offset, 44), 91)  # ,[
    for i in range(text_count):
        if i:
            offset = _write_byte(out, offset, 44)
        offset = _copy(out, offset, texts.text, texts.text_at[text_numbers[i]], texts.text_at[text_numbers[i] + 1])
    return _write_snippet(out, offset, _CLOSE)


@inlined
def _add_text(text: int, text_numbers: I32, text_count: int) -> int:
    """Add a text unless it is there already. Returns the number of texts."""
    for i in range(text_count):
        if text_numbers[i] == text:
            return text_count
    if text_count < len(text_numbers):
        text_numbers[text_count] = text
        return text_count + 1
    return text_count


@inlined
def _write_snippet(out: U8, offset: int, snippet: int) -> int:
    return int(_copy(out, offset, _SNIPPET_BYTES, _SNIPPET_AT[snippet], _SNIPPET_AT[snippet + 1]))


@inlined
def _copy(out: U8, offset: int, text: U8, begin: int, end: int) -> int:
    """Copy a text, or only advance where the buffer is full. Returns the new end."""
    if offset + end - begin <= len(out):
        for i in range(begin, end):
            out[offset + i - begin] = text[i]
    return offset + end - begin


@inlined
def _write_byte(out: U8, offset: int, byte: int) -> int:
    if offset < len(out):
        out[offset] = byte
    return offset + 1


@inlined
def _write_number(out: U8, offset: int, value: int) -> int:
    """A whole number in decimal."""
    negative = value < 0
    remaining_value = np.int64(-value if negative else value)
    end, remaining = offset + 1 + negative, remaining_value // 10
    while remaining:
        end += 1
        remaining //= 10
    if end <= len(out):
        for i in range(end - 1, offset - 1 + negative, -1):
            out[i] = 48 + remaining_value % 10
            remaining_value //= 10
        if negative:
            out[offset] = 45
    return int(end)
