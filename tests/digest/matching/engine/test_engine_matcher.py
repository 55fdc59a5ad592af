"""The engine gives the reference's answers: papers, order, scores, masks, reasons."""

from __future__ import annotations

import json
import lzma
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import BadInput, BadQuery
from digest.matching.engine import index_file
from digest.matching.engine.engine_matcher import ALL, RANKED, EngineMatcher, PaperFacts, build_matcher
from digest.matching.engine.paper_index import build_index
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.profile import Candidate, Match, Profile, Topic
from digest.matching.reference import reference_matcher
from digest.matching.reference.close_threshold import close_threshold
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.example_vectors import example_terms
from digest.matching.scoring.parameters import CLOSE_PAPERS
from digest.papers import Record
from tests.digest.matching.profiles import RandomProfiles, candidates
from tests.digest.matching.test_truth import paper, profile, rows

pytestmark = pytest.mark.usefixtures("kernel")
PRIOR = Weights(word_counts.prior())
TAUS = (None, 0, 20_000, 60_000)


def facts(papers: Sequence[Candidate]) -> PaperFacts:
    return PaperFacts(
        np.array([c.announcement for c in papers], np.int64), np.array([c.trending for c in papers], np.int32)
    )


def ready(profiles: Sequence[Profile], papers: Sequence[Candidate], weights: Weights = PRIOR) -> EngineMatcher:
    return build_matcher(profiles, [build_index((c.id, c.record) for c in papers)], weights)


def engine_matches(
    profiles: Sequence[Profile], papers: Sequence[Candidate], tau: int | None, sent: Sequence[frozenset[int]] = ()
) -> list[list[Match]]:
    match_results = ready(profiles, papers).match(facts(papers), taus=[tau] * len(profiles), sent=sent or None)
    return [match_results.matches(place, profile) for place, profile in enumerate(profiles)]


def reference_matches(
    profiles: Sequence[Profile], papers: Sequence[Candidate], tau: int | None, sent: Sequence[frozenset[int]] = ()
) -> list[list[Match]]:
    prepared = [prepare_document(candidate) for candidate in papers]
    sent_by_profile = sent or [frozenset()] * len(profiles)
    pairs = zip(profiles, sent_by_profile, strict=True)
    return [reference_matcher.match(profile, prepared, PRIOR, tau=tau, sent=before) for profile, before in pairs]


def real_papers(shared: Path, number: int) -> list[Record]:
    with lzma.open(shared / "data" / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        read = [json.loads(line) for line in islice(lines, 20_000, 20_000 + number)]
    return [
        Record(
            title=row["title"], abstract=row["abstract"], authors=tuple(row["authors"] or ()), comment=row["comment"],
            categories=tuple(row["categories"] or ()), code_url="https://code.example" if n % 9 == 0 else None,
            venue="ICML 2024" if n % 7 == 0 else None, institutions=("ETH Zurich",) if n % 5 == 0 else (),
            withdrawn=n % 50 == 49, has_code=n % 11 == 0,
        )
        for n, row in enumerate(read)
    ]  # fmt: skip


@pytest.mark.parametrize(("rule", "topic", "options", "text", "answer"), rows())
def test_a_truth_case_holds_for_the_engine(rule: str, topic: str, options: str, text: str, answer: str) -> None:
    (matches,) = engine_matches([profile(topic, options)], [Candidate(1, paper(text), 1)], None)
    outcome = "no" if not matches else "followed" if matches[0].followed else "strict" if matches[0].strict else "close"

    assert outcome == answer, rule


@pytest.mark.parametrize("tau", TAUS)
def test_real_papers_match_as_by_the_reference(shared: Path, tau: int | None) -> None:
    records = real_papers(shared, 120)
    make = RandomProfiles(records, seed=1)
    profiles = [make.profile() for _ in range(50)]
    papers = candidates(records)

    assert engine_matches(profiles, papers, tau) == reference_matches(profiles, papers, tau)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_2000_profiles_match_a_real_day_as_by_the_reference(shared: Path) -> None:
    records = real_papers(shared, 800)
    make = RandomProfiles(records, seed=2)
    profiles = [make.profile() for _ in range(2000)]
    papers = candidates(records)

    assert engine_matches(profiles, papers, 30_000) == reference_matches(profiles, papers, 30_000)


WORDS = st.sampled_from(
    ["graph", "neural", "network", "Protein", "folding", "learning", "multi-agent", "multiagent", "of", "GPT4", "C++"]
)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
AUTHORS = st.sampled_from(
    ["Yingbin Liang", "Y. Liang", "J. D. van der Waals", "H. García-Molina", "Hector Garcia Molina"]
)
CATEGORIES = st.sampled_from(["cs.LG", "cs.CL", "stat.ML", "math.CO"])
RECORDS = st.builds(
    Record,
    title=TEXTS,
    abstract=TEXTS,
    authors=st.lists(AUTHORS, max_size=3).map(tuple),
    categories=st.lists(CATEGORIES, max_size=3).map(tuple),
    comment=st.none() | TEXTS,
    venue=st.none() | TEXTS,
    institutions=st.lists(TEXTS, max_size=2).map(tuple),
    code_url=st.none() | st.just("https://code.example"),
    withdrawn=st.booleans(),
    has_code=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=8), st.integers(0, 10**6), st.sampled_from(TAUS), st.data())
