"""Recognises the format of a bibliography by its content, and parses it. Pure.

Names of files say little: `.txt` holds RIS, MEDLINE and lists of identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from digest.bibliography import bibtex_import, json_formats, other_formats, tagged_formats
from digest.bibliography.entry import ParsedBibliography
from digest.bibliography.import_limits import MAX_BYTES
from digest.bibliography.text_encoding import decode_bibliography
from digest.errors import N_, BadInput

NOT_RECOGNISED = N_(
    "this is no bibliography that can be read here: use BibTeX, RIS, PubMed (nbib), CSL-JSON or EndNote, or paste DOIs "
    "and arXiv ids"
)
_MEGABYTE = 1 << 20
_LINE_FORMATS: tuple[tuple[re.Pattern[str], Callable[[str], ParsedBibliography]], ...] = (
    (re.compile(r"^[^\n%]{0,200}@[ \t]*[A-Za-z][\w-]*\s*[{(]", re.MULTILINE), bibtex_import.parse),
    (re.compile(r"^\s{0,3}(?:TY|ER) {0,2}-", re.MULTILINE), tagged_formats.parse_ris),
    (re.compile(r"^(?:PMID|OWN|TI|AID) {0,2}- ", re.MULTILINE), tagged_formats.parse_medline),
    (re.compile(r"^(?:FN (?:ISI|Clarivate|Thomson)|PT [A-Z]$)", re.MULTILINE), tagged_formats.parse_web_of_science),
    (re.compile(r"^RT [A-Z][A-Za-z ]+$", re.MULTILINE), tagged_formats.parse_refworks),
    (re.compile(r"^%[0TA](?: |$)", re.MULTILINE), tagged_formats.parse_refer),
)
_NUMBERED = re.compile(r"\s*\[\d{1,4}\][ \t]+\S")  # a list of references
_HTML = re.compile(r"\s*<(?:!doctype\s+html|html|head|body|pre|div|p|span|table)\b", re.IGNORECASE)
_PREFORMATTED = re.compile(r"<(?:pre|textarea)\b[^>]{0,500}>([^<]*(?:<(?!/(?:pre|textarea)\b)[^<]*)*)", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")


def parse_bibliography(data: bytes) -> ParsedBibliography:
    """Parse a file or a pasted text. Raises BadInput for one that is too large, of no known format, or empty."""
    require_size(len(data))
    text = decode_bibliography(data)
    if not text.strip():
        raise BadInput(N_("the file is empty"))
    parsed = _parse_text(text)
    if not parsed.entries:
        return _refuse_without_entries(parsed)
    return parsed


def require_size(size: int) -> None:
    """Raise BadInput for a file of more than MAX_BYTES."""
    if size > MAX_BYTES:
        raise BadInput(
            N_("the file has %(size)s MB; at most %(limit)s MB can be read"),
            size=-(-size // _MEGABYTE),
            limit=MAX_BYTES // _MEGABYTE,
        )


def _parse_text(text: str) -> ParsedBibliography:
    start = text.lstrip()[:1]
    if start in {"[", "{"} and not _NUMBERED.match(text):
        return json_formats.parse(text)
    if start == "<" and not _HTML.match(text):
        return other_formats.parse_endnote_xml(text)
    return _parse_lines(_text_of_page(text) if start == "<" else text)


def _text_of_page(html: str) -> str:
    """The preformatted text of a web page, in which some databases show their exports. Raises BadInput without any."""
    text = "\n".join(unescape(_TAG.sub("", block)) for block in _PREFORMATTED.findall(html))
    if not text.strip():
        raise BadInput(N_("this is a web page, not a bibliography; save or copy the exported entries themselves"))
    return text


def _parse_lines(text: str) -> ParsedBibliography:
    matches = [(match.start(), parse) for pattern, parse in _LINE_FORMATS if (match := pattern.search(text))]
    if matches:
        parsers = [parse for _, parse in matches]
        if parsers[0] is not bibtex_import.parse and tagged_formats.parse_ris in parsers:
            return tagged_formats.parse_ris(text)  # its lines without TY look like MEDLINE's
        return min(matches, key=lambda item: item[0])[1](text)
    if other_formats.csv_columns(text.lstrip().partition("\n")[0]):
        return other_formats.parse_csv(text)
    return other_formats.parse_identifiers(text)


def _refuse_without_entries(parsed: ParsedBibliography) -> ParsedBibliography:
    """Raise BadInput: nothing is useful, and say of the first problem where it is."""
    if parsed.form == "identifiers":
        raise BadInput(NOT_RECOGNISED)
    if not parsed.problems:
        raise BadInput(N_("the file has no entries (read as %(form)s)"), form=parsed.form)
    first = parsed.problems[0]
    raise BadInput(
        N_("none of its entries can be used (read as %(form)s); the first problem: %(problem)s"),
        form=parsed.form,
        problem=first.message(_fill_in),
    )


def _fill_in(message: str, **values: object) -> str:
    return message % values if values else message
