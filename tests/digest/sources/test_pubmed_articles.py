"""PubMed's XML becomes papers, or is refused with a reason."""

from __future__ import annotations

from datetime import date
from html import escape
from pathlib import Path

import pytest
from sqlmodel import select

from digest.db.core.engine import reading
from digest.errors import BadInput, SourceDown
from digest.models import PaperAuthorId
from digest.papers import Record
from digest.services.ingestion.import_document import store_document
from digest.sources.pubmed_articles import HistoryExpired, parse_articles
from tests.digest.sources.pubmed_server import HEAD, Article, notice

DAY = date(2026, 8, 6)
SHARED_SAMPLES = Path("data/sources/pubmed")


def answer(*articles: Article) -> bytes:
    return f"{HEAD}<PubmedArticleSet>{''.join(a.xml() for a in articles)}</PubmedArticleSet>".encode()


def only(article: Article) -> Record:
    [listed] = parse_articles(answer(article)).parsed.papers
    return listed.record


def test_a_structured_abstract_keeps_its_labels() -> None:
    abstract = (
        '<AbstractText Label="BACKGROUND">TNF-&#x3b1; &lt; 5.</AbstractText><AbstractText Label="">None.</AbstractText>'
        '<AbstractText Label="UNLABELLED">Plain.</AbstractText><AbstractText Label="Main results">We <i>saw</i> CO'
        "<sub>2</sub>.</AbstractText><CopyrightInformation>(c) 2026</CopyrightInformation>"
    )

    assert only(Article(1, DAY, abstract=abstract)).abstract == (
        "Background: TNF-α < 5. None. Plain. Main results: We saw CO₂."
    )


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Growth of <i>E. coli</i> at 10<sup>-3</sup> M.", "Growth of E. coli at 10⁻³ M"),
        ("[Ein Beispiel].", "Ein Beispiel"),
        ("What comes next...", "What comes next..."),
        ("Roles of &#x3b2;-catenin &amp; co", "Roles of β-catenin & co"),
    ],
)
def test_a_title_is_plain_text_without_its_full_stop(title: str, plain: str) -> None:
    assert only(Article(1, DAY, title=title)).title == plain


def test_the_doi_is_the_articles_and_not_that_of_a_reference() -> None:
    assert only(Article(1, DAY)).doi == "10.5555/ex.1"
    assert only(Article(1, DAY, doi="")).doi is None
    assert only(Article(1, DAY, doi="https://doi.org/10.5555/EX.2.")).doi == "10.5555/ex.2"
    sici = "10.1002/(sici)1097-4571(199510)46:9<654::aid-asi7>3.0.co;2-s"
    assert only(Article(1, DAY, doi=escape(sici))).doi == sici
    assert only(Article(1, DAY, doi=escape(sici[:45]))).doi is None


def test_a_preprint_that_the_article_updates_is_another_version_and_an_older_review_is_not() -> None:
    def update(doi: str) -> str:
        return (
            '<CommentsCorrectionsList><CommentsCorrections RefType="UpdateOf"><RefSource>bioRxiv. 2025. doi: '
            f"{doi}.</RefSource></CommentsCorrections></CommentsCorrectionsList>"
        )

    assert only(Article(1, DAY, extra=update("10.1101/2025.01.02.000003"))).preprint_dois == (
        "10.1101/2025.01.02.000003",
    )
    assert only(Article(1, DAY, extra=update("10.1002/14651858.cd000001.pub2"))).preprint_dois == ()


@pytest.mark.parametrize(
    ("relation", "kind", "reason"),
    [
        ("ErratumFor", "Published Erratum", "an erratum"),
        ("RetractionOf", "Retraction of Publication", "a retraction notice"),
        ("ExpressionOfConcernFor", "Expression of Concern", "an expression of concern"),
        ("CommentOn", "Editorial", "an editorial"),
        ("CommentOn", "News", "news"),
        ("CommentOn", "Comment", "a comment without an abstract"),
    ],
)
def test_a_notice_is_left_out_with_its_kind(relation: str, kind: str, reason: str) -> None:
    parsed = parse_articles(answer(notice(1, DAY, relation, kind, about=7, doi="10.5555/ex.7"))).parsed

    assert [rejected.reason for rejected in parsed.rejected] == [f"{reason}, no paper"]
    assert [(listed.record.pmid, listed.record.retracted) for listed in parsed.papers] == (
        [("7", True)] if relation == "RetractionOf" else []
    )


