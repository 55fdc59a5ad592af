"""Reads the public works of an ORCID record (public API 3.0). They have no authors and mostly no abstracts."""

from __future__ import annotations

import re
import time

from digest.bibliography import json_formats
from digest.bibliography.entry import ParsedBibliography
from digest.errors import N_, BadInput, NotFound, SourceDown
from digest.settings import TextSetting
from digest.sources import http
from digest.sources.http import SourceResponse
from digest.sources.request_turns import Pacing

URL = TextSetting("orcid_url", "https://pub.orcid.org")
PACING = Pacing("orcid")
TRIES = 2
MAX_SECONDS = 45.0  # of one import; a person waits for it

BAD_ID = N_("%(text)s is not an ORCID iD, such as 0000-0002-1825-0097")
UNKNOWN_ID = N_("there is no ORCID record with this iD")
NO_WORKS = N_("this ORCID record lists no public works")

_ID = re.compile(r"(?:https?://)?(?:orcid\.org/|orcid:\s*)?(\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX])/?", re.IGNORECASE)


def parse_orcid_id(text: str) -> str:
    """The iD with hyphens. Raises BadInput, also where its check digit is wrong (ISO 7064, MOD 11-2)."""
    match = _ID.fullmatch(text.strip())
    digits = match[1].replace("-", "").upper() if match else ""
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2 % 11
    expected = (12 - total) % 11
    if not digits or digits[-1] != ("X" if expected == 10 else str(expected)):
        raise BadInput(BAD_ID, field="orcid", text=text.strip()[:40])
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def is_orcid_id(text: str) -> bool:
    """True for a text that has the form of an ORCID iD or its address."""
    return _ID.fullmatch(text.strip()) is not None


def fetch_works(orcid_id: str) -> ParsedBibliography:
    """The public works of a record. Raises BadInput for a wrong iD or an empty record, NotFound, SourceDown."""
    path = f"{URL.value().rstrip('/')}/v3.0/{parse_orcid_id(orcid_id)}/works"
    deadline = time.monotonic() + MAX_SECONDS
    request = http.SourceRequest(path, PACING, headers=(("Accept", "application/json"),), deadline=deadline)
    try:
        parsed = http.fetch_answer(request, _read, tries=TRIES)
    except SourceDown as error:
        if error.status in {404, 409, 410}:  # unknown, locked, deactivated
            raise NotFound(UNKNOWN_ID) from error
        raise
    if not parsed.entries:
        raise BadInput(NO_WORKS, field="orcid")
    return parsed


def _read(answer: SourceResponse) -> ParsedBibliography:
    value = json_formats.load_json(answer.body)
    if not isinstance(value, dict) or not isinstance(value.get("group"), list):
        raise BadInput(N_("not a list of works"))
    return json_formats.parse_value(value)
