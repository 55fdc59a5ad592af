"""Reads RSS 0.9x, 1.0 and 2.0, Atom and JSON Feed into entries with their texts as they come. Pure.

Damaged documents are first read by `xml`, which refuses entities and bounds size and depth; feedparser interprets what
is well-formed then.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from digest.errors import BadInput
from digest.papers import RejectedItem
from digest.sources import json_items, xml
from digest.sources.decoding import decode
from digest.text.plain_text import one_line, remove_controls

MAX_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 5_000
_ATOM, _RSS1 = "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/"
_PREFIXES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "media": "http://search.yahoo.com/mrss/",
}
_ITEMS, _PARENTS = ("item", "entry"), {"rss": "channel", "feed": "", "RDF": "channel"}
_FIELDS = (("title", ""), ("link", ""))
_ATOM_FORM = xml.xml_form(_ITEMS, _PARENTS, _FIELDS, {"": _ATOM, **_PREFIXES})
_RDF_FORM = xml.xml_form(_ITEMS, _PARENTS, _FIELDS, {"": _RSS1, **_PREFIXES})
_RDF_ROOT = re.compile(r"<(?:[\w.-]{1,50}:)?RDF[\s>]")
_DOCTYPE = re.compile(r"<!DOCTYPE\s[^<>\[]{0,400}>", re.IGNORECASE)
_DECLARED = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(rb"^<\?xml[^>]{0,200}\?>")
_BYTES_OF_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
_REDIRECTOR = re.compile(r"(?:www|scholar)\.google\.[a-z.]{2,6}/(?:url|scholar_url)")  # addresses that change each time
_GZIP = b"\x1f\x8b\x08"
_MAX_VALUE = 500_000  # characters


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry. `values`: the texts of all its elements by local name in lower case, in their order.

    `links`: addresses of the entry itself, not of what it is about (RFC 4287, section 4.2.7.2) or encloses.
    `summaries`: texts that may be or hold the abstract, as markup; `date`: as feedparser reads it, (year, month, day);
    `is_recording`: it encloses sound or a film; `former_links`: where earlier releases read another first link.
    """

    title: str
    links: tuple[str, ...] = ()
    id: str = ""
    summaries: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    date: tuple[int, int, int] | None = None
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_recording: bool = False
    former_links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A feed: its title and home page, its entries, damaged ones as RejectedItem. `is_cut`: the document is cut off."""

    title: str
    link: str
    entries: tuple[FeedEntry | RejectedItem, ...]
    is_cut: bool = False


def read_feed(data: bytes, *, url: str = "", charset: str = "") -> FeedDocument:
    """Read a feed. `url`: its address, for relative links; `charset`: of the HTTP header, where the bytes need it.

    Raises BadInput where it is no feed, too large, or declares entities.
    """
    if data.startswith(_GZIP):
        data = _unpacked(data)
    if len(data) > MAX_BYTES:
        raise BadInput(f"a feed of more than {MAX_BYTES} bytes is over the limit")
    text = _decode(data, charset).lstrip()
    if not text:
        raise BadInput("the answer is empty")
    if text.startswith("{"):
        return _read_json_feed(text, url)
    text = _DOCTYPE.sub("", text, count=1) if "<!DOCTYPE" in text[:2000] and not _is_html(text) else text
    document = xml.read(text.encode(), _RDF_FORM if _RDF_ROOT.search(text[:4000]) else _ATOM_FORM)
    root = document.head.tag.rpartition("}")[2]
    if root not in _PARENTS:
        raise BadInput(f"not a feed: its root is <{root[:40]}>, not <rss>, <feed> or <rdf:RDF>")
    entries = _merge_entries(document, url)
    if len(entries) > MAX_ENTRIES:
        raise BadInput(f"more than {MAX_ENTRIES} entries in one feed")
    title, link = _title_and_link(document.head, url)
    return FeedDocument(title, link, entries, is_cut=document.truncation is not None)


def _unpacked(data: bytes) -> bytes:
    """A feed that is served as a packed file (RFC 1952). Raises BadInput for a damaged one."""
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise BadInput(f"the packed feed is damaged ({error})") from error


def _is_html(text: str) -> bool:
    return "<!doctype html" in text[:2000].lower() or "<html" in text[:2000].lower()


def _decode(data: bytes, charset: str) -> str:
    """The text. Bytes that are no UTF-8 and declare nothing else are read as the HTTP header says, or as Windows-1252.

    Windows-1252 only where no byte sequence is UTF-8; else single bytes are damaged.
    """
    try:
        return data.decode().lstrip("\ufeff")
    except UnicodeDecodeError:
        declared = _DECLARED.search(data[:400])
    name = declared[1].decode().lower() if declared else charset
    if name in {"", "utf-8", "utf8", "us-ascii", "ascii"} and not _BYTES_OF_UTF8.search(data) and 0 not in data[:64]:
        name = "windows-1252"
    if not name or (declared and name == declared[1].decode().lower()):
        return decode(data)
    declaration = f'<?xml version="1.0" encoding="{name[:40]}"?>'.encode("ascii", "ignore")
    return decode(declaration + _DECLARATION.sub(b"", data.lstrip(), count=1))


def _merge_entries(document: xml.XmlDocument, url: str) -> tuple[FeedEntry | RejectedItem, ...]:
    """The entries with those that are damaged in their places."""
    elements = [item for item in document.items if not isinstance(item, RejectedItem)]
    interpreted = _interpret(document.head, elements)
    pairs = zip(elements, interpreted, strict=True)
    read = iter([_entry_or_fault(number, *pair, url) for number, pair in enumerate(pairs, start=1)])
    entries = [item if isinstance(item, RejectedItem) else next(read) for item in document.items]
    return (*entries, *([document.truncation] if document.truncation else []))


def _interpret(head: Element, elements: Sequence[Element]) -> list[Mapping[str, Any]]:
    """What feedparser reads of each entry; entry by entry where it finds another number of them."""
    entries = _parse_with_feedparser(head, elements)
    if len(entries) == len(elements):
        return entries
    return [next(iter(_parse_with_feedparser(head, [element])), {}) for element in elements]


def _parse_with_feedparser(head: Element, elements: Sequence[Element]) -> list[Mapping[str, Any]]:
    import feedparser  # takes longer to import than everything else here

    root = Element(head.tag, head.attrib)
    channel = next((child.attrib for child in head if child.tag == "channel"), {})  # its xml:base
    (SubElement(root, "channel", channel) if head.tag == "rss" else root).extend(elements)
    document = io.BytesIO(tostring(root, encoding="utf-8", xml_declaration=True))
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        parsed = feedparser.parse(document, response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, ArithmeticError, LookupError, TypeError):  # such as a namespace with a blank in it
        return []
    return list(parsed.entries)


def _entry_or_fault(position: int, element: Element, parsed: Mapping[str, Any], url: str) -> FeedEntry | RejectedItem:
    """One entry; what nobody foresaw in it must not cost the others."""
    try:
        return _entry(element, parsed, url)
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        excerpt = one_line("".join(element.itertext()))[:120]
        return RejectedItem(position, f"not understood: {type(error).__name__}", excerpt)


def _entry(element: Element, parsed: Mapping[str, Any], url: str) -> FeedEntry:
    values: dict[str, list[str]] = {}
    for child in element:
        namespace, _, name = child.tag.lower().rpartition("}") if isinstance(child.tag, str) else ("", "", "")
        if name == "source" and not namespace.startswith("{http://purl.org/dc/"):
            continue  # the feed that an entry was taken from (RFC 4287, section 4.2.11), not what it is
        text = "".join(child.itertext())[:_MAX_VALUE].strip()
        if name and text:
            values.setdefault(name, []).append(text)
    links = [str(link.get("href", "")) for link in parsed.get("links", []) if link.get("rel") in {"alternate", None}]
    about = next((value for name, value in element.attrib.items() if name.endswith("}about")), "")
    raw_links = values.get("link", [])
    former_links = _former_links([*links, *raw_links, about], raw_links, url)
    links.append(str(parsed.get("link", "")))  # also a guid that is a link
    contents = [str(content.get("value", "")) for content in parsed.get("content", [])]
    summaries = [*contents, str(parsed.get("summary", "")), *values.get("description", []), *values.get("abstract", [])]
    title = str(parsed.get("title", "")) or next(iter(values.get("title", [])), "")
    people = parsed.get("authors", [])  # a text where the element is <authors>
    authors = [str(author.get("name", "")) for author in people if isinstance(author, Mapping)]
    return FeedEntry(
        title=title,
        links=_absolute([*links, *raw_links, about], url),
        id=one_line(str(parsed.get("id", "")))[:2000],
        summaries=tuple(dict.fromkeys(text[:_MAX_VALUE] for text in summaries if text.strip())),
        authors=tuple(values.get("creator") or [name for name in authors if name] or values.get("authors", [])),
        tags=tuple(str(tag.get("term", "")) for tag in parsed.get("tags", []) if tag.get("term")),
        date=_day(parsed.get("published_parsed") or dict(parsed).get("updated_parsed")),
        values={name: tuple(texts) for name, texts in values.items()},
        is_recording=str(parsed.get("id", "")).startswith("yt:video:")
        or any(str(link.get("type", "")).startswith(("audio/", "video/")) for link in parsed.get("enclosures", [])),
        former_links=former_links,
    )


def _absolute(links: Sequence[str], url: str) -> tuple[str, ...]:
    """The web addresses among these links, absolute, each once."""
    return tuple(dict.fromkeys(address for link in links if (address := _web_address(link, url))))


def _former_links(links: Sequence[str], raw_links: Sequence[str], url: str) -> tuple[str, ...]:
    """The first link with its redirector, and those that an `xml:base` in the feed did not change."""
    addresses = (_web_address(link, url, unwrap=False) for link in links)
    first = next(filter(None, addresses), "")
    others = [_web_address(link, url, unwrap=False) for link in raw_links[:1]]
    return tuple(dict.fromkeys(filter(None, (first, *others))))


def _web_address(link: str, url: str, *, unwrap: bool = True) -> str:
    """The absolute address, '' for none. `unwrap`: take the address out of that of a redirector."""
    link = "".join(link.split())
    if not link or link.startswith("#"):
        return ""
    try:
        address = urljoin(url, link)
        address.encode()  # a lone surrogate is in no address
        parts = urlsplit(address)
        if unwrap and _REDIRECTOR.fullmatch(f"{parts.hostname}{parts.path}"):
            wrapped = dict(parse_qsl(parts.query)).get("url", "")
            return _web_address(wrapped, url) if wrapped.startswith(("http://", "https://")) else address
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        return address if is_web and len(address) <= 2000 else ""
    except ValueError:
        return ""


def _day(moment: Any) -> tuple[int, int, int] | None:
    return (moment[0], moment[1], moment[2]) if moment else None


def _title_and_link(head: Element, url: str) -> tuple[str, str]:
    """The feed's own title and home page."""
    channels = [child for child in head if isinstance(child.tag, str) and child.tag.endswith("channel")]
    title = ""
    links: list[str] = []
    for child in (child for parent in (*channels, head) for child in parent):
        name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if name == "title" and not title:
            title = one_line("".join(child.itertext()))
        if name == "link" and child.get("rel", "alternate") == "alternate":
            links.append(child.get("href") or child.text or "")
    return title[:200], next(iter(_absolute(links, url)), "")