def test_any_papers_match_as_by_the_reference(
    records: list[Record], seed: int, tau: int | None, data: st.DataObject
) -> None:
    papers = candidates(records)
    make = RandomProfiles(records, seed)
    profiles = [make.profile() for _ in range(4)]
    sent = data.draw(st.lists(st.frozensets(st.sampled_from([p.id for p in papers])), min_size=4, max_size=4))

    assert engine_matches(profiles, papers, tau, sent) == reference_matches(profiles, papers, tau, sent)


def test_without_caps_everything_is_returned_and_counted(shared: Path) -> None:
    records = real_papers(shared, 60)
    make = RandomProfiles(records, seed=3)
    profiles = [make.profile() for _ in range(20)]
    papers = candidates(records)
    match_results = ready(profiles, papers).match(facts(papers), taus=[0] * 20, mode=ALL)
    matches_by_profile = [match_results.matches(row, profile) for row, profile in enumerate(profiles)]

    assert matches_by_profile == [reference_matcher.match_all(profile, papers, PRIOR, tau=0) for profile in profiles]
    assert [match_results.total(row) for row in range(20)] == [len(matches) for matches in matches_by_profile]


def test_very_many_matches_of_one_profile_come_in_order() -> None:
    papers = [Candidate(n, Record("A protein " + "in a cell " * (n % 7)), 1 + n % 3, 31 * n % 101) for n in range(200)]
    long_profile = Profile((Topic("protein"), Topic('"cell" OR "protein"')), limit=150)

    assert engine_matches([long_profile], papers, 0) == reference_matches([long_profile], papers, 0)


def test_close_matches_are_left_out_where_profiles_exclude_them(shared: Path) -> None:
    records = real_papers(shared, 60)
    make = RandomProfiles(records, seed=7)
    profiles = [make.profile() for _ in range(20)]
    papers = candidates(records)
    match_results = ready(profiles, papers).match(facts(papers), close=False)
    strict = [replace(profile, close=False) for profile in profiles]

    assert [match_results.matches(place, profile) for place, profile in enumerate(profiles)] == reference_matches(
        strict, papers, None
    )


def test_papers_like_examples_of_another_profile_do_not_change_who_gives_up_a_slot(shared: Path) -> None:
    records = real_papers(shared, 120)
    papers = candidates(records)
    examples = example_terms(records[:2], PRIOR)
    topics = tuple(Topic(topic) for topic in ("model", "method", "equation"))
    profiles = [Profile(examples=examples and replace(examples, floor=1), limit=50)]
    profiles += [Profile(topics, examples=examples, limit=limit) for limit in (3, 4, 10)]

    assert engine_matches(profiles, papers, 0) == reference_matches(profiles, papers, 0)


def test_likes_beyond_all_measure_are_refused() -> None:
    with pytest.raises(BadInput, match="likes"):
        ProfileStore().add(Profile((Topic("protein"),), likes=(("cell", 10**9),)))


def test_many_indexes_match_as_one(shared: Path) -> None:
    papers = candidates(real_papers(shared, 60))
    make = RandomProfiles([c.record for c in papers], seed=4)
    profiles = [make.profile() for _ in range(20)]
    parts = [build_index((c.id, c.record) for c in papers[start : start + 20]) for start in (0, 20, 40)]
    match_results = build_matcher(profiles, parts, PRIOR).match(facts(papers), taus=[0] * 20)

    assert [match_results.matches(row, profile) for row, profile in enumerate(profiles)] == engine_matches(
        profiles, papers, 0
    )


def test_thresholds_are_the_references(shared: Path) -> None:
    papers = [Candidate(c.id, c.record, n % 14) for n, c in enumerate(candidates(real_papers(shared, 100)))]
    make = RandomProfiles([c.record for c in papers], seed=5)
    profiles = [make.profile() for _ in range(30)]
    prepared = [prepare_document(candidate) for candidate in papers]

    assert ready(profiles, papers).thresholds(facts(papers)) == [
        close_threshold(profile, prepared, PRIOR) for profile in profiles
    ]


