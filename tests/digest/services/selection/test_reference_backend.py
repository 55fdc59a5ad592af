"""Papers prepared for matching are released when no run uses them any more."""

from __future__ import annotations

import gc
from datetime import timedelta

from digest.matching.scoring.boolean_match import Document
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, utc
from tests.servers import MailServer

pytestmark = MAINLY_SQLITE

TITLES = "Bandits that nobody keeps", "Bandits of the day before", "Bandits of this very day"


def prepared_titles() -> set[str]:
    """Which of these papers are prepared in this process, where other tests leave some of theirs."""
    gc.collect()
    titles = {document.candidate.record.title for document in gc.get_objects() if isinstance(document, Document)}
    return titles & set(TITLES)


def test_papers_that_no_run_uses_any_more_are_released(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    for days, title in enumerate(TITLES):
        day = MONDAY + timedelta(days=days)
        lab.set_time(utc(day, 5))
        lab.announce(day, title)
        lab.run(day)

    assert prepared_titles() == set(TITLES[1:])
