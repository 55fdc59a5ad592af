"""People who share a name: one of them is followed, and the others' papers stop coming, by runs, pages and forms."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.db.core.engine import transaction
from digest.db.papers import paper_retention
from digest.papers import AuthorId, ListedPaper, Record
from digest.services.editions.why_report import why_paper
from digest.services.preview.preview import preview
from digest.services.runs import run_planning
from digest.services.search.search_indexing import index_papers
from digest.services.security import signed_links
from digest.services.selection import engine_need
from digest.services.subscriptions import csv_import_export
from digest.services.subscriptions.preference_fields import SignUpPreferences, validate
from digest.services.subscriptions.update_preferences import account_of
from digest.web.app import build
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab
from tests.digest.web.conftest import Browser, RecordingQueue, path

VISION = "Depth estimation from monocular video with occlusion reasoning and photometric losses"
FOLDING = "Protein folding landscapes sampled by molecular dynamics of chaperones"
MARKETS = "Auction equilibria under budget constraints and sequential bidders"
HERS = "openalex:A5048491430"
HIS = "openalex:A5011112222"
HER_OWN, HER_SHARED, HIS_OWN = "Stereo matching", "Rolling shutters", "Ribosome assembly"
TUESDAY = MONDAY + timedelta(days=1)


def by_wang(number: int, title: str, *co_authors: str, ids: str = "", category: str = "cs.CV") -> ListedPaper:
    """A paper of a Wei Wang; `ids`: an id of this author, as a source delivers it."""
    scheme, _, value = ids.partition(":")
    record = Record(
        title=title,
        abstract="",
        arxiv_id=f"2511.{number:05d}",
        authors=("Wei Wang", *co_authors),
        categories=(category,),
    )
    author_ids = (AuthorId("Wei Wang", scheme, value, "Fudan University"),) if ids else ()
    return ListedPaper(record, author_ids=author_ids)


@pytest.fixture
def namesakes(lab: Lab) -> Lab:
    """Two of the name with ids and a past, and one without an id."""
    lab.store(
        MONDAY - timedelta(days=7),
        by_wang(1, VISION, "Ada Byron", "Grace Hopper", ids=HERS),
        by_wang(2, FOLDING, "Emmy Noether", ids=HIS, category="q-bio.BM"),
        by_wang(3, MARKETS, "Carl Gauss", category="econ.TH"),
    )
    return lab


def todays(lab: Lab) -> None:
    """Monday: hers by her id, his by his, by her co-author, by his, by neither."""
    lab.store(
        MONDAY,
        by_wang(11, HER_OWN, ids=HERS),
        by_wang(12, HIS_OWN, "Ada Byron", ids=HIS),
        by_wang(13, HER_SHARED, "Grace Hopper"),
        by_wang(14, "Enzymatic hydrolysis", "Emmy Noether"),
        by_wang(15, "Elliptic surfaces", "Sofya Kovalevskaya", category="math.AG"),
    )


@pytest.fixture
def pages(namesakes: Lab) -> Browser:
    return Browser(build(RecordingQueue(), page_services()))


@MAINLY_SQLITE
def test_a_name_alone_brings_everybodys_papers(namesakes: Lab) -> None:
    namesakes.subscribe("bob", authors=["Wei Wang"])
    todays(namesakes)
    namesakes.run(TUESDAY)

    assert len(namesakes.papers("bob")) == 5


@MAINLY_SQLITE
def test_papers_of_others_with_the_name_stop_coming(namesakes: Lab) -> None:
    namesakes.subscribe("bob", authors=[f"Wei Wang ({HERS})"])
    todays(namesakes)
    namesakes.run(TUESDAY)

    assert sorted(namesakes.papers("bob")) == [HER_SHARED, HER_OWN]


@MAINLY_SQLITE
def test_a_paper_names_a_person_without_id(namesakes: Lab) -> None:
    namesakes.subscribe("bob", authors=["Wei Wang (arxiv:2511.00003)"])
    namesakes.store(
        MONDAY, by_wang(21, "With Gauss again", "Carl Gauss"), by_wang(22, MARKETS + " revisited", category="econ.TH")
    )
    namesakes.store(MONDAY, by_wang(23, VISION + " at night", "Ada Byron"))
    namesakes.run(TUESDAY)

    assert sorted(namesakes.papers("bob")) == [MARKETS + " revisited", "With Gauss again"]


@MAINLY_SQLITE
def test_following_authors_alone_brings_no_other_papers(namesakes: Lab) -> None:
    namesakes.subscribe("bob", authors=[f"Wei Wang ({HERS})"])
    namesakes.announce(MONDAY, "Trending", authors=("Carl Gauss",), signals={"upvotes": 500.0})
    namesakes.announce(MONDAY, "New", authors=("Carl Gauss",))
    todays(namesakes)
    namesakes.run(TUESDAY)

    assert {entry.section for entry in namesakes.entries("bob")} == {"followed"}
    assert len(namesakes.entries("bob")) == 2


def test_both_back_ends_choose_the_same(namesakes: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("hers", HERS), ("his", HIS), ("theirs", "arxiv:2511.00003")):
        namesakes.subscribe(name, "auction", authors=[f"Wei Wang ({text})", "Carl Gauss"])
    namesakes.subscribe("all", authors=["Wei Wang"])
    todays(namesakes)
    namesakes.set_time(namesakes.subscriber("all").next_due_at)  # type: ignore[arg-type]
    by_reference = [assembled.content for assembled in run_planning.dry_run(None)]
    monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)
    by_engine = [assembled.content for assembled in run_planning.dry_run(None)]

    assert [len(content.entries) for content in by_reference] == [4, 4, 1, 8]
    assert by_engine == by_reference


BY_ID = {  # topic: papers of Monday
    "au:A5048491430": [HER_OWN],
    "au:A5011112222": [HIS_OWN, HER_SHARED, "Enzymatic hydrolysis"],
    "au:A5048491430 OR hydrolysis": ["Enzymatic hydrolysis", HER_OWN],
    "au:A5011112222 AND au:byron": [HIS_OWN],
    'au:"Wei Wang" ANDNOT au:A5011112222': ["Elliptic surfaces", HER_OWN],
    "au:A5099999999": [],
    "au:0000-0002-1825-0097": [HIS_OWN, HER_SHARED, "Enzymatic hydrolysis"],  # one paper has both of his ids
}


@pytest.fixture
def with_ids(namesakes: Lab) -> Lab:
    """Monday's papers, one of them with two ids that came later, after a subscriber to each topic and one more."""
    for number, topic in enumerate(BY_ID):
        namesakes.subscribe(f"bob{number}", topic)
    namesakes.subscribe("eve", 'au:"Wei Wang"', exclusions=["au:A5011112222"])
    todays(namesakes)
    shared = by_wang(13, HER_SHARED, ids=HIS)
    both = (*shared.author_ids, AuthorId("W. Wang", "orcid", "0000-0002-1825-0097", ""))
    namesakes.store(None, replace(shared, record=Record("", arxiv_id="2511.00013"), author_ids=both), source="openalex")
    index_papers()
    return namesakes


