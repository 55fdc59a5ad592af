"""What a subscriber chose once and nobody is offered any more stays, is shown, blocks nothing, and can be taken out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from digest.clock import now
from digest.db.core.engine import reading, transaction
from digest.db.subscribers import subscribers
from digest.matching.profile import Profile, Topic
from digest.models import Subscriber
from digest.models.types import stored_id
from digest.services.security import signed_links
from digest.services.subscriptions import csv_import_export
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.api.test_resources import Api
from tests.digest.web.conftest import ADA, Browser, path, subscribed

GONE_CATEGORY, GONE_SOURCE, GONE_LANGUAGE = "bio.alchemy", "journal-of-alchemy", "tlh"
FORMER = Profile(
    topics=(Topic("graphs"), Topic("cat:bio.alchemy"), Topic("https://blog.example/stones")),
    categories=("cs.LG", GONE_CATEGORY),
    sources=("arxiv", GONE_SOURCE),
    languages=("en", GONE_LANGUAGE),
    exclusions=("gold AND cat:bio.alchemy",),
    authors=("Ada Byron", "Ada Byron (orcid:0000-0002)"),
)


@pytest.fixture
def subscriber(web: Browser) -> Subscriber:
    """A subscriber whose profile was stored when other things were offered."""
    row = subscribed(web)
    with transaction() as session:
        stored = subscribers.by_id(session, stored_id(row), lock=True)
        assert stored is not None
        profile = replace(FORMER, close=False)
        stored.profile_id = subscribers.add_profile_version(session, stored_id(row), profile, now=now()).id
    return row


@pytest.fixture
def api(web: Browser) -> Api:
    return Api(web)


def profile_of(subscriber: Subscriber) -> Profile:
    with reading() as session:
        row = subscribers.by_id(session, stored_id(subscriber))
        assert row is not None
        return subscribers.profile_of(session, row)


def link(subscriber: Subscriber) -> str:
    return path(signed_links.preferences(stored_id(subscriber)))


def details(**changed: list[str] | str) -> dict[str, list[str] | str]:
    """The details as the form submits them unchanged, with changes."""
    return {
        "action": "save-details",
        "on_page": "yes",
        "categories": list(FORMER.categories),
        "sources": list(FORMER.sources),
        "languages": list(FORMER.languages),
        "exclusions": "\n".join(FORMER.exclusions),
        "authors": "\n".join(FORMER.authors),
        **changed,
    }


def lists(profile: Profile) -> tuple[tuple[str, ...], ...]:
    topics = tuple(topic.text for topic in profile.topics)
    return topics, profile.categories, profile.sources, profile.languages, profile.exclusions, profile.authors


@MAINLY_SQLITE
def test_the_form_says_what_is_no_longer_offered(web: Browser, subscriber: Subscriber) -> None:
    text = web.get(link(subscriber)).text

    for value in (GONE_CATEGORY, GONE_SOURCE, GONE_LANGUAGE):
        assert re.search(rf'value="{value}" checked> {value} \(no longer offered\)', text)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "form",
    [
        {"action": "save-schedule", "send_at": "18:00"},
        {"action": "save-topics", "topics": "\n".join(topic.text for topic in FORMER.topics)},
        {"action": "save-topics", "topics": "\n".join([*(topic.text for topic in FORMER.topics), "trees"])},
        details(),
        details(limit="7"),
        {**details(), "action": "save", "topics": "\n".join(topic.text for topic in FORMER.topics)},
    ],
)
def test_every_section_is_saved_beside_it(
    web: Browser, subscriber: Subscriber, form: dict[str, list[str] | str]
) -> None:
    response = web.post(link(subscriber), data=form)
    before, after = lists(FORMER), lists(profile_of(subscriber))

    assert (response.status_code, "Saved." in response.text) == (200, True)
    assert (after[0][:3], after[1:]) == (before[0], before[1:])


@MAINLY_SQLITE
def test_each_value_can_be_taken_out(web: Browser, subscriber: Subscriber) -> None:
    form = details(categories=["cs.LG"], sources=["arxiv"], languages=["en"], exclusions="", authors="Ada Byron")
    web.post(link(subscriber), data=form)
    text = web.post(link(subscriber), data={"action": "save-topics", "topics": "graphs"}).text

    assert lists(profile_of(subscriber)) == (("graphs",), ("cs.LG",), ("arxiv",), ("en",), (), ("Ada Byron",))
    assert "no longer offered" not in text


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("categories", ["cs.LG", GONE_CATEGORY, "bio.astrology"]),
        ("sources", ["arxiv", GONE_SOURCE, "journal-of-astrology"]),
        ("languages", ["en", GONE_LANGUAGE, "xx"]),
        ("exclusions", "gold AND cat:bio.alchemy\ncat:bio.astrology"),
        ("authors", "Ada Byron\nAda Byron (orcid:0000-0003)"),
    ],
)
def test_what_is_new_and_not_offered_is_refused(
    web: Browser, subscriber: Subscriber, name: str, typed: list[str] | str
) -> None:
    response = web.post(link(subscriber), data=details(**{name: typed}))

    assert response.status_code == 422
    assert lists(profile_of(subscriber)) == lists(FORMER)


@MAINLY_SQLITE
def test_the_preview_and_a_search_as_a_topic_work_beside_it(web: Browser, subscriber: Subscriber) -> None:
    previewed = web.post(link(subscriber), data=details(action="preview"))
    added = web.post(f"{link(subscriber)}/search", data={"topic": "protein", "action": "add", "on_page": "yes"})

    assert previewed.status_code == 200
    assert "‘protein’ is one of your topics now." in added.text
    assert lists(profile_of(subscriber))[1:] == lists(FORMER)[1:]


@MAINLY_SQLITE
def test_the_api_changes_other_preferences_and_lists_beside_it(web: Browser, api: Api, subscriber: Subscriber) -> None:
    place = f"subscriptions/{subscriber.id}"
    api("PATCH", place, {"limit": 3})
    changed = api("PATCH", place, {"categories": ["stat.ML", GONE_CATEGORY], "sources": [GONE_SOURCE]})
    api("PATCH", place, {"categories": [GONE_CATEGORY, "bio.astrology"]}, status=422)
    api("PATCH", place, {"categories": [], "sources": []})

    assert changed["preferences"]["categories"] == ["stat.ML", GONE_CATEGORY]
    assert profile_of(subscriber).categories == profile_of(subscriber).sources == ()


@MAINLY_SQLITE
def test_an_own_export_is_imported_with_it_and_without_sources_that_are_not_there(
    web: Browser, subscriber: Subscriber, tmp_path: Path
) -> None:
    file = tmp_path / "export.csv"
    file.write_text(csv_import_export.export_csv(), encoding="utf-8")
    with transaction() as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.execute(table.delete())
    count, refusals = csv_import_export.import_file(file, consent="moved here", welcome=False)
    with reading() as session:
        key = subscribers.parse_address(ADA).key
        imported = subscribers.by_key(session, key)
    assert imported is not None

    assert (count, refusals) == (1, [])
    assert lists(profile_of(imported)) == lists(replace(FORMER, sources=("arxiv",)))


@MAINLY_SQLITE
@pytest.mark.parametrize("header", ["categories", "sources", "languages"])
def test_a_list_that_somebody_typed_is_checked(web: Browser, tmp_path: Path, header: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"address,topics,{header}\nbob@inbox.example,graphs,bio.alchemy\n", encoding="utf-8")
    count, refusals = csv_import_export.import_file(file, consent="asked by phone", welcome=False)

    assert (count, len(refusals)) == (0, 1)
    assert f"{header}: 'bio.alchemy' is not" in refusals[0]
