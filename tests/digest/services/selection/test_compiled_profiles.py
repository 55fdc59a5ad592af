"""A shard's compiled profiles: a file that the next day reads, and that is never wrong, only missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from digest import settings
from digest.db.core.engine import transaction
from digest.matching.engine import context_sets
from digest.matching.engine.engine_matcher import EngineMatcher, PaperFacts
from digest.matching.engine.paper_index import build_index
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.profile import Counts, Profile, Topic
from digest.matching.query.language import parse
from digest.matching.scoring import word_counts
from digest.matching.scoring.topic_context import PackedContext
from digest.models import ProfileVersion
from digest.papers import Record
from digest.services.catalog.context_lookup import EpochContexts
from digest.services.runs import run_planning
from digest.services.selection import compiled_profiles, engine_need
from digest.services.selection.candidate_arrays import PaperColumns
from digest.services.subscriptions import erasure, update_preferences
from digest.services.subscriptions.preference_fields import Preferences
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, utc

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def busy(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Two subscribers whose first mail came by the engine, which stored their compiled profiles."""
    monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)
    monkeypatch.setattr(run_planning, "_MIN_CACHED_SHARD", 1)
    for name, topic in (("ada", "bandits"), ("bob", '"kernel methods" OR "graph networks"')):
        lab.subscribe(name, topic)
    lab.announce(MONDAY, "Linear bandits", "Kernel methods")
    lab.set_time(utc(MONDAY, 7, 1))
    lab.run()
    lab.announce(TUESDAY, "More bandits", "Graph networks")
    lab.set_time(utc(TUESDAY, 7, 1))
    return lab


def file() -> Path:
    (profile_file,) = (settings.get().data_dir / "profiles").glob("*")
    return profile_file


@MAINLY_SQLITE
def test_what_one_day_compiled_serves_the_next(busy: Lab) -> None:
    written = file().stat().st_ino
    parse.cache_clear()
    busy.run()

    assert (busy.papers("ada", TUESDAY), busy.papers("bob", TUESDAY)) == (["More bandits"], ["Graph networks"])
    assert file().stat().st_ino == written
    assert parse.cache_info().misses == 0


def test_a_changed_profile_is_seen_by_the_next_run(busy: Lab) -> None:
    update_preferences.save_preferences(busy.subscriber("ada").id or 0, Preferences(topics=("graph networks",)))
    busy.run()

    assert (busy.papers("ada", TUESDAY), busy.papers("bob", TUESDAY)) == (["Graph networks"], ["Graph networks"])


@MAINLY_SQLITE
@pytest.mark.parametrize("harm", [lambda raw: raw[:-70], lambda raw: b""])
def test_a_file_that_is_cut_is_made_again(busy: Lab, harm: object) -> None:
    file().write_bytes(harm(file().read_bytes()))  # type: ignore[operator]
    busy.run()

    assert busy.papers("ada", TUESDAY) == ["More bandits"]
    assert file().stat().st_size > 500


def test_a_backup_put_back_is_not_mistaken_for_what_was_compiled_since(busy: Lab) -> None:
    with transaction() as session:
        version = session.get_one(ProfileVersion, busy.subscriber("bob").profile_id)
        version.profile = Profile((Topic("bandits"),)).to_json()
        version.created_at += timedelta(seconds=1)
    busy.run()

    assert busy.papers("bob", TUESDAY) == ["More bandits"]


def test_what_was_compiled_of_an_erased_subscriber_is_removed(busy: Lab) -> None:
    erasure.erase(busy.subscriber("ada").id or 0)

    assert list((settings.get().data_dir / "profiles").glob("*.profiles")) == []


def test_shards_share_the_papers_near_contexts_until_their_memory_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    index = build_index([(1, Record("Linear bandits"))])
    facts = PaperFacts(np.ones(1, np.int64), np.zeros(1, np.int32))
    papers = PaperColumns((index,), facts, index.ids, ())
    epoch = EpochContexts(1, 1, word_counts.pack(Counts(10, 10.0, {"bandit": 2}, 14)))
    near = compiled_profiles.near_papers(papers, epoch, ["bandits"])
    store = ProfileStore()
    store.add(Profile((Topic("bandits"),)))
    EngineMatcher(store, [index], epoch.weights, contexts={"bandits": PackedContext(b"", 0)}, near=near)
    monkeypatch.setattr(context_sets, "_MAX_TOPICS", 2)

    assert compiled_profiles.near_papers(papers, epoch, ["bandits", "regret"]) is near
    assert compiled_profiles.near_papers(papers, epoch, ["bandits", "regret", "arms"]) is not near
