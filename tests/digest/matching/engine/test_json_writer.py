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
from tests.digest.matching.engine.test_engine_matcher import PRIOR, facts, real
from tests.digest.matching.profiles import Profiles, candidates

pytestmark = pytest.mark.usefixtures("kernel")
_LEFT_OUT = {"score": 0, "strict": False, "topic": -1, "mask": 0, "matched": ()}


def written(made: EngineMatcher, answers: MatchResults, profiles: list[Profile]) -> WrittenEntries:
    sheets = EntryTemplates.from_parts([(b'{"paper":%d' % number, b"}") for number in made.joined.ids])
    return write_entries(answers, made.compiled, range(len(profiles)), sheets, made.store.query_texts.to_arrays())


def plain(match: Match) -> dict[str, object]:
    said = {name: getattr(match, name) for name in _LEFT_OUT if getattr(match, name) != _LEFT_OUT[name]}
    loaded: dict[str, object] = json.loads(json.dumps({"paper": match.paper, **said}))
    return loaded


@pytest.mark.parametrize("mode", [CAPPED, ALL, RANKED])
def test_what_is_written_of_a_row_is_its_matches(shared: Path, mode: int) -> None:
    papers = candidates(real(shared, 60))
    make = Profiles([paper.record for paper in papers], seed=23)
    profiles = [make.profile() for _ in range(300)]
    made = build_matcher(profiles, [build_index((c.id, c.record) for c in papers)], PRIOR)
    answers = made.match(facts(papers), taus=[0] * len(profiles), mode=mode, max_ranked=5)
    rows = written(made, answers, profiles).rows()
    matches = [answers.matches(at, profile) for at, profile in enumerate(profiles)]

    assert sum(row is not None and row[1] for row in rows) > len(profiles)
    for row, wanted in zip(rows, matches, strict=True):
        if row is None:
            assert any(match.followed or match.mask >= 1 << 56 for match in wanted)
        else:
            assert row[1] == len(wanted)
            assert json.loads(b"[%b]" % row[0]) == [plain(match) for match in wanted]


def test_words_are_written_as_typed_in_any_script() -> None:
    record = Record('Ein "Modell" für Größe', "Über naïve Größe, graphene \\ and more.")
    profiles = [Profile((Topic("größe"), Topic('naïve GRÖSSE OR "graphene"'), Topic("Graphenes")))]
    made = build_matcher(profiles, [build_index([(7, record)])], PRIOR)
    answers = made.match(facts([Candidate(7, record, 1)]), taus=[0])
    row = written(made, answers, profiles).rows()[0]

    assert row is not None
    assert json.loads(row[0]) == plain(answers.matches(0, profiles[0])[0])
    assert "größe" in row[0].decode()
