"""Articles as PubMed's `efetch` returns them in XML. Pure.

Books, errata, retraction notices, news and the like are refused with the reason; the paper that a notice retracts is
marked. A paper is new only in its first version, and only if it appeared within the year before its entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from xml.etree.ElementTree import Element

from digest import papers
from digest.errors import BadInput, SourceDown
from digest.papers import AuthorId, ListedPaper, ParsedDocument, Record, RejectedItem
from digest.sources import dates, xml
from digest.sources.decoding import decode
from digest.sources.pubmed_subjects import article_subjects
from digest.sources.record_limits import require_within_limits
from digest.text.doi_patterns import SICI_ARTICLE, is_cut_off
from digest.text.language_detection import language_code
from digest.text.markup import text_of_element
from digest.text.mathml import local_name
from digest.text.person_references import ORCID, is_person_id

FRESH = timedelta(days=365)  # a paper that appeared longer before its entry is stored, but not new
MAX_INSTITUTIONS, MAX_KEYWORDS = 10, 100
_JOURNAL_LENGTH = 60  # characters of a journal's full name; a longer one is abbreviated
_XML_FORM = xml.xml_form(
    ("PubmedArticle", "PubmedBookArticle"),
    {"PubmedArticleSet": "", "PubmedBookArticleSet": ""},
    (),
    {"mml": "http://www.w3.org/1998/Math/MathML"},
)
_DOCTYPE = re.compile(r"<!DOCTYPE\s+\w+\s+(?:PUBLIC|SYSTEM)\s[^\[\]<>]*>")
_ERROR = re.compile(r"<ERROR>([^<]{0,300})</ERROR>|\A\s*\{\s*\"error\"\s*:\s*\"([^\"]{0,300})\"")
_EXPIRED = "unable to obtain query"
_DOI = re.compile(r"10\.\d{4,9}/(?:[^\s\"<>]|" + SICI_ARTICLE + "){1,200}", re.IGNORECASE)
_NOTICES = {
    "Published Erratum": "an erratum",
    "Retraction of Publication": "a retraction notice",
    "Retraction Notice": "a retraction notice",
    "Expression of Concern": "an expression of concern",
    "Editorial": "an editorial",
    "News": "news",
    "Newspaper Article": "news",
    "Biography": "a biography",
    "Autobiography": "a biography",
    "Portrait": "a portrait",
    "Interview": "an interview",
}
_NOTICE_RELATIONS = {
    "ErratumFor": "an erratum",
    "RetractionOf": "a retraction notice",
    "ExpressionOfConcernFor": "an expression of concern",
}
_UNNAMED_LABELS = frozenset({"", "UNASSIGNED", "UNLABELLED", "UNLABELED"})
_GENERAL_TERMS = frozenset({"Humans", "Male", "Female", "Animals", "Adult", "Aged", "Middle Aged", "Young Adult"})
_INSTITUTION = re.compile(r"universi|institut|hospital|college|academ|laborator|centre|center|clinic|school", re.I)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class HistoryExpired(SourceDown):
    """The server has forgotten the search whose results were requested."""


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """One answer. `rows`: how many items it had, refused ones too; `pmids`: of those that have one."""

    parsed: ParsedDocument
    rows: int
    pmids: frozenset[str]


def parse_articles(data: bytes) -> ArticlePage:
    """Parse one answer. Raises BadInput for anything else, SourceDown for an error that the API reports in it."""
    text = decode(data)
    _raise_reported_error(text[:4000])
    document = xml.read(_DOCTYPE.sub("", text[:2000], count=1).encode() + text[2000:].encode(), _XML_FORM)
    if local_name(document.head) not in {*_XML_FORM.parents, *_XML_FORM.items}:
        raise BadInput("expected a set of articles")
    listed: list[ListedPaper] = []
    rejected: list[RejectedItem] = []
    pmids: set[str] = set()
    for position, item in enumerate(document.items, start=1):
        if isinstance(item, RejectedItem):
            rejected.append(item)
            continue
        pmid = item.findtext("MedlineCitation/PMID") or item.findtext("BookDocument/PMID") or ""
        pmids.add(pmid.strip())
        try:
            listed.append(_convert_article(item))
        except NoticeError as notice:
            rejected.append(RejectedItem(position, str(notice), f"PMID {pmid}"))
            listed += notice.retracted
        except ValueError as error:
            rejected.append(RejectedItem(position, str(error)[:200], f"PMID {pmid}"))
    if document.truncation is not None:
        rejected.append(document.truncation)
    parsed = ParsedDocument(tuple(listed), tuple(rejected), is_cut=document.truncation is not None)
    return ArticlePage(parsed, len(document.items), frozenset(pmids - {""}))


def _raise_reported_error(head: str) -> None:
    if match := _ERROR.search(head):
        message = " ".join((match[1] or match[2] or "").split())[:120]
        if _EXPIRED in message.lower():
            raise HistoryExpired(f"the API answered: {message}", retryable=False)
        raise SourceDown(f"the API answered: {message}", retryable="key invalid" not in message.lower())


class NoticeError(ValueError):
    """The item is no paper. `retracted`: the paper that it retracts, if any."""

    def __init__(self, kind: str, retracted: tuple[ListedPaper, ...] = ()) -> None:
        super().__init__(f"{kind}, no paper")
        self.retracted = retracted


def _convert_article(item: Element) -> ListedPaper:
    """Convert one article. Raises NoticeError for what is no paper, ValueError naming the field."""
    if local_name(item) == "PubmedBookArticle":
        raise NoticeError("a book or a part of one")
    citation = item.find("MedlineCitation")
    article = item.find("MedlineCitation/Article")
    pmid = (item.findtext("MedlineCitation/PMID") or "").strip()
    if citation is None or article is None or not (pmid.isascii() and pmid.isdigit()):
        raise ValueError("PMID or Article: missing")
    abstract = _abstract(article)
    types = {text_of_element(element) for element in article.iterfind("PublicationTypeList/PublicationType")}
    _refuse_notice(citation, types, abstract)
    dois = _own_dois(item, article)
    doi, preprint_dois = _version_dois(dois, citation, types)
    published = _published(item, article)
    retracted = "Retracted Publication" in types or _related(citation, "RetractionIn") != []
    names, complete = _authors(article)
    title, keywords = _title(article), _keywords(citation)
    record = Record(
        title=title,
        abstract=abstract,
        authors=names,
        authors_complete=complete,
        version=_version(citation),
        doi=doi,
        preprint_dois=preprint_dois,
        pmid=pmid,
        categories=article_subjects(_headings(citation), _journal(article) or "", f"{title} {abstract}"),
        institutions=_institutions(article),
        venue=None if "Preprint" in types else _journal(article),
        code_url=papers.code_address(abstract),
        published=published,
        issued=None if "Preprint" in types else published,
        withdrawn=retracted or papers.is_withdrawn(None, abstract),
        retracted=retracted,
        language=_language(article),
        keywords=keywords,
    )
    if not record.title:
        raise ValueError("ArticleTitle: missing")
    announce_type = "new" if _is_new(item, record) else "replace"
    return ListedPaper(require_within_limits(record), announce_type, author_ids=_author_ids(article))


def _refuse_notice(citation: Element, types: set[str], abstract: str) -> None:
    """Raise NoticeError for an erratum, a retraction notice and the like."""
    for relation, kind in _NOTICE_RELATIONS.items():
        if references := _related(citation, relation):
            retracted = map(_retracted_paper, references) if relation == "RetractionOf" else ()
            raise NoticeError(kind, tuple(retracted))
    for name in sorted(types):
        if name in _NOTICES or (name == "Comment" and not abstract):
            raise NoticeError(_NOTICES.get(name, "a comment without an abstract"))


def _related(citation: Element, relation: str) -> list[Element]:
    return [
        element
        for element in citation.iterfind("CommentsCorrectionsList/CommentsCorrections")
        if element.get("RefType") == relation
    ]


def _retracted_paper(reference: Element) -> ListedPaper:
    """The mark of the paper that a notice retracts; adds no paper."""
    pmid = (reference.findtext("PMID") or "").strip() or None
    return ListedPaper(
        require_within_limits(Record("", pmid=pmid, doi=_reference_doi(reference), withdrawn=True, retracted=True))
    )


def _reference_doi(reference: Element) -> str | None:
    return _clean_doi((reference.findtext("RefSource") or "").partition("doi:")[2])


def _clean_doi(text: str) -> str | None:
    match = _DOI.search(text)
    return match[0].lower().rstrip(".,;") if match and not is_cut_off(match) else None


def _own_dois(item: Element, article: Element) -> list[str]:
    """The article's DOIs, not those of its references, whose lists are elsewhere."""
    elements = [e for e in item.iterfind("PubmedData/ArticleIdList/ArticleId") if e.get("IdType") == "doi"]
    elements += [e for e in article.iterfind("ELocationID") if e.get("EIdType") == "doi" and e.get("ValidYN") != "N"]
    return [doi for element in elements if (doi := _clean_doi(text_of_element(element)))]


