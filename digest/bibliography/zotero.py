"""Reads the items of a Zotero library by its web API (version 3), with a read-only key or none for public groups.

Attachments, notes and annotations are skipped: notes are private.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from digest.bibliography import json_formats
from digest.bibliography.entry import ParsedBibliography
from digest.bibliography.import_limits import MAX_ENTRIES
from digest.errors import N_, BadInput, NotFound, SourceDown
from digest.settings import TextSetting
from digest.sources import http
from digest.sources.http import SourceResponse
from digest.sources.request_turns import Pacing

URL = TextSetting("zotero_url", "https://api.zotero.org")
PACING = Pacing("zotero")
PAGE_SIZE = 100  # the API's maximum
MAX_SECONDS = 45.0  # of one import; a person waits for it
TRIES = 2

READ_ONLY_KEY = N_("this key may change your library: make a read-only key at zotero.org/settings/keys")
UNKNOWN_KEY = N_("Zotero does not know this key")
PRIVATE = N_("this Zotero library is private: add a read-only key that may read it")
NO_LIBRARY = N_("there is no such Zotero library")
EMPTY = N_("this Zotero library is empty")
NO_ADDRESS = N_("use the address of a group, such as zotero.org/groups/4512345, or a key for your own library")
TOO_SLOW = N_("Zotero asks for a pause of %(seconds)s seconds; try again later, or export the library to a file")

_LIBRARY = re.compile(
    r"(?:https?://)?(?:www\.|api\.)?(?:zotero\.org/)?(groups?|users?)[/:](\d{1,12})(?:[/?#].*)?", re.IGNORECASE
)
T = TypeVar("T")
_KEY = re.compile(r"[A-Za-z0-9]{20,40}")


@dataclass(frozen=True, slots=True)
class ZoteroLibrary:
    """A library: `kind` is users or groups. `key`: of its owner, '' for a public group."""

    kind: str
    number: str
    key: str = ""


def is_zotero_reference(text: str) -> bool:
    """True for the address of a Zotero library."""
    text = text.strip()
    return "zotero.org/" in text.lower() or bool(_LIBRARY.fullmatch(text))


def fetch_library(address: str, key: str = "") -> ParsedBibliography:
    """All items of a library; without an address that of the key's owner. At most MAX_ENTRIES, the newest first.

    Raises BadInput for a wrong address or key and for a private library, NotFound, SourceDown.
    """
    deadline = time.monotonic() + MAX_SECONDS
    library = _library_of(address.strip(), key.strip(), deadline)
    items: list[Any] = []
    total = MAX_ENTRIES
    while len(items) < min(total, MAX_ENTRIES) and time.monotonic() < deadline:
        page, total, pause_seconds = _fetch_page(library, len(items), deadline)
        items += page
        if not page or len(items) >= total:
            break
        if time.monotonic() + pause_seconds > deadline:
            raise SourceDown(TOO_SLOW % {"seconds": round(pause_seconds)}, retryable=False)
        time.sleep(pause_seconds)
    if not items:
        raise BadInput(EMPTY, field="zotero_library")
    parsed = json_formats.parse_value(items)
    return replace(parsed, left_out=parsed.left_out + max(total - len(items), 0))


def _library_of(address: str, key: str, deadline: float) -> ZoteroLibrary:
    """The library to read, after a look at what the key allows."""
    if key and not _KEY.fullmatch(key):
        raise BadInput(UNKNOWN_KEY, field="zotero_key")
    owner = _check_key(key, deadline) if key else ""
    if not address and owner:
        return ZoteroLibrary("users", owner, key)
    match = _LIBRARY.fullmatch(address)
    if match is None:
        raise BadInput(NO_ADDRESS, field="zotero_library")
    kind = "users" if match[1].lower().startswith("user") else "groups"
    return ZoteroLibrary(kind, match[2], key)


def _check_key(key: str, deadline: float) -> str:
    """The user of a key. Raises BadInput for an unknown key, and for one that allows more than reading."""
    try:
        answer = _get("/keys/current", key, _read_object, deadline)
    except SourceDown as error:
        if error.status in {403, 404}:
            raise BadInput(UNKNOWN_KEY, field="zotero_key") from error
        raise
    if _allows_writing(answer.get("access")):
        raise BadInput(READ_ONLY_KEY, field="zotero_key")
    return str(answer.get("userID") or "")


def _allows_writing(access: Any) -> bool:
    """True where `write` is set anywhere: for the user's library, or for any of the groups."""
    if not isinstance(access, dict):
        return False
    return bool(access.get("write")) or any(_allows_writing(member) for member in access.values())


def _fetch_page(library: ZoteroLibrary, start: int, deadline: float) -> tuple[list[Any], int, float]:
    """Items from that position, how many there are, and the seconds that Zotero asks to wait."""
    params = {"v": "3", "limit": str(PAGE_SIZE), "start": str(start), "sort": "dateAdded", "direction": "desc"}
    path = f"/{library.kind}/{library.number}/items/top"
    try:
        return _get(path, library.key, _read_page, deadline, params)
    except SourceDown as error:
        if error.status == 403:
            raise BadInput(PRIVATE, field="zotero_library") from error
        if error.status == 404:
            raise NotFound(NO_LIBRARY) from error
        raise


def _get(
    path: str,
    key: str,
    read: Callable[[SourceResponse], T],
    deadline: float,
    params: Mapping[str, str] | None = None,
) -> T:
    headers = {"Zotero-API-Version": "3"} | ({"Zotero-API-Key": key} if key else {})
    request = http.SourceRequest(
        f"{URL.value().rstrip('/')}{path}",
        PACING,
        tuple((params or {}).items()),
        tuple(headers.items()),
        deadline=deadline,
    )
    return http.fetch_answer(request, read, tries=TRIES)


def _read_page(answer: SourceResponse) -> tuple[list[Any], int, float]:
    items = json_formats.load_json(answer.body)
    total = answer.headers.get("total-results", "")
    pause = answer.headers.get("backoff", "") or answer.headers.get("retry-after", "")
    if not isinstance(items, list):
        raise BadInput(N_("not a list of items"))
    number = int(total) if total.isascii() and total.isdigit() and len(total) < 9 else len(items)
    return items, number, float(pause) if pause.isascii() and pause.isdigit() and len(pause) < 7 else 0.0


def _read_object(answer: SourceResponse) -> dict[str, Any]:
    value = json_formats.load_json(answer.body)
    if not isinstance(value, dict):
        raise BadInput(N_("not an object"))
    return value
