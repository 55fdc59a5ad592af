"""Meta tags of a paper's page (Highwire Press), which Google Scholar and Zotero's browser button read."""

from __future__ import annotations

from digest.compose.citations.citation import Citation
from digest.compose.citations.cited_author import CitedAuthor


def citation_meta_tags(item: Citation, page: str) -> tuple[tuple[str, str], ...]:
    """(name, content) of each tag. `page`: the address of the page that has them."""
    date = item.slashed_date
    tags = [
        ("citation_title", item.title),
        *(("citation_author", _name(author)) for author in item.authors),
        ("citation_publication_date", date),
        ("citation_date", date),
        ("citation_journal_title", item.journal),
        ("citation_doi", item.doi),
        ("citation_arxiv_id", item.arxiv_id),
        ("citation_pdf_url", item.pdf_url),
        ("citation_abstract_html_url", page),
        ("citation_public_url", item.url),
        *(("citation_keywords", keyword) for keyword in item.keywords),
        ("citation_abstract", item.abstract),
    ]
    return tuple((name, content) for name, content in tags if content)


def _name(author: CitedAuthor) -> str:
    """`Family, Given`, but `Given Family` where both have a blank: Zotero would read two people there.

    A semicolon separates people, so one inside a name becomes a comma.
    """
    given_name = f"{author.given_name} {author.suffix}".strip()
    family = author.full_family
    if not given_name:
        name = family
    elif " " in family and " " in given_name:
        name = f"{given_name} {family}"
    else:
        name = f"{family}, {given_name}"
    return name.replace(";", ",")
