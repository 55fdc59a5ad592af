"""The administrator's pages: sign-in by a single-use link, and not otherwise."""

from __future__ import annotations

import email
import email.policy
import re
import threading
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import time_machine
from sqlmodel import select

from digest import clock, settings
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.db.papers.source_days import store_source_state
from digest.models import Audit
from digest.models.delivery import QUEUED, UNCERTAIN
from digest.services.admin import doctor, health_report, paused_domains_admin
from digest.services.admin.doctor_finding import ERROR, OK, WARNING, DoctorFinding
from digest.services.delivery.render_messages import MailComposer
from digest.services.security import admin_login, signed_links
from digest.web.http import admin_session
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber
from tests.digest.web.conftest import ADA, NOW, Browser, RecordingQueue, everything, mails, path, subscribed
from tests.outbox import as_claimed

ROOT = "root@digest.example"


def signed_in(web: Browser) -> dict[str, str]:
    """The cookie of an administrator who signed in by a mailed link."""
    web.post("/admin/sign-in", data={"address": ROOT})
    response = web.post(path(signed_links.sign_in(mails()[-1].subject_id)))
    return {"cookie": response.headers["set-cookie"].partition(";")[0]}


def test_an_administrator_gets_a_link(web: Browser, queue: RecordingQueue) -> None:
    web.post("/admin/sign-in", data={"address": "Root@Digest.example"})

    assert [(mail.kind, mail.address) for mail in mails()] == [("sign-in", ROOT)]
    assert queue.delivered == 1


@MAINLY_SQLITE
def test_the_response_is_the_same_for_everybody_who_gets_no_link(web: Browser) -> None:
    known_address = web.post("/admin/sign-in", data={"address": ROOT})
    other = web.post("/admin/sign-in", data={"address": ADA})

    assert known_address.text == other.text
    assert len(mails()) == 1


@MAINLY_SQLITE
def test_the_link_opens_the_overview(web: Browser) -> None:
    subscribed(web)
    response = web.get("/admin", headers=signed_in(web))

    assert "1 active" in response.text
    assert response.headers["cache-control"] == "no-store"


def test_the_first_sentence_leads_to_the_run_whose_mail_waits_for_a_decision(web: Browser) -> None:
    run = add_run(NOW)
    add_mail(add_subscriber("eve@digest.example"), run, state=UNCERTAIN, is_held=True)
    text = web.get("/admin", headers=signed_in(web)).text

    assert (
        f'<strong><a href="/admin/runs/{run}">1 mail may have arrived and waits for your decision.</a></strong>' in text
    )
    assert "`digest" not in text.partition("</p>")[0]


@MAINLY_SQLITE
def test_every_number_of_the_overview_is_a_link(web: Browser) -> None:
    subscribed(web)
    run = add_run(NOW)
    add_mail(add_subscriber("bob@digest.example"), run, state=QUEUED)
    text = web.get("/admin", headers=signed_in(web)).text
    figures = re.findall(r"<dd>(.*?)</dd>", text.partition("</section>")[0])

    assert len(figures) == 6
    assert [figure for figure in figures if re.search(r"\d", re.sub(r"<a .*?</a>", "", figure))] == []


@MAINLY_SQLITE
def test_the_overview_draws_the_last_days_with_a_table_beside(web: Browser) -> None:
    subscribed(web)
    text = web.get("/admin", headers=signed_in(web)).text

    assert 'aria-label="Subscribers. 1 joined, 0 left."' in text
    assert '<th scope="row">Fri 21 Nov 2025</th><td class="number">1</td>' in text


def test_the_overview_says_how_each_source_stands(web: Browser) -> None:
    with transaction() as session:
        store_source_state(
            session, "arxiv-rss", at=clock.now(), outcome="down", detail="no answer in time", retry_at=None
        )
    text = web.get("/admin", headers=signed_in(web)).text

    assert "<dt>arxiv-rss</dt><dd>down: no answer in time" in text


