"""A local server that answers as the APIs of the sources do when single papers are looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import quote

from tests.digest.bibliography.library_server import Answer, LibraryServer, library_server
from tests.digest.sources.pubmed_server import HEAD, Article

KNOWN, MISSING = "2401.00001", "2401.99999"
DOI = "10.1000/known"
WORK = {
    "doi": f"https://doi.org/{DOI}",
    "display_name": "Auction equilibria",
    "abstract_inverted_index": {"Bidders": [0], "underbid": [1, 3], "and": [2]},
}
CROSSREF_DOI, PREPRINT, MED_PREPRINT, PMID, MISSING_PMID = (
    "10.1016/j.known.2024.01", "10.1101/2024.02.03.654321", "10.64898/2026.07.02.690001",
    "PMID:38000001", "PMID:99999999",
)  # fmt: skip
ENTRY = """<entry><id>http://arxiv.org/abs/{id}v2</id><title>Offline {title}</title>
<summary>We regularize {title}.</summary><published>2024-01-02T10:00:00Z</published>
<author><name>Ada Byron</name></author>
<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.LG"/></entry>"""
FEED = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title>{}</feed>"""


def preprint_answer(doi: str, *titles: str) -> dict[str, Any]:
    """bioRxiv's answer about a preprint: its versions with these titles."""
    row = {"doi": doi, "authors": "Byron, A.", "date": "2024-02-04", "category": "neuroscience", "published": "NA"}
    versions = [
        {**row, "title": title, "version": str(number), "abstract": f"Neurons fire in version {number}."}
        for number, title in enumerate(titles, 1)
    ]
    return {"messages": [{"status": "ok" if versions else "no posts found"}], "collection": versions}


def crossref_answer(doi: str, title: str, **fields: object) -> dict[str, Any]:
    """Crossref's answer about a work."""
    abstract = "<jats:p>We weigh beams under load, with care and at length.</jats:p>"
    work = {"DOI": doi, "type": "journal-article", "title": [title], "abstract": abstract, **fields}
    return {"status": "ok", "message-type": "work", "message": work}


@contextmanager
def lookup_server() -> Iterator[LibraryServer]:
    """arXiv knows every id but those that end in 99999; OpenAlex, Crossref, bioRxiv, medRxiv, PubMed one paper each."""

    def arxiv(query: Mapping[str, str]) -> Answer:
        known_ids = [identifier for identifier in query["id_list"].split(",") if not identifier.endswith("99999")]
        return Answer(FEED.format("".join(ENTRY.format(id=i, title=f"learning {i}") for i in known_ids)).encode())

    def efetch(query: Mapping[str, str]) -> Answer:
        is_known = PMID.removeprefix("PMID:") in query["id"].split(",")
        article = Article(38000001, date(2024, 1, 2), title="Salmon migrate upstream").xml() if is_known else ""
        return Answer(f"{HEAD}<PubmedArticleSet>{article}</PubmedArticleSet>".encode())

    with library_server() as server:
        server.routes["/api/query"] = arxiv
        server.routes["/efetch.fcgi"] = efetch
        server.add("/works", {"results": [WORK]})
        server.add(f"/works/{quote(CROSSREF_DOI, safe='')}", crossref_answer(CROSSREF_DOI, "Weighing beams"))
        for name, doi, titles in (
            ("biorxiv", PREPRINT, ("Mice choose", "Mice choose well")),
            ("biorxiv", MED_PREPRINT, ()),
            ("medrxiv", MED_PREPRINT, ("Wards under pressure",)),
        ):
            server.add(f"/details/{name}/{doi}/na/json", preprint_answer(doi, *titles))
        yield server


def lookup_settings(server: LibraryServer) -> dict[str, object]:
    """The settings that point the sources to the server."""
    urls = dict.fromkeys(("OPENALEX_URL", "CROSSREF_URL", "BIORXIV_URL", "PUBMED_URL"), server.url)
    return {"ARXIV_API_URL": f"{server.url}/api/query", "SOURCE_PATIENCE": 0, **urls}
