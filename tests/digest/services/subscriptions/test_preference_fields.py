"""Preferences: accepted as a whole, or refused by the field's name."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db.subscribers.subscribers import parse_address
from digest.errors import BadInput
from digest.matching.profile import Profile, Topic
from digest.models import Subscriber
from digest.services.subscriptions.preference_fields import (
    SignUpPreferences,
    Subscription,
    preference_values,
    stored_lists,
    validate,
)
from tests.combinations import MAINLY_SQLITE

BAD: tuple[tuple[str, Any], ...] = (
    ("topics", "\n".join(f"topic number {n}" for n in range(21))),
    ("topics", "a" * 501),
    ("topics", '"open'),
    ("topics", "a\x00b"),
    ("topics", ["fine", 7]),
    ("topics", {"text": "x"}),
    ("exclusions", "'quoted' AND"),
    ("exclusions", [f"word{n}" for n in range(21)]),
    ("categories", "cs.LG, DROP TABLE"),
    ("categories", "CS.lgx"),
    ("categories", [f"cs.{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(61)]),
    ("categories", "c" * 21),
    ("authors", "x" * 121),
    ("authors", "7"),
    ("authors", [f"Ada Lovelace {chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(51)]),
    ("cadence", "hourly"),
    ("weekday", 7),
    ("weekday", -1),
    ("weekday", "Monday"),
    ("time_zone", "Europe/Atlantis"),
    ("time_zone", ""),
    ("time_zone", "localtime"),
    ("time_zone", "posixrules"),
    ("time_zone", "Factory"),
    ("time_zone", "right/Europe/Berlin"),
    ("time_zone", "posix/Europe/Berlin"),
    ("time_zone", "/etc/localtime"),
    ("time_zone", "Berlin"),
    ("time_zone", 1),
    ("send_at", "25:00"),
    ("send_at", "7"),
    ("send_at", "07:60"),
    ("send_at", 25200),
    ("close", "perhaps"),
    ("limit", 0),
    ("limit", 51),
    ("limit", "many"),
    ("quiet_day", "shout"),
    ("colour", "red"),
)


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_field_out_of_its_bounds_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(BadInput) as refused:
        validate(SignUpPreferences, {field: value})

    assert refused.value.field == field
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["", "ada", "ada@", "@digest.example", "ada@digest", "a b@digest.example", "ada@digest.example\nBcc: x@y.example",
     "ada@[127.0.0.1]", '"a b"@digest.example', "Ada <ada@digest.example>", "ada@digest..example", "ädä@digest.example",
     "a" * 65 + "@digest.example", "ada@" + "x." * 130 + "example", "ada@digest.example, bob@digest.example"],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_address(text)

    assert refused.value.field == "address"


@pytest.mark.parametrize(
    "text", ["Ada@Digest.Example", " ada@digest.example ", "ADA@DIGEST.EXAMPLE", "ada@\uff24igest.example"]
)
def test_one_inbox_has_one_key_however_it_is_typed(text: str) -> None:
    assert parse_address(text).key == "ada@digest.example"


def test_a_domain_in_other_scripts_is_mailed_in_ascii() -> None:
    assert parse_address("Ada@bücher.example").text == "Ada@xn--bcher-kva.example"


def test_blank_lines_and_repetitions_are_dropped() -> None:
    preferences = validate(
        SignUpPreferences, {"topics": "  graph   neural networks\r\n\r\ngraph neural networks\nprotein folding "}
    )

    assert preferences.topics == ("graph neural networks", "protein folding")


@given(hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_a_send_time_is_rounded_down_to_a_quarter_of_an_hour(hour: int, minute: int) -> None:
    preferences = validate(SignUpPreferences, {"send_at": f"{hour:02}:{minute:02}"})

    assert preferences.send_at == time(hour, minute - minute % 15)


@pytest.mark.parametrize(
    "name", ["cs.LG", "stat.ML", "astro-ph.CO", "cond-mat.mtrl-sci", "physics.optics", "hep-th", "q-bio.BM"]
)
def test_arxivs_categories_are_taken(name: str) -> None:
    assert validate(SignUpPreferences, {"categories": name}).categories == (name,)


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("Neuroscience", ("bio.neuroscience",)),
        ("cs.LG\nNeuroscience", ("cs.LG", "bio.neuroscience")),
        ("plant biology, Machine Learning, cs.CL", ("bio.plants", "cs.LG", "cs.CL")),
        (["Machine Learning (cs.LG)", "bio"], ("cs.LG", "bio")),
        ("cs.LG stat.ML", ("cs.LG", "stat.ML")),
        ("neuroscience\nbio.neuroscience", ("bio.neuroscience",)),
        ("bio.*, cs.*, CS.lg, q-BIO.nc", ("bio", "cs", "cs.LG", "q-bio.NC")),
        (" ", ()),
    ],
)
def test_subjects_are_chosen_by_name_or_code(typed: object, codes: tuple[str, ...]) -> None:
    assert validate(SignUpPreferences, {"categories": typed}).categories == codes


@pytest.mark.parametrize(
    ("typed", "like"),
    [
        ("Nueroscience", "Neuroscience"),
        ("bio.neurosciense", "Neuroscience"),
        ("cs.ZZ", "cs."),
        ("xyzzy", "such as Neuroscience or cs.LG"),
    ],
)
def test_a_subject_that_does_not_exist_is_refused_with_those_like_it(typed: str, like: str) -> None:
    with pytest.raises(BadInput, match=f"'{typed}' is not a subject.*{like}"):
        validate(SignUpPreferences, {"categories": typed})


@pytest.mark.parametrize(
    ("topic", "like"),
    [
        ("cat:Neuroscience", "expected bio.neuroscience"),
        ("learning AND cat:cs.LGG", "expected cs.LG"),
        ("learning ANDNOT (cat:bio.nueroscience OR cat:cs.LG)", "expected bio.neuroscience"),
        ("cat:bio*", "expected bio"),
        ("cat:xyzzy.*", "expected a name such as cs.LG or cs"),
    ],
)
def test_a_category_of_a_topic_that_does_not_exist_is_refused_with_those_like_it(topic: str, like: str) -> None:
    with pytest.raises(BadInput, match=f"is no category.*{re.escape(like)}"):
        validate(SignUpPreferences, {"topics": topic})


@MAINLY_SQLITE
@pytest.mark.parametrize("typed", ["arXiv, bioRxiv", "arxiv biorxiv", ["arXiv", "BIORXIV", "arxiv"], "arXiv\nbioRxiv"])
def test_sources_are_chosen_by_name_or_key(database: str, typed: object) -> None:
    assert validate(SignUpPreferences, {"sources": typed}).sources == ("arxiv", "biorxiv")


def test_languages_are_chosen_by_name_or_code() -> None:
    assert validate(SignUpPreferences, {"languages": "English, de"}).languages == ("en", "de")


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("field", "typed", "named"), [("sources", "arxvi", "arxiv, "), ("languages", "Klingon", "en, de, ")]
)
def test_a_source_or_language_that_is_not_here_is_refused_with_those_that_are(
    database: str, field: str, typed: str, named: str
) -> None:
    with pytest.raises(BadInput, match=f"{field}: '{typed}' is not .*; use one of .*{named}"):
        validate(SignUpPreferences, {field: typed})


@MAINLY_SQLITE
def test_a_source_that_was_removed_here_stays_valid_for_those_who_have_it(database: str) -> None:
    profile = Profile(sources=("arxiv", "a-journal-that-was-removed"))
    values = preference_values(Subscriber(), profile)

    assert (
        validate(SignUpPreferences, {"sources": values["sources"]}, stored=stored_lists(profile)).profile() == profile
    )
    with pytest.raises(BadInput, match="'a-journal-that-was-removed' is not a source here"):
        validate(SignUpPreferences, {"sources": values["sources"]})


def test_a_topic_that_stays_keeps_its_cap_and_its_mute() -> None:
    before = Profile(topics=(Topic("protein folding", cap=3), Topic("graphs", muted=True)))
    after = validate(SignUpPreferences, {"topics": "graphs\nmulti-agent systems\nprotein folding"}).profile(before)

    assert after.topics == (Topic("graphs", muted=True), Topic("multi-agent systems"), Topic("protein folding", cap=3))


def test_an_address_is_required() -> None:
    with pytest.raises(BadInput) as refused:
        validate(Subscription, {"topics": "graphs"})

    assert refused.value.field == "address"