@MAINLY_SQLITE
@pytest.mark.parametrize("work", [None, -1], ids=["reference", "engine"])
def test_an_authors_id_as_topic_brings_the_papers_that_carry_it(
    with_ids: Lab, monkeypatch: pytest.MonkeyPatch, work: int | None
) -> None:
    if work is not None:
        monkeypatch.setattr(engine_need, "REFERENCE_WORK", work)
    with_ids.run(TUESDAY)

    titles = {topic: sorted(with_ids.papers(f"bob{number}")) for number, topic in enumerate(BY_ID)}
    assert titles == {topic: sorted(expected) for topic, expected in BY_ID.items()}


@pytest.mark.parametrize("topic", BY_ID)
def test_the_preview_and_the_search_know_authors_ids(with_ids: Lab, pages: Browser, topic: str) -> None:
    profile = validate(SignUpPreferences, {"topics": topic}).profile()
    previewed_titles = {paper.title for day in preview(profile).days for paper in day.papers}
    results = {
        order: pages.get("/api/v1/search", params={"q": topic, "order": order}).json() for order in ("newest", "best")
    }

    assert set(BY_ID[topic]) <= previewed_titles <= {*BY_ID[topic], VISION, FOLDING, MARKETS}
    for search_page in results.values():
        of_monday = {hit["title"] for hit in search_page["papers"]} - {VISION, FOLDING, MARKETS}
        assert of_monday == set(BY_ID[topic])


def test_an_authors_id_as_exclusion_leaves_their_papers_out(with_ids: Lab) -> None:
    with_ids.run(TUESDAY)

    assert sorted(with_ids.papers("eve")) == ["Elliptic surfaces", HER_OWN]


MARRIED = "Wei Wang-Miller"


