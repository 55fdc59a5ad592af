"""Rendered parts of papers are shared by the mails of a day, and released when the next day begins."""

from __future__ import annotations

import gc
from datetime import timedelta

from digest.compose.email.paper_block import PaperBlock
from digest.mail.mime.quoted_printable import EncodedPieces
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab
from tests.servers import MailServer

pytestmark = MAINLY_SQLITE


def _titles_in_memory() -> set[str]:
    gc.collect()
    return {block.title for block in gc.get_objects() if isinstance(block, PaperBlock)}


def test_papers_of_the_day_before_are_released(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Linear bandits")
    lab.run(MONDAY)
    assert _titles_in_memory() == {"Linear bandits"}
    lab.announce(MONDAY + timedelta(days=1), "Dueling bandits")
    lab.run(MONDAY + timedelta(days=1))

    assert _titles_in_memory() == {"Dueling bandits"}
    assert smtp.recipients() == {"ada@example.com": 2}


def _encoded_in_memory() -> bytes:
    gc.collect()
    caches = [encoded for encoded in gc.get_objects() if isinstance(encoded, EncodedPieces)]
    return b"".join(piece for encoded in caches for piece in encoded.values())


def test_encoded_pieces_of_the_day_before_are_released(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.subscribe("bob", "bandits")
    lab.announce(MONDAY, "Linear bandits")
    lab.run(MONDAY)
    assert b"Linear bandits" in _encoded_in_memory()
    lab.announce(MONDAY + timedelta(days=1), "Dueling bandits")
    lab.run(MONDAY + timedelta(days=1))

    assert b"Dueling bandits" in _encoded_in_memory()
    assert b"Linear bandits" not in _encoded_in_memory()
