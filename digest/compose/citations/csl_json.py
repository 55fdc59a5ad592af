"""Items of CSL-JSON (Citation Style Language 1.0.2); a preprint has the type `article`."""

from __future__ import annotations

import json
from typing import Any

from digest.compose.citations.citation import Citation
from digest.compose.citations.cited_author import CitedAuthor

_INCOMPLETE = "The source names the first authors only."


def csl_item(item: Citation, key: str) -> str:
    """The item of one paper as JSON."""
    is_incomplete = bool(item.authors) and not item.authors_complete
    values: dict[str, Any] = {
        "id": key,
        "type": "article-journal" if item.journal else "article",
        "title": item.title,
        "author": [_name(author) for author in item.authors],
        "issued": {"date-parts": [list(item.date)]} if item.date else None,
        "container-title": item.journal,
        "publisher": "" if item.journal else item.server,
        "genre": "preprint" if item.server and not item.journal else "",
        "number": f"arXiv:{item.arxiv_id}" if item.arxiv_id and not item.journal else "",
        "DOI": item.doi,
        "URL": item.url,
        "keyword": ", ".join(item.keywords),
        "note": "; ".join(filter(None, (item.note, _INCOMPLETE if is_incomplete else ""))),
        "abstract": item.abstract,
    }
    return json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)


def _name(author: CitedAuthor) -> dict[str, str]:
    if author.is_whole:
        return {"literal": author.family}
    parts = {
        "family": author.family,
        "given": author.given_name,
        "non-dropping-particle": author.particle,
        "suffix": author.suffix,
    }
    return {name: value for name, value in parts.items() if value}
