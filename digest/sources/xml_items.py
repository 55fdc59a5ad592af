"""Splits a damaged XML document into its items (`<item>`, `<entry>`, `<record>`) by tags alone. Pure, linear time.

Tags inside CDATA sections and comments don't count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from digest.sources.xml_repair import LiteralSpan, literals

_TRUNCATED = "the document breaks off here"
_NOT_CLOSED = "not closed"
_NOT_OPENED = "closed without having been opened"


@dataclass(frozen=True, slots=True)
class ItemSpan:
    """One item's text from `start` to `end`. `fault`: why it is damaged, '' where its tags are balanced.

    `is_cut`: the document ends inside it.
    """

    start: int
    end: int
    fault: str = ""
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class TagPatterns:
    """Patterns for the tags of items and of the root of one form of documents."""

    item: re.Pattern[str]
    item_end: re.Pattern[str]
    root: re.Pattern[str]
    root_end: re.Pattern[str]


def tag_patterns(items: tuple[str, ...], roots: tuple[str, ...]) -> TagPatterns:
    """The patterns for these local names, with any prefix."""
    item, root = "|".join(items), "|".join(roots)
    return TagPatterns(
        item=re.compile(rf"<(/?)(?:[\w.-]{{1,50}}:)?(?:{item})(?=[\s/>])[^<>]*>?"),
        item_end=re.compile(rf"</(?:[\w.-]{{1,50}}:)?(?:{item})\s*>"),
        root=re.compile(rf"<(?:[\w.-]{{1,50}}:)?({root})(?=[\s/>])[^<>]*"),
        root_end=re.compile(rf"</(?:[\w.-]{{1,50}}:)?(?:{root})\s*>"),
    )


def split(text: str, patterns: TagPatterns) -> Iterator[ItemSpan]:
    """The items in their order, damaged ones too."""
    start, previous_end = -1, -1
    for tag in _outside_literals(patterns.item.finditer(text), literals(text, patterns.item_end)):
        if tag[1]:
            if start >= 0:
                yield ItemSpan(start, tag.end())
            else:
                yield ItemSpan(previous_end if previous_end >= 0 else tag.start(), tag.end(), _NOT_OPENED)
            start, previous_end = -1, tag.end()
            continue
        if start >= 0:
            yield ItemSpan(start, tag.start(), _NOT_CLOSED)
        start = tag.start()
        if tag[0].endswith("/>"):
            yield ItemSpan(start, tag.end())
            start, previous_end = -1, tag.end()
    if start >= 0:
        end = patterns.root_end.search(text, start)
        yield ItemSpan(start, end.start(), _NOT_CLOSED) if end else ItemSpan(start, len(text), _TRUNCATED, is_cut=True)


def hides_item_end(text: str, patterns: TagPatterns) -> bool:
    """True where a CDATA section that was not closed hides the end of its item, which a parser can't see."""
    return "<![CDATA[" in text and any(not literal.is_closed for literal in literals(text, patterns.item_end))


def _outside_literals(matches: Iterator[re.Match[str]], spans: Iterator[LiteralSpan]) -> Iterator[re.Match[str]]:
    """The matches that don't start inside a closed literal part."""
    span = next(spans, None)
    for match in matches:
        while span is not None and span.end <= match.start():
            span = next(spans, None)
        if span is None or match.start() < span.start or not span.is_closed:
            yield match