def _version_dois(dois: list[str], citation: Element, types: set[str]) -> tuple[str | None, tuple[str, ...]]:
    """The DOI to cite and those of preprints. An update is another version only where one of both is a preprint."""
    own = dois[0] if dois else None
    related = [_reference_doi(reference) for reference in _related(citation, "UpdateOf")]
    preprints = [doi for doi in related if doi and papers.is_preprint_doi(doi) and doi != own]
    if "Preprint" in types and own:
        published = [_reference_doi(reference) for reference in _related(citation, "UpdateIn")]
        article_doi = next((doi for doi in published if doi and not papers.is_preprint_doi(doi)), None)
        return (article_doi, (own,)) if article_doi else (own, ())
    return own, tuple(dict.fromkeys(preprints)) if own else ()


def _title(article: Element) -> str:
    """The title without the brackets of a translation and without the full stop."""
    title = text_of_element(article.find("ArticleTitle"))
    if title.rstrip(".").lower() in {"", "not available", "[not available]"}:
        title = text_of_element(article.find("VernacularTitle"))
    if title.endswith(".") and not title.endswith(".."):
        title = title[:-1].rstrip()
    return title[1:-1].rstrip(".") if title.startswith("[") and title.endswith("]") else title


def _abstract(article: Element) -> str:
    """The abstract in one line, with the labels of its sections: `Methods: …`."""
    sections = []
    for element in article.iterfind("Abstract/AbstractText"):
        text, label = text_of_element(element), " ".join(element.get("Label", "").split())
        if not text or label.upper() in _UNNAMED_LABELS:
            sections.append(text)
        else:
            sections.append(f"{label.capitalize() if label.isupper() else label}: {text}")
    return " ".join(section for section in sections if section)