def by_married(number: int, title: str, *co_authors: str, ids: str = "", category: str = "cs.CV") -> ListedPaper:
    """A paper that prints her other name."""
    listed = by_wang(number, title, *co_authors, ids=ids, category=category)
    author_ids = tuple(replace(item, name=MARRIED) for item in listed.author_ids)
    return replace(listed, record=replace(listed.record, authors=(MARRIED, *co_authors)), author_ids=author_ids)


@pytest.fixture
def renamed(namesakes: Lab) -> Lab:
    """She publishes under another name, too: with her id before Monday, on Monday without and with somebody's id."""
    namesakes.subscribe("ada", "au:A5048491430")
    namesakes.subscribe("bob", authors=[f"Wei Wang ({HERS})"])
    namesakes.subscribe("eve", f'au:"{MARRIED}"', exclusions=["au:A5048491430"])
    namesakes.store(MONDAY - timedelta(days=6), by_married(4, "Shape from shading", "Grace Hopper", ids=HERS))
    namesakes.store(
        MONDAY,
        by_married(21, "Camera tracking", "Grace Hopper"),
        by_married(22, "Membrane channels", "Emmy Noether", ids=HIS),
        by_married(23, "Number fields", "Sofya Kovalevskaya", category="math.NT"),
    )
    index_papers()
    return namesakes


@MAINLY_SQLITE
@pytest.mark.parametrize("work", [None, -1], ids=["reference", "engine"])
def test_an_id_means_the_person_also_where_a_paper_without_id_spells_them_otherwise(
    renamed: Lab, monkeypatch: pytest.MonkeyPatch, work: int | None
) -> None:
    if work is not None:
        monkeypatch.setattr(engine_need, "REFERENCE_WORK", work)
    renamed.run(TUESDAY)

    past = {VISION, "Shape from shading"}
    assert {*renamed.papers("ada")} - past == {"Camera tracking"}
    assert {*renamed.papers("bob")} - past == {"Camera tracking"}
    assert {*renamed.papers("eve")} == {"Membrane channels", "Number fields"}


def test_preview_and_search_find_the_person_under_each_name(renamed: Lab, pages: Browser) -> None:
    profile = validate(SignUpPreferences, {"topics": "au:A5048491430"}).profile()
    previewed_titles = {paper.title for day in preview(profile).days for paper in day.papers}
    answer = pages.get("/api/v1/search", params={"q": "au:A5048491430"}).json()

    assert previewed_titles == {hit["title"] for hit in answer["papers"]}
    assert previewed_titles == {VISION, "Shape from shading", "Camera tracking"}


@MAINLY_SQLITE
@pytest.mark.parametrize("text", ["au:0000-0002-1825-0098", "au:orcid:0000-0002-1825", "au:W2741809807"])
def test_a_damaged_id_in_a_query_is_refused_by_form_and_search(pages: Browser, text: str) -> None:
    form, search_page = pages.post("/", data={"topics": text}), pages.get("/search", params={"q": text})

    assert form.status_code == 422
    assert "is not the id of an author" in form.text
    assert "is not the id of an author" in search_page.text


def test_an_id_that_comes_later_counts_from_then_on(namesakes: Lab) -> None:
    authors = (f"Wei Wang ({HERS})",)
    namesakes.store(MONDAY, by_wang(31, "Unknown at first", "Sofya Kovalevskaya", category="math.AG"))
    profile = validate(SignUpPreferences, {"authors": authors}).profile()
    before = [paper.title for day in preview(profile).days for paper in day.papers]
    identified_paper = by_wang(31, "Unknown at first", "Sofya Kovalevskaya", ids=HERS, category="math.AG")
    namesakes.store(
        None, replace(identified_paper, record=Record("", arxiv_id=identified_paper.record.arxiv_id)), source="openalex"
    )
    after = [paper.title for day in preview(profile).days for paper in day.papers]

    assert "Unknown at first" not in before
    assert "Unknown at first" in after


def test_why_says_that_a_namesake_is_somebody_else(namesakes: Lab) -> None:
    namesakes.subscribe("bob", authors=[f"Wei Wang ({HERS})"])
    todays(namesakes)
    lines = why_paper("bob@example.com", "2511.00012")

    assert any("has the name of Wei Wang (openalex:A5048491430), but is somebody else" in line for line in lines)


def test_the_author_page_lists_the_people_of_a_name(pages: Browser) -> None:
    text = pages.get("/authors/Wei Wang").text

    assert "are in 3 groups" in text
    assert "Fudan University · 1 paper here · q-bio.BM · with Emmy Noether" in text
    assert 'href="https://openalex.org/A5048491430"' in text
    assert 'href="/?authors=Wei%20Wang%20%28arxiv%3A2511.00003%29"' in text


