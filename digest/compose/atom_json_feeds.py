"""Atom 1.0 (RFC 4287) and JSON Feed 1.1. Pure; the same feed gives the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

ATOM_TYPE = "application/atom+xml; charset=utf-8"
JSON_TYPE = "application/feed+json; charset=utf-8"
_ATOM = "http://www.w3.org/2005/Atom"
_JSON_VERSION = "https://jsonfeed.org/version/1.1"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. `key` never changes; times are aware; `html` is a fragment."""

    key: str
    title: str
    url: str
    html: str
    published: datetime
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """A list of items, newest first, and its URLs: `home` for people, `atom` and `json` for its two formats.

    `updated`: when an item was last added. `name`: the author. `language`: a BCP 47 tag.
    """

    key: str
    title: str
    name: str
    home: str
    atom: str
    json: str
    updated: datetime
    items: tuple[Item, ...] = ()
    language: str = "en"


def tag_uri(domain: str, day: datetime, name: str) -> str:
    """A tag URI (RFC 4151): minted by the owner of `domain` on that day. `name` is ASCII without blanks."""
    return f"tag:{domain},{day.astimezone(UTC):%Y-%m-%d}:{name}"


def to_atom(feed: Feed) -> bytes:
    """The feed as an Atom document."""
    root = Xml.Element("feed", {"xmlns": _ATOM, "xml:lang": feed.language})
    _add_text(root, "id", feed.key)
    _add_text(root, "title", feed.title)
    _add_text(root, "updated", _rfc3339(feed.updated))
    _add_text(Xml.SubElement(root, "author"), "name", feed.name)
    _add_link(root, "self", feed.atom, "application/atom+xml")
    _add_link(root, "alternate", feed.home, "text/html")
    for item in feed.items:
        _add_entry(root, item)
    document: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def to_json_feed(feed: Feed) -> bytes:
    """The feed as a JSON Feed document."""
    document = {
        "version": _JSON_VERSION,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.json,
        "language": feed.language,
        "authors": [{"name": feed.name}],
        "items": [_json_item(item) for item in feed.items],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _add_entry(root: Xml.Element, item: Item) -> None:
    entry = Xml.SubElement(root, "entry")
    _add_text(entry, "id", item.key)
    _add_text(entry, "title", item.title)
    _add_text(entry, "updated", _rfc3339(item.published))
    _add_text(entry, "published", _rfc3339(item.published))
    for author in item.authors:
        _add_text(Xml.SubElement(entry, "author"), "name", author)
    _add_link(entry, "alternate", item.url, "text/html")
    for name in item.tags:
        Xml.SubElement(entry, "category", {"term": _remove_invalid_xml(name)})
    _add_text(entry, "content", item.html, type="html")


def _json_item(item: Item) -> Mapping[str, Any]:
    members = {
        "id": item.key,
        "url": item.url,
        "title": item.title,
        "content_html": item.html,
        "date_published": _rfc3339(item.published),
        "authors": [{"name": author} for author in item.authors],
        "tags": list(item.tags),
    }
    return {name: value for name, value in members.items() if value}


def _add_text(parent: Xml.Element, name: str, text: str, **attributes: str) -> None:
    Xml.SubElement(parent, name, attributes).text = _remove_invalid_xml(text)


def _add_link(parent: Xml.Element, relation: str, address: str, kind: str) -> None:
    Xml.SubElement(parent, "link", {"rel": relation, "type": kind, "href": _remove_invalid_xml(address)})


def _remove_invalid_xml(text: str) -> str:
    """Remove the characters that XML 1.0 forbids."""
    return _NOT_XML.sub("", text)


def _rfc3339(instant: datetime) -> str:
    """RFC 3339, in UTC, whole seconds."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