@MAINLY_SQLITE
def test_without_a_session_there_is_only_the_way_in(web: Browser) -> None:
    assert "Overview" not in web.get("/admin").text
    assert "Overview" not in web.get("/admin", headers={"cookie": "digest_admin=forged"}).text


@MAINLY_SQLITE
def test_looking_at_the_link_changes_nothing(web: Browser) -> None:
    web.post("/admin/sign-in", data={"address": ROOT})
    link = path(signed_links.sign_in(1))
    before = everything()
    responses: list[httpx.Response] = [web.get(link), web.head(link)]

    assert everything() == before
    assert [response.status_code for response in responses] == [200, 200]


def test_the_link_is_good_once(web: Browser) -> None:
    signed_in(web)

    assert web.post(path(signed_links.sign_in(1))).status_code == 410


def test_the_link_is_good_for_half_an_hour(web: Browser, clock_stands: time_machine.Traveller) -> None:
    web.post("/admin/sign-in", data={"address": ROOT})
    link = path(signed_links.sign_in(1))
    clock_stands.shift(timedelta(minutes=31))

    assert web.post(link).status_code == 410


def test_a_session_ends_after_twelve_hours(web: Browser, clock_stands: time_machine.Traveller) -> None:
    cookie = signed_in(web)
    clock_stands.shift(timedelta(hours=13))

    assert "Overview" not in web.get("/admin", headers=cookie).text


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("https://papers.example", ("__host-digest_admin=", "secure", "path=/;")),
        ("https://papers.example:8443", ("__host-digest_admin=", "secure", "path=/;")),
        ("http://papers.example", ("__host-digest_admin=", "secure", "path=/;")),
        ("http://127.0.0.1:8000", ("digest_admin=", "path=/admin;")),
        ("http://localhost", ("digest_admin=", "path=/admin;")),
        ("http://[::1]:8000", ("digest_admin=", "path=/admin;")),
    ],
)
def test_the_cookie_stays_on_this_host(
    web: Browser, configured: Callable[..., None], base_url: str, words: tuple[str, ...]
) -> None:
    configured(BASE_URL=base_url)
    web.post("/admin/sign-in", data={"address": ROOT})
    cookie = web.post(signed_links.sign_in(1).removeprefix(base_url)).headers["set-cookie"].lower() + ";"

    assert cookie.startswith(words[0])
    assert all(word in cookie for word in (*words, "httponly", "samesite=strict", "max-age=43200"))
    assert ("secure" in cookie) == ("secure" in words)


@MAINLY_SQLITE
def test_resending_needs_a_session(web: Browser) -> None:
    assert web.post("/admin/resend", data={"address": ADA}).status_code == 403


def test_an_edition_can_be_sent_again(web: Browser) -> None:
    response = web.act("/admin/resend", data={"address": ADA, "day": "2025-11-20"}, headers=signed_in(web))

    assert f"to {ADA}." in response.text


@MAINLY_SQLITE
def test_what_an_action_did_is_shown_once_on_a_page_that_can_be_reloaded(web: Browser) -> None:
    cookie = signed_in(web)
    answer = web.post("/admin/resend", data={"address": ADA, "day": "2025-11-20"}, headers=cookie)
    [notice] = answer.cookies.items()
    with_notice = {"cookie": f"{cookie['cookie']}; {notice[0]}={notice[1]}"}
    page = web.get("/admin", headers=with_notice)

    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    assert "Queued resend" in page.text
    assert "Max-Age=0" in page.headers["set-cookie"]
    assert "Queued resend" not in web.get("/admin", headers=cookie).text
    assert "Queued resend" not in web.get("/admin", headers={"cookie": f"{notice[0]}={notice[1]}"}).text


@MAINLY_SQLITE
def test_a_notice_that_we_did_not_sign_is_not_shown(web: Browser) -> None:
    cookie = signed_in(web)["cookie"]
    forged = web.get("/admin", headers={"cookie": f"{cookie}; {admin_session.cookie_name()}_notice=WyJ4Il0.x.y"})

    assert forged.status_code == 200
    assert "set-cookie" not in forged.headers


