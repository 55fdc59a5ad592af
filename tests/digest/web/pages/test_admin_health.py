"""The health page: what is wrong and what to do, queues with their lengths, the disk; it refreshes without moving."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest

from digest.caching import BoundedCache
from digest.services.admin import doctor, health_report
from digest.services.admin.doctor_finding import ERROR, OK, DoctorFinding
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber
from tests.digest.web.conftest import Browser
from tests.digest.web.pages.test_admin import signed_in

FINDINGS = [
    DoctorFinding(OK, "redis", "answers"),
    DoctorFinding(ERROR, "mail server", "mail.example: connection refused", "check DIGEST_SMTP_URL"),
]


@pytest.fixture
def page(web: Browser, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(doctor, "run_checks", lambda: FINDINGS)
    add_mail(add_subscriber("ada@one.example"), add_run())
    return web.get("/admin/health", headers=signed_in(web)).text


@MAINLY_SQLITE
def test_a_problem_is_shown_with_its_cure_before_what_is_in_order(page: str) -> None:
    problem, cure, well = (page.index(text) for text in ("connection refused", "check DIGEST_SMTP_URL", "answers"))

    assert problem < cure < well


@MAINLY_SQLITE
def test_each_figure_leads_somewhere(page: str) -> None:
    figures = re.search(r'<dl class="figures">(.*?)</dl>', page, re.DOTALL)

    assert figures is not None
    assert len(re.findall("<dd><a href=", figures[1])) == len(re.findall("<dd>", figures[1])) >= 3


@MAINLY_SQLITE
def test_space_on_the_disk_and_mails_by_state_are_shown(page: str) -> None:
    assert re.search(r"Free on the disk</dt><dd><a [^>]*>[\d.,]+ of [\d.,]+ GB", page)
    assert "Mails: " in page


@MAINLY_SQLITE
def test_the_page_refreshes_by_a_script_and_without_scripts_by_itself(page: str) -> None:
    assert 'data-refresh="30"' in page
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page
    assert "MOST_FAILURES" in page


@MAINLY_SQLITE
def test_the_script_is_allowed_by_the_policy_of_the_page(web: Browser, configured: Callable[..., None]) -> None:
    from digest.web.http.middleware import csp_hash
    from digest.web.ui.template_rendering import refresh_script

    policy = web.get("/admin/health", headers=signed_in(web)).headers["content-security-policy"]

    assert csp_hash(refresh_script()) in policy


@MAINLY_SQLITE
def test_a_slow_check_does_not_keep_the_page_waiting(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = threading.Event()
    monkeypatch.setattr(health_report, "WAIT_SECONDS", 0.1)
    empty = BoundedCache[health_report.HealthReport](max_entries=2, max_bytes=2, size_of=lambda _: 1)
    monkeypatch.setattr(health_report, "_reports", empty)
    monkeypatch.setattr(health_report, "_checks", health_report._BackgroundChecks())
    monkeypatch.setattr(doctor, "run_checks", lambda: finished.wait(60) and FINDINGS)

    page = web.get("/admin/health", headers=signed_in(web)).text
    finished.set()

    assert "a server answers slowly" in page
