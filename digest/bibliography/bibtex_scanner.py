"""Splits BibTeX into blocks and fields, and goes on after mistakes. Pure; linear time but for badly damaged entries.

The grammar is that of BibTeX ("BibTeXing", Patashnik 1988; the manual of biber for BibLaTeX). An entry never goes past
the head of the next one at the start of a line, so that a missing brace costs no other entry.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from digest.errors import N_

MAX_VALUE = 200_000  # characters; a longer value is one that lacks its closing brace
MAX_MISTAKES = 50  # of one entry; the rest of it is skipped
MAX_FIELDS = 500
MAX_EXPANSION = 5_000  # characters of an abbreviation (@string)

UNCLOSED = N_("a brace or quotation mark of ‘%(detail)s’ is not closed")
MISSING_COMMA = N_("no comma after ‘%(detail)s’")
EXTRA_BRACE = N_("a closing brace too many after ‘%(detail)s’")
ENTRY_CUT = N_("the entry is not closed")
NO_KEY = N_("no key")
NOT_A_FIELD = N_("‘%(detail)s’ is not a field")
UNQUOTED = N_("the value of ‘%(detail)s’ has neither braces nor quotation marks")
UNDEFINED = N_("the abbreviation ‘%(detail)s’ is not defined")
TOO_LONG = N_("the abbreviation ‘%(detail)s’ expands to more than 5,000 characters")

_START = re.compile(r"@[ \t]*([A-Za-z][\w-]*)\s*([{(])")
_HEAD = re.compile(r"^[ \t]*@[ \t]*[A-Za-z][\w-]*[ \t]*[{(][ \t]*[^\s,={}\"]*[ \t]*(?:,|$)", re.MULTILINE)
_FIELD_START = re.compile(r"\s*,?\s*([A-Za-z][\w.:+-]*)\s*=\s*")
_FIELD_LINE = re.compile(
    r"\n[ \t]*,?[ \t]*[A-Za-z][\w.:+-]*[ \t]*=[ \t]*[{\"\w]|,[ \t]*[A-Za-z][\w.:+-]*[ \t]*=[ \t]*[{\"]"
)
_NAMES = (
    "(?:title|author|editor|year|date|journal|booktitle|publisher|volume|number|pages|doi|url|eprint|abstract|keywords|"
    "archiveprefix|month|note|issn|isbn)"
)
_SWALLOWED_FIELD = re.compile(  # a value never contains these, unless its closing brace is missing
    rf"\n[ \t]*,?[ \t]*{_NAMES}[ \t]*=[ \t]*[{{\"\d]|,[ \t]*{_NAMES}[ \t]*=[ \t]*[{{\"]", re.IGNORECASE
)
_KEY = re.compile(r"[^,={}\"\n]*")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_QUOTE = re.compile(r"\\.|[{}\"]", re.DOTALL)
_CONCATENATION = re.compile(r"\s*#\s*")
_BARE = re.compile(r"[^\s,{}#\"()=%]+")
_UNQUOTED_LINE = re.compile(r"[^\n{}]*")
_BLANK = re.compile(r"(?:\s|(?<=\n)%[^\n]*)*")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(slots=True)
class BibtexBlock:
    """An entry: its type in lower case, line of its `@`, key, fields by name in lower case, and mistakes."""

    kind: str
    line: int
    key: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    mistakes: list[tuple[str, str]] = field(default_factory=list)


class BibtexScanner:
    """Reads a text block by block. `strings`: abbreviations, each already expanded."""

    def __init__(self, text: str) -> None:
        self.strings = {month: month for month in _MONTHS}
        self._text = text
        self._heads = [match.start() for match in _HEAD.finditer(text)]
        self._line, self._line_position = 1, 0

    def blocks(self) -> Iterator[BibtexBlock]:
        """The entries in order; abbreviations (`string`) with a mistake too. Comments and preambles are skipped."""
        position = 0
        while start := _START.search(self._text, position):
            block = BibtexBlock(start[1].lower(), self._line_of(start.start(1)))
            if block.kind in {"comment", "preamble"}:
                position = self._end_of_skipped(start)
                continue
            position = self._read_block(block, start)
            if block.kind != "string" or block.mistakes:
                yield block

    def remaining(self) -> int:
        """How many entries begin after the last block."""
        return len(self._heads) - bisect_right(self._heads, self._line_position)

    def _line_of(self, position: int) -> int:
        self._line += self._text.count("\n", self._line_position, position)
        self._line_position = position
        return self._line

    def _limit(self, position: int) -> int:
        """Where the next entry begins."""
        index = bisect_right(self._heads, position)
        return self._heads[index] if index < len(self._heads) else len(self._text)

    def _end_of_skipped(self, start: re.Match[str]) -> int:
        """The end of a comment; without a closing brace only its line is one."""
        limit = self._limit(start.end())
        end = self._closing(start.end(), limit, _BRACE, "}") if start[2] == "{" else self._text.find(")", start.end())
        return end if end >= 0 else start.end()

    def _read_block(self, block: BibtexBlock, start: re.Match[str]) -> int:
        """Read key and fields. Returns the position after the entry."""
        closer, limit = "}" if start[2] == "{" else ")", self._limit(start.start(1))
        position = start.end()
        if block.kind != "string":
            position = self._read_key(block, position)
        name, fields = block.key or block.kind, 0
        while position < limit and len(block.mistakes) < MAX_MISTAKES and fields < MAX_FIELDS:
            fields += 1
            match = _FIELD_START.match(self._text, position)
            if match is None or match.end() > limit:
                position = self._after_fields(block, position, limit, closer, name)
                if position < 0:
                    return -position
                continue
            name = match[1].lower()
            position = self._read_field(block, name, match.end(), limit, closer)
        block.mistakes.append((ENTRY_CUT, ""))
        return limit

    def _read_key(self, block: BibtexBlock, position: int) -> int:
        match = _KEY.match(self._text, _BLANK.match(self._text, position).end())  # type: ignore[union-attr]
        assert match
        following = self._text[match.end() : match.end() + 1]
        if following == "=":  # the entry begins with its first field
            block.mistakes.append((NO_KEY, ""))
            return position
        block.key = match[0].strip()
        if not block.key:
            block.mistakes.append((NO_KEY, ""))
        return match.end() + (following == ",")

    def _after_fields(self, block: BibtexBlock, position: int, limit: int, closer: str, name: str) -> int:
        """What follows a field but is none: the negative end of the entry, or where the next field may begin."""
        text = self._text
        position = min(_after_blanks(text, position), limit)
        while position < limit and text[position] == ",":
            position = min(_after_blanks(text, position + 1), limit)
        if position >= limit:
            return limit
        if text[position] == closer:
            further = _FIELD_START.match(text, position + 1)
            if further and further.end() < limit and text[further.end()] in '{"' and block.kind != "string":
                block.mistakes.append((EXTRA_BRACE, name))
                return position + 1
            return -(position + 1)
        if _FIELD_START.match(text, position):
            return position
        line_end = text.find("\n", position, limit)
        line_end = limit if line_end < 0 else line_end
        junk = text[position:line_end].strip()
        if junk.rstrip("})") or closer not in junk:
            block.mistakes.append((NOT_A_FIELD, junk))
            closing = text.rfind(closer, position, line_end)
            rest = text[closing + 1 : line_end].strip() if closing >= 0 else "x"
            return -(closing + 1) if closing >= 0 and not rest else line_end
        return -(position + junk.find(closer) + 1)

    def _read_field(self, block: BibtexBlock, name: str, position: int, limit: int, closer: str) -> int:
        """Read a value and the comma after it. Of several fields of one name the first counts."""
        parts: list[str] = []
        while True:
            position = self._read_part(block, name, position, limit, parts)
            match = _CONCATENATION.match(self._text, position)
            if match is None or match.end() > limit:
                break
            position = match.end()
        value = "".join(parts)
        if block.kind == "string":
            self._define(block, name, value)
        elif name not in block.fields:
            block.fields[name] = value[:MAX_VALUE]
        end = min(_after_blanks(self._text, position), limit)
        if end < limit and self._text[end] == ",":
            return end + 1
        is_named = bool(block.mistakes) and block.mistakes[-1][1] == name
        if end < limit and self._text[end] != closer and not is_named and _FIELD_START.match(self._text, end):
            block.mistakes.append((MISSING_COMMA, name))
        return end

    def _read_part(self, block: BibtexBlock, name: str, position: int, limit: int, parts: list[str]) -> int:
        opening = self._text[position : position + 1]
        if opening in {"{", '"'}:
            pattern, closer = (_BRACE, "}") if opening == "{" else (_QUOTE, '"')
            end = self._closing(position + 1, limit, pattern, closer)
            if end < 0 or _SWALLOWED_FIELD.search(self._text, position, end):
                block.mistakes.append((UNCLOSED, name))
                end = self._end_of_unclosed(position + 1, limit)
                parts.append(self._text[position + 1 : end].strip().strip(',}"').strip())
                return end
            parts.append(self._text[position + 1 : end - 1])
            return end
        match = _BARE.match(self._text, position, limit)
        if match is None:
            return position
        end, next_word = match.end(), min(_after_blanks(self._text, match.end()), limit)
        rest, following = self._text[end : min(end + 1, limit)], self._text[next_word : next_word + 1]
        if rest in {" ", "\t", "{", "("} and following not in {",", "}", ")", "#"}:
            return self._read_unquoted(block, name, position, limit, parts)
        parts.append(self._expand(block, name, match[0]))
        return match.end()

    def _read_unquoted(self, block: BibtexBlock, name: str, position: int, limit: int, parts: list[str]) -> int:
        """A value of several words without braces: its line."""
        if _FIELD_START.match(self._text, _after_blanks(self._text, position)):
            return position
        match = _UNQUOTED_LINE.match(self._text, position, limit)
        assert match
        block.mistakes.append((UNQUOTED, name))
        parts.append(match[0].strip().rstrip(",").strip())
        return match.end()

    def _expand(self, block: BibtexBlock, name: str, word: str) -> str:
        """A number as it is, an abbreviation by its value; an undefined one by its name."""
        if word[0].isdigit():
            return word
        if word.lower() not in self.strings and name in {"title", "author", "abstract", "doi"}:
            block.mistakes.append((UNDEFINED, word))
        return self.strings.get(word.lower(), word)

    def _define(self, block: BibtexBlock, name: str, value: str) -> None:
        if len(value) > MAX_EXPANSION:
            block.mistakes.append((TOO_LONG, name))
            value = ""
        self.strings[name] = value

    def _closing(self, position: int, limit: int, pattern: re.Pattern[str], closer: str) -> int:
        """The position after the closer of a value that began before `position`; -1 without one."""
        depth, limit = 0, min(limit, position + MAX_VALUE)
        for match in pattern.finditer(self._text, position, limit):
            mark = match[0]
            if depth == 0 and mark == closer:
                return match.end()
            depth += (mark == "{") - (mark == "}")
            if depth < 0:
                return -1
        return -1

    def _end_of_unclosed(self, position: int, limit: int) -> int:
        """Where a value without its closing brace ends: before the next line that begins a field."""
        match = _FIELD_LINE.search(self._text, position, limit)
        return match.start() if match else limit


def _after_blanks(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    assert match
    return match.end()