@MAINLY_SQLITE
def test_a_run_is_paused_and_resumed_from_the_page(web: Browser) -> None:
    run = add_run()
    add_mail(add_subscriber(ADA), run, state="queued")
    cookie = signed_in(web)
    paused = web.act(f"/admin/runs/{run}/pause", headers=cookie)
    resumed = web.act(f"/admin/runs/{run}/resume", headers=cookie)

    assert f"Run {run} is paused with 1 unsent e-mail." in paused.text
    assert f'action="/admin/runs/{run}/resume"' in paused.text
    assert f"Run {run} is resumed with 1 unsent e-mail." in resumed.text


@MAINLY_SQLITE
@pytest.mark.parametrize("act", ["pause", "resume"])
def test_pausing_a_run_needs_a_session(web: Browser, act: str) -> None:
    run = add_run(state="paused")
    before = everything()

    assert web.post(f"/admin/runs/{run}/{act}").status_code == 403
    assert everything() == before


@MAINLY_SQLITE
def test_a_run_that_does_not_exist_or_is_not_paused_is_named(web: Browser) -> None:
    run, cookie = add_run(), signed_in(web)
    responses = [web.act(f"/admin/runs/{number}/resume", headers=cookie) for number in (run, 999)]

    assert [response.status_code for response in responses] == [409, 409]
    assert f"Run {run} is not paused (state: complete)." in responses[0].text
    assert "There is no run 999" in responses[1].text


@MAINLY_SQLITE
def test_a_complete_run_without_waiting_mail_can_not_be_paused(web: Browser) -> None:
    run, cookie = add_run(), signed_in(web)
    add_mail(add_subscriber(ADA), run, state="sent")
    answer = web.act(f"/admin/runs/{run}/pause", headers=cookie)

    assert answer.status_code == 409
    assert f"Run {run} is complete: none of its mails waits, so there is nothing to pause." in answer.text
    assert f"/admin/runs/{run}/pause" not in web.get("/admin", headers=cookie).text


@MAINLY_SQLITE
def test_a_complete_run_with_a_deferred_mail_can_be_paused(web: Browser) -> None:
    run, cookie = add_run(), signed_in(web)
    add_mail(add_subscriber(ADA), run, state="deferred")

    assert web.act(f"/admin/runs/{run}/pause", headers=cookie).status_code == 200


def first_sentence(web: Browser, cookie: dict[str, str]) -> str:
    match = re.search(
        r'<p class="state[^>]*><strong>(?:<a href="[^"]+">)?(.*?)(?:</a>)?</strong>',
        web.get("/admin", headers=cookie).text,
    )
    assert match
    return match[1]


@MAINLY_SQLITE
def test_the_first_sentence_says_that_all_is_well_and_what_the_newest_run_sent(web: Browser) -> None:
    run, cookie = add_run(), signed_in(web)
    for number, state in enumerate(("sent", "sent", "rejected", "cancelled")):
        add_mail(add_subscriber(f"r{number}@digest.example"), run, state=state)

    assert re.fullmatch(r"All well. The run of [0-9: -]+ UTC sent 2 of 3\.", first_sentence(web, cookie))


def test_the_first_sentence_says_that_there_was_no_run_yet(web: Browser) -> None:
    assert first_sentence(web, signed_in(web)) == "All well. There has been no run yet."


@MAINLY_SQLITE
def test_an_error_of_the_doctor_is_the_first_sentence_on_both_pages(
    web: Browser, doctor_findings: list[DoctorFinding]
) -> None:
    doctor_findings += [
        DoctorFinding(OK, "redis", "answers"),
        DoctorFinding(ERROR, "dkim", "no public key is published"),
    ]
    cookie = signed_in(web)

    sentence = "`digest doctor` finds 1 error: dkim: no public key is published."
    assert first_sentence(web, cookie) == sentence
    assert sentence in web.get("/admin/health", headers=cookie).text


