"""Parses untrusted XML, without entities, document types or external references. Pure.

A well-formed document is simply parsed. Another one is repaired character by character or, failing that, read item by
item: damaged items are refused with their position, the others are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from itertools import islice
from xml.etree.ElementTree import Element, ParseError, SubElement, TreeBuilder
from xml.sax.saxutils import quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from digest.errors import BadInput
from digest.papers import RejectedItem
from digest.sources import xml_items
from digest.sources.decoding import decode
from digest.sources.xml_items import ItemSpan, TagPatterns
from digest.sources.xml_repair import repair

MAX_BYTES = 64 * 1024 * 1024
MAX_TAGS, MAX_EQUALS = 2_000_000, 1_000_000  # far above real documents; they bound the parser's memory and time
MAX_ITEMS = 20_000  # sources return 2,500 at most
MAX_TAG = 65_536
_LONG_TAG = re.compile(rf"<[^<>!?][^<>]{{{MAX_TAG}}}")
MAX_DEPTH = 64
_HTML = re.compile(r"(?:<\?[^>]{0,400}>\s{0,99})?(?:<!DOCTYPE\s{1,99}html|<html[\s>])", re.IGNORECASE)
_NAMESPACE = re.compile(r"\sxmlns(?::([\w.-]{1,50}))?\s*=\s*(?:\"([^\"<]{1,200})\"|'([^'<]{1,200})')")
_PREFIX = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]{0,50}):(?=[A-Za-z_][\w.-]{0,50}[\s/>=])", re.ASCII)
_MAX_NAMESPACES = 50
_CUT = "the end of a document that breaks off"  # identity of the rejected item


@dataclass(frozen=True, slots=True)
class XmlForm:
    """The structure of a source's XML documents.

    `parents`: root's local name to the element that holds the document's own fields; `fields`: names and namespaces of
    these, for documents damaged outside their items; `namespaces`: prefixes that are always declared, '' for the
    default.
    """

    tags: TagPatterns
    items: tuple[str, ...]
    parents: dict[str, str]
    fields: tuple[tuple[str, str], ...]
    namespaces: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """One document. `items`: in order, damaged ones as RejectedItem; `head`: everything else.

    `truncation`: where the document is truncated, else None; a truncated item is not in `items`. `is_rebuilt`: the
    head was damaged too and has only the recovered fields.
    """

    head: Element
    items: tuple[Element | RejectedItem, ...]
    truncation: RejectedItem | None = None
    is_rebuilt: bool = False


def xml_form(
    items: tuple[str, ...],
    parents: dict[str, str],
    fields: tuple[tuple[str, str], ...],
    namespaces: dict[str, str],
) -> XmlForm:
    """An XmlForm with tag patterns for the local names of its items and roots."""
    return XmlForm(xml_items.tag_patterns(items, tuple(parents)), items, parents, fields, namespaces)


def read(data: bytes, form: XmlForm) -> XmlDocument:
    """Parse as much of the document as is intact.

    Raises BadInput where it is too large, not XML, without any recognisable item, or an entity bomb.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(f"a document of {len(data)} bytes is over the limit of {MAX_BYTES}")
    text = decode(data).lstrip()
    if text.count("<") > MAX_TAGS or text.count("=") > MAX_EQUALS:
        raise BadInput("more tags or attributes than a document of a source has")
    if _HTML.match(text):
        raise BadInput("a page in HTML came instead of XML")
    try:
        return _parse_intact(text, form)
    except ParseError as error:
        first_error = error
    text = repair(text, form.tags.item_end)
    try:
        return _parse_intact(text, form)
    except ParseError:
        return _parse_item_by_item(text, form, first_error)


def text(element: Element, path: str, names: dict[str, str]) -> str:
    """The text at that path in one line, '' for none."""
    return " ".join((element.findtext(path, "", names) or "").split())


def _parse(text: str) -> Element:
    """The root. Raises ParseError, BadInput for declared entities or document types."""
    if _LONG_TAG.search(text):
        raise ParseError(f"a tag is longer than {MAX_TAG} characters")
    parser = DefusedXMLParser(target=_DepthLimitedBuilder(), forbid_dtd=True)
    try:
        parser.feed(text)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise BadInput("this XML declares entities; the sources' own has none") from error
    except (ValueError, LookupError) as error:
        raise ParseError(str(error)) from error
    return root


class _DepthLimitedBuilder(TreeBuilder):
    """Builds elements up to MAX_DEPTH levels, because every open level takes memory of the parser."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        """Start an element. Raises ParseError where it is nested too deeply."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ParseError(f"elements are nested more than {MAX_DEPTH} levels deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        """End an element."""
        self._depth -= 1
        return super().end(tag)


