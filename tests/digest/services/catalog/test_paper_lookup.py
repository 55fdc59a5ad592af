"""Identifiers that people paste, by HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from digest.web.app import build
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.catalog.test_paper_exports import Lab, paper
from tests.digest.services.conftest import MONDAY
from tests.digest.web.conftest import Browser, RecordingQueue

pytestmark = MAINLY_SQLITE

DOI = "10.1002/(sici)1097-0258(19980815/30)17:15/16<1661::aid-sim968>3.0.co;2-2"


@pytest.fixture
def pages(lab: Lab) -> Browser:
    lab.store(
        MONDAY,
        paper(1, "New numbers"),
        paper(2, "Old numbers", arxiv_id="math/0309136"),
        paper(3, "No arXiv", arxiv_id=None, doi=DOI),
    )
    return Browser(build(RecordingQueue(), page_services()))


@pytest.mark.parametrize(
    ("identifier", "title"),
    [
        ("2511.00001", "New numbers"),
        ("arXiv:2511.00001v2", "New numbers"),
        ("https://arxiv.org/pdf/2511.00001v1.pdf", "New numbers"),
        ("http://www.arxiv.org/abs/2511.00001", "New numbers"),
        ("math/0309136", "Old numbers"),
        ("arxiv:math.DG/0309136v1", "Old numbers"),
        (DOI, "No arXiv"),
        (f"doi:{DOI.upper()}", "No arXiv"),
        (f"https://doi.org/{DOI}", "No arXiv"),
        ("3", "No arXiv"),
        ("\u202e2511.00001", "New numbers"),
    ],
)
def test_a_paper_is_found_by_each_form_of_its_identifier(pages: Browser, identifier: str, title: str) -> None:
    assert f">{title}</a>" in pages.get(f"/papers?ids={quote(identifier)}").text


@pytest.mark.parametrize("identifier", ["0", "99", "2511.99999", "x", "10.1/", "999999999999", "..", "'; --", "<b>"])
def test_what_identifies_no_paper_here_is_named(pages: Browser, identifier: str) -> None:
    response = pages.get(f"/papers?ids={quote(identifier)}")

    assert response.status_code == 200
    assert "Not stored here:" in response.text
    assert "<b>" not in response.text.replace("<body>", "")


def test_a_paper_named_twice_is_listed_once(pages: Browser) -> None:
    assert pages.get("/papers?ids=1,2511.00001,1").text.count("<h2>") == 1
