"""Free texts lose the addresses in them and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text.stored_text_redaction import redact_addresses


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("550 5.1.1 <ada@one.example>: unknown", "550 5.1.1 <[address]>: unknown"),
        ("to=ada+list@one.example, relay not permitted", "to=[address], relay not permitted"),
        ("mailto:ada@one.example and bob@two.example.", "mailto:[address] and [address]"),
        ("see https://help.example/@policy", "see https:[address]"),
        ("nothing @ all", "nothing @ all"),
        ("", ""),
    ],
)
def test_addresses_are_left_out(text: str, redacted: str) -> None:
    assert redact_addresses(text) == redacted


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_an_address_is_removed_whatever_surrounds_it(before: str, after: str) -> None:
    assert "ada.byron@one.example" not in redact_addresses(f"{before}ada.byron@one.example{after}")
