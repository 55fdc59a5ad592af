"""Once an epoch every profile gets a threshold, the same from both back ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from digest.compose.email.template_context import MORE
from digest.db.core.engine import reading, transaction
from digest.matching.profile import Profile
from digest.matching.scoring import word_counts
from digest.models import Epoch, ProfileVersion, Subscriber, Threshold
from digest.services.catalog import epochs
from digest.services.preview import preview
from digest.services.runs import calibration_job
from digest.services.selection import engine_need
from digest.services.subscriptions import feedback
from digest.text.tokens import TERM_RULES
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, utc

SUBJECTS = ("graphs", "proteins", "kernels", "bandits", "diffusion")
TOPIC = "offline learning"


def installed(lab: Lab, days: int = 16) -> None:
    """Announcements of five papers each; only papers on proteins match the subscriber's topic."""
    lab.set_time(utc(MONDAY, 12))
    for days_ago in range(days, -1, -1):
        day = MONDAY - timedelta(days=days_ago)
        lab.announce(day, *(f"On {subject} and more, part {days_ago}" for subject in SUBJECTS))
        lab.announce(day, f"Offline learning for proteins, part {days_ago}")
    lab.subscribe("ada", TOPIC, limit=30)


def stored() -> list[tuple[int, int | None]]:
    with reading() as session:
        rows = session.exec(select(Threshold).order_by(col(Threshold.profile_id))).all()
        return [(row.profile_id, row.tau) for row in rows]


@MAINLY_SQLITE
def test_every_subscriber_is_calibrated_once_an_epoch(lab: Lab) -> None:
    installed(lab)
    lab.subscribe("grace", "kernels")
    lab.subscribe("mary")
    first_count, second_count = calibration_job.calibrate_all(), calibration_job.calibrate_all()

    assert (first_count, second_count) == (3, 0)
    assert len(stored()) == 3


def test_while_the_epoch_is_young_nobody_is_calibrated(lab: Lab) -> None:
    installed(lab, days=5)

    assert calibration_job.calibrate_all() == 0
    assert stored() == []


def test_a_threshold_made_by_a_run_is_not_made_again(lab: Lab) -> None:
    installed(lab)
    lab.run(MONDAY)
    from_run = stored()

    assert len(from_run) == 1
    assert calibration_job.calibrate_all() == 0
    assert stored() == from_run


@MAINLY_SQLITE
def test_parts_of_subscribers_are_calibrated_a_few_at_a_time_until_all_are(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration_job, "PROFILES_PER_PART", 2)
    installed(lab)
    for name in ("b", "c", "d", "e"):
        lab.subscribe(name, "kernels")
    monkeypatch.setattr(calibration_job, "PARTS_PER_BATCH", 2)
    first, remaining = calibration_job.due_parts(), calibration_job.calibrate_all()

    assert len(first.parts) == 2
    assert remaining == 5
    assert len(stored()) == 5


def test_the_engine_makes_the_same_of_every_profile(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(lab)
    lab.subscribe("grace", "kernels and more", "graphs AND part", authors=["Ada Byron"], categories=["cs.LG"])
    calibration_job.calibrate_all()
    slow = stored()
    with transaction() as session:
        for row in session.exec(select(Threshold)).all():
            session.delete(row)
    monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)
    calibration_job.calibrate_all()

    assert stored() == slow


@MAINLY_SQLITE
def test_a_like_keeps_the_threshold_for_the_new_version_of_the_profile(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    lab.run(MONDAY)

    edition = lab.editions("ada")[0]
    feedback.apply_feedback(edition.id or 0, lab.entries("ada")[0].paper, MORE)
    old, new = stored()

    assert new[0] == lab.subscriber("ada").profile_id != old[0]
    assert new[1:] == old[1:]


def test_a_preview_scores_like_the_mail(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    with reading() as session:
        subscriber = session.exec(select(Subscriber)).one()
        version = session.get_one(ProfileVersion, subscriber.profile_id)

    days = preview.preview(Profile.from_json(version.profile), days=1).days
    scored = [day_paper.score for day in days for day_paper in day.papers]
    lab.run(MONDAY)
    mailed = {entry.paper: entry.score for entry in lab.entries("ada", MONDAY)}

    assert scored
    assert set(scored) <= set(mailed.values())


def test_after_a_change_of_the_rules_of_terms_words_are_counted_and_profiles_calibrated_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(lab)
    with monkeypatch.context() as release_before:
        for module in (word_counts, epochs):
            release_before.setattr(module, "TERM_RULES", TERM_RULES - 1)
        calibration_job.calibrate_all()
    before = epoch_ids()
    calibrated = calibration_job.calibrate_all()

    assert calibrated == 1
    assert len(epoch_ids()) == len(before) + 1
    assert calibration_job.calibrate_all() == 0


def epoch_ids() -> list[int | None]:
    with reading() as session:
        return list(session.exec(select(Epoch.id)).all())