@MAINLY_SQLITE
@pytest.mark.parametrize("suffix", ["", ".atom", ".json"])
def test_a_persons_page_and_feeds_have_only_their_papers(pages: Browser, suffix: str) -> None:
    text = pages.get(f"/authors/Wei Wang ({HIS}){suffix}").text

    assert FOLDING in text
    assert VISION not in text


def test_the_sign_up_offers_the_people_of_a_name_and_takes_the_choice(pages: Browser) -> None:
    form = {"authors": "Wei Wang\nAda Byron", "address": "bob@example.com"}
    references = re.findall(r'name="person" value="([^"]+)"', pages.post("/", data=form).text)
    text = pages.post("/", data=form | {"person": f"Wei Wang ({HIS})"}).text

    assert f"Wei Wang ({HERS})" in references
    assert f">Ada Byron\nWei Wang ({HIS})</textarea>" in text
    assert "You follow this person." in text


@MAINLY_SQLITE
def test_preferences_follow_one_person_and_everybody_again(namesakes: Lab, pages: Browser) -> None:
    number = namesakes.subscribe("bob", authors=["Wei Wang"])
    page = path(signed_links.preferences(number))
    page_of_person = pages.post(page, data={"action": f"person Wei Wang ({HERS})"}).text
    everybody = pages.post(page, data={"action": "person Wei Wang"}).text

    assert f">Wei Wang ({HERS})</textarea>" in page_of_person
    assert ">Wei Wang</textarea>" in everybody


def test_several_people_of_a_name_can_be_followed(namesakes: Lab, pages: Browser) -> None:
    number = namesakes.subscribe("bob", authors=["Wei Wang"])
    page = path(signed_links.preferences(number))
    for person in (HERS, HIS):
        text = pages.post(page, data={"action": f"person Wei Wang ({person})"}).text

    assert f">Wei Wang ({HERS})\nWei Wang ({HIS})</textarea>" in text


@MAINLY_SQLITE
@pytest.mark.parametrize("person", ["orcid:0000-0002-1825-0098", "openalex:W123", "arxiv:yes"])
def test_a_damaged_id_is_refused_with_its_line(pages: Browser, person: str) -> None:
    response = pages.post("/", data={"authors": f"Wei Wang ({person})"})

    assert response.status_code == 422
    assert f"{person.partition(':')[2]} is not a valid id" in response.text


def test_an_unknown_person_is_said_to_bring_nothing_yet(pages: Browser) -> None:
    text = pages.post("/", data={"authors": "Wei Wang (https://orcid.org/0000-0002-1825-0097)"}).text

    assert "Wei Wang (https://orcid.org" in text  # another form of parentheses stays a part of the name
    preview_page = pages.post("/", data={"authors": "Wei Wang (ORCID:https://orcid.org/0000-0002-1825-0097)"}).text
    assert "No paper here is known to be by Wei Wang (orcid:0000-0002-1825-0097) yet" in preview_page


def test_people_whose_papers_were_deleted_are_not_offered(namesakes: Lab, pages: Browser) -> None:
    todays(namesakes)
    before = pages.post("/", data={"authors": "Wei Wang"}).text
    with transaction() as session:
        deleted = paper_retention.delete_older(session, before=MONDAY)
    after = pages.post("/", data={"authors": "Wei Wang"})

    assert deleted == 3
    assert MARKETS in before
    assert after.status_code == 200
    assert MARKETS not in after.text
    assert HER_SHARED in after.text


def test_a_followed_person_survives_export_and_import(namesakes: Lab, tmp_path: Path) -> None:
    namesakes.subscribe("bob", authors=[f"Wei Wang ({HERS})", "Ada Byron"])
    exported = csv_import_export.export_csv()
    file = tmp_path / "people.csv"
    file.write_text(exported.replace("bob@", "eve@"), encoding="utf-8")
    csv_import_export.import_file(file, consent="asked in person")
    imported = account_of(namesakes.subscriber("eve").id or 0).profile.authors

    assert f"Wei Wang ({HERS})" in exported
    assert imported == (f"Wei Wang ({HERS})", "Ada Byron")


@MAINLY_SQLITE
def test_the_mail_says_the_name_without_the_id(namesakes: Lab) -> None:
    namesakes.subscribe("bob", authors=[f"Wei Wang ({HERS})"])
    todays(namesakes)
    namesakes.run(TUESDAY)
    (edition,) = namesakes.editions("bob")
    text = page_services().edition(edition.id or 0, "/editions/x")

    assert "you follow Wei Wang" in text
    assert "openalex" not in text
