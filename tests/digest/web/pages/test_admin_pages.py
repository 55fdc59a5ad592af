"""The administrators' pages below the overview: runs, subscribers, suppressions, sources, tokens, settings, audit."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlmodel import select

from digest import clock
from digest.db.bounces import reports
from digest.db.core.engine import reading, transaction
from digest.models import Announcement, Audit, Batch, Bounce, Delivery, Reject, Run, Subscriber, Suppression
from digest.models.delivery import CANCELLED, DEFERRED, QUEUED, REJECTED, SENDING, SENT, UNCERTAIN
from digest.models.edition import COMPLETE, PLANNED
from digest.web.ui.admin_view import NAVIGATION
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber
from tests.digest.web.conftest import NOW, Browser, RecordingQueue, mails
from tests.digest.web.pages.test_admin import ROOT, signed_in

ADA, BOB = "ada@one.example", "bob@two.example"
PATHS = [f"/admin{path}" for path, _ in NAVIGATION]


@pytest.fixture
def cookie(web: Browser) -> dict[str, str]:
    return signed_in(web)


def suppress(address: str, reason: str = "keeps failing") -> None:
    with transaction() as session:
        reports.suppress(session, address, reason=reason, source="report 5.1.1", at=clock.now())


def suppressed() -> set[str]:
    with reading() as session:
        return set(session.exec(select(Suppression.address_key)))


def actions() -> list[tuple[str, str]]:
    with reading() as session:
        return [(row.actor, row.action) for row in session.exec(select(Audit).order_by(Audit.id))]  # type: ignore[arg-type]


@MAINLY_SQLITE
@pytest.mark.parametrize("path", PATHS)
def test_each_page_of_the_navigation_opens_and_marks_itself(web: Browser, cookie: dict[str, str], path: str) -> None:
    response = web.get(path, headers=cookie)

    assert response.status_code == 200
    assert f'<a href="{path}" aria-current="page">' in response.text
    assert response.headers["cache-control"] == "no-store"


@MAINLY_SQLITE
@pytest.mark.parametrize("path", [*PATHS[1:], "/admin/runs/1", "/admin/subscribers/1", "/admin/runs/1/cancel"])
def test_without_a_session_no_page_shows_anything(web: Browser, path: str) -> None:
    add_mail(add_subscriber(ADA), add_run())
    response = web.get(path)

    assert response.status_code == 403
    assert ADA not in response.text


@MAINLY_SQLITE
@pytest.mark.parametrize("path", ["/admin/runs/1", "/admin/subscribers/1", "/admin/suppressions", "/admin/tokens"])
def test_a_form_of_another_site_does_nothing(web: Browser, cookie: dict[str, str], path: str) -> None:
    add_mail(add_subscriber(ADA), add_run(), state=QUEUED)
    headers = cookie | {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
    before = actions()

    assert web.post(path, data={"action": "pause"}, headers=headers).status_code == 403
    assert actions() == before


@pytest.mark.parametrize("path", ["/admin/runs/9", "/admin/runs/99999999999999", "/admin/subscribers/99999999999999"])
def test_what_does_not_exist_is_not_found(web: Browser, cookie: dict[str, str], path: str) -> None:
    assert web.get(path, headers=cookie).status_code == 404


def test_a_run_lists_its_mails_by_state_and_address(web: Browser, cookie: dict[str, str]) -> None:
    run = add_run()
    add_mail(add_subscriber(ADA), run)
    add_mail(add_subscriber(BOB), run, state=REJECTED)
    everything = web.get(f"/admin/runs/{run}", headers=cookie).text
    rejected = web.get(f"/admin/runs/{run}?state=rejected", headers=cookie).text
    result_page = web.get(f"/admin/runs/{run}?q=ONE.", headers=cookie).text

    assert "1 of 2 mails sent" in everything
    assert (ADA in everything, BOB in everything) == (True, True)
    assert (ADA in rejected, BOB in rejected) == (False, True)
    assert (ADA in result_page, BOB in result_page) == (True, False)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("run_state", "mail_state", "is_offered"),
    [
        (COMPLETE, SENT, False),
        (COMPLETE, DEFERRED, True),
        (COMPLETE, UNCERTAIN, True),
        (PLANNED, SENT, True),
        (CANCELLED, CANCELLED, False),
        (CANCELLED, UNCERTAIN, False),
        (CANCELLED, SENDING, True),
    ],
)
def test_cancelling_is_offered_where_it_stops_something(
    web: Browser, cookie: dict[str, str], run_state: str, mail_state: str, is_offered: bool
) -> None:
    run = add_run(state=run_state)
    add_mail(add_subscriber(ADA), run, state=mail_state)

    assert (f"/admin/runs/{run}/cancel" in web.get(f"/admin/runs/{run}", headers=cookie).text) is is_offered


@MAINLY_SQLITE
def test_the_overview_refreshes_itself_but_not_the_answer_to_a_refused_form(
    web: Browser, cookie: dict[str, str]
) -> None:
    overview = web.get("/admin", headers=cookie).text
    refused = web.post("/admin/resend", data={"address": ADA, "day": "no day"}, headers=cookie)

    assert 'data-refresh="30"' in overview
    assert "MOST_FAILURES" in overview
    assert refused.status_code == 422
    assert "data-refresh" not in refused.text


def test_a_run_with_many_mails_has_further_pages(web: Browser, cookie: dict[str, str]) -> None:
    run = add_run()
    with transaction() as session:
        session.add_all(
            Delivery(
                kind="digest",
                subject_id=number,
                run_id=run,
                address=f"s{number}@one.example",
                domain="one.example",
                state="sent",
                created_at=clock.now(),
            )
            for number in range(1, 103)
        )
    first = web.get(f"/admin/runs/{run}", headers=cookie).text
    link = re.search(r'href="([^"]+)">Next page', first)
    assert link is not None
    second = web.get(link[1].replace("&amp;", "&"), headers=cookie).text

    assert ("s100@" in first, "s101@" in first) == (True, False)
    assert ("s100@" in second, "s102@" in second) == (False, True)


@MAINLY_SQLITE
def test_a_run_is_paused_resumed_and_cancelled_after_a_question(web: Browser, cookie: dict[str, str]) -> None:
    run = add_run()
    mail = add_mail(add_subscriber(ADA), run, state=QUEUED)
    page = f"/admin/runs/{run}"
    paused = web.act(page, data={"action": "pause"}, headers=cookie).text
    resumed = web.act(page, data={"action": "resume"}, headers=cookie).text
    question = web.get(f"{page}/cancel", headers=cookie).text
    cancelled = web.act(page, data={"action": "cancel"}, headers=cookie).text

    assert ("Paused with 1 unsent mail." in paused, "Resumed with 1 unsent mail." in resumed) == (True, True)
    assert "1 mail of " in question
    assert "1 mail is cancelled." in cancelled
    with reading() as session:
        assert session.get_one(Delivery, mail).state == "cancelled"
        assert session.get_one(Run, run).state == "cancelled"
    assert [action for actor, action in actions() if actor == ROOT][-3:] == ["pause run", "resume run", "cancel run"]


@MAINLY_SQLITE
def test_cancelling_a_run_says_what_it_does_not_stop(web: Browser, cookie: dict[str, str]) -> None:
    run = add_run()
    for name, state in (("ada", QUEUED), ("bob", DEFERRED), ("eve", SENDING), ("dan", UNCERTAIN), ("joe", UNCERTAIN)):
        add_mail(add_subscriber(f"{name}@one.example"), run, state=state)
    question = web.get(f"/admin/runs/{run}/cancel", headers=cookie).text
    cancelled = web.act(f"/admin/runs/{run}", data={"action": "cancel"}, headers=cookie).text

    assert "2 mails of " in question
    assert "2 mails are cancelled." in cancelled
    for text in (unescape(question), unescape(cancelled)):
        assert "2 mails may have arrived: they are held" in text
        assert "1 mail is being sent and can't be stopped" in text


def test_a_form_with_a_nul_character_is_refused(web: Browser, cookie: dict[str, str]) -> None:
    fields = {"action": "suppress", "address": ADA, "reason": "asked\0 by phone"}

    assert web.act("/admin/suppressions", data=fields, headers=cookie).status_code == 400
    assert suppressed() == set()


def test_what_a_run_missed_is_sent_again(web: Browser, cookie: dict[str, str], queue: RecordingQueue) -> None:
    run = add_run()
    mail = add_mail(add_subscriber(ADA), run, state=REJECTED)
    text = web.act(f"/admin/runs/{run}", data={"action": "resend-missed"}, headers=cookie).text

    assert "1 mail is queued again." in text
    with reading() as session:
        assert session.get_one(Delivery, mail).state == QUEUED


@pytest.mark.parametrize(("state", "refreshes"), [(DEFERRED, True), ("sent", False)])
def test_the_progress_of_a_run_is_followed_while_mails_wait(
    web: Browser, cookie: dict[str, str], state: str, refreshes: bool
) -> None:
    run = add_run()
    add_mail(add_subscriber(ADA), run, state=state)
    text = web.get(f"/admin/runs/{run}?follow=yes", headers=cookie).text

    assert ('http-equiv="refresh"' in text) == refreshes


def test_subscribers_are_found_by_a_part_of_the_address(web: Browser, cookie: dict[str, str]) -> None:
    add_subscriber(ADA)
    add_subscriber(BOB, state="left")
    by_text = web.get("/admin/subscribers?q=one.ex", headers=cookie).text
    by_state = web.get("/admin/subscribers?state=left", headers=cookie).text

    assert (ADA in by_text, BOB in by_text) == (True, False)
    assert (ADA in by_state, BOB in by_state) == (False, True)


def test_the_story_of_a_subscriber_says_what_became_of_each_mail_and_why_none_comes(
    web: Browser, cookie: dict[str, str]
) -> None:
    subscriber = add_subscriber(ADA)
    add_mail(subscriber, add_run(), state=REJECTED)
    suppress(ADA)
    text = web.get(f"/admin/subscribers/{subscriber}", headers=cookie).text

    assert "Mail digest: rejected." in text
    assert "the address is suppressed since" in text
    assert "Release the address" in text


def test_a_story_begins_with_the_newest_mail_where_that_did_not_arrive(web: Browser, cookie: dict[str, str]) -> None:
    subscriber = add_subscriber("eve@digest.example")
    add_mail(subscriber, add_run(NOW), state=REJECTED)
    text = web.get(f"/admin/subscribers/{subscriber}", headers=cookie).text

    assert "The newest mail has not arrived. Mail digest: rejected" in text.partition("Days without mail")[0]


@MAINLY_SQLITE
def test_a_subscriber_is_suppressed_released_paused_and_unsubscribed(web: Browser, cookie: dict[str, str]) -> None:
    subscriber = add_subscriber(ADA)
    page = f"/admin/subscribers/{subscriber}"
    web.act(page, data={"action": "suppress", "reason": "asked by phone"}, headers=cookie)
    after_suppressing = suppressed()
    web.act(page, data={"action": "release"}, headers=cookie)
    web.act(page, data={"action": "pause", "days": "7"}, headers=cookie)
    with reading() as session:
        paused_until = session.get_one(Subscriber, subscriber).paused_until
    web.act(page, data={"action": "unsubscribe"}, headers=cookie)

    assert (after_suppressing, suppressed()) == ({ADA}, set())
    assert paused_until is not None
    with reading() as session:
        assert session.get_one(Subscriber, subscriber).state == "left"
    done = [action for actor, action in actions() if actor == ROOT]
    assert done[-4:] == ["suppress", "unsuppress", "pause", "unsubscribe"]


def test_an_edition_is_sent_again_from_the_story(web: Browser, cookie: dict[str, str], queue: RecordingQueue) -> None:
    subscriber = add_subscriber(ADA)
    add_mail(subscriber, add_run())
    before = queue.delivered
    page = f"/admin/subscribers/{subscriber}"
    text = web.act(page, data={"action": "resend", "day": "2025-11-21"}, headers=cookie).text

    assert f"Queued resend #1 to {ADA}." in text
    assert queue.delivered == before + 1


def test_a_subscriber_is_erased_after_a_question(web: Browser, cookie: dict[str, str]) -> None:
    subscriber = add_subscriber(ADA)
    question = web.get(f"/admin/subscribers/{subscriber}/erase", headers=cookie).text
    answer = web.act(f"/admin/subscribers/{subscriber}", data={"action": "erase"}, headers=cookie)

    assert (f"Erase {ADA}?" in question, answer.status_code) == (True, 200)
    with reading() as session:
        assert session.exec(select(Subscriber)).all() == []
    assert (ROOT, "erase") in actions()


@MAINLY_SQLITE
@pytest.mark.parametrize("days", ["", "0", "367", "x", "9" * 300])
def test_a_pause_of_no_length_is_refused(web: Browser, cookie: dict[str, str], days: str) -> None:
    subscriber = add_subscriber(ADA)
    response = web.act(f"/admin/subscribers/{subscriber}", data={"action": "pause", "days": days}, headers=cookie)

    assert response.status_code == 422
    assert 'role="alert"' in response.text


def test_suppressions_are_released_together_by_reason_but_not_wishes(web: Browser, cookie: dict[str, str]) -> None:
    suppress(ADA)
    suppress(BOB, "complaint")
    page = "/admin/suppressions"
    everybody = web.act(page, data={"action": "release-all"}, headers=cookie)
    complaints = web.act(page, data={"action": "release-all", "filter": "complaint"}, headers=cookie)
    failing = web.act(page, data={"action": "release-all", "filter": "keeps failing"}, headers=cookie)

    assert [answer.status_code for answer in (everybody, complaints, failing)] == [422, 422, 200]
    assert suppressed() == {BOB}


def test_an_address_is_suppressed_and_released_in_its_row(web: Browser, cookie: dict[str, str]) -> None:
    page = "/admin/suppressions"
    web.act(page, data={"action": "suppress", "address": ADA}, headers=cookie)
    listed = web.get(f"{page}?q=ada", headers=cookie).text
    web.act(page, data={"action": "release", "address": ADA}, headers=cookie)

    assert f'value="{ADA}"' in listed
    assert suppressed() == set()


def test_a_token_is_shown_once_and_revoked(web: Browser, cookie: dict[str, str]) -> None:
    form = {"action": "create", "name": "figures", "expires": "30d", "scope": ["papers:read", "runs:read"]}
    created = web.act("/admin/tokens", data=form, headers=cookie).text
    listed = web.get("/admin/tokens", headers=cookie).text
    revoked = web.act("/admin/tokens", data={"action": "revoke", "name": "figures"}, headers=cookie).text

    assert re.search(r"digest_[\w-]{40,}", created)
    assert not re.search(r"digest_[\w-]{40,}", listed)
    assert ("papers:read runs:read" in listed, "The token figures is revoked." in revoked) == (True, True)


@MAINLY_SQLITE
def test_the_settings_show_no_secret(web: Browser, cookie: dict[str, str]) -> None:
    from digest import settings

    text = web.get("/admin/settings", headers=cookie).text

    assert "DIGEST_SECRET_KEY" in text
    assert settings.get().secret_key[0] not in text


@MAINLY_SQLITE
def test_a_test_mail_goes_to_the_administrator_who_asks(
    web: Browser, cookie: dict[str, str], queue: RecordingQueue
) -> None:
    before = queue.delivered
    web.act("/admin/settings", data={"action": "test-mail"}, headers=cookie)

    assert (mails()[-1].kind, mails()[-1].address) == ("test", ROOT)
    assert queue.delivered == before + 1


@MAINLY_SQLITE
def test_a_source_that_is_not_enabled_is_not_fetched(web: Browser, cookie: dict[str, str]) -> None:
    assert web.act("/admin/sources", data={"source": "nobody"}, headers=cookie).status_code == 404


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "%", "_", "'"])
@pytest.mark.parametrize("path", ["/admin/subscribers", "/admin/suppressions", "/admin/audit"])
def test_a_search_takes_any_text_literally(web: Browser, cookie: dict[str, str], path: str, text: str) -> None:
    add_subscriber(ADA)
    suppress(ADA)
    response = web.get(path, params={"q": text}, headers=cookie)

    assert response.status_code == 200
    assert (ADA in response.text, "<script>alert" in response.text) == (False, False)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "path",
    [
        "/admin/subscribers?state=foo",
        "/admin/suppressions?reason=foo",
        "/admin/sources?source=foo",
        "/admin/mails?state=foo",
        "/admin/bounces?kind=foo",
        "/admin/runs/1?state=foo",
    ],
)
def test_a_filter_that_does_not_exist_is_not_found(web: Browser, cookie: dict[str, str], path: str) -> None:
    add_run()

    assert web.get(path, headers=cookie).status_code == 404


def rows_of(web: Browser, cookie: dict[str, str], path: str) -> int:
    """How many rows the table of a page and of those after it has."""
    count = 0
    while path:
        page = web.get(unescape(path), headers=cookie)
        assert page.status_code == 200, path
        count += len(re.findall(r"<tr><th scope=\"row\">", page.text))
        following = re.search(r'<a href="([^"]+)">Next page</a>', page.text)
        path = following[1] if following else ""
    return count


def test_each_figure_of_the_overview_leads_to_that_many_rows(web: Browser, cookie: dict[str, str]) -> None:
    run = add_run()
    states = [SENT] * 103 + [REJECTED] * 2 + [DEFERRED]
    for number, state in enumerate(states):
        add_mail(add_subscriber(f"a{number}@one.example"), run, state=state)
    for number, kind in enumerate(["hard", "hard", "soft"]):
        with transaction() as session:
            session.add(Bounce(report_key=f"{number}", address_key=ADA, kind=kind, at=clock.now()))
    with transaction() as session:
        session.add(Bounce(report_key="old", address_key=ADA, kind="hard", at=clock.now() - timedelta(days=31)))
    suppress(ADA)
    figures = {}
    for page in ("/admin", "/admin/health"):
        for link, text in re.findall(
            r'<a href="(/admin/(?:mails|bounces|suppressions|subscribers)[^"]*)">([^<]*[0-9][^<]*)</a>',
            web.get(page, headers=cookie).text,
        ):
            figures[link] = int(re.sub(r"[^0-9]", "", text))
    wanted = {link: rows_of(web, cookie, link) for link in figures}

    assert figures == wanted
    assert figures["/admin/mails?state=sent"] >= 103
    assert figures["/admin/bounces?kind=hard"] == 2
    assert figures["/admin/suppressions"] == 1


@MAINLY_SQLITE
@pytest.mark.parametrize(("query", "shown"), [("q=ONE.", {ADA}), ("state=rejected", {BOB}), ("q=%25", set())])
def test_mails_are_filtered(web: Browser, cookie: dict[str, str], query: str, shown: set[str]) -> None:
    run = add_run()
    add_mail(add_subscriber(ADA), run)
    add_mail(add_subscriber(BOB), run, state=REJECTED)
    page = web.get(f"/admin/mails?{query}", headers=cookie).text

    assert {address for address in (ADA, BOB) if f">{address}</a>" in page} == shown


@MAINLY_SQLITE
@pytest.mark.parametrize("path", ["/admin/runs/1", "/admin/mails", "/admin/bounces"])
def test_no_number_beside_a_search_counts_what_the_search_left_out(
    web: Browser, cookie: dict[str, str], path: str
) -> None:
    add_mail(add_subscriber(ADA), add_run())
    filters = re.search(r'<ul class="strip">.*?</ul>', web.get(f"{path}?q=nobody", headers=cookie).text)

    assert filters
    assert not re.search(r">[^<]*[0-9][^<]*<", filters[0])


def test_all_items_that_a_source_left_out_are_listed(web: Browser, cookie: dict[str, str]) -> None:
    with transaction() as session:
        session.add(Announcement(id=1, day=NOW.date()))
        session.flush()
        session.add(Batch(source="jsonl", announcement_id=1, started_at=NOW, known_at=NOW, bad=120))
        session.flush()
        session.add_all(
            [
                Reject(batch_id=1, document="a file", position=n, reason="no title", excerpt=f"item {n}")
                for n in range(120)
            ]
        )
    first = web.get("/admin/sources?source=jsonl", headers=cookie).text
    following = re.search(r'<a href="([^"]+)">Next page</a>', first)
    assert following
    second = web.get(unescape(following[1]).partition("#")[0], headers=cookie).text
    items = re.findall(r">item ([0-9]+)<", first + second)

    assert sorted(map(int, items)) == list(range(120))


@MAINLY_SQLITE
def test_releasing_the_last_of_a_reason_leads_back_to_the_list(web: Browser, cookie: dict[str, str]) -> None:
    suppress(ADA, "asked by phone")
    page = web.act(
        "/admin/suppressions", data={"action": "release", "address": ADA, "filter": "asked by phone"}, headers=cookie
    )

    assert page.status_code == 200
    assert "may be mailed again" in page.text


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("path", "form", "kept"),
    [
        (
            "/admin/tokens",
            {"action": "create", "name": "monitor", "expires": "soon", "scope": ["runs:read", "audit:read"]},
            ['value="monitor"', 'value="soon"', 'value="runs:read" checked', 'value="audit:read" checked'],
        ),
        (
            "/admin/suppressions",
            {"action": "suppress", "address": "ada.one.example", "reason": "asked by phone"},
            ['value="ada.one.example"', 'value="asked by phone"'],
        ),
        ("/admin/subscribers/1", {"action": "pause", "days": "400"}, ['value="400"']),
        ("/admin/sources", {"action": "preview", "address": "journal"}, ['value="journal"']),
    ],
)
def test_a_refused_form_keeps_what_was_typed(
    web: Browser, cookie: dict[str, str], path: str, form: dict[str, str], kept: list[str]
) -> None:
    add_subscriber(ADA)
    page = web.post(path, data=form, headers=cookie)

    assert page.status_code == 422
    assert [text for text in kept if text not in page.text] == []


@MAINLY_SQLITE
@pytest.mark.parametrize("state", [SENT, REJECTED])
def test_a_complete_run_has_nothing_to_cancel(web: Browser, cookie: dict[str, str], state: str) -> None:
    run = add_run(state=COMPLETE)
    add_mail(add_subscriber(ADA), run, state=state)
    question = web.get(f"/admin/runs/{run}/cancel", headers=cookie)
    answer = web.post(f"/admin/runs/{run}", data={"action": "cancel"}, headers=cookie)

    assert [question.status_code, answer.status_code] == [409, 409]
    assert "there is nothing to cancel" in question.text
    assert "there is nothing to cancel" in answer.text
    with reading() as session:
        assert session.get_one(Run, run).state == COMPLETE


@MAINLY_SQLITE
@pytest.mark.parametrize("name", [ADA, "arxiv-rss"])
def test_a_name_at_the_start_of_a_message_stays_as_it_is(web: Browser, cookie: dict[str, str], name: str) -> None:
    form = {"action": "release", "address": name} if "@" in name else {"action": "remove", "source": name}
    page = web.post("/admin/suppressions" if "@" in name else "/admin/sources", data=form, headers=cookie).text

    assert f">{name} is " in page


@MAINLY_SQLITE
@pytest.mark.parametrize(("days", "button"), [(3, "End the pause"), (-3, "Pause")])
def test_a_pause_can_be_ended_only_while_it_lasts(web: Browser, cookie: dict[str, str], days: int, button: str) -> None:
    subscriber = add_subscriber(ADA)
    with transaction() as session:
        session.get_one(Subscriber, subscriber).paused_until = (clock.now() + timedelta(days=days)).date()
    page = web.get(f"/admin/subscribers/{subscriber}", headers=cookie).text

    assert re.findall(r'value="(?:pause|resume)"[^>]*>([^<]+)<', page) == [button]