def _parse_intact(text: str, form: XmlForm) -> XmlDocument:
    """Parse a well-formed document. Raises ParseError, BadInput."""
    root = _parse(text)
    if xml_items.hides_item_end(text, form.tags):
        raise ParseError("a CDATA section is not closed")
    items = tuple(e for e in root.iter() if _local_name(e.tag) in form.items)
    if len(items) > MAX_ITEMS:
        raise BadInput(f"more than {MAX_ITEMS} items in one document")
    return XmlDocument(root, items)


def _local_name(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _parse_item_by_item(text: str, form: XmlForm, error: ParseError) -> XmlDocument:
    """Parse a damaged document item by item. Raises BadInput where it has no item."""
    root = form.tags.root.search(text)
    pieces = list(islice(xml_items.split(text, form.tags), MAX_ITEMS + 1))
    if len(pieces) > MAX_ITEMS:
        raise BadInput(f"more than {MAX_ITEMS} items in one document")
    if root is None or not pieces:
        line, column = getattr(error, "position", (1, 0))
        raise BadInput(f"malformed XML at line {line}, column {column + 1}") from error
    prolog = text[: pieces[0].start]
    if "<!DOCTYPE" in prolog or "<!ENTITY" in prolog:
        raise BadInput("this XML declares entities; the sources' own has none")
    outside = "".join(_outside_items(text, pieces))
    head, rebuilt = _parse_head(outside, root[1], form)
    items: list[Element | RejectedItem] = []
    cut: RejectedItem | None = None
    for number, item in enumerate(_parse_items(text, pieces, _namespaces(text, prolog, root[1], form)), start=1):
        if isinstance(item, Element):
            items.append(item)
            continue
        if pieces[number - 1].is_cut:
            cut = RejectedItem(number, *item, identity=_CUT)
        else:
            items.append(RejectedItem(number, *item))
    if cut is None and not form.tags.root_end.search(outside):
        reason = "the document breaks off after the previous item"
        cut = RejectedItem(len(items) + 1, reason, text[-120:], identity=_CUT)
    return XmlDocument(head, tuple(items), cut, rebuilt)


def _parse_head(outside: str, root: str, form: XmlForm) -> tuple[Element, bool]:
    """The head, and whether it had to be rebuilt."""
    try:
        return _parse(outside), False
    except ParseError:
        return _rebuild_head(outside, root, form), True


def _outside_items(text: str, pieces: list[ItemSpan]) -> Iterator[str]:
    """The text outside the items."""
    position = 0
    for piece in pieces:
        yield text[position : piece.start]
        position = piece.end
    yield text[position:]


def _parse_items(text: str, pieces: list[ItemSpan], opening: str) -> Iterator[Element | tuple[str, str]]:
    """Each parsed item, or the reason why it can't be parsed and its first characters."""
    line, position = 1, 0
    for piece in pieces:
        line += text.count("\n", position, piece.start)
        position = piece.start
        item_text = text[piece.start : piece.end]
        reason = f"{piece.fault}, line {line}" if piece.fault else ""
        if not reason:
            try:
                yield _parse(f"{opening}{item_text}</_>")[0]
                continue
            except ParseError as error:
                row, column = getattr(error, "position", (1, 0))
                column = max(column - len(opening), 0) if row == 1 else column
                reason = f"malformed XML at line {line + row - 1}, column {column + 1}: {str(error).partition(':')[0]}"
            except (BadInput, IndexError) as error:
                reason = str(error)
        yield reason, item_text[:120]


def _namespaces(text: str, prolog: str, root: str, form: XmlForm) -> str:
    """An opening tag that declares the namespaces in scope around the items, those of the form, and undeclared ones."""
    names = {prefix: uri for prefix, uri in form.namespaces.items() if prefix or root != "rss"}
    for prefix, double, single in _NAMESPACE.findall(prolog)[:_MAX_NAMESPACES]:
        if not prefix.lower().startswith("xml"):
            names[prefix] = double or single
    for prefix in islice(dict.fromkeys(match[1] for match in _PREFIX.finditer(text)), _MAX_NAMESPACES):
        if not prefix.lower().startswith("xml"):
            names.setdefault(prefix, f"urn:undeclared:{prefix}")
    declared = (f" xmlns:{prefix}={quoteattr(uri)}".replace("xmlns:=", "xmlns=") for prefix, uri in names.items())
    return f"<_{''.join(declared)}>"


def _rebuild_head(outside: str, root: str, form: XmlForm) -> Element:
    """A head with those of the form's fields that a damaged head still shows."""
    default = form.namespaces.get("", "") if root != "rss" else ""
    root_element = Element(_qualified_name(root, default))
    parent = form.parents[root]
    parent_element = SubElement(root_element, _qualified_name(parent, default)) if parent else root_element
    for name, namespace in form.fields:
        match = re.search(rf"<(?:[\w.-]{{1,50}}:)?{name}(?:\s[^<>]*|/)?>([^<]*)<", outside)
        if match:
            SubElement(parent_element, _qualified_name(name, namespace or default)).text = unescape(match[1])
    return root_element


def _qualified_name(name: str, namespace: str) -> str:
    return f"{{{namespace}}}{name}" if namespace else name
