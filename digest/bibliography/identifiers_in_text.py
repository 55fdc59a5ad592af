"""Finds DOIs, arXiv ids and PubMed ids in fields, addresses and free text. Pure; linear time."""

from __future__ import annotations

import re
from urllib.parse import unquote

from digest.papers import without_version
from digest.sources.identifiers import parse_arxiv_id
from digest.text.doi_patterns import ENCODED_BRACKET, SICI_ARTICLE, is_cut_off
from digest.text.plain_text import remove_controls

MAX_TEXT = 20_000  # characters of a field that are searched
MAX_DOI = 250

_DOI = re.compile(r"(?<![\w.])10\.\d{4,9}(?:\.\d+)*/(?:[^\s\"<>{}|\\^`]|" + SICI_ARTICLE + ")+", re.IGNORECASE)
_DOI_ESCAPES = (
    *(("\\_", "_"), ("{\\_}", "_"), ("\\&", "&"), ("\\%", "%"), ("\\#", "#"), ("%2F", "/"), ("%2f", "/")),
    *((spelling, "<") for spelling in ("{\\textless}", "\\textless{}", "\\textless ", "$<$", "&lt;")),
    *((spelling, ">") for spelling in ("{\\textgreater}", "\\textgreater{}", "\\textgreater ", "$>$", "&gt;")),
)
_ADDRESS_BEFORE = re.compile(r"(?:https?://|www\.)\S*\Z", re.IGNORECASE)
_QUERY = re.compile(r"(?<!co;2-)[?#]")  # of an address; a SICI may end so
_PAGE_OF_ARTICLE = re.compile(  # what follows the DOI in publishers' addresses
    r"(?:/|(?<=v\d)\.|(?<=v\d\d)\.)(?:full|full-?text|abstract|summary|e?pdf|html|xml|meta|references|figures|tables|article-[a-z]+"
    r"|supplementary-material)(?:\.pdf|[./+-][a-z]+)*/?\Z|\.pdf\Z|/\Z"
)
_OUP_ARTICLE = re.compile(r"(10\.1093/[a-z]+/[a-z0-9]+)/\d+\Z")
_NATURE_ARTICLE = re.compile(
    r"nature\.com/articles/(s\d{5}-\d{3}-\d{5}-[\da-z]|[a-z]{3,12}[\d.]{3,12})(?![\w-])", re.IGNORECASE
)
_ARXIV_DOI = "10.48550/arxiv."
_ARXIV_CONTEXT = re.compile(
    r"(?:arxiv(?:\.org)?\s*(?:preprint\s+arxiv\s*)?[:./\s\[\]]{1,4}(?:(?:abs|pdf|html|format|e-print|ps)/)?\s*)"
    r"((?:[a-z-]{2,20}(?:\.[a-z]{2})?/)?\d{4}\.?\d{3,5}(?:v\d{1,4})?)(?![\d/])",
    re.IGNORECASE,
)
_BARE_ARXIV_ID = re.compile(
    r"(?<![\w.-])(\d{4}\.\d{4,5}(?:v\d{1,4})?|[a-z-]{2,20}(?:\.[a-z]{2})?/\d{7}(?:v\d{1,4})?)(?![\w/]|\.\d)",
    re.IGNORECASE,
)
_PMID_CONTEXT = re.compile(
    r"(?:pmid[:\s]{1,3}|pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/pubmed/"
    r"|europepmc\.org/(?:article|abstract)/med/)(\d{1,9})\b",
    re.I,
)
_PMID = re.compile(r"\d{1,9}")


def find_doi(text: str) -> str | None:
    """The first DOI of a text in lower case, without the punctuation after it, and of a preprint without its version.

    In an address it ends before the part that names a page of the article, such as `/full` or `?ref=pdf`.
    """
    text = text[:MAX_TEXT]
    text = remove_controls(unquote(text) if ENCODED_BRACKET.search(text) else text)
    for escape, character in _DOI_ESCAPES:
        text = text.replace(escape, character) if escape in text else text
    match = _DOI.search(text)
    if match is None:
        article = _NATURE_ARTICLE.search(text)
        return f"10.1038/{article[1].lower()}" if article else None
    if is_cut_off(match):
        return None
    doi = match[0].lower()
    if _ADDRESS_BEFORE.search(text, max(0, match.start() - 200), match.start()):
        doi = _without_page(doi)
    while doi and (doi[-1] in ".,;:'*" or (doi[-1] in ")]" and _is_unbalanced(doi))):
        doi = doi[:-1]
    return without_version(doi) if "/" in doi[:-1] and len(doi) <= MAX_DOI else None


def _without_page(doi: str) -> str:
    """The DOI of an address without what follows it there."""
    doi = _PAGE_OF_ARTICLE.sub("", _QUERY.split(doi, maxsplit=1)[0])
    return match[1] if (match := _OUP_ARTICLE.match(doi)) else doi


def _is_unbalanced(text: str) -> bool:
    opening = {")": "(", "]": "["}[text[-1]]
    return text.count(text[-1]) > text.count(opening)


def arxiv_id_of_doi(doi: str | None) -> str | None:
    """The arXiv id without version that one of arXiv's own DOIs repeats."""
    return find_arxiv_id(f"arxiv:{doi.removeprefix(_ARXIV_DOI)}") if doi and doi.startswith(_ARXIV_DOI) else None


def find_arxiv_id(text: str) -> str | None:
    """The first arXiv id, without version, that follows the word arXiv or is in an address of arXiv."""
    for match in _ARXIV_CONTEXT.finditer(text[:MAX_TEXT]):
        if identifier := read_arxiv_id(match[1]):
            return identifier
    return None


def find_bare_arxiv_id(text: str) -> str | None:
    """The first arXiv id without version, with or without the word arXiv."""
    for match in _BARE_ARXIV_ID.finditer(text[:MAX_TEXT]):
        if identifier := read_arxiv_id(match[1]):
            return identifier
    return find_arxiv_id(text)


def read_arxiv_id(text: str) -> str | None:
    """The arXiv id without version, if the text is one; `hep-th/9901001`, `math.AG/0601001`."""
    archive, slash, number = text.strip().partition("/")
    if slash:
        name, dot, subject = archive.partition(".")
        text = f"{name.lower()}{dot}{subject.upper()}/{number}"
    try:
        return parse_arxiv_id(text.lower() if not slash else text)[0]
    except ValueError:
        return None


def find_pmid(text: str) -> str | None:
    """The first PubMed id that is named as such or is in an address of PubMed."""
    match = _PMID_CONTEXT.search(text[:MAX_TEXT])
    return match[1] if match else None


def read_pmid(text: str) -> str | None:
    """The PubMed id, if the text is one."""
    text = text.strip()
    return text.lstrip("0") or None if _PMID.fullmatch(text) and text.isascii() else find_pmid(text)
