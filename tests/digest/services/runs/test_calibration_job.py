"""Once an epoch every profile gets a threshold and the words that stand in for likes; the same either way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from digest.compose.email.template_context import MORE
from digest.db.core.engine import reading, transaction
from digest.matching.profile import Profile
from digest.matching.scoring.relevance_feedback import ASSUMED, BEST, WORDS
from digest.models import ProfileVersion, Subscriber, Threshold
from digest.papers import Listed, Record
from digest.services.editions import preview, why_report
from digest.services.runs import calibration_job
from digest.services.selection import engine_need
from digest.services.subscriptions import feedback, topic_settings
from tests.digest.services.conftest import MONDAY, Lab, at

SUBJECTS = ("graphs", "proteins", "kernels", "bandits", "diffusion")
TOPIC = "offline learning"


def installed(lab: Lab, days: int = 16) -> None:
    """Announcements of five papers each; the reader's topic comes with proteins alone."""
    lab.go_to(at(MONDAY, 12))
    for back in range(days, -1, -1):
        day = MONDAY - timedelta(days=back)
        lab.announce(day, *(f"On {subject} and more, part {back}" for subject in SUBJECTS))
        lab.announce(day, f"Offline learning for proteins, part {back}")
    lab.subscribe("ada", TOPIC, limit=30)


def stored() -> list[tuple[int, int | None, list[tuple[str, int]] | None]]:
    with reading() as session:
        rows = session.exec(select(Threshold).order_by(col(Threshold.profile_id))).all()
        return [(r.profile_id, r.tau, None if r.assumed is None else [(s, n) for s, n in r.assumed]) for r in rows]


def test_every_reader_is_calibrated_once_an_epoch(lab: Lab) -> None:
    installed(lab)
    lab.subscribe("grace", "kernels")
    lab.subscribe("mary")
    done, again = calibration_job.calibrate_all(), calibration_job.calibrate_all()

    assert (done, again) == (3, 0)
    assert [bool(words) for _, _, words in stored()] == [True, True, False]


def test_the_words_are_those_of_the_best_papers_and_bounded(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    ((_, _, words),) = stored()

    assert words is not None
    assert {"offlin", "learn", "protein"} <= {stem for stem, _ in words}
    assert len(words) <= WORDS
    assert max(weight for _, weight in words) == ASSUMED * 14 // BEST  # of 14 announcements, one paper each


def test_while_the_epoch_is_young_nothing_is_assumed(lab: Lab) -> None:
    installed(lab, days=5)

    assert calibration_job.calibrate_all() == 0
    assert stored() == []


def test_a_run_before_calibration_keeps_its_threshold_when_the_words_come(lab: Lab) -> None:
    installed(lab)
    lab.run(MONDAY)
    ((number, tau, before),) = stored()
    calibration_job.calibrate_all()
    ((again, same, after),) = stored()

    assert (before, bool(after)) == (None, True)
    assert (again, same) == (number, tau)


def test_parts_of_readers_are_done_a_few_at_a_time_until_all_are(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_job, "PART", 2)
    installed(lab)
    for name in ("b", "c", "d", "e"):
        lab.subscribe(name, "kernels")
    monkeypatch.setattr(calibration_job, "PARTS_AT_ONCE", 2)
    first, rest = calibration_job.due(), calibration_job.calibrate_all()

    assert len(first.parts) == 2
    assert rest == 5
    assert len(stored()) == 5


@pytest.mark.parametrize("calibrated", [False, True])
def test_assumed_words_lift_what_matches(lab: Lab, calibrated: bool) -> None:
    installed(lab)
    if calibrated:
        calibration_job.calibrate_all()
    fresh = MONDAY + timedelta(days=1)
    lab.go_to(at(fresh, 12))
    titles = "Offline learning at ease", "Offline learning: of proteins"
    lab.store(fresh, *(Listed(Record(title, arxiv_id=f"2511.2000{n}")) for n, title in enumerate(titles)))
    lab.run(fresh)
    order = [title for title in lab.papers("ada", fresh) if title in titles]

    assert order == sorted(titles, reverse=calibrated)


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


def test_why_shows_the_words_with_their_weights_and_that_they_are_assumed(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    told = [line for line in why_report.why_mail("ada@example.com") if "assumed from your top papers" in line]

    assert len(told) == 1
    assert f"protein {dict(stored()[0][2] or ())['protein']}" in told[0]


def test_forgetting_all_likes_forgets_what_is_assumed(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    topic_settings.remove_like(lab.reader("ada").id or 0)

    assert stored()[0][2] == []
    assert not any("assumed" in line for line in why_report.why_mail("ada@example.com"))


def test_a_like_keeps_what_is_assumed_for_the_new_version_of_the_profile(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    lab.run(MONDAY)

    edition = lab.editions("ada")[0]
    feedback.say(edition.id or 0, lab.entries("ada")[0].paper, MORE)
    old, new = stored()

    assert new[0] == lab.reader("ada").profile_id != old[0]
    assert new[1:] == old[1:]


def test_a_preview_has_the_words_too(lab: Lab) -> None:
    installed(lab)
    calibration_job.calibrate_all()
    with reading() as session:
        reader = session.exec(select(Subscriber)).one()
        version = session.get_one(ProfileVersion, reader.profile_id)

    days = preview.preview(Profile.from_json(version.profile), days=1).days
    scored = [shown.score for day in days for shown in day.papers]
    lab.run(MONDAY)
    mailed = {entry.paper: entry.score for entry in lab.entries("ada", MONDAY)}

    assert scored
    assert set(scored) <= set(mailed.values())
