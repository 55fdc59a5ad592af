"""Papers prepared for matching are released when no run uses them any more."""

from __future__ import annotations

import gc
from datetime import timedelta

from digest.matching.scoring.boolean_match import Document
from tests.digest.services.conftest import MONDAY, Lab, utc
from tests.servers import MailServer


def _prepared_titles() -> set[str]:
    gc.collect()
    return {document.candidate.record.title for document in gc.get_objects() if isinstance(document, Document)}


def test_papers_that_no_run_uses_any_more_are_released(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    for days, title in enumerate(("Linear bandits", "Dueling bandits", "Sleeping bandits")):
        day = MONDAY + timedelta(days=days)
        lab.set_time(utc(day, 5))
        lab.announce(day, title)
        lab.run(day)

    assert _prepared_titles() == {"Dueling bandits", "Sleeping bandits"}