def _authors(article: Element) -> tuple[tuple[str, ...], bool]:
    """The names, a group's as one, and whether they are all. Names marked as wrong are left out."""
    listing = next((e for e in article.iterfind("AuthorList") if e.get("Type", "authors") == "authors"), None)
    if listing is None:
        return (), True
    names = [_name(author) for author in listing.iterfind("Author") if author.get("ValidYN") != "N"]
    return tuple(dict.fromkeys(filter(None, names))), listing.get("CompleteYN") != "N"


def _name(author: Element) -> str:
    group = text_of_element(author.find("CollectiveName"))
    family = text_of_element(author.find("LastName"))
    if group or not family:
        return group
    initials = "".join(author.findtext("Initials") or "").split()
    dotted_initials = " ".join(f"{letter}." for word in initials for letter in word if letter.isalpha())
    given_name = text_of_element(author.find("ForeName")) or dotted_initials
    return " ".join(filter(None, (given_name, family, text_of_element(author.find("Suffix")))))


def _author_ids(article: Element) -> tuple[AuthorId, ...]:
    """The authors' ORCID iDs."""
    pairs = [
        (author, (identifier.text or "").strip().rpartition("/")[2])
        for author in article.iterfind("AuthorList/Author")
        for identifier in author.iterfind("Identifier")
        if author.get("ValidYN") != "N" and identifier.get("Source") == "ORCID"
    ]
    return tuple(AuthorId(_name(author), ORCID, value) for author, value in pairs if is_person_id(ORCID, value))


