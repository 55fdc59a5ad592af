"""Feedback on papers: links show a page, buttons act, and feedback can be removed."""

from __future__ import annotations

import json
import re

import pytest
from sqlmodel import select

from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE, RATE, feedback_suffix
from digest.db.core import engine
from digest.db.subscribers import subscribers
from digest.matching.profile import Profile
from digest.matching.scoring import word_counts
from digest.models import Epoch, Feedback, Threshold
from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import NOW, Browser, account_link, everything, only_subscriber, path, subscribed
from tests.digest.web.pages.test_feeds import editions, paper

TOPIC = "offline reinforcement learning"


def link(verb: str, *, paper_id: int = 1, edition: int = 1) -> str:
    return path(signed_links.feedback(edition) + feedback_suffix(paper_id, verb))


def profile() -> Profile:
    with engine.reading() as session:
        return subscribers.profile_of(session, only_subscriber())


def feedback_rows() -> list[tuple[int, str, str]]:
    with engine.reading() as session:
        return [(row.paper_id, row.verb, row.topic) for row in session.exec(select(Feedback))]


@pytest.fixture
def mailed(web: Browser) -> Browser:
    """A subscriber whose edition held two papers on their topic."""
    subscribed(web)
    paper(1, "Offline reinforcement learning by diffusion")
    paper(2, "Reinforcement learning of proteins")
    editions(1, papers=(1, 2))
    return web


@MAINLY_SQLITE
@pytest.mark.parametrize("verb", [MORE, LESS, MUTE, FOLLOW, RATE])
def test_following_a_link_changes_nothing(mailed: Browser, verb: str) -> None:
    before = everything()
    responses = [mailed.get(link(verb)), mailed.head(link(verb))]

    assert [response.status_code for response in responses] == [200, 200]
    assert "Offline reinforcement learning by diffusion" in responses[0].text
    assert everything() == before


def test_a_like_is_kept_once_and_lifts_words(mailed: Browser) -> None:
    responses = [mailed.post(link(MORE)), mailed.post(link(MORE))]

    assert [response.status_code for response in responses] == [200, 200]
    assert feedback_rows() == [(1, "more", TOPIC)]
    assert "diffus" in dict(profile().likes)


def actions(page: str) -> list[str]:
    """The addresses of the page's forms, in order."""
    return re.findall(r'<form method="post" action="([^"]+)"', page)


@MAINLY_SQLITE
def test_the_link_of_a_mail_offers_more_and_less_each_with_a_button_of_its_own(mailed: Browser) -> None:
    more, less = actions(mailed.get(link(RATE)).text)
    liked = mailed.post(more)
    muted = mailed.post(less, data={"choice": "topic:0"})

    assert (more, less) == (link(MORE), link(LESS))
    assert "Noted." in liked.text
    assert f"‘{TOPIC}’ is muted." in muted.text
    assert feedback_rows() == [(1, "less", TOPIC)]


@MAINLY_SQLITE
def test_a_form_sent_to_the_page_itself_changes_nothing(mailed: Browser) -> None:
    before = everything()

    assert mailed.post(link(RATE), data={"choice": "topic:0"}).status_code == 200
    assert everything() == before


@MAINLY_SQLITE
def test_less_wants_a_name(mailed: Browser) -> None:
    before = everything()
    response = mailed.post(link(LESS))

    assert response.status_code == 422
    assert 'id="choice-error"' in response.text
    assert everything() == before


@MAINLY_SQLITE
def test_less_of_a_topic_mutes_it(mailed: Browser) -> None:
    response = mailed.post(link(LESS), data={"choice": "topic:0"})

    assert f"‘{TOPIC}’ is muted." in response.text
    assert [topic.muted for topic in profile().topics] == [True]
    assert feedback_rows() == [(1, "less", TOPIC)]


@MAINLY_SQLITE
def test_less_of_an_author_leaves_their_papers_out(mailed: Browser) -> None:
    response = mailed.post(link(LESS), data={"choice": "author:1"})

    assert "Papers by Paul Erdős are no longer sent." in response.text
    assert profile().exclusions == ('au:"Paul Erdős"',)


@MAINLY_SQLITE
def test_less_of_just_this_paper_mutes_nothing(mailed: Browser) -> None:
    before = profile()
    mailed.post(link(LESS), data={"choice": "paper"})

    assert feedback_rows() == [(1, "less", TOPIC)]
    assert profile() == before


@MAINLY_SQLITE
def test_less_takes_a_like_back(mailed: Browser) -> None:
    mailed.post(link(MORE))
    mailed.post(link(LESS), data={"choice": "paper"})

    assert feedback_rows() == [(1, "less", TOPIC)]
    assert profile().likes == ()


@MAINLY_SQLITE
def test_muting_the_only_topic_needs_the_button_alone(mailed: Browser) -> None:
    mailed.post(link(MUTE))

    assert [topic.muted for topic in profile().topics] == [True]


