"""The pure parsers, on the sources' own forms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import BadInput, SourceDown
from digest.papers import AuthorFigures, AuthorId, AuthorProfile, ParsedDocument, Record
from digest.sources import arxiv_api, arxiv_feed, arxiv_oai, huggingface, identifiers, openalex, semantic_scholar
from digest.sources.arxiv_oai import HarvestedRecord
from digest.sources.author_line import authors_of
from tests.wire_server import API_ERROR, BOMB, FEED_ERROR


def wire(shared: Path, *parts: str) -> bytes:
    return shared.joinpath("data", "wire", *parts).read_bytes()


# --- arXiv's API


def test_a_page_of_the_api_is_read_whole(shared: Path) -> None:
    page = arxiv_api.parse(wire(shared, "arxiv_api", "q_testing_s0_m100_cfe7536492ca.xml"))

    assert (len(page.parsed.papers), page.entries, page.total, page.parsed.rejected) == (100, 100, 214881, ())


def test_an_entry_of_the_api_becomes_a_record(shared: Path) -> None:
    page = arxiv_api.parse(wire(shared, "arxiv_api", "q_testing_s0_m100_cfe7536492ca.xml"))
    record = page.parsed.papers[0].record

    assert (record.arxiv_id, record.version, record.published) == ("2202.12139", 1, date(2022, 2, 24))
    assert record.categories == ("cs.SE", "cs.LG")
    assert record.authors == ("Mohit Kumar Ahuja", "Arnaud Gotlieb", "Helge Spieker")
    assert record.doi == "10.1109/icstw55395.2022.00035"


def test_every_saved_answer_of_the_api_is_understood(shared: Path) -> None:
    for path in sorted((shared / "data" / "wire" / "arxiv_api").glob("*.xml")):
        if "id_abc" in path.name:
            continue
        page = arxiv_api.parse(path.read_bytes())

        assert page.parsed.rejected == (), path.name


def test_an_error_of_the_api_is_reported_with_its_text(shared: Path) -> None:
    with pytest.raises(SourceDown, match="incorrect id format for abc"):
        arxiv_api.parse(wire(shared, "arxiv_api", "id_abc_s0_m100_b79c8dcf6bc3.xml"))


# --- arXiv's OAI-PMH


def test_a_page_of_the_form_arxiv_is_read_whole_with_its_token(shared: Path) -> None:
    page = arxiv_oai.parse(wire(shared, "oai_rendered_official_templates", _OAI_1))

    assert (len(page.records), page.rejected) == (2500, ())
    assert page.token.startswith("verb%3DListRecords")


def test_the_last_page_has_no_token(shared: Path) -> None:
    page = arxiv_oai.parse(wire(shared, "oai_rendered_official_templates", _OAI_2))

    assert page.token == ""
    assert len(page.records) > 1000


def test_the_form_arxiv_raw_has_versions_and_the_wrong_identifier_is_refused(shared: Path) -> None:
    page = arxiv_oai.parse(wire(shared, "oai_captured", "arXivRaw_page_2014-01-16_1000records.xml"))
    versions = {h.record.arxiv_id: h.record.version for h in page.records}

    assert len(page.records) + len(page.rejected) == 1000
    assert [bad.reason for bad in page.rejected] == ["id: '0811.36489' is not an arXiv identifier"]
    assert versions["0811.3649"] >= 2
    assert page.token == "496549|96001"


@pytest.mark.parametrize("code", ["noRecordsMatch", "badResumptionToken", "cannotDisseminateFormat"])
def test_errors_that_need_an_answer_come_as_such(shared: Path, code: str) -> None:
    page = arxiv_oai.parse(wire(shared, "oai_rendered_official_templates", f"error_{code}.xml"))

    assert (page.error, page.records, page.token) == (code, (), "")


@pytest.mark.parametrize("code", ["badArgument", "badVerb", "idDoesNotExist", "noMetadataFormats", "noSetHierarchy"])
def test_other_protocol_errors_are_reported(shared: Path, code: str) -> None:
    with pytest.raises(SourceDown, match=code):
        arxiv_oai.parse(wire(shared, "oai_rendered_official_templates", f"error_{code}.xml"))


def test_a_deleted_record_is_a_withdrawn_paper() -> None:
    data = _oai(
        '<header status="deleted"><identifier>oai:arXiv.org:2401.00001</identifier>'
        "<datestamp>2024-01-05</datestamp></header>"
    )
    (harvested,) = arxiv_oai.parse(data).records

    assert (harvested.record.arxiv_id, harvested.record.withdrawn, harvested.submitted_on) == ("2401.00001", True, None)


def test_an_empty_last_version_is_a_withdrawal() -> None:
    data = _oai(
        "<header><identifier>oai:arXiv.org:2401.00001</identifier><datestamp>2024-01-05</datestamp></header>"
        '<metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2401.00001</id>'
        '<version version="v1"><date>Mon, 1 Jan 2024 10:00:00 GMT</date><size>9kb</size></version>'
        '<version version="v2"><date>Wed, 3 Jan 2024 10:00:00 GMT</date><size>0kb</size></version>'
        "<title>A title</title><authors>A. Byron</authors><categories>cs.LG</categories>"
        "<abstract>Words.</abstract></arXivRaw></metadata>"
    )
    (harvested,) = arxiv_oai.parse(data).records

    assert (harvested.record.version, harvested.record.withdrawn) == (2, True)


@pytest.mark.parametrize(
    ("category", "name"),
    [("cs.AI", "cs:cs:AI"), ("hep-th", "physics:hep-th"), ("astro-ph.GA", "physics:astro-ph:GA"), ("cs", "cs")],
)
def test_a_category_has_its_set(category: str, name: str) -> None:
    assert arxiv_oai.oai_set_of(category) == name


@pytest.mark.parametrize(
    ("submitted_on", "version", "arxiv_id", "kind"),
    [
        (date(2025, 9, 29), 1, "2509.00001", "new"),
        (date(2025, 9, 29), 2, "2509.00001", "new"),  # announced and revised between two fetches
        (date(2025, 9, 1), 1, "2509.00001", "new"),  # held back for a month
        (date(2025, 9, 1), 2, "2509.00001", "replace"),
        (date(2019, 4, 1), 1, "1904.00001", "replace"),  # a journal reference of an old paper
        (date(2019, 4, 1), 1, "2509.00001", "new"),  # its identifier says that it was announced this month
    ],
)
def test_a_datestamp_is_no_announcement(submitted_on: date, version: int, arxiv_id: str, kind: str) -> None:
    record = Record("A title", arxiv_id=arxiv_id, version=version)
    harvested = HarvestedRecord(record, changed_on=date(2025, 10, 1), submitted_on=submitted_on)

    assert arxiv_oai.to_listed_paper(harvested, since=date(2025, 9, 30)).announce_type == kind


# --- feeds


def test_an_error_feed_is_reported() -> None:
    with pytest.raises(SourceDown, match=r"cs\.XX"):
        arxiv_feed.parse(FEED_ERROR)


@pytest.mark.parametrize("parse", [arxiv_feed.parse, arxiv_api.parse, arxiv_oai.parse])
@pytest.mark.parametrize("data", [BOMB, b"", b"<rss>", b"{}", b"<html/>", b"\xff\xfe\x00", API_ERROR[:60]])
def test_anything_but_an_answer_is_refused(parse: object, data: bytes) -> None:
    with pytest.raises(BadInput):
        parse(data)  # type: ignore[operator]


@given(st.binary(max_size=200))
def test_no_bytes_break_a_parser(data: bytes) -> None:
    for parse in (arxiv_feed.parse, arxiv_api.parse, arxiv_oai.parse, huggingface.parse, openalex.parse):
        with pytest.raises((BadInput, SourceDown)):
            parse(data if data.strip() not in {b"[]"} else b"")


# --- names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Daniel M. Kane, Jelani Nelson, David P. Woodruff", ("Daniel M. Kane", "Jelani Nelson", "David P. Woodruff")),
        ("I. Csiszar, F. Hiai and D. Petz", ("I. Csiszar", "F. Hiai", "D. Petz")),
        ("Jed McKinney (1), B. T. Soifer (8, 9) ((1) UT Austin, (8) Caltech)", ("Jed McKinney", "B. T. Soifer")),
        (r"Laur\`ene Jouve, Dan Mackay", ("Laurène Jouve", "Dan Mackay")),
        ("John Smith, Jr., Ada Byron", ("John Smith Jr.", "Ada Byron")),
        ("A. Alexander, the B Collaboration", ("A. Alexander", "the B Collaboration")),
        ("", ()),
    ],
)
def test_names_in_one_line_are_split(line: str, names: tuple[str, ...]) -> None:
    assert authors_of(line).names == names


# --- Hugging Face


def test_a_days_listing_has_counters_and_what_is_missing_is_unknown(shared: Path) -> None:
    parsed = huggingface.parse(wire(shared, "hf_daily_papers", "2026-06-23.json"))
    rows = json.loads(wire(shared, "hf_daily_papers", "2026-06-23.json"))
    with_stars = sum("githubStars" in row["paper"] for row in rows)

    assert (len(parsed.papers), parsed.rejected, parsed.announced) == (37, (), date(2026, 6, 23))
    assert sum("stars" in dict(p.signals) for p in parsed.papers) == with_stars < 37
    assert dict(parsed.papers[0].signals)["upvotes"] == 53


def test_a_trending_listing_gives_ranks(shared: Path) -> None:
    parsed = huggingface.parse(wire(shared, "hf_daily_papers", "2025-12-02.json"), ranked=True)

    assert [dict(p.signals)["rank"] for p in parsed.papers] == list(range(1, 29))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "paper: missing"),
        ({"paper": {"id": "2401.00001"}}, "title: missing"),
        ({"paper": {"id": "abc", "title": "T"}}, "id: 'abc' is not an arXiv identifier"),
        ({"paper": {"id": "2401.00001", "title": "T", "upvotes": "12"}}, "upvotes: '12' is not a count"),
        ({"paper": {"id": "2401.00001", "title": "T", "upvotes": -1}}, "upvotes: '-1' is not a count"),
        ({"paper": {"id": "2401.00001", "title": "T", "publishedAt": "x"}}, "publishedAt: 'x' is not an instant"),
    ],
)
def test_a_bad_row_is_refused_by_its_field_and_the_rest_goes_on(row: dict[str, object], reason: str) -> None:
    good_row = {"paper": {"id": "2401.00002", "title": "Good", "upvotes": None}}
    parsed = huggingface.parse(json.dumps([row, good_row]).encode())

    assert [(bad.position, bad.reason) for bad in parsed.rejected] == [(1, reason)]
    assert [(p.record.title, p.signals) for p in parsed.papers] == [("Good", ())]


# --- citations


def test_a_batch_of_citations_keeps_its_order_and_unknown_papers_are_left_out(shared: Path) -> None:
    text = wire(shared, "semantic_scholar_vcr", "test_get_papers_return_not_found.yaml").decode()
    match = re.search(r"string: '(.*?)\n\n", text, re.DOTALL)
    assert match is not None
    rows = json.loads(re.sub(r"\n\s+", " ", match[1]).replace("''", "'").strip("' "))
    parsed = semantic_scholar.parse(json.dumps(rows).encode())

    assert None in rows
    assert len(parsed.papers) == sum(row is not None for row in rows)
    assert all(dict(p.signals)["citations"] >= 0 for p in parsed.papers)


def test_an_answer_of_another_length_is_refused() -> None:
    with pytest.raises(BadInput, match="1 papers came for 2"):
        semantic_scholar.parse(b"[null]", ids=["2401.00001", "2401.00002"])


def test_a_work_has_citations_institutions_and_venue(shared: Path) -> None:
    (listed_paper,) = openalex.parse(wire(shared, "openalex", "work_single.json")).papers

    assert listed_paper.record.doi == "10.7717/peerj.4375"
    assert listed_paper.record.venue == "PeerJ"
    assert dict(listed_paper.signals)["citations"] > 0


def test_a_work_names_its_authors_by_key_as_the_paper_prints_them(shared: Path) -> None:
    assert openalex.author_names(wire(shared, "openalex", "work_single.json"))["A5048491430"] == "Heather Piwowar"


AUTHOR = {"id": "https://openalex.org/A1", "display_name": "Ada Byron"}


def test_an_author_of_openalex_has_the_figures_of_the_answer_and_no_others() -> None:
    figure_fields = AUTHOR | {"works_count": 40, "cited_by_count": 900, "summary_stats": {"h_index": 12}}
    people = openalex.parse(
        json.dumps({"results": [figure_fields, AUTHOR | {"works_count": 3}, AUTHOR]}).encode()
    ).authors

    assert [person.figures for person in people] == [
        AuthorFigures(h_index=12, papers=40, citations=900),
        AuthorFigures(papers=3),
    ]


def test_an_author_of_openalex_with_a_wrong_figure_is_refused() -> None:
    (bad,) = openalex.parse(json.dumps(AUTHOR | {"summary_stats": {"h_index": "many"}}).encode()).rejected

    assert bad.reason == "summary_stats.h_index: 'many' is not a count"


# --- identifiers


def test_an_identifier_contains_its_month() -> None:
    months = [identifiers.month_of_identifier(i) for i in ("2509.00001", "hep-th/9901001", "math.GT/0309136")]

    assert months == [date(2025, 9, 1), date(1999, 1, 1), date(2003, 9, 1)]


_OAI_1 = "listrecords_arXiv_2025-09-29_2025-10-03_all_p1.xml"
_OAI_2 = "listrecords_arXiv_2025-09-29_2025-10-03_all_p2.xml"


def _oai(record: str) -> bytes:
    head = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>'
    return f"{head}<record>{record}</record></ListRecords></OAI-PMH>".encode()


@pytest.mark.parametrize("count", [10**9 + 1, 2**31, 2**63, 10**400, -1, True, 1.5])
def test_a_count_beyond_any_that_is_real_is_refused_and_the_rest_goes_on(count: object) -> None:
    external_ids = {"externalIds": {"ArXiv": "2401.00002"}}
    rows = [{"externalIds": {"ArXiv": "2401.00001"}, "citationCount": count}, external_ids]
    authors = [{"name": "Ada Byron", "hIndex": count}]
    works = [AUTHOR | {"cited_by_count": count}, AUTHOR | {"works_count": 3}]

    citations = semantic_scholar.parse(json.dumps(rows).encode())
    figures = semantic_scholar.parse(json.dumps([external_ids | {"authors": authors}, external_ids]).encode())
    people = openalex.parse(json.dumps({"results": works}).encode())

    assert [len(parsed.rejected) for parsed in (citations, figures, people)] == [1, 1, 1]
    assert (len(citations.papers), len(figures.papers), len(people.authors)) == (1, 1, 1)


def test_semantic_scholar_has_author_figures_where_they_are_known() -> None:
    row = {
        "externalIds": {"ArXiv": "2509.00001"},
        "authors": [
            {"authorId": "7", "name": "Ada Byron", "hIndex": 12, "paperCount": 40, "citationCount": 900},
            {"authorId": None, "name": "No Figures"},
        ],
    }
    people = semantic_scholar.parse(json.dumps([row]).encode()).authors

    assert people == (AuthorProfile("Ada Byron", AuthorFigures(h_index=12, papers=40, citations=900), "7"),)


def test_semantic_scholar_s_row_with_a_wrong_figure_is_refused() -> None:
    row = {"externalIds": {"ArXiv": "2509.00001"}, "authors": [{"name": "Ada Byron", "hIndex": -1}]}

    assert "hIndex" in semantic_scholar.parse(json.dumps([row]).encode()).rejected[0].reason


# --- ids of authors


def test_openalex_delivers_ids_with_the_names_as_printed() -> None:
    author = {"id": "https://openalex.org/A5015270557", "orcid": "https://orcid.org/0000-0002-1825-0097"}
    authorship = {
        "author": author | {"display_name": "M. Skarlinski"},
        "raw_author_name": "Michael D. Skarlinski",
        "institutions": [{"display_name": "University of Rochester"}],
    }
    work = {"id": "https://openalex.org/W1", "doi": "https://doi.org/10.48550/arxiv.2401.00001"}
    (listed,) = openalex.parse(json.dumps(work | {"authorships": [authorship]}).encode()).papers

    assert listed.author_ids == (
        AuthorId("Michael D. Skarlinski", "openalex", "A5015270557", "University of Rochester"),
        AuthorId("Michael D. Skarlinski", "orcid", "0000-0002-1825-0097", "University of Rochester"),
    )


def test_semantic_scholar_delivers_ids_without_those_that_are_none() -> None:
    authors = [{"name": "Ada Byron", "authorId": "1741101"}, {"name": "Emmy Noether", "authorId": None}]
    row = {"externalIds": {"ArXiv": "2401.00001"}, "authors": authors}
    (listed,) = semantic_scholar.parse(json.dumps([row]).encode()).papers

    assert listed.author_ids == (AuthorId("Ada Byron", "semantic-scholar", "1741101"),)


def test_hugging_face_delivers_accounts_that_it_verified(shared: Path) -> None:
    days = [huggingface.parse(wire(shared, "hf_daily_papers", "2026-06-23.json"))]
    ids = [author_id for day in days for listed in day.papers for author_id in listed.author_ids]

    assert AuthorId("Darrien McKenzie", "huggingface", "675bcf5ed2cb9751b93e0c55") in ids


@pytest.mark.parametrize("parse", [huggingface.parse, semantic_scholar.parse, openalex.parse])
def test_items_of_another_type_are_refused_in_plain_words(parse: Callable[[bytes], ParsedDocument]) -> None:
    answer = b'{"results": [1, "x"]}' if parse is openalex.parse else b'[1, "x"]'

    reasons = [item.reason for item in parse(answer).rejected]

    assert len(reasons) == 2
    assert not any("attribute" in reason or "object is" in reason for reason in reasons)
