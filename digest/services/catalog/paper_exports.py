"""Papers as citation files: chosen by their identifiers, or by the day from which on they were announced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from digest import settings
from digest.compose.citations import citation_formats
from digest.compose.citations.bibtex_export import bibtex_entry
from digest.compose.citations.citation import Citation, citation
from digest.compose.citations.citation_formats import BIBTEX, FORMATS, CitationFormat
from digest.compose.citations.citation_keys import citation_keys
from digest.compose.citations.meta_tags import citation_meta_tags
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.errors import BadInput, NotFound
from digest.i18n import localize
from digest.models.types import stored_id
from digest.papers import Record

_PAPERS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class CitationFile:
    """A file of citations to download."""

    content: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class PaperCitation:
    """What a paper's page shows to cite it: a BibTeX entry, and the meta tags (name, content)."""

    bibtex: str
    meta_tags: tuple[tuple[str, str], ...]


def citation_format(name: str) -> CitationFormat:
    """The format of that name. Raises BadInput."""
    if name not in FORMATS:
        raise BadInput(f"format {name[:40]!r} is unknown; one of {', '.join(FORMATS)}", field="format")
    return FORMATS[name]


def is_tex(encoding: str) -> bool:
    """True for TeX, False for Unicode. Raises BadInput for anything else."""
    if encoding not in citation_formats.ENCODINGS:
        raise BadInput(
            f"encoding {encoding[:40]!r} is unknown; one of {', '.join(citation_formats.ENCODINGS)}", field="encoding"
        )
    return encoding == "tex"


def export_papers(paper_ids: Sequence[int], file_format: CitationFormat, *, tex: bool, name: str) -> CitationFile:
    """A file of these papers, which may be empty. `name`: of the file, without suffix."""
    content = "".join(citation_texts(paper_ids, file_format, tex=tex))
    return CitationFile(content.encode(), file_format.media_type, f"{name}.{file_format.suffix}")


def export_paper(paper_id: int, file_format: CitationFormat, *, tex: bool) -> CitationFile:
    """A file of one paper, named by its key. Raises NotFound."""
    with reading() as session:
        citations = list(_citations(session, [paper_id]))
    if not citations:
        raise NotFound(localize("there is no such paper here"))
    keys = citation_keys(citations)
    content = "".join(citation_formats.citation_file(citations, keys, file_format, tex=tex))
    return CitationFile(content.encode(), file_format.media_type, f"{keys[paper_id]}.{file_format.suffix}")


def citation_texts(paper_ids: Sequence[int], file_format: CitationFormat, *, tex: bool) -> Iterator[str]:
    """A file of these papers, piece by piece; papers are read twice, so that keys are unique without keeping them."""
    with reading() as session:
        keys = citation_keys(_citations(session, paper_ids))
        yield from citation_formats.citation_file(_citations(session, paper_ids), keys, file_format, tex=tex)


def announced_since(first_day: date) -> list[int]:
    """Ids of the papers announced on that day or later, in the order of announcement; without withdrawn ones."""
    with reading() as session:
        return store.announced_since(session, first_day)


def paper_citation(paper_id: int, record: Record) -> PaperCitation:
    """What the paper's page shows to cite it."""
    item = citation(paper_id, record, paper_page(paper_id))
    entry = bibtex_entry(item, citation_keys([item])[paper_id], with_abstract=False)
    return PaperCitation(entry, citation_meta_tags(item, paper_page(paper_id)))


def bibtex_entries(paper_ids: Sequence[int]) -> str:
    """BibTeX entries without abstracts, to copy from a page."""
    with reading() as session:
        citations = list(_citations(session, paper_ids))
    keys = citation_keys(citations)
    return "\n".join(bibtex_entry(item, keys[item.paper_id], with_abstract=False) for item in citations)


def paper_page(paper_id: int) -> str:
    """The address of a paper's page."""
    return f"{settings.get().base_url}/papers/{paper_id}"


def download_links(page: str) -> tuple[tuple[str, str], ...]:
    """(label, URL) of a page's three files, and of BibTeX in TeX's encoding."""
    links = [(item.label, f"{page}.{item.suffix}") for item in FORMATS.values()]
    return (*links, (f"{BIBTEX.label} (TeX)", f"{page}.{BIBTEX.suffix}?encoding=tex"))


def _citations(session: Session, paper_ids: Sequence[int]) -> Iterator[Citation]:
    """The citations of the stored papers among these, in their order."""
    for start in range(0, len(paper_ids), _PAPERS_PER_QUERY):
        for paper, record in store.newest_versions_chunked(session, paper_ids[start : start + _PAPERS_PER_QUERY]):
            paper_id = stored_id(paper)
            yield citation(paper_id, record, paper_page(paper_id))
