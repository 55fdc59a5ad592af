"""Citation files by HTTP: of a paper, an edition, liked papers, and any list of identifiers."""

from __future__ import annotations

import json
import re
from html import unescape

import bibtexparser
import pytest
import rispy

from digest.db.core import engine
from digest.db.papers import papers as store
from digest.services.editions import web_view
from digest.services.security import signed_links
from digest.services.subscriptions import feedback
from digest.web.app import build
from digest.web.http.middleware import csp_hash
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, paper
from tests.digest.web.conftest import Browser, RecordingQueue

pytestmark = MAINLY_SQLITE

BASE = "https://digest.example"
SECOND = "Linear bandits in 100% of cases & {more"


@pytest.fixture
def pages(lab: Lab) -> Browser:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"), paper(2, SECOND.replace("{", "\\{")), paper(3, "Graphs"))
    return Browser(build(RecordingQueue(), page_services()))


def path(link: str) -> str:
    return link.removeprefix(BASE)


def edition_path(lab: Lab) -> str:
    lab.run(MONDAY)
    return path(signed_links.edition(lab.editions("ada")[-1].id or 0))


def like(lab: Lab, number: int) -> str:
    """The path of the preferences page after a like."""
    lab.run(MONDAY)
    feedback.apply_feedback(lab.editions("ada")[-1].id or 0, number, "more")
    return path(signed_links.preferences(lab.subscriber("ada").id or 0))


def keys(text: str) -> list[str]:
    return [entry.key for entry in bibtexparser.parse_string(text).entries]


def test_a_paper_is_downloaded_in_three_formats(pages: Browser) -> None:
    bib, ris, csl = (pages.get(f"/papers/1.{suffix}") for suffix in ("bib", "ris", "json"))

    assert keys(bib.text) == ["byron2025linear"]
    assert rispy.loads(ris.text)[0]["title"] == csl.json()[0]["title"] == "Linear bandits"
    assert bib.headers["content-disposition"] == 'attachment; filename="byron2025linear.bib"'
    assert csl.headers["content-type"] == "application/vnd.citationstyles.csl+json"


def test_bibtex_is_in_tex_where_that_is_asked_for(lab: Lab, pages: Browser) -> None:
    lab.store(MONDAY, paper(4, "Schrödinger bridges"))

    assert r"{Schr{\"{o}}dinger} bridges" in pages.get("/papers/4.bib?encoding=tex").text
    assert "{Schrödinger} bridges" in pages.get("/papers/4.bib").text


@pytest.mark.parametrize(
    "address",
    [
        "/papers/99.bib",
        "/papers/0.ris",
        "/papers/x.json",
        "/papers/99999999999999.bib",
        f"/papers/{'0' * 11}1{'9' * 20}.bib",
    ],
)
def test_a_paper_that_does_not_exist_has_no_file(pages: Browser, address: str) -> None:
    assert pages.get(address).status_code == 404


def test_an_unknown_encoding_is_refused(pages: Browser) -> None:
    response = pages.get("/papers/1.bib?encoding=ebcdic")

    assert response.status_code == 422
    assert "unicode, tex" in response.text


def test_an_edition_is_downloaded_by_the_link_of_its_web_view(lab: Lab, pages: Browser) -> None:
    address = edition_path(lab)
    response = pages.get(f"{address}.bib")

    assert sorted(keys(response.text)) == ["byron2025linear-251100001", "byron2025linear-251100002"]
    assert response.headers["cache-control"] == "no-store"
    assert len(pages.get(f"{address}.json").json()) == 2


def test_an_edition_s_file_needs_the_whole_link(lab: Lab, pages: Browser) -> None:
    assert pages.get(f"{edition_path(lab)[:-3]}.bib").status_code in {400, 403, 404}


def test_the_web_view_has_its_entries_and_files_and_the_mail_has_not(lab: Lab, pages: Browser) -> None:
    address = edition_path(lab)
    text = pages.get(address).text

    assert re.search(r"<details[^>]*>\s*<summary>Cite</summary>", text)
    assert f'href="{address}.ris"' in text
    assert "@misc{byron2025linear-251100001," in text
    assert pages.get(re.findall(r'href="([^"]+\.ris)"', text)[0]).status_code == 200


def test_a_mail_has_no_entries_to_cite(lab: Lab, pages: Browser, smtp: object) -> None:
    lab.run(MONDAY)

    assert all(b"Cite these" not in message.raw for message in smtp.log)  # type: ignore[attr-defined]


def test_liked_papers_are_downloaded_from_the_preferences(lab: Lab, pages: Browser) -> None:
    preferences = like(lab, 2)
    link = re.findall(r'href="([^"]+/liked\.bib)"', pages.get(preferences).text)[0]

    assert keys(pages.get(path(link)).text) == ["byron2025linear"]
    assert pages.get(f"{preferences}/liked.ris").headers["cache-control"] == "no-store"


def test_a_page_shows_its_entry_without_a_script_and_names_its_files(pages: Browser) -> None:
    text = pages.get("/papers/2").text
    entry = unescape(re.findall(r"<pre[^>]*>(.*?)</pre>", text, re.DOTALL)[0])

    assert "<summary>Cite</summary>" in text
    assert r"100\% of cases \& {\textbraceleft}more" in entry
    assert keys(entry) == ["byron2025linear"]
    assert {f"/papers/2.{suffix}" for suffix in ("bib", "ris", "json")} <= set(re.findall(r'href="([^"]+)"', text))


def test_a_page_has_meta_tags_for_reference_managers(pages: Browser) -> None:
    tags = re.findall(r'<meta name="(citation_\w+)" content="([^"]*)">', pages.get("/papers/2").text)

    assert ("citation_title", SECOND.replace("&", "&amp;")) in tags
    assert ("citation_author", "Byron, Ada") in tags
    assert ("citation_arxiv_id", "2511.00002") in tags


def test_the_script_of_the_page_is_allowed_by_its_policy(pages: Browser) -> None:
    response = pages.get("/papers/1")
    script = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)[0]

    assert csp_hash(script) in response.headers["content-security-policy"]


def test_the_api_exports_papers_by_any_identifier(pages: Browser) -> None:
    ids = "arXiv:2511.00002v3, https://arxiv.org/abs/2511.00001 3"
    items = pages.get("/api/v1/citations", params={"ids": ids, "format": "csl-json"}).json()

    assert [item["title"] for item in items] == [SECOND, "Linear bandits", "Graphs"]


def test_the_api_names_the_identifiers_that_are_not_here(pages: Browser) -> None:
    response = pages.get("/api/v1/citations", params={"ids": "2511.00001,2511.99999,10.1101/x"})

    assert response.status_code == 404
    assert "2511.99999, 10.1101/x" in json.dumps(response.json())


@pytest.mark.parametrize(
    "query", ["ids=1&format=word", "ids=1&encoding=latin", "", "ids=" + ",".join(map(str, range(1, 300)))]
)
def test_the_api_refuses_what_it_can_not_export(pages: Browser, query: str) -> None:
    assert pages.get(f"/api/v1/citations?{query}").status_code == 422


def test_the_api_exports_an_edition_only_with_a_token(lab: Lab, pages: Browser) -> None:
    edition_path(lab)

    assert pages.get("/api/v1/editions/1/citations").status_code == 401


def test_the_api_exports_liked_papers_by_the_preferences_token(lab: Lab, pages: Browser) -> None:
    token = like(lab, 1).rpartition("/")[2]

    assert keys(pages.get(f"/api/v1/likes/{token}/citations").text) == ["byron2025linear"]
    assert pages.get("/api/v1/likes/forged.token/citations").status_code in {400, 403, 404}


def test_the_papers_of_an_edition_are_those_of_its_file(lab: Lab, pages: Browser) -> None:
    edition_path(lab)
    edition = lab.editions("ada")[-1]

    with engine.reading() as session:
        titles = {store.paper_by_id(session, number)[1].title for number in web_view.edition_papers(edition.id or 0)}  # type: ignore[index]
    assert titles == {"Linear bandits", SECOND.replace("{", "\\{")}
