"""RIS records: a tag, two blanks, a hyphen and a blank before each value; lines end with CR LF."""

from __future__ import annotations

from collections.abc import Iterator

from digest.compose.citations.citation import Citation
from digest.compose.citations.cited_author import CitedAuthor

_PREPRINT, _ARTICLE = "UNPB", "JOUR"
_INCOMPLETE = "The source names the first authors only."


def ris_record(item: Citation, key: str) -> str:
    """The record of one paper."""
    return "".join(f"{tag}  - {value}\r\n" for tag, value in _fields(item, key)) + "ER  - \r\n"


def _fields(item: Citation, key: str) -> Iterator[tuple[str, str]]:
    yield "TY", _ARTICLE if item.journal else _PREPRINT
    yield "ID", key
    yield "TI", item.title
    for author in item.authors:
        yield "AU", _name(author)
    if item.date:
        yield "PY", str(item.date[0])
        yield "DA", f"{item.slashed_date}{'/' * (3 - len(item.date))}"
    if item.journal:
        yield "JO", item.journal
    elif item.server:
        yield "PB", item.server
    if item.doi:
        yield "DO", item.doi
    if item.arxiv_id:
        yield "AN", f"arXiv:{item.arxiv_id}"
    yield "UR", item.url
    if item.pdf_url:
        yield "L1", item.pdf_url
    for keyword in item.keywords:
        yield "KW", keyword
    if item.note:
        yield "N1", item.note
    if item.authors and not item.authors_complete:
        yield "N1", _INCOMPLETE
    if item.abstract:
        yield "AB", item.abstract


def _name(author: CitedAuthor) -> str:
    """`Family, Given, Suffix`. A comma separates the parts, so one inside a part becomes a blank."""
    parts = (author.full_family, author.given_name, author.suffix)
    if author.suffix and not author.given_name:
        parts = (author.full_family, author.suffix, "")
    return ", ".join(" ".join(part.replace(",", " ").split()) for part in parts if part)
