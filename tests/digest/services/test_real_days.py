"""Two real announcement days in small; the whole is `tests/benchmarks/real_days.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import real_days
from tests.digest.services.conftest import Lab
from tests.servers import MailServer


@pytest.mark.parametrize("papers", [200, pytest.param(500, marks=pytest.mark.soak)])
def test_two_real_days_repeat_nothing_and_every_paper_is_explained(
    lab: Lab, smtp: MailServer, shared: Path, papers: int
) -> None:
    outcome = real_days.run_days(shared, smtp, subscribers=30, papers=papers)

    assert outcome.ingested == 2 * papers
    assert outcome.mails >= 8
    assert outcome.papers > outcome.mails
    assert (outcome.repeated, outcome.unexplained) == (0, [])