@MAINLY_SQLITE
def test_a_warning_of_the_doctor_leaves_all_well(web: Browser, doctor_findings: list[DoctorFinding]) -> None:
    doctor_findings.append(DoctorFinding(WARNING, "dkim", "mails are not signed here"))

    assert first_sentence(web, signed_in(web)).startswith("All well.")


@MAINLY_SQLITE
def test_nothing_is_called_well_before_the_checks_have_ended(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = threading.Event()
    monkeypatch.setattr(health_report, "HEADLINE_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(doctor, "run_checks", lambda: finished.wait(60) and [])

    sentence = first_sentence(web, signed_in(web))
    finished.set()

    assert sentence.startswith("Nothing is known to be wrong; the checks still run.")


@MAINLY_SQLITE
def test_a_silent_worker_is_the_first_sentence_with_the_mails_that_wait(
    web: Browser, queue: RecordingQueue, clock_stands: time_machine.Traveller
) -> None:
    cookie = signed_in(web)
    queue.living = False
    clock_stands.shift(timedelta(minutes=6))

    assert first_sentence(web, cookie) == "The worker has been silent for 6 minutes; 1 mail waits."
    assert "digest worker" in web.get("/admin", headers=cookie).text


def test_a_paused_run_is_the_first_sentence(web: Browser) -> None:
    run, cookie = add_run(state="paused"), signed_in(web)
    add_mail(add_subscriber(ADA), run, state="queued")

    assert first_sentence(web, cookie) == f"Run {run} is paused with 1 unsent mail."


def test_overdue_mail_is_the_first_sentence(web: Browser, clock_stands: time_machine.Traveller) -> None:
    cookie = signed_in(web)
    clock_stands.shift(timedelta(hours=2))

    assert first_sentence(web, cookie) == "1 mail is overdue; the oldest has waited for 2 hours."


@MAINLY_SQLITE
def test_nothing_else_can_be_done_to_a_run(web: Browser) -> None:
    assert web.act(f"/admin/runs/{add_run()}/burn", headers=signed_in(web)).status_code in {404, 422}


@MAINLY_SQLITE
@pytest.mark.parametrize("day", ["yesterday", "2025-13-01"])
def test_a_wrong_day_is_named(web: Browser, day: str) -> None:
    response = web.act("/admin/resend", data={"address": ADA, "day": day}, headers=signed_in(web))

    assert response.status_code == 422
    assert 'id="day-error"' in response.text


def test_a_client_may_ask_five_times_an_hour(web: Browser) -> None:
    responses = [web.post("/admin/sign-in", data={"address": ADA}) for _ in range(6)]

    assert [response.status_code for response in responses] == [200] * 5 + [429]


def pause_domain(domain: str, reason: str = "550 5.7.1 <b>no</b>") -> None:
    with transaction() as session:
        deliveries.pause_domain(session, domain, clock.now() + timedelta(hours=6), reason)


@MAINLY_SQLITE
def test_paused_domains_are_shown_and_released_from_the_page(web: Browser, queue: RecordingQueue) -> None:
    pause_domain("one.example")
    cookie = signed_in(web)
    queue.delivered = 0
    dashboard = web.get("/admin", headers=cookie)
    released = web.act("/admin/domains/release", data={"domain": "one.example"}, headers=cookie)

    assert 'value="one.example"' in dashboard.text
    assert "550 5.7.1 &lt;b&gt;no&lt;/b&gt;" in dashboard.text
    assert "0 e-mails to one.example are queued." in released.text
    assert 'value="one.example"' not in released.text
    assert queue.delivered == 1


def test_releasing_a_domain_that_is_no_longer_paused_is_an_error(web: Browser) -> None:
    response = web.act("/admin/domains/release", data={"domain": "one.example"}, headers=signed_in(web))

    assert response.status_code == 409
    assert "one.example is not paused" in response.text


@MAINLY_SQLITE
def test_releasing_a_domain_needs_a_session(web: Browser) -> None:
    pause_domain("one.example")
    response = web.post("/admin/domains/release", data={"domain": "one.example"})

    assert response.status_code == 403
    assert [pause.domain for pause in paused_domains_admin.paused_domains()] == ["one.example"]


@MAINLY_SQLITE
@pytest.mark.parametrize("pause", [30, pytest.param(10, marks=pytest.mark.soak)])
def test_posts_of_others_do_not_lock_an_administrator_out(
    web: Browser, clock_stands: time_machine.Traveller, pause: int
) -> None:
    """For two days somebody posts the address; at any time the newest link opens a session. `pause`: in minutes."""
    start = clock.now()
    for minute in range(0, 2 * 24 * 60, pause):
        clock_stands.move_to(start + timedelta(minutes=minute))
        for n in range(20 if minute < 60 else 1):
            Browser(web.app, host=f"198.51.100.{(minute + n) % 250}").post("/admin/sign-in", data={"address": ROOT})
        if minute % 240 == 240 - pause:
            look = web.get(path(signed_links.sign_in(mails()[-1].subject_id)))
            assert look.status_code == 200

    assert len(mails()) <= 2 * 4 + 5
    session_response = web.post(path(signed_links.sign_in(mails()[-1].subject_id)))
    assert session_response.status_code == 303


@MAINLY_SQLITE
def test_a_client_behind_the_address_of_an_attacker_still_gets_a_link(web: Browser) -> None:
    for _ in range(20):
        web.post("/admin/sign-in", data={"address": ADA})
    unknown = web.post("/admin/sign-in", data={"address": ADA})
    administrator = web.post("/admin/sign-in", data={"address": ROOT})

    assert (unknown.status_code, unknown.text) == (administrator.status_code, administrator.text.replace(ROOT, ADA))
    assert [(mail.kind, mail.address) for mail in mails()] == [("sign-in", ROOT)]


def test_after_a_sign_in_the_next_link_need_not_wait(web: Browser) -> None:
    signed_in(web)
    web.post("/admin/sign-in", data={"address": ROOT})

    assert len(mails()) == 2


def test_a_link_stays_good_until_the_next_may_be_sent(web: Browser, clock_stands: time_machine.Traveller) -> None:
    for minutes in (0, 2, 11, 31):  # each as soon as it is allowed; after the fourth 2 hours pass
        clock_stands.shift(timedelta(minutes=minutes))
        web.post("/admin/sign-in", data={"address": ROOT})
    assert len(mails()) == 4
    clock_stands.shift(timedelta(minutes=119))
    web.post("/admin/sign-in", data={"address": ROOT})

    assert len(mails()) == 4
    assert web.get(path(signed_links.sign_in(4))).status_code == 200
    assert web.get(path(signed_links.sign_in(3))).status_code == 410


def test_signing_out_ends_the_session_on_the_server(web: Browser) -> None:
    cookie = signed_in(web)
    web.act("/admin/sign-out", headers=cookie)

    assert "Overview" not in web.get("/admin", headers=cookie).text
    assert web.act("/admin/resend", data={"address": ADA}, headers=cookie).status_code == 403


def test_signing_out_ends_no_other_session(web: Browser) -> None:
    first, second = signed_in(web), signed_in(web)
    web.post("/admin/sign-out", headers=first)

    assert "Overview" in web.get("/admin", headers=second).text


def test_a_removed_address_has_neither_session_nor_link(web: Browser, configured: Callable[..., None]) -> None:
    cookie = signed_in(web)
    web.post("/admin/sign-in", data={"address": ROOT})
    link = path(signed_links.sign_in(mails()[-1].subject_id))
    configured(ADMIN_EMAILS="other@digest.example")

    assert "Overview" not in web.get("/admin", headers=cookie).text
    assert web.act("/admin/runs/1/pause", headers=cookie).status_code == 403
    assert [web.get(link).status_code, web.post(link).status_code] == [410, 410]


def test_what_a_removed_address_had_stays_ended_when_it_comes_back(
    web: Browser, configured: Callable[..., None]
) -> None:
    cookie = signed_in(web)
    web.post("/admin/sign-in", data={"address": ROOT})
    configured(ADMIN_EMAILS="other@digest.example")
    ended = admin_login.end_sessions_of_removed()  # as `digest web` does at its start
    configured(ADMIN_EMAILS=ROOT)

    assert ended == 2
    assert "Overview" not in web.get("/admin", headers=cookie).text
    assert web.post(path(signed_links.sign_in(mails()[-1].subject_id))).status_code == 410


def test_the_cookie_is_kept_as_its_hash_alone(web: Browser) -> None:
    value = signed_in(web)["cookie"].partition("=")[2]

    assert value not in str(everything())


def test_the_audit_names_who_acted(web: Browser) -> None:
    run = add_run(state="planned")
    cookie = signed_in(web)
    web.act(f"/admin/runs/{run}/pause", headers=cookie)
    web.act("/admin/sign-out", headers=cookie)

    acts = {row.action: row.actor for row in audits()}
    assert {acts[action] for action in ("signed in", "pause run", "signed out")} == {ROOT}


def audits() -> list[Audit]:
    with reading() as session:
        return list(session.exec(select(Audit)))


FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": "http://testserver:81"},
    {"origin": "https://testserver"},
    {"origin": "http://sub.testserver"},
    {"origin": "null"},
    {"origin": ""},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
    {"sec-fetch-site": "nonsense"},
    {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
)
SAME_ORIGIN = (
    {},
    {"origin": "http://testserver"},
    {"sec-fetch-site": "same-origin", "origin": "http://testserver"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"sec-fetch-site": "none"},
)


@MAINLY_SQLITE
@pytest.mark.parametrize("page", ["sign-in", "enter/x", "sign-out", "resend", "runs/1/pause", "nothing"])
def test_a_form_from_another_origin_is_refused(web: Browser, page: str) -> None:
    run = add_run()
    cookie = signed_in(web)
    before = everything()
    statuses = {
        str(headers): web.post(f"/admin/{page}", data={"address": ROOT}, headers=cookie | headers).status_code
        for headers in FOREIGN
    }

    assert run == 1
    assert statuses == dict.fromkeys(map(str, FOREIGN), 404 if page == "nothing" else 403)
    assert everything() == before


@MAINLY_SQLITE
@pytest.mark.parametrize("headers", SAME_ORIGIN, ids=str)
def test_a_form_of_our_own_is_taken(web: Browser, headers: dict[str, str]) -> None:
    run = add_run(state="planned")

    assert web.act(f"/admin/runs/{run}/pause", headers=signed_in(web) | headers).status_code == 200


@MAINLY_SQLITE
def test_on_this_machine_each_of_its_names_is_ours(web: Browser, configured: Callable[..., None]) -> None:
    configured(BASE_URL="http://127.0.0.1:8000")
    origins = ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "http://localhost:9000")
    responses = [
        web.post("/admin/sign-in", data={"address": ADA}, headers={"origin": origin}).status_code for origin in origins
    ]

    assert responses == [200, 200, 200, 403]


@MAINLY_SQLITE
def test_admin_pages_let_browsers_say_where_a_form_comes_from(web: Browser) -> None:
    assert web.get("/admin").headers["referrer-policy"] == "same-origin"


@MAINLY_SQLITE
def test_the_mail_says_how_long_its_link_is_good_and_the_link_works(web: Browser) -> None:
    web.post("/admin/sign-in", data={"address": ROOT})
    ((_, sign_in_mail),) = MailComposer(settings.get()).compose([as_claimed(row) for row in mails()])
    message = email.message_from_bytes(sign_in_mail.raw, policy=email.policy.default)  # type: ignore[union-attr]
    text = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    (link,) = re.findall(r"http://testserver/admin/enter/\S+", text)

    assert "within 30 minutes" in " ".join(text.split())
    assert web.post(path(link)).status_code == 303
