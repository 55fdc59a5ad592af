"""Every sentence of a page passes through a catalogue. Papers, topics and names here hold no Latin letter."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE, RATE, feedback_suffix
from digest.db.core import engine
from digest.models import Suppression
from digest.papers.subjects import ARXIV_SUBJECTS, SUBJECTS, subject_label
from digest.services.catalog.page_schemas import (
    AuthorPage,
    FurtherGroup,
    FurtherPage,
    FurtherPaper,
    PaperPage,
    PaperRow,
    Preview,
    PreviewDay,
    PreviewPaper,
)
from digest.services.security import signed_links
from digest.text.language_detection import LANGUAGE_NAMES
from digest.web.app import build
from tests.combinations import MAINLY_SQLITE
from tests.digest.compose import pseudo
from tests.digest.services.stored_rows import add_mail, add_run
from tests.digest.web.conftest import (
    ADA,
    NOW,
    PAGE_SERVICES,
    Browser,
    RecordingQueue,
    account_link,
    everything,
    only_subscriber,
    path,
)
from tests.digest.web.pages.test_admin import signed_in
from tests.digest.web.pages.test_feeds import editions, paper

DATA = (
    r"Papers Inbox|BibTeX(?: \(TeX\))?|RIS|CSL-JSON"
    r"|ada@digest\.example|root@digest\.example|UTC|Atom|JSON(?: Feed)?|cs\.[A-Z]{2}|stat\.ML"
    r"|offline reinforcement learning|diffusion model\*|multi-agent systems|Monday|Tuesday|Wednesday|Thursday|Friday"
    r"|Saturday|Sunday|Ada Byron|Paul Erdős|https?://\S+|jsonl|arxiv-[a-z]+"
    r"|huggingface|semantic-scholar|openalex|biorxiv|medrxiv|pubmed"
)
# Names of subjects are those of the sources, as people type them; names of languages come from CLDR.
NAMES = {*map(subject_label, (*SUBJECTS, *ARXIV_SUBJECTS)), *LANGUAGE_NAMES.values()}
DATA += "|" + "|".join(re.escape(html.escape(name)) for name in sorted(NAMES, key=len, reverse=True))
ROW = PaperRow(id=1, title="Μάθηση", authors=tuple("αβγδεζηθ"), categories=("cs.LG",), excerpt="Ναι.", facts="↑ 41")
FURTHER = (FurtherGroup("μάθηση", (FurtherPaper(1, "Μάθηση", "Αδα", True),)),)
GREEK = replace(
    PAGE_SERVICES,
    preview=lambda profile, *, days, limit, cancelled, owned=(): Preview(
        (PreviewDay(date(2025, 11, 20), (PreviewPaper(1, "Μάθηση", 9, True, (("μάθηση", ("μάθηση",)),)),), 60, 400),)
    ),
    trending=lambda category, limit: [ROW],
    paper=lambda number: PaperPage(ROW, "Ναι.", (), date(2025, 11, 20)),
    author=lambda name, limit: AuthorPage("Αδα", (ROW,)),
    further=lambda number: FurtherPage(date(2025, 11, 20), 3 + number, 3, number > 1, FURTHER),
)

pytestmark = MAINLY_SQLITE


@pytest.fixture
def greek(settled: None, clock_stands: object, queue: RecordingQueue) -> Iterator[Browser]:
    with pseudo.pseudo_language():
        yield Browser(build(queue, GREEK))


def subscriber_with_edition(web: Browser) -> int:
    """A confirmed subscriber with one edition of one paper."""
    web.post("/subscribe", data={"address": ADA, "topics": "μάθηση"})
    subscriber = only_subscriber()
    number = subscriber.id or 0
    paper(1, "Μάθηση")
    version = everything()["sign_up_request"][0][0]
    web.post(path(signed_links.confirm(number, version)))
    editions(number, papers=(1,))
    return number


def test_no_sentence_of_a_public_page_is_left_out(greek: Browser) -> None:
    for page in ("/", "/trending", "/trending/cs.LG", "/papers/1", "/authors/Αδα", "/admin", "/nowhere"):
        assert pseudo.untranslated_words(greek.get(page).text, DATA) == [], page
    for fields in ({"topics": "μάθηση"}, {"topics": "μάθηση", "limit": "1"}, {"address": ADA, "topics": "ξ" * 600}):
        assert pseudo.untranslated_words(greek.post("/", data=fields).text, DATA) == [], fields


WRONG = ("(αβ", "αβ)", 'αβ"', "NOT αβ", "αβ AND", "ξ:", "has:δ", "cat:α.β.γ", "au:,", "αβ*γ", "αβ *γδ", "(" * 80, "the")
FIELDS = r"|(?:ti|abs|au|cat|co|all|inst|venue|has):"


@pytest.mark.parametrize("topic", [*WRONG, "αβ AND OR γδ", "\x07", "α" * 600, "αβ has:code)"])
def test_no_complaint_about_a_topic_is_left_out(greek: Browser, topic: str) -> None:
    page = greek.post("/", data={"topics": topic})

    assert (
        pseudo.untranslated_words(page.text, f"{re.escape(html.escape(topic))}|{re.escape(topic)}|{DATA}{FIELDS}") == []
    )


def test_no_sentence_of_signing_up_and_leaving_is_left_out(greek: Browser) -> None:
    page_text = greek.post("/subscribe", data={"address": ADA, "topics": "μάθηση", "cadence": "weekly"}).text
    number, version = only_subscriber().id or 0, everything()["sign_up_request"][0][0]
    confirm, leave = path(signed_links.confirm(number, version)), path(signed_links.unsubscribe(number))

    assert pseudo.untranslated_words(page_text, DATA) == []
    for page in (greek.get(confirm), greek.post(confirm), greek.get(leave), greek.post(leave), greek.get(leave)):
        assert pseudo.untranslated_words(page.text, DATA) == []
    for page in (greek.get(f"{leave}/link"), greek.post(f"{leave}/link")):
        assert pseudo.untranslated_words(page.text, DATA) == []


def test_no_sentence_of_refusing_is_left_out(greek: Browser) -> None:
    greek.post("/subscribe", data={"address": ADA, "topics": "μάθηση"})
    not_me = path(signed_links.not_me(only_subscriber().id or 0, everything()["sign_up_request"][0][0]))

    for page in (greek.get(not_me), greek.post(not_me)):
        assert pseudo.untranslated_words(page.text, DATA) == []


def test_no_sentence_of_the_account_pages_is_left_out(greek: Browser) -> None:
    subscriber_with_edition(greek)
    change, export, erase = (account_link(greek, action) for action in ("change-address", "export", "erase"))
    proposed = greek.post(change, data={"address": ADA.replace("ada", "ada.b")})
    arrived = path(signed_links.account("new-address", 4))
    pages = [greek.get(page) for page in (change, export, erase, arrived)]

    for page in (*pages, proposed, greek.post(arrived), greek.post(change)):
        assert pseudo.untranslated_words(page.text, DATA.replace("ada@", "ada(?:.b)?@")) == []


def test_no_sentence_about_a_suppression_is_left_out(greek: Browser) -> None:
    number = subscriber_with_edition(greek)
    for reason in ("no such address", "keeps failing", "complaint", "not me", "other"):
        with engine.transaction() as session:
            session.connection().exec_driver_sql("DELETE FROM suppression")
            session.add(Suppression(address_key=ADA, reason=reason, source="report", at=NOW))
        assert pseudo.untranslated_words(greek.get(path(signed_links.preferences(number))).text, DATA) == [], reason


@pytest.mark.parametrize("number", [1, 2])
def test_no_sentence_of_the_further_papers_is_left_out(greek: Browser, number: int) -> None:
    page = greek.get(f"{path(signed_links.edition(number))}/more").text

    assert pseudo.untranslated_words(page, DATA) == []


@pytest.mark.parametrize("verb", [MORE, LESS, MUTE, FOLLOW, RATE])
def test_no_sentence_of_feedback_is_left_out(greek: Browser, verb: str) -> None:
    subscriber_with_edition(greek)
    page = path(signed_links.feedback(1) + feedback_suffix(1, verb))

    for response in (greek.get(page), greek.post(page), greek.post(page, data={"choice": "paper"})):
        assert pseudo.untranslated_words(response.text, DATA) == []


def test_no_sentence_of_the_preferences_is_left_out(greek: Browser) -> None:
    number = subscriber_with_edition(greek)
    page = path(signed_links.preferences(number))
    greek.post(path(signed_links.feedback(1) + feedback_suffix(1, MORE)))
    saved = {"action": "save", "topics": "μάθηση", "paused_until": "2025-12-24"}

    for fields in ({}, saved, {"action": "tune", "topic": "μάθηση", "cap": "0"}, {"action": "erase"}):
        response = greek.post(page, data=fields) if fields else greek.get(page)
        assert pseudo.untranslated_words(response.text, DATA) == [], fields


LIBRARY = {
    "library_file": (
        "α.bib",
        "@misc{α, title = {Μάθηση μηχανών}}\n@misc{β, year = 2020}\n@misc{γ, doi = {10.1000/1}}".encode(),
    )
}


def test_no_sentence_about_a_library_is_left_out(greek: Browser) -> None:
    page = path(signed_links.preferences(subscriber_with_edition(greek)))
    data = f"{DATA}|Μάθηση μηχανών|10.1000/1|α|β|γ"
    action = {"action": "import-papers"}

    for response in (
        greek.post("/start-from-papers", files=LIBRARY),
        greek.post("/start-from-papers", files={"library_file": ("α.bib", b"%PDF-1.4")}),
        greek.post("/start-from-papers", data={"topics": "μάθηση"}),
        greek.post(page, data=action, files=LIBRARY),
        greek.post(page, data={"action": "undo-import", "import": "1"}),
        greek.post(page, data=action),
    ):
        assert response.status_code in {200, 422}
        assert pseudo.untranslated_words(response.text, data) == []


def test_no_sentence_of_the_administration_is_left_out(greek: Browser) -> None:
    number, run, cookie = subscriber_with_edition(greek), add_run(), signed_in(greek)
    add_mail(number, run, day=date(2025, 11, 20))

    for response in (
        greek.get("/admin", headers=cookie),
        greek.post("/admin/resend", data={"address": ADA, "day": "no day"}, headers=cookie),
        greek.post(f"/admin/runs/{run}/pause", headers=cookie),
        greek.post("/admin/sign-in", data={"address": ADA}),
    ):
        assert pseudo.untranslated_words(response.text, DATA) == []


def test_no_sentence_of_the_pages_below_the_overview_is_left_out(greek: Browser) -> None:
    number, run, cookie = subscriber_with_edition(greek), add_run(), signed_in(greek)
    add_mail(number, run, day=date(2025, 11, 20), state="queued")
    paths = ("runs", f"runs/{run}", f"runs/{run}/cancel", "subscribers", f"subscribers/{number}/erase", "sources")

    for page in (*paths, "suppressions"):
        text = greek.get(f"/admin/{page}", headers=cookie).text
        assert pseudo.untranslated_words(text, DATA) == [], page
