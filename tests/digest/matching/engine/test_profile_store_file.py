"""Compiled profiles in a file: they match as before, and more can be added to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import BadInput
from digest.matching.engine import profile_store_file
from digest.matching.engine.engine_matcher import EngineMatcher
from digest.matching.engine.paper_index import build_index
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.profile import Match, Profile
from digest.papers import Record
from tests.digest.matching.engine.test_engine_matcher import PRIOR, facts, real_papers
from tests.digest.matching.profiles import RandomProfiles, candidates

pytestmark = pytest.mark.usefixtures("kernel")


def compiled(profiles: list[Profile]) -> ProfileStore:
    store = ProfileStore()
    for profile in profiles:
        store.add(profile)
    return store


def matches(store: ProfileStore, profiles: list[Profile], records: list[Record]) -> list[list[Match]]:
    papers = candidates(records)
    matcher = EngineMatcher(store, [build_index((c.id, c.record) for c in papers)], PRIOR)
    match_results = matcher.match(facts(papers), taus=[0] * len(profiles))
    return [match_results.matches(place, profile) for place, profile in enumerate(profiles)]


def test_what_was_read_matches_as_what_was_written_also_with_more_profiles(shared: Path, tmp_path: Path) -> None:
    records = real_papers(shared, 40)
    make = RandomProfiles(records, seed=31)
    profiles = [make.profile() for _ in range(200)]
    before = compiled(profiles[:120])
    (tmp_path / "store").write_bytes(profile_store_file.to_bytes(before))
    read, _ = profile_store_file.read(tmp_path / "store")
    for profile in profiles[120:]:
        read.add(profile)
    whole_store = compiled(profiles)
    expected = matches(whole_store, profiles, records)

    assert sum(map(len, expected)) > 200
    assert matches(read, profiles, records) == expected
    assert profile_store_file.to_bytes(read) == profile_store_file.to_bytes(whole_store)


@pytest.mark.parametrize("harm", [lambda raw: raw[:-70], lambda raw: b"", lambda raw: b"x" + raw[1:]])
def test_a_file_that_is_cut_or_not_ours_is_refused(tmp_path: Path, harm: object) -> None:
    path = tmp_path / "store"
    path.write_bytes(harm(profile_store_file.to_bytes(compiled([]))))  # type: ignore[operator]

    with pytest.raises(BadInput):
        profile_store_file.read(path)
