"""Splits formats of tagged lines (RIS, MEDLINE, Web of Science, EndNote's refer) into records. Pure; linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from digest.errors import N_

NO_START = N_("the record does not begin with its %(detail)s line")
NO_END = N_("the record has no ER line")
NOT_TAGGED = N_("‘%(detail)s’ is not a line of this format")
TEXT_OUTSIDE = N_("‘%(detail)s’ is outside of any record")


@dataclass(frozen=True, slots=True)
class TaggedForm:
    """The shape of a format. `line`: a tagged line; `continuation`: the start of a continued one.

    `start`: the tag that begins a record, '' if blank lines separate them; `end`: the tag that ends it, if any.
    `header`: lines between records that are no damage. `closed_only`: a continuation needs the pattern, otherwise
    every line without a tag continues the line before it.
    """

    line: re.Pattern[str]
    continuation: re.Pattern[str]
    start: str = ""
    end: str = ""
    header: re.Pattern[str] = re.compile(r"(?!)")
    closed_only: bool = False
    splits_at_blank: bool = False


@dataclass(slots=True)
class TaggedRecord:
    """A record: its first line's number, its (tag, value) pairs in order, and mistakes."""

    line: int
    fields: list[tuple[str, str]] = field(default_factory=list)
    mistakes: list[tuple[str, str]] = field(default_factory=list)
    is_outside: bool = False

    def values(self, *tags: str) -> list[str]:
        """The values of these tags that are not empty, by the order of the tags."""
        return [value for tag in tags for name, value in self.fields if name == tag and value]

    def first(self, *tags: str) -> str:
        """The first value of these tags; '' for none."""
        return next(iter(self.values(*tags)), "")


class _Splitter:
    """Collects lines into records."""

    def __init__(self, form: TaggedForm) -> None:
        self._form = form
        self._record: TaggedRecord | None = None
        self._outside: TaggedRecord | None = None  # text between two records
        self._was_blank = self._has_seen_record = False

    def tagged(self, number: int, line: str, tag: str, value: str) -> Iterator[TaggedRecord]:
        """Take a line with a tag. Yields what it completes."""
        form, was_blank = self._form, self._was_blank
        self._was_blank = False
        if self._record is not None and _begins_record(self._record, tag, form, was_blank=was_blank):
            yield from self.end(is_complete=False)
        if self._record is None:
            if tag == form.end or form.header.match(line):
                return
            self._record, self._has_seen_record = TaggedRecord(number), True
            if form.start and form.end and tag != form.start:
                self._record.mistakes.append((NO_START, form.start))
                self._outside = None  # its damaged first line
            elif self._outside is not None:
                yield self._outside
                self._outside = None
        elif tag == form.end:
            yield from self.end(is_complete=True)
            return
        self._record.fields.append((tag, value))

    def untagged(self, number: int, line: str) -> None:
        """Take a line without a tag."""
        text = line.strip()
        if not text:
            self._was_blank = True
        elif self._record is not None:
            is_continued = _continue(self._record, line, self._form)
            self._was_blank = self._was_blank and not is_continued
        elif self._has_seen_record and self._outside is None and not self._form.header.match(text):
            self._outside = TaggedRecord(number, mistakes=[(TEXT_OUTSIDE, text)], is_outside=True)

    def end(self, *, is_complete: bool) -> Iterator[TaggedRecord]:
        """End the record, if there is one, and the text after the last one."""
        if self._record is not None:
            if self._form.end and not is_complete:
                self._record.mistakes.append((NO_END, ""))
            yield self._record
        elif self._outside is not None:
            yield self._outside
        self._record = self._outside = None


def split_records(text: str, form: TaggedForm) -> Iterator[TaggedRecord]:
    """The records in order. Text between records is yielded as a record without fields (`is_outside`)."""
    splitter = _Splitter(form)
    for number, line in enumerate(text.split("\n"), start=1):
        match = form.line.match(line)
        if match is None:
            splitter.untagged(number, line)
        else:
            yield from splitter.tagged(number, line, match[1], (match[2] or "").strip())
    yield from splitter.end(is_complete=False)


def _begins_record(record: TaggedRecord, tag: str, form: TaggedForm, *, was_blank: bool) -> bool:
    if form.start and tag == form.start:
        return form.end != "" or any(name == tag for name, _ in record.fields) or was_blank
    return form.splits_at_blank and was_blank


def _continue(record: TaggedRecord, line: str, form: TaggedForm) -> bool:
    """Add a line without a tag to the last field, or note it as a mistake. False for a mistake."""
    if form.closed_only and not form.continuation.match(line):
        record.mistakes.append((NOT_TAGGED, line.strip()))
        return False
    if record.fields:
        tag, value = record.fields[-1]
        separator = "\n" if form.continuation.match(line) else " "
        record.fields[-1] = (tag, f"{value}{separator}{line.strip()}")
    return True