def _institutions(article: Element) -> tuple[str, ...]:
    """The institutions named in the authors' affiliations, without departments and addresses."""
    names: dict[str, None] = {}
    for element in article.iterfind("AuthorList/Author/AffiliationInfo/Affiliation"):
        segments = [part.strip(" .;") for part in text_of_element(element)[:1000].split(",")]
        named = [part for part in segments if _INSTITUTION.search(part) and "@" not in part]
        name = next((part for part in named if "universi" in part.lower()), named[0] if named else "")
        if 0 < len(name) <= _JOURNAL_LENGTH * 2:
            names[name] = None
        if len(names) == MAX_INSTITUTIONS:
            break
    return tuple(names)


def _journal(article: Element) -> str | None:
    """The journal's name without the place in brackets; the abbreviation of a long one."""
    name = re.sub(r"\s*\([^()]{0,60}\)$", "", text_of_element(article.find("Journal/Title")))
    short = text_of_element(article.find("Journal/ISOAbbreviation"))
    return (short if short and (not name or len(name) > _JOURNAL_LENGTH) else name) or None


def _version(citation: Element) -> int:
    element = citation.find("PMID")
    text = element.get("Version", "1") if element is not None else "1"
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 10_000 else 1


def _language(article: Element) -> str | None:
    code = (article.findtext("Language") or "").strip().lower()
    return None if code in {"", "und", "mul"} else language_code(code) or None


def _keywords(citation: Element) -> tuple[str, ...]:
    """The authors' keywords, then the index terms without those of nearly every study."""
    return tuple([word for word in _headings(citation) if word not in _GENERAL_TERMS][:MAX_KEYWORDS])


def _headings(citation: Element) -> list[str]:
    """The authors' keywords, then the index terms."""
    elements = [
        *citation.iterfind("KeywordList/Keyword"),
        *citation.iterfind("MeshHeadingList/MeshHeading/DescriptorName"),
    ]
    return [word for word in dict.fromkeys(text_of_element(element)[:200] for element in elements) if word]


def _published(item: Element, article: Element) -> date | None:
    """When the article appeared: on the web, else in print unless that is ahead, else its entry. None: unknown."""
    entered = _entered(item)
    electronic = _day(article.find("ArticleDate"))
    printed = _day(article.find("Journal/JournalIssue/PubDate"))
    known_by = entered or _day(item.find("MedlineCitation/DateRevised"))
    if printed and known_by and printed > known_by:
        printed = None
    return electronic or printed or entered


def _entered(item: Element) -> date | None:
    """When PubMed entered the article."""
    by_status = {e.get("PubStatus"): e for e in item.iterfind("PubmedData/History/PubMedPubDate")}
    days = [_day(by_status.get(status)) for status in ("entrez", "pubmed")]
    return next((day for day in days if day), None)


def _day(element: Element | None) -> date | None:
    """A date of which all parts are there, None for any other."""
    if element is None:
        return None
    year, month, day = ((element.findtext(part) or "").strip() for part in ("Year", "Month", "Day"))
    name = month[:3].lower()
    try:
        number = _MONTHS.index(name) + 1 if name.isalpha() else int(month)
        return dates.require_plausible("date", date(int(year), number, int(day)))
    except ValueError:
        return None


def _is_new(item: Element, record: Record) -> bool:
    """True for a first version that appeared not long before its entry; also where its dates do not say."""
    entered = _entered(item)
    issue = item.find("MedlineCitation/Article/Journal/JournalIssue/PubDate")
    text = " ".join(issue.itertext()) if issue is not None else ""
    year = re.search(r"\b(?:18|19|20)\d\d\b", text)
    appeared = record.published if record.published != entered else None
    if appeared is None and year:
        appeared = date(int(year[0]), 12, 31)
    return record.version == 1 and (entered is None or appeared is None or entered - appeared <= FRESH)


def retractions_only(parsed: ParsedDocument) -> ParsedDocument:
    """The marks of the retracted papers of a document; adds no paper."""
    marks = [
        replace(listed, record=_mark(listed.record), announce_type=None)
        for listed in parsed.papers
        if listed.record.retracted
    ]
    return ParsedDocument(tuple(marks))


def _mark(record: Record) -> Record:
    return Record("", doi=record.doi, pmid=record.pmid, withdrawn=True, retracted=True)
