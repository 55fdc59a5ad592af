"""A server that speaks PubMed's E-utilities, with their faults."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from html import escape
from urllib.parse import parse_qs

HEAD = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
Answer = tuple[int, bytes, dict[str, str]]
Fault = Callable[[bytes], Answer]


@dataclass
class Article:
    """One article as the server has it. `extra`: further elements of its citation, `types`: publication types."""

    pmid: int
    entered: date
    title: str = ""
    abstract: str = "<AbstractText>We recorded neurons of mice.</AbstractText>"
    doi: str | None = None
    version: int = 1
    types: tuple[str, ...] = ("Journal Article",)
    extra: str = ""
    year: int = 0
    journal: str = "Journal of examples"
    changed: date | None = None

    def xml(self) -> str:
        doi = f"10.5555/ex.{self.pmid}" if self.doi is None else self.doi
        title = self.title or f"Firing rates of neuron {self.pmid} in mice"
        types = "".join(f"<PublicationType>{name}</PublicationType>" for name in self.types)
        day = f"<Month>{self.entered.month}</Month><Day>{self.entered.day}</Day>"
        identifiers = f'<ArticleId IdType="pubmed">{self.pmid}</ArticleId>'
        identifiers += f'<ArticleId IdType="doi">{doi}</ArticleId>' if doi else ""
        return (
            f'<PubmedArticle><MedlineCitation><PMID Version="{self.version}">{self.pmid}</PMID><Article><Journal>'
            f"<JournalIssue><PubDate><Year>{self.year or self.entered.year}</Year></PubDate></JournalIssue>"
            f"<Title>{self.journal}</Title></Journal><ArticleTitle>{title}</ArticleTitle>"
            f"<Abstract>{self.abstract}</Abstract><AuthorList CompleteYN='Y'><Author ValidYN='Y'><LastName>Byron"
            "</LastName><ForeName>Ada</ForeName></Author></AuthorList><Language>eng</Language>"
            f"<PublicationTypeList>{types}</PublicationTypeList></Article>{self.extra}</MedlineCitation><PubmedData>"
            f'<History><PubMedPubDate PubStatus="entrez"><Year>{self.entered.year}</Year>{day}</PubMedPubDate>'
            "</History>"
            f"<ArticleIdList>{identifiers}</ArticleIdList><ReferenceList><Reference><ArticleIdList>"
            '<ArticleId IdType="doi">10.9999/of.a.reference</ArticleId></ArticleIdList></Reference></ReferenceList>'
            "</PubmedData></PubmedArticle>"
        )


@dataclass
class PubmedServer:
    """Answers `esearch` and `efetch`. `faults` are used up first, one an answer of that tool, given the good answer."""

    articles: list[Article] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: {"esearch": [], "efetch": []})
    missing: int = 0  # results at the end that `efetch` does not return
    ignores_offset: bool = False
    queries: list[dict[str, str]] = field(default_factory=list)
    _histories: dict[str, list[Article]] = field(default_factory=dict)

    def answer(self, path: str, query: str) -> Answer:
        tool = path.rpartition("/")[2].removesuffix(".fcgi")
        values = {name: items[0] for name, items in parse_qs(query).items()}
        self.queries.append({"": tool, **values})
        body = self._search(values) if tool == "esearch" else self._fetch(values)
        faults = self.faults[tool]
        return faults.pop(0)(body) if faults else (200, body, {})

    def forget(self) -> None:
        """Let all histories expire."""
        self._histories.clear()

    def _search(self, values: dict[str, str]) -> bytes:
        first, last = (date.fromisoformat(values[name].replace("/", "-")) for name in ("mindate", "maxdate"))
        by_change = values["datetype"] == "mdat"
        matching = [a for a in self.articles if first <= ((by_change and a.changed) or a.entered) <= last]
        matching = [a for a in matching if _matches(a, values["term"])]
        key = f"MCID_{len(self._histories)}_{len(self.queries)}"
        self._histories[key] = matching
        result = {"count": str(len(matching)), "retmax": "0", "retstart": "0", "idlist": []}
        if matching:
            result |= {"querykey": "1", "webenv": key}
        return json.dumps({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result}).encode()

    def _fetch(self, values: dict[str, str]) -> bytes:
        history = self._histories.get(values["WebEnv"])
        if history is None:
            return b"<eFetchResult>\n\t<ERROR>Unable to obtain query #1</ERROR>\n</eFetchResult>\n"
        offset = 0 if self.ignores_offset else int(values["retstart"])
        page = history[: len(history) - self.missing][offset : offset + int(values["retmax"])]
        return f"{HEAD}<PubmedArticleSet>{''.join(a.xml() for a in page)}</PubmedArticleSet>".encode()


def _matches(article: Article, term: str) -> bool:
    """True where the article meets the criteria that a search was split by and its publication types."""
    has_abstract = "AbstractText" in article.abstract
    if "NOT hasabstract" in term and has_abstract:
        return False
    if "AND hasabstract" in term and not has_abstract:
        return False
    if "NOT english[la]" in term:
        return False
    return "retracted publication[pt]" not in term or "Retracted Publication" in article.types


def notice(pmid: int, entered: date, relation: str, kind: str, about: int, doi: str) -> Article:
    """A notice about another article."""
    reference = escape(f"J Ex. 2024;10(1):1-9. doi: {doi}.")
    extra = (
        f'<CommentsCorrectionsList><CommentsCorrections RefType="{relation}"><RefSource>{reference}</RefSource>'
        f'<PMID Version="1">{about}</PMID></CommentsCorrections></CommentsCorrectionsList>'
    )
    return Article(pmid, entered, types=("Journal Article", kind), extra=extra, abstract="")


def without_closing(body: bytes) -> bytes:
    """The answer cut in its middle."""
    return body[: len(body) // 2]


def in_windows_1252(body: bytes) -> bytes:
    """The answer in another character set, which it declares."""
    text = re.sub(r'<\?xml version="1.0" \?>', '<?xml version="1.0" encoding="windows-1252"?>', body.decode())
    return text.encode("cp1252")
