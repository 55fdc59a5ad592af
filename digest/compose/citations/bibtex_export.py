"""BibTeX entries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.compose.citations.capitals import TitleCapitals
from digest.compose.citations.citation import Citation
from digest.compose.citations.cited_author import CitedAuthor
from digest.compose.citations.tex_encoding import Encoder, escape_specials, source_to_tex, split_formulas, to_tex

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CATEGORY = re.compile(r"[a-z][a-z-]*(?:\.[A-Za-z-]+)?")
_NOT_IN_ADDRESS = str.maketrans({"{": "%7B", "}": "%7D", "\\": "%5C", " ": "%20"})


def bibtex_entry(item: Citation, key: str, *, tex: bool = False, with_abstract: bool = True) -> str:
    """The entry of one paper. `tex`: TeX commands instead of Unicode, and formulas as their authors wrote them."""
    fields = [f"  {name} = {value}" for name, value in _fields(item, tex=tex, with_abstract=with_abstract)]
    return f"@{'article' if item.journal else 'misc'}{{{key},\n" + ",\n".join(fields) + "\n}\n"


def _fields(item: Citation, *, tex: bool, with_abstract: bool) -> Iterator[tuple[str, str]]:
    """Names and values with their delimiters."""
    encode: Encoder = to_tex if tex else escape_specials
    yield "title", f"{{{_title(item, tex=tex)}}}"
    if item.authors:
        names = [_name(author, encode) for author in item.authors] + ([] if item.authors_complete else ["others"])
        yield "author", f"{{{' and '.join(names)}}}"
    if item.date:
        yield "year", f"{{{item.date[0]}}}"
    if len(item.date) > 1:
        yield "month", _MONTHS[item.date[1] - 1]
    if item.journal:
        yield "journal", f"{{{encode(item.journal)}}}"
    elif item.server and not item.arxiv_id:
        yield "howpublished", f"{{{item.server} preprint}}"
    if item.doi:
        yield "doi", f"{{{item.doi.translate(_NOT_IN_ADDRESS)}}}"
    yield from _arxiv_fields(item)
    yield "url", f"{{{item.url.translate(_NOT_IN_ADDRESS)}}}"
    if item.note:
        yield "note", f"{{{encode(item.note)}}}"
    if with_abstract and item.abstract:
        yield "abstract", f"{{{source_to_tex(item.abstract_source) if tex else encode(item.abstract)}}}"


def _arxiv_fields(item: Citation) -> Iterator[tuple[str, str]]:
    if item.arxiv_id:
        yield "eprint", f"{{{item.arxiv_id}}}"
        yield "archiveprefix", "{arXiv}"
        if _CATEGORY.fullmatch(item.category):
            yield "primaryclass", f"{{{item.category}}}"


def _title(item: Citation, *, tex: bool) -> str:
    """The title, with braces around the words and formulas that must keep their capitals."""
    capitals = TitleCapitals(item.title)
    encode: Encoder = to_tex if tex else escape_specials
    parts: list[str] = []
    for text, is_formula in split_formulas(item.title_source) if tex else [(item.title, False)]:
        if is_formula:
            capitals.pass_formula()
            parts.append(f"{{{text}}}" if any(character.isupper() for character in text) else text)
            continue
        parts += [f"{{{encode(word)}}}" if braced else encode(word) for word, braced in capitals.protect(text)]
    return "".join(parts)


def _name(author: CitedAuthor, encode: Encoder) -> str:
    """`von Family, Suffix, Given`; a name that stays whole in braces of its own."""
    if author.is_whole:
        return f"{{{encode(author.family)}}}"
    return ", ".join(encode(part) for part in (author.full_family, author.suffix, author.given_name) if part)