@pytest.mark.parametrize(
    ("article", "subjects"),
    [
        (Article(1, DAY, journal="The Journal of neuroscience"), ("bio.neuroscience",)),
        (Article(1, DAY, extra="<KeywordList><Keyword>Genomics</Keyword></KeywordList>"), ("bio.genomics",)),
        (Article(1, DAY, title="A clinical trial of patients with mice"), ("med",)),
        (Article(1, DAY), ("bio",)),
    ],
)
def test_subjects_are_those_of_keywords_and_journal_else_medicine_or_biology(
    article: Article, subjects: tuple[str, ...]
) -> None:
    assert only(article).categories == subjects


def test_language_keywords_and_index_terms_are_kept() -> None:
    terms = "".join(f"<MeshHeading><DescriptorName>{t}</DescriptorName></MeshHeading>" for t in ("Humans", "Neurons"))
    extra = (
        f"<KeywordList><Keyword>firing <i>rate</i></Keyword></KeywordList><MeshHeadingList>{terms}</MeshHeadingList>"
    )
    record = only(Article(1, DAY, extra=extra))

    assert (record.language, record.keywords) == ("en", ("firing rate", "Neurons"))


def test_a_book_is_left_out_and_the_articles_beside_it_are_kept() -> None:
    book = "<PubmedBookArticle><BookDocument><PMID>9</PMID></BookDocument></PubmedBookArticle></PubmedArticleSet>"
    page = parse_articles(answer(Article(1, DAY)).replace(b"</PubmedArticleSet>", book.encode()))

    assert (len(page.parsed.papers), page.rows) == (1, 2)
    assert page.parsed.rejected[0].reason == "a book or a part of one, no paper"


@pytest.mark.parametrize(
    ("article", "kind"),
    [
        (Article(1, DAY), "new"),
        (Article(1, DAY, version=2), "replace"),
        (Article(1, DAY, year=2024), "replace"),
        (Article(1, DAY, year=2025), "new"),
        (Article(1, DAY, year=2027), "new"),
    ],
)
def test_an_article_is_new_in_its_first_version_and_where_it_is_not_old(article: Article, kind: str) -> None:
    assert parse_articles(answer(article)).parsed.papers[0].announce_type == kind


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error":"API rate limit exceeded","count":"11"}', SourceDown),
        (b"<eFetchResult>\n<ERROR>Unable to obtain query #1</ERROR></eFetchResult>", HistoryExpired),
        (b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>", BadInput),
        (b"", BadInput),
        (b"<PubmedArticleSet", BadInput),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><PubmedArticleSet>&x;</PubmedArticleSet>', BadInput),
        (b"<other/>", BadInput),
    ],
)
def test_an_answer_that_is_no_set_of_articles_is_an_error(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_articles(body)


def test_saved_samples_are_parsed_or_refused_with_a_reason(shared: Path) -> None:
    papers: dict[str, int] = {}
    reasons: dict[str, list[str]] = {}
    for file in sorted((shared / SHARED_SAMPLES).rglob("*.*")):
        try:
            parsed = parse_articles(file.read_bytes()).parsed
            papers[file.name] = len(parsed.papers)
            reasons[file.name] = [item.reason for item in parsed.rejected]
        except (BadInput, SourceDown) as error:
            reasons[file.name] = [str(error)]

    assert all(papers.get(name) or reason for name, reason in reasons.items() if "empty_set" not in name)
    assert papers["dates_and_oddities.xml"] == 7
    assert reasons["retractions.xml"] == ["a retraction notice, no paper", "an expression of concern, no paper"]
    assert reasons["jabref_MedlineImporterTestPubmedBook.xml"] == ["a book or a part of one, no paper"]


def test_the_long_name_of_a_group_with_an_orcid_is_stored(database: str) -> None:
    group = (
        f"<Author ValidYN='Y'><CollectiveName>{'Group of many ' * 30}</CollectiveName>"
        "<Identifier Source='ORCID'>0000-0002-1825-0097</Identifier></Author></AuthorList>"
    )
    data = answer(Article(1, DAY)).replace(b"</AuthorList>", group.encode())
    counts = store_document("pubmed", "articles", parse_articles(data).parsed)
    with reading() as session:
        names = session.exec(select(PaperAuthorId.name)).all()

    assert (counts.new, [len(name) for name in names]) == (1, [200])
