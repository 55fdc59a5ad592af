"""A followed author as text: a name alone, or a name and the person, as in `Wei Wang (openalex:A5048491430)`.

The person is named by an id of ORCID, OpenAlex, Semantic Scholar or Hugging Face, or by one of the person's papers
(`arxiv:2401.01234`, `doi:10.1101/…`). Other text in parentheses stays a part of the name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ORCID, OPENALEX, SEMANTIC_SCHOLAR, HUGGING_FACE = "orcid", "openalex", "semantic-scholar", "huggingface"
ARXIV, DOI = "arxiv", "doi"
ID_SCHEMES = (ORCID, OPENALEX, SEMANTIC_SCHOLAR, HUGGING_FACE)  # the most reliable first
PAPER_SCHEMES = (ARXIV, DOI)
ID_PAGES = {  # what people call the ids, and the address of a person's page without the id
    ORCID: ("ORCID", "https://orcid.org/"),
    OPENALEX: ("OpenAlex", "https://openalex.org/"),
    SEMANTIC_SCHOLAR: ("Semantic Scholar", "https://www.semanticscholar.org/author/"),
}
_VALUE_PATTERNS = {
    ORCID: re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dXx])", re.ASCII),
    OPENALEX: re.compile(r"(?:https?://openalex\.org/(?:authors/)?)?([Aa]\d{4,12})", re.ASCII),
    SEMANTIC_SCHOLAR: re.compile(r"(\d{1,12})", re.ASCII),
    HUGGING_FACE: re.compile(r"([0-9a-f]{24})"),
    ARXIV: re.compile(r"(?:https?://arxiv\.org/abs/)?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"),
    DOI: re.compile(r"(?:https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[^\s()]{1,90})"),
}
_DASHES = re.compile("[\u2010-\u2015\u2212]")  # hyphens and dashes that are pasted with an ORCID iD
_WITHOUT_HYPHENS = re.compile(r"(\d{4})(\d{4})(\d{4})(\d{3}[\dXx])", re.ASCII)
_LIKE_AN_ID = re.compile(
    rf"(?=(?:\D*\d){{8}})[\d-]+[Xx]?|[A-Za-z]\d{{4,}}|(?:{'|'.join(ID_SCHEMES)}):.*", re.IGNORECASE | re.ASCII
)
_UPPER_CASE = frozenset({ORCID, OPENALEX})
_REFERENCE = re.compile(
    rf"(?P<name>[^()]*\S)\s*\(\s*(?P<scheme>{'|'.join(_VALUE_PATTERNS)})\s*:\s*(?P<value>[^\s()]+)\s*\)",
    re.IGNORECASE,
)


class PersonReference(NamedTuple):
    """A person with a name: an id of one of `ID_SCHEMES`, or a paper of theirs by one of `PAPER_SCHEMES`."""

    name: str
    scheme: str
    value: str

    def __str__(self) -> str:
        """The text that `parse_reference` reads."""
        return f"{self.name} ({self.scheme}:{self.value})"


def parse_reference(text: str) -> PersonReference | None:
    """The person that a followed author's text names; None for a name alone. Raises ValueError for a damaged id."""
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        return None
    scheme, value = match["scheme"].lower(), match["value"]
    value_match = _VALUE_PATTERNS[scheme].fullmatch(value)
    if value_match is None or (scheme == ORCID and not _has_check_digit(value_match[1])):
        raise ValueError(f"{scheme}:{value}")
    canonical = value_match[1].upper() if scheme in _UPPER_CASE else value_match[1]
    return PersonReference(match["name"], scheme, canonical.lower() if scheme == DOI else canonical)


def parse_author_id(text: str) -> tuple[str, str] | None:
    """The id in `au:0000-0002-1825-0097`, `au:A5023888391` or `au:semantic-scholar:1741101`, as (scheme, value).

    None for a name. Raises ValueError for a damaged id.
    """
    typed = _DASHES.sub("-", text.strip())
    if not _LIKE_AN_ID.fullmatch(typed):
        return None
    scheme, has_scheme, value = typed.rpartition(":")
    value = "-".join(match.groups()) if (match := _WITHOUT_HYPHENS.fullmatch(value)) else value
    for candidate in (scheme.lower(),) if has_scheme else (ORCID, OPENALEX):
        reference = reference_of(f"Name ({candidate}:{value})")
        if reference is not None and reference.scheme in ID_SCHEMES:
            return reference.scheme, reference.value
    raise ValueError(typed)


def author_id_key(text: str) -> str | None:
    """The author's id in a query as `scheme:value`; None for a name and for a damaged id, which counts as a name."""
    try:
        author_id = parse_author_id(text)
    except ValueError:
        return None
    return ":".join(author_id) if author_id else None


def author_term(text: str) -> str:
    """The text of an `au:` term; an id in its one form: a bare ORCID iD or OpenAlex id, others with their scheme."""
    key = author_id_key(text)
    return key.removeprefix(f"{ORCID}:").removeprefix(f"{OPENALEX}:") if key else text


def is_person_id(scheme: str, value: str) -> bool:
    """True for a well-formed id of one of `ID_SCHEMES`, written as `parse_reference` returns it."""
    reference = reference_of(f"Name ({scheme}:{value})") if scheme in ID_SCHEMES else None
    return reference is not None and reference.value == value


def reference_of(text: str) -> PersonReference | None:
    """`parse_reference` of a text that was validated; None also for a damaged id, which then counts as a name."""
    try:
        return parse_reference(text)
    except ValueError:
        return None


def author_name(text: str) -> str:
    """The name in a followed author's text."""
    reference = reference_of(text)
    return reference.name if reference else text


def _has_check_digit(orcid_id: str) -> bool:
    """ISO 7064 MOD 11-2, as ORCID's documentation of the iD's structure describes it."""
    total = 0
    for character in orcid_id.replace("-", "")[:-1]:
        total = (total + int(character)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == orcid_id[-1].upper()
