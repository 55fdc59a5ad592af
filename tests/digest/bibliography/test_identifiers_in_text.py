"""Identifiers in what people paste: addresses of publishers, preprint servers and PubMed."""

from __future__ import annotations

import pytest

from digest.bibliography.identifiers_in_text import find_doi, find_pmid

PREPRINT = "10.1101/2024.02.03.654321"


@pytest.mark.parametrize(
    ("address", "doi"),
    [
        (f"https://www.biorxiv.org/content/{PREPRINT}v1", PREPRINT),
        (f"https://www.biorxiv.org/content/{PREPRINT}v12.full.pdf+html", PREPRINT),
        (f"https://www.medrxiv.org/content/{PREPRINT}v2.article-metrics", PREPRINT),
        (f"https://doi.org/{PREPRINT}v1", PREPRINT),
        ("https://www.nature.com/articles/s41586-024-07487-w.pdf", "10.1038/s41586-024-07487-w"),
        ("https://pubs.acs.org/doi/10.1021/jacs.4c00001?ref=pdf", "10.1021/jacs.4c00001"),
        ("https://academic.oup.com/x/article/doi/10.1093/bioinformatics/btae001/75", "10.1093/bioinformatics/btae001"),
        ("https://www.frontiersin.org/articles/10.3389/fnins.2024.13/full", "10.3389/fnins.2024.13"),
        ("https://link.springer.com/content/pdf/10.1007/s00220-024-04958-8.pdf", "10.1007/s00220-024-04958-8"),
        ("https://www.science.org/doi/10.1126/science.adk0001#abstract", "10.1126/science.adk0001"),
    ],
)
def test_a_doi_in_an_address_ends_where_the_page_begins(address: str, doi: str) -> None:
    assert find_doi(address) == doi


@pytest.mark.parametrize("doi", ["10.1234/abc/full", "10.1234/a?b", "10.1234/abc.pdf"])
def test_a_doi_alone_is_taken_as_it_is(doi: str) -> None:
    assert find_doi(doi) == doi


@pytest.mark.parametrize(
    "text",
    ["PMID: 38000001", "https://pubmed.ncbi.nlm.nih.gov/38000001/", "https://europepmc.org/article/MED/38000001"],
)
def test_a_pmid_is_found_in_its_addresses(text: str) -> None:
    assert find_pmid(text) == "38000001"
