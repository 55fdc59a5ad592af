"""The compiled JSON writer writes what the matches hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.matching.engine.engine_matcher import ALL, CAPPED, RANKED, EngineMatcher, build_matcher
from digest.matching.engine.json_writer import EntryTemplates, WrittenEntries, write_entries
from digest.matching.engine.match_results import MatchResults
from digest.matching.engine.paper_index import build_index
from digest.matching.profile import Candidate, Match, Profile, Topic
from digest.papers import Record
from tests.digest.matching.engine.test_engine_matcher import PRIOR, facts, real_papers
from tests.digest.matching.profiles import RandomProfiles, candidates

pytestmark = pytest.mark.usefixtures("kernel")
_LEFT_OUT = {"score": 0, "strict": False, "topic": -1, "mask": 0, "matched": ()}


def written_entries(matcher: EngineMatcher, answers: MatchResults, profiles: list[Profile]) -> WrittenEntries:
    sheets = EntryTemplates.from_parts([(b'{"paper":%d' % number, b"}") for number in matcher.joined.ids])
    return write_entries(answers, matcher.compiled, range(len(profiles)), sheets, matcher.store.query_texts.to_arrays())


def expected_entry(match: Match) -> dict[str, object]:
    differing = {name: getattr(match, name) for name in _LEFT_OUT if getattr(match, name) != _LEFT_OUT[name]}
    loaded: dict[str, object] = json.loads(json.dumps({"paper": match.paper, **differing}))
    return loaded


@pytest.mark.parametrize("mode", [CAPPED, ALL, RANKED])
def test_what_is_written_of_a_row_is_its_matches(shared: Path, mode: int) -> None:
    papers = candidates(real_papers(shared, 60))
    make = RandomProfiles([paper.record for paper in papers], seed=23)
    profiles = [make.profile() for _ in range(300)]
    matcher = build_matcher(profiles, [build_index((c.id, c.record) for c in papers)], PRIOR)
    match_results = matcher.match(facts(papers), taus=[0] * len(profiles), mode=mode, max_ranked=5)
    rows = written_entries(matcher, match_results, profiles).rows()
    matches = [match_results.matches(place, profile) for place, profile in enumerate(profiles)]

    assert sum(row is not None and row[1] for row in rows) > len(profiles)
    for row, expected, profile in zip(rows, matches, profiles, strict=True):
        if row is None:
            assert profile.examples or any(match.followed or match.mask >= 1 << 56 for match in expected)
        else:
            assert row[1] == len(expected)
            assert json.loads(b"[%b]" % row[0]) == [expected_entry(match) for match in expected]


def test_words_are_written_as_typed_in_any_script() -> None:
    record = Record('Ein "Modell" für Größe', "Über naïve Größe, graphene \\ and more.")
    profiles = [Profile((Topic("größe"), Topic('naïve GRÖSSE OR "graphene"'), Topic("Graphenes")))]
    matcher = build_matcher(profiles, [build_index([(7, record)])], PRIOR)
    match_results = matcher.match(facts([Candidate(7, record, 1)]), taus=[0])
    row = written_entries(matcher, match_results, profiles).rows()[0]

    assert row is not None
    assert json.loads(row[0]) == expected_entry(match_results.matches(0, profiles[0])[0])
    assert "größe" in row[0].decode()
