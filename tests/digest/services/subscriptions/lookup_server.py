"""A local server that answers as arXiv's and OpenAlex's APIs do when single papers are looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.digest.bibliography.library_server import Answer, LibraryServer, library_server

KNOWN, MISSING = "2401.00001", "2401.99999"
DOI = "10.1000/known"
WORK = {
    "doi": f"https://doi.org/{DOI}",
    "display_name": "Auction equilibria",
    "abstract_inverted_index": {"Bidders": [0], "underbid": [1, 3], "and": [2]},
}
ENTRY = """<entry><id>http://arxiv.org/abs/{id}v2</id><title>Offline {title}</title>
<summary>We regularize {title}.</summary><published>2024-01-02T10:00:00Z</published>
<author><name>Ada Byron</name></author>
<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.LG"/></entry>"""
FEED = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title>{}</feed>"""


@contextmanager
def lookup_server() -> Iterator[LibraryServer]:
    """arXiv knows every id but those that end in 99999, OpenAlex one DOI."""

    def arxiv(query: Mapping[str, str]) -> Answer:
        known = [identifier for identifier in query["id_list"].split(",") if not identifier.endswith("99999")]
        return Answer(FEED.format("".join(ENTRY.format(id=i, title=f"learning {i}") for i in known)).encode())

    with library_server() as server:
        server.routes["/api/query"] = arxiv
        server.add("/works", {"results": [WORK]})
        yield server