def _read_json_feed(text: str, url: str) -> FeedDocument:
    """A JSON Feed (https://www.jsonfeed.org/version/1.1/)."""
    if '"https://jsonfeed.org/version/' not in text.replace("\\/", "/"):
        raise BadInput("not a feed: this JSON names no version of jsonfeed.org")
    items = json_items.read_items(text.encode(), "items")
    entries: list[FeedEntry | RejectedItem] = []
    for position, item in enumerate(items.values, start=1):
        if isinstance(item, RejectedItem):
            entries.append(item)
        elif isinstance(item, dict):
            entries.append(_json_entry(item, url))
        else:
            entries.append(RejectedItem(position, "not an object", remove_controls(str(item)[:120])))
    title, home = (re.search(rf'"{name}"\s*:\s*"([^"\\]{{1,300}})"', text) for name in ("title", "home_page_url"))
    link = next(iter(_absolute([home[1].replace("\\/", "/")] if home else [], url)), "")
    return FeedDocument(one_line(title[1])[:200] if title else "", link, tuple(entries), is_cut=items.is_cut)


def _json_entry(item: Mapping[str, Any], url: str) -> FeedEntry:
    def text(name: str) -> str:
        value = item.get(name)
        is_text = isinstance(value, str | int) and not isinstance(value, bool)
        return remove_controls(str(value)[:_MAX_VALUE]) if is_text else ""

    identifier = text("id")
    people, tags = item.get("authors") or [item.get("author")], item.get("tags")
    people = [person.get("name") for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    names = [remove_controls(name) for name in people if name and isinstance(name, str)]
    strings = {name: (text(name),) for name in item if isinstance(name, str) and text(name)}
    dates = tuple(filter(None, (text("date_published"), text("date_modified"))))
    link = text("url") or text("external_url")
    return FeedEntry(
        title=text("title"),
        links=_absolute([link, identifier if "://" in identifier else ""], url),
        id=one_line(identifier)[:2000],
        summaries=tuple(filter(None, (text("content_html"), text("content_text"), text("summary")))),
        authors=tuple(names),
        tags=tuple(remove_controls(tag) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        values={**strings, "date": dates} if dates else strings,
        is_recording=_has_recording(item.get("attachments")),
        former_links=_former_links([link, identifier], (), url),
    )


def _has_recording(attachments: object) -> bool:
    kinds = (
        [item.get("mime_type") for item in attachments if isinstance(item, dict)]
        if isinstance(attachments, list)
        else []
    )
    return any(isinstance(kind, str) and kind.startswith(("audio/", "video/")) for kind in kinds)