def test_thresholds_with_a_high_minimum_are_the_references(shared: Path) -> None:
    papers = [Candidate(c.id, c.record, n % 14) for n, c in enumerate(candidates(real_papers(shared, 100)))]
    profiles = [
        replace(profile, minimum="high")
        for profile in (RandomProfiles([c.record for c in papers], seed=6).profile(),) * 2
    ]
    prepared = [prepare_document(candidate) for candidate in papers]

    assert ready(profiles, papers).thresholds(facts(papers), [1], close=CLOSE_PAPERS["high"]) == [
        close_threshold(profiles[1], prepared, PRIOR)
    ]


def test_a_threshold_that_lets_pass_more_papers_than_there_are_is_zero() -> None:
    papers = [Candidate(number, Record(f"Graph {number}"), number) for number in range(1, 15)]
    matcher = ready([Profile((Topic("graph neural network"),))], papers)

    assert matcher.thresholds(facts(papers), close=100_000) == [0]
    with pytest.raises(ValueError, match="the number of papers above a threshold cannot be negative"):
        matcher.thresholds(facts(papers), close=-1)


def test_papers_that_the_subscriber_has_seen_are_not_matched() -> None:
    papers = [Candidate(n, Record("A protein"), 1) for n in (1, 2, 3)]
    paper_facts = PaperFacts(np.ones(3, np.int64), np.zeros(3, np.int32), batch=np.array([5, 6, 7]))
    match_results = ready([Profile((Topic("protein"),))] * 2, papers).match(paper_facts, seen_through=[5, 0])

    assert (match_results.papers(0), match_results.papers(1)) == ([2, 3], [1, 2, 3])


def test_by_rank_the_first_papers_of_a_separate_order_are_returned() -> None:
    papers = [Candidate(n, Record("A protein"), 1) for n in (1, 2, 3)]
    paper_facts = PaperFacts(
        np.ones(3, np.int64), np.zeros(3, np.int32), rank=np.array([1, 3, 2]), eligible=np.array([True, True, False])
    )
    match_results = ready([Profile((Topic("protein"),))], papers).match(paper_facts, mode=RANKED, max_ranked=2)

    assert match_results.papers(0) == [2, 1]


def test_an_index_is_read_back_from_its_file(tmp_path: Path, shared: Path) -> None:
    papers = candidates(real_papers(shared, 40))
    index = build_index((c.id, c.record) for c in papers)
    path = tmp_path / "papers.index"
    path.write_bytes(index_file.to_bytes(index))
    make = RandomProfiles([c.record for c in papers], seed=6)
    profiles = [make.profile() for _ in range(10)]
    match_results = build_matcher(profiles, [index_file.read(path)], PRIOR).match(facts(papers), taus=[0] * 10)

    assert [match_results.matches(place, profile) for place, profile in enumerate(profiles)] == engine_matches(
        profiles, papers, 0
    )


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "papers.index"
    path.write_bytes(b"nonsense")

    with pytest.raises(BadInput, match="not an index"):
        index_file.read(path)


def test_a_replaced_profile_is_matched_as_it_is_now_also_after_merging() -> None:
    store = ProfileStore()
    store.add(Profile((Topic("protein"),)))
    row = store.add(Profile((Topic("graph", cap=1),), categories=("cs.LG",), authors=("Y. Liang",), limit=3))
    store.replace(0, Profile((Topic("network"),), exclusions=("graph",)))
    before = len(store.stream)
    store.merge()
    papers = [Candidate(1, Record("Networks"), 1), Candidate(2, Record("A graph", categories=("cs.LG",)), 1)]
    match_results = EngineMatcher(store, [build_index((c.id, c.record) for c in papers)], PRIOR).match(facts(papers))

    assert len(store.stream) < before
    assert (match_results.papers(0), match_results.papers(row)) == ([1], [2])


def test_a_profile_added_after_a_match_is_matched_by_the_next_matcher() -> None:
    store, papers = ProfileStore(), [Candidate(1, Record("A protein"), 1), Candidate(2, Record("Graph networks"), 1)]
    index = build_index((c.id, c.record) for c in papers)
    papers_by_row = []
    for word in ("protein", '"graph netw*"'):
        row = store.add(Profile((Topic(word),)))
        papers_by_row.append(EngineMatcher(store, [index], PRIOR).match(facts(papers)).papers(row))

    assert papers_by_row == [[1], [2]]


def test_a_name_that_differs_in_its_first_letter_is_not_followed() -> None:
    papers = [
        Candidate(1, Record("A", authors=("Percy Liang",)), 1),
        Candidate(2, Record("B", authors=("Y. Liang",)), 1),
    ]

    assert [
        [m.paper for m in profile_matches]
        for profile_matches in engine_matches([Profile((), authors=("Yingbin Liang",))], papers, None)
    ] == [[2]]


def test_no_papers_match_nothing() -> None:
    assert engine_matches([Profile((Topic("protein"),))], [], None) == [[]]


def test_a_bad_query_is_refused_where_it_is_compiled() -> None:
    with pytest.raises(BadQuery):
        ProfileStore().add(Profile((Topic("(protein AND"),)))
