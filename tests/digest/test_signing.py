"""Signed links: for one purpose each, from any of the keys, and only as they were made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import BadToken, StaleToken
from digest.signing import CONFIRM, EDITION, FEED, FEEDBACK, PREFERENCES, SIGN_IN, UNSUBSCRIBE, Signer

PURPOSES = (CONFIRM, UNSUBSCRIBE, PREFERENCES, EDITION, FEED, FEEDBACK, SIGN_IN)
NOON = datetime(2025, 11, 21, 12, 0, tzinfo=UTC)
SIGNER = Signer(("new key", "old key"))


@given(values=st.lists(st.one_of(st.integers(0, 2**40), st.text(max_size=20)), max_size=4))
def test_a_token_gives_back_what_was_signed(values: list[int | str]) -> None:
    assert SIGNER.read(CONFIRM, SIGNER.sign(CONFIRM, *values)) == values


@pytest.mark.parametrize("made_for", PURPOSES)
@pytest.mark.parametrize("used_for", PURPOSES)
def test_a_token_is_good_for_its_own_purpose_alone(made_for: str, used_for: str) -> None:
    token = SIGNER.sign(made_for, 7)
    if made_for == used_for:
        assert SIGNER.read(used_for, token) == [7]
        return

    with pytest.raises(BadToken):
        SIGNER.read(used_for, token)


def test_a_token_signed_with_an_older_key_is_still_good() -> None:
    assert SIGNER.read(UNSUBSCRIBE, Signer(("old key",)).sign(UNSUBSCRIBE, 7)) == [7]


def test_the_first_key_signs() -> None:
    assert Signer(("new key",)).read(UNSUBSCRIBE, SIGNER.sign(UNSUBSCRIBE, 7)) == [7]


def test_a_key_that_was_taken_out_verifies_nothing() -> None:
    with pytest.raises(BadToken):
        Signer(("new key",)).read(UNSUBSCRIBE, Signer(("old key",)).sign(UNSUBSCRIBE, 7))


@given(place=st.integers(0, 200), letter=st.sampled_from("abcXYZ019-_."))
def test_a_token_with_one_letter_changed_is_refused(place: int, letter: str) -> None:
    token = SIGNER.sign(CONFIRM, 7, 3)
    position = place % (len(token) - 1)  # the last letter's low bits carry nothing
    changed = token[:position] + letter + token[position + 1 :]
    if changed == token:
        return

    with pytest.raises(BadToken):
        SIGNER.read(CONFIRM, changed)


@pytest.mark.parametrize("token", ["", ".", "a.b", "x" * 5000, "ñ", "[1].sig"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        SIGNER.read(CONFIRM, token)


def test_a_timed_token_is_good_until_its_time_is_over() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = SIGNER.sign_timed(SIGN_IN, 5)
        clock.shift(timedelta(seconds=60))
        assert SIGNER.read_timed(SIGN_IN, token, max_age=60) == [5]
        clock.shift(timedelta(seconds=1))

        with pytest.raises(StaleToken):
            SIGNER.read_timed(SIGN_IN, token, max_age=60)


def test_a_timed_token_of_a_clock_that_was_ahead_is_good() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = SIGNER.sign_timed(SIGN_IN, 5)
        clock.shift(timedelta(seconds=-60))
        assert SIGNER.read_timed(SIGN_IN, token, max_age=60) == [5]
        clock.shift(timedelta(seconds=-1))

        with pytest.raises(StaleToken):
            SIGNER.read_timed(SIGN_IN, token, max_age=60)


def test_a_signer_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Signer(())
