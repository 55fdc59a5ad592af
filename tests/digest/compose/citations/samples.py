"""Papers that citation formats find difficult, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from digest.compose.citations.citation import Citation, citation
from digest.compose.citations.citation_formats import CitationFormat, citation_file
from digest.compose.citations.citation_keys import citation_keys
from digest.papers import Record

RECORDS = (
    Record(
        r"DPZero: A $\tilde{O}(d\sqrt{K})$-Regret for 100% of Q-learning & Schr\"odinger's {cat}",
        r"We show $x_1 \in \{1,2\}$ and save 5% of #tokens_used; Ångström.",
        authors=("Jürgen Schmidhuber", "Johannes van der Waals", "ATLAS Collaboration", "John Smith Jr.", "Plato"),
        arxiv_id="2307.07907",
        categories=("cs.LG", "stat.ML"),
        published=date(2023, 7, 15),
        venue="ICML 2024",
    ),
    Record(
        "Tumours in mice: a review of p53 in Bavaria",
        "Sentence one.",
        authors=("Wei Wang",),
        authors_complete=False,
        doi="10.1101/2023.01.02.522000",
    ),
    Record(
        "Vertical ends of surfaces",
        authors=("Camillo De Lellis", "W. P. Minicozzi, II"),
        arxiv_id="math/0309136",
        doi="10.1007/s00222-004-0411-x_7",
        categories=("math.DG",),
        venue="Annals of Mathematics",
        published=date(2003, 9, 8),
    ),
    Record("A page without anything but its title"),
)


def cite(records: Sequence[Record]) -> list[Citation]:
    """The citations of these records, numbered from 1."""
    return [
        citation(number, record, f"https://papers.example/papers/{number}") for number, record in enumerate(records, 1)
    ]


def exported(records: Sequence[Record], file_format: CitationFormat, *, tex: bool = False) -> str:
    """The file of these records."""
    citations = cite(records)
    return "".join(citation_file(citations, citation_keys(citations), file_format, tex=tex))