def test_a_followed_author_is_in_the_profile_once(mailed: Browser) -> None:
    mailed.post(link(FOLLOW), data={"choice": "author:0"})
    mailed.post(link(FOLLOW, paper_id=2), data={"choice": "author:0"})

    assert profile().authors == ("Ada Byron",)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("choice", "status"), [("", 422), ("topic:9", 422), ("author:x", 422), ("paper:0", 422), ("\x00", 400)]
)
def test_a_choice_that_is_not_offered_is_refused(mailed: Browser, choice: str, status: int) -> None:
    assert mailed.post(link(FOLLOW), data={"choice": choice}).status_code == status


@MAINLY_SQLITE
def test_a_paper_of_another_edition_is_not_found(mailed: Browser) -> None:
    paper(3, "Another")

    assert mailed.post(link(MORE, paper_id=3)).status_code == 404


@MAINLY_SQLITE
def test_a_link_of_another_purpose_says_nothing(mailed: Browser) -> None:
    token = path(signed_links.edition(1)).removeprefix("/editions/")

    assert mailed.post(f"/feedback/{token}.1.more").status_code == 400


@MAINLY_SQLITE
@pytest.mark.parametrize("end", ["", ".1", ".1.hate", ".x.more", ".-1.more", ".1.more.more", "..", ".9999999999.more"])
def test_a_link_that_was_cut_or_changed_says_nothing(mailed: Browser, end: str) -> None:
    token = link(MORE).removesuffix(".1.more")

    assert mailed.post(f"{token}{end}").status_code == 400


@MAINLY_SQLITE
def test_a_like_keeps_the_thresholds(mailed: Browser) -> None:
    counts = word_counts.prior()
    with engine.transaction() as session:
        epoch = Epoch(
            created_at=NOW, papers=1, average_length_milli=1, announcements=14, terms=word_counts.pack(counts)
        )
        session.add(epoch)
        session.flush()
        session.add(Threshold(profile_id=1, epoch_id=epoch.id or 0, tau=777))
    mailed.post(link(MORE))
    with engine.reading() as session:
        threshold_by_profile = {threshold.profile_id: threshold.tau for threshold in session.exec(select(Threshold))}

    assert threshold_by_profile == {1: 777, only_subscriber().profile_id: 777}


@MAINLY_SQLITE
def test_the_preferences_tell_what_each_topic_brought(mailed: Browser) -> None:
    mailed.post(link(MORE))
    page = mailed.get(path(signed_links.preferences(1))).text
    row = page[page.index("<tbody>") : page.index("</tbody>")]

    assert '<td class="number">2</td><td class="number">1</td><td class="number">0</td>' in row


@MAINLY_SQLITE
def test_a_like_is_removed_in_the_preferences(mailed: Browser) -> None:
    before = profile()
    mailed.post(link(MORE))
    assert (
        "Remove the like of Offline reinforcement learning by diffusion"
        in mailed.get(path(signed_links.preferences(1))).text
    )
    mailed.post(path(signed_links.preferences(1)), data={"action": "unlike", "paper": "1"})

    assert feedback_rows() == []
    assert profile() == before


def test_all_likes_are_forgotten_at_once(mailed: Browser) -> None:
    before = profile()
    mailed.post(link(MORE))
    mailed.post(link(MORE, paper_id=2))
    mailed.post(path(signed_links.preferences(1)), data={"action": "unlike", "paper": "all"})

    assert feedback_rows() == []
    assert profile() == before


@MAINLY_SQLITE
def test_caps_and_mutes_are_set_topic_by_topic(mailed: Browser) -> None:
    form = {"action": "tune", "topic": TOPIC, "cap": "3", "muted": TOPIC}
    mailed.post(path(signed_links.preferences(1)), data=form)
    set_to = profile().topics[0]
    mailed.post(path(signed_links.preferences(1)), data={"action": "tune", "topic": TOPIC, "cap": ""})
    unset = profile().topics[0]

    assert (set_to.cap, set_to.muted) == (3, True)
    assert (unset.cap, unset.muted) == (None, False)


@MAINLY_SQLITE
@pytest.mark.parametrize("cap", ["0", "51", "many", "-1", "9" * 400])
def test_a_cap_that_is_none_is_named_and_nothing_is_kept(mailed: Browser, cap: str) -> None:
    before = everything()
    response = mailed.post(path(signed_links.preferences(1)), data={"action": "tune", "topic": TOPIC, "cap": cap})

    assert response.status_code == 422
    assert 'id="cap-error"' in response.text
    assert everything() == before


def test_saving_other_preferences_keeps_the_likes(mailed: Browser) -> None:
    mailed.post(link(MORE))
    likes = profile().likes
    mailed.post(path(signed_links.preferences(1)), data={"topics": "protein folding"})

    assert profile().likes == likes != ()


def test_feedback_is_exported_and_is_deleted_with_the_subscriber(mailed: Browser) -> None:
    mailed.post(link(MORE))
    exported = json.loads(mailed.post(account_link(mailed, "export")).text)
    mailed.post(account_link(mailed, "erase"))

    assert [(row["paper_id"], row["verb"]) for row in exported["feedback"]] == [(1, "more")]
    assert feedback_rows() == []
