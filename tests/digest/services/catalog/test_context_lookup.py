"""A close paper is near the context of a topic: it reads like earlier papers in which the topic stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, delete, select, update

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.matching.profile import Profile, Topic
from digest.models import Epoch, StoredTopicContext, Threshold
from digest.services.preview import preview
from digest.services.runs import calibration_job, retention
from digest.services.selection import engine_need, threshold_lookup
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, utc
from tests.digest.services.stored_rows import add_subscriber

TOPIC = "error correction codes"
LIKE_EARLIER = "Codes that need no correction of an error: qubits with stabilizers and syndromes"
UNLIKE = "Codes of the civil law and the correction of an error in wills of merchants"
SUBJECTS = ("graphs", "proteins", "kernels", "bandits", "diffusion", "vaccines", "glaciers", "sparrows", "violins")
OTHERS = "civil law of ports", "merchants of ports"  # each lacks a word in the paper that is unlike the first topic
NEW = "Grammar of whistled tongues"  # a topic that no earlier paper has


def installed(lab: Lab, *topics: str) -> None:
    """Sixteen announcements, in which the topic stands in papers on qubits, and the subscriber ada."""
    lab.set_time(utc(MONDAY, 12))
    for days_ago in range(16, 0, -1):
        day = MONDAY - timedelta(days=days_ago)
        lab.announce(
            day,
            *(f"On {subject} and more, part {days_ago}" for subject in SUBJECTS),
            f"Error correction codes for qubits with stabilizers and syndromes, part {days_ago}",
            f"Wills of merchants in the civil law of ports, part {days_ago}",
        )
    lab.announce(MONDAY, LIKE_EARLIER, UNLIKE)
    lab.subscribe("ada", *(topics or (TOPIC,)), limit=30)


def close_papers(lab: Lab) -> list[str]:
    titles = lab.papers("ada", MONDAY)
    return [title for title, entry in zip(titles, lab.entries("ada", MONDAY), strict=True) if not entry.strict]


@MAINLY_SQLITE
def test_a_mail_has_the_close_paper_that_reads_like_earlier_ones_with_the_topic(lab: Lab) -> None:
    installed(lab)
    lab.run(MONDAY)

    assert close_papers(lab) == [LIKE_EARLIER]


@MAINLY_SQLITE
def test_the_engine_sends_the_same_close_paper(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(lab)
    monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)
    lab.run(MONDAY)

    assert close_papers(lab) == [LIKE_EARLIER]


@MAINLY_SQLITE
def test_a_run_before_the_background_task_stores_the_contexts_that_it_used(lab: Lab) -> None:
    installed(lab)
    lab.run(MONDAY)
    with reading() as session:
        thresholds = session.exec(select(Threshold)).all()
        contexts = session.exec(select(StoredTopicContext)).all()

    assert close_papers(lab) == [LIKE_EARLIER]
    assert [threshold.has_contexts for threshold in thresholds] == [True]
    assert [context.floor > 0 for context in contexts] == [True]


def test_a_threshold_from_before_the_upgrade_asks_for_no_context_until_the_next_epoch(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    with transaction() as session:
        session.execute(update(Threshold).values(has_contexts=False))
        session.execute(delete(StoredTopicContext))

    assert calibration_job.calibrate_all() == 0
    lab.run(MONDAY)

    assert sorted(close_papers(lab)) == sorted([LIKE_EARLIER, UNLIKE])


@MAINLY_SQLITE
def test_where_a_run_has_too_many_new_topics_close_papers_need_no_context_this_week(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threshold_lookup, "MAX_TOPICS", 0)
    installed(lab)
    lab.run(MONDAY)

    assert sorted(close_papers(lab)) == sorted([LIKE_EARLIER, UNLIKE])


@MAINLY_SQLITE
def test_a_preview_has_the_close_papers_of_the_mail(lab: Lab) -> None:
    installed(lab)
    lab.run(MONDAY)
    days = preview.preview(Profile((Topic(TOPIC),)), days=1).days
    previewed = [day_paper.title for day in days for day_paper in day.papers if not day_paper.strict]

    assert previewed == [LIKE_EARLIER]


@MAINLY_SQLITE
def test_a_preview_of_a_new_topic_finds_its_context_by_itself(lab: Lab) -> None:
    installed(lab, "sparrows")
    lab.run(MONDAY)
    days = preview.preview(Profile((Topic(TOPIC),)), days=1).days

    assert [day_paper.title for day in days for day_paper in day.papers] == [LIKE_EARLIER]


def test_a_topic_of_too_few_earlier_papers_admits_a_paper_that_has_all_its_words(lab: Lab) -> None:
    installed(lab, NEW)
    lab.announce(MONDAY, "Tongues: a grammar of what shepherds whistled")
    lab.announce(MONDAY, "Whistled tongues of shepherds")
    lab.run(MONDAY)

    assert close_papers(lab) == ["Tongues: a grammar of what shepherds whistled"]


@pytest.mark.parametrize(("topics", "is_close"), [(("civil law of ports",), False), (OTHERS, True)])
def test_the_contexts_of_two_topics_are_enough(lab: Lab, topics: tuple[str, ...], is_close: bool) -> None:
    installed(lab, TOPIC, *topics)
    lab.run(MONDAY)

    assert (UNLIKE in close_papers(lab)) == is_close


@MAINLY_SQLITE
def test_a_muted_topic_lends_no_context(lab: Lab) -> None:
    installed(lab)
    profile = Profile((Topic(TOPIC), Topic("civil law of ports", muted=True)), limit=100)
    add_subscriber("grace@example.com", profile=profile)
    lab.run(MONDAY)

    assert LIKE_EARLIER in lab.papers("grace", MONDAY)
    assert UNLIKE not in lab.papers("grace", MONDAY)


def test_the_text_of_a_topic_is_not_stored_with_its_context(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    with reading() as session:
        [context] = session.exec(select(StoredTopicContext).order_by(col(StoredTopicContext.topic))).all()

    assert context.words
    assert b"correction" not in context.words


@MAINLY_SQLITE
def test_contexts_are_deleted_five_weeks_after_their_epoch_began_but_not_the_newest(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    lab.set_time(utc(MONDAY + timedelta(days=60), 12))
    retention.delete_expired()
    before = stored_contexts()
    with transaction() as session:
        [epoch] = session.exec(select(Epoch)).all()
        session.add(Epoch(**epoch.model_dump(exclude={"id", "created_at"}), created_at=clock.now()))
    retention.delete_expired()

    assert (before, stored_contexts()) == (1, 0)


def stored_contexts() -> int:
    with reading() as session:
        return len(session.exec(select(StoredTopicContext)).all())
