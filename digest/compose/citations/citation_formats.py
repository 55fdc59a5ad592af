"""The formats in which papers are exported, and files of many papers in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from digest.compose.citations.bibtex_export import bibtex_entry
from digest.compose.citations.citation import Citation
from digest.compose.citations.csl_json import csl_item
from digest.compose.citations.ris import ris_record


@dataclass(frozen=True, slots=True)
class CitationFormat:
    """A file format. `suffix`: of file names and URLs; `opening`, `separator` and `closing` stand around the papers."""

    name: str
    label: str
    suffix: str
    media_type: str
    separator: str = ""
    opening: str = ""
    closing: str = ""


BIBTEX = CitationFormat("bibtex", "BibTeX", "bib", "application/x-bibtex; charset=utf-8", separator="\n")
RIS = CitationFormat("ris", "RIS", "ris", "application/x-research-info-systems; charset=utf-8")
CSL_JSON = CitationFormat(
    "csl-json", "CSL-JSON", "json", "application/vnd.citationstyles.csl+json", ",\n", "[\n", "\n]\n"
)
FORMATS: Mapping[str, CitationFormat] = {item.name: item for item in (BIBTEX, RIS, CSL_JSON)}
FORMATS_BY_SUFFIX: Mapping[str, CitationFormat] = {item.suffix: item for item in FORMATS.values()}
ENCODINGS = ("unicode", "tex")  # of BibTeX


def citation_file(
    citations: Iterable[Citation], keys: Mapping[int, str], citation_format: CitationFormat, *, tex: bool = False
) -> Iterator[str]:
    """A file of these papers, piece by piece. `keys`: the citation key by paper id; `tex`: only for BibTeX."""
    write = _writer(citation_format, tex=tex)
    yield citation_format.opening
    is_first = True
    for item in citations:
        yield (
            write(item, keys[item.paper_id])
            if is_first
            else citation_format.separator + write(item, keys[item.paper_id])
        )
        is_first = False
    yield citation_format.closing


def _writer(citation_format: CitationFormat, *, tex: bool) -> Callable[[Citation, str], str]:
    if citation_format is BIBTEX:
        return lambda item, key: bibtex_entry(item, key, tex=tex)
    return ris_record if citation_format is RIS else csl_item
