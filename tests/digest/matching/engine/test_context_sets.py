"""With contexts of topics the engine gives the reference's answers too."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import pytest

from digest.matching.engine.context_sets import NearPapers, topic_texts
from digest.matching.engine.engine_matcher import EngineMatcher, build_matcher
from digest.matching.engine.paper_index import build_index
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.profile import Candidate, Match, Profile, Topic
from digest.matching.reference import reference_matcher
from digest.matching.reference.posting_lists import build_posting_lists, read_posting_lists
from digest.matching.reference.topic_context_search import ContextSearch
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.parameters import NEAR_TOPICS
from digest.matching.scoring.topic_context import PackedContext, TopicContext, has_context, pack_context, unpack_context
from digest.papers import Record
from tests.digest.matching.engine.test_engine_matcher import facts, real_papers
from tests.digest.matching.profiles import RandomProfiles, candidates

pytestmark = pytest.mark.usefixtures("kernel")

PROFILES, MANY_PROFILES = 400, 2_000
PAPERS = 150
DAY = "2025-09-30"
Contexts = Mapping[str, TopicContext]


def plain_topics(profiles: Sequence[Profile]) -> list[str]:
    return sorted({topic.text for profile in profiles for topic in profile.topics if has_context(topic.text)})


def random_contexts(papers: Sequence[Candidate], profiles: Sequence[Profile], weights: Weights) -> Contexts:
    """The contexts of most topics, of rare ones the words of any paper; some have no words, and some are unknown."""
    random = Random(8)
    any_words = [sorted(prepare_document(paper).tf) for paper in papers]

    def any_context() -> TopicContext:
        return TopicContext(
            {word: random.randint(1, 255) for word in random.choice(any_words)}, random.randint(1, 3000)
        )

    lists = build_posting_lists((paper.id, prepare_document(paper)) for paper in papers)
    search = ContextSearch([read_posting_lists(lists)], weights, window=14)
    found = {text: search.context(text) for text in plain_topics(profiles)}
    contexts = {text: context if context and context.weights else any_context() for text, context in found.items()}
    scales = {text: random.choice((0, 1, 2, 2)) for text in contexts}
    return {
        text: TopicContext(context.weights, context.floor * scales[text] // 2) if scales[text] else TopicContext({})
        for text, context in contexts.items()
        if random.random() < 0.97
    }


def answers_of_both(
    profiles: Sequence[Profile], papers: Sequence[Candidate], weights: Weights, contexts: Contexts, tau: int | None
) -> tuple[list[list[Match]], list[list[Match]]]:
    packed = {text: pack_context(context, weights.stem_numbers) for text, context in contexts.items()}
    parts = [
        build_index((paper.id, paper.record) for paper in part) for part in (papers[:70], papers[70:140], papers[140:])
    ]
    matcher = build_matcher(profiles, parts, weights, packed)
    results = matcher.match(facts(papers), taus=[tau] * len(profiles))
    prepared = [prepare_document(paper) for paper in papers]
    expected = [reference_matcher.match(profile, prepared, weights, tau=tau, contexts=contexts) for profile in profiles]
    return [results.matches(row, profile) for row, profile in enumerate(profiles)], expected


def close_papers(answers: Sequence[Sequence[Match]]) -> int:
    return sum(not (match.strict or match.followed) for matches in answers for match in matches)


@pytest.mark.parametrize(
    ("tau", "count"),
    [
        (0, 100),
        (None, 50),
        pytest.param(0, PROFILES, marks=pytest.mark.soak),
        pytest.param(None, PROFILES // 2, marks=pytest.mark.soak),
    ],
)
def test_close_papers_of_many_profiles_are_those_of_the_reference(shared: Path, tau: int | None, count: int) -> None:
    records = real_papers(shared, PAPERS)
    papers, weights = candidates(records), Weights(word_counts.count(records))
    make = RandomProfiles(records, seed=19)
    profiles = [make.profile() for _ in range(count)]
    contexts = random_contexts(papers, profiles, weights)
    by_engine, by_reference = answers_of_both(profiles, papers, weights, contexts, tau)
    by_engine_without, by_reference_without = answers_of_both(profiles, papers, weights, {}, tau)

    assert by_engine == by_reference
    assert by_engine_without == by_reference_without
    assert by_engine != by_engine_without
    assert min(close_papers(by_engine), close_papers(by_engine_without)) > 0


@pytest.mark.soak
def test_matches_of_many_profiles_on_a_real_day_are_those_of_the_reference(shared: Path) -> None:
    earlier, of_the_day = records_around(shared, DAY)
    earlier_papers, papers = candidates(earlier), candidates(of_the_day)
    weights, random = Weights(word_counts.count(earlier)), Random(5)
    typed, make = typed_topics(shared), RandomProfiles(of_the_day, seed=77)
    profiles = [
        Profile(tuple(map(Topic, random.sample(typed, random.randint(1, 6))))) if number % 2 else make.profile()
        for number in range(MANY_PROFILES)
    ]
    contexts = random_contexts(earlier_papers, profiles, weights)
    packed = {text: pack_context(context, weights.stem_numbers) for text, context in contexts.items()}
    indexes = [build_index((paper.id, paper.record) for paper in papers[place::3]) for place in range(3)]
    taus = [random.choice((0, 2_000, 6_000, 12_000, None)) for _ in profiles]
    in_order = [paper for place in range(3) for paper in papers[place::3]]
    results = build_matcher(profiles, indexes, weights, packed).match(facts(in_order), taus=taus)
    prepared = [prepare_document(paper) for paper in in_order]
    by_engine = [results.matches(row, profile) for row, profile in enumerate(profiles)]
    by_reference = [
        reference_matcher.match(profile, prepared, weights, tau=tau, contexts=contexts)
        for profile, tau in zip(profiles, taus, strict=True)
    ]

    assert by_engine == by_reference
    assert close_papers(by_engine) > MANY_PROFILES // 10


def records_around(shared: Path, day: str) -> tuple[list[Record], list[Record]]:
    """The papers of the announcements of that year before a day, and those of the day."""
    files = sorted((shared / "data" / "replay" / "days").glob(f"{day[:4]}-*.jsonl.gz"))
    earlier = [record for file in files if file.name < day for record in records_of(file)]
    return earlier, records_of(shared / "data" / "replay" / "days" / f"{day}.jsonl.gz")


def records_of(file: Path) -> list[Record]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Record(row["title"], row["abstract"], authors=tuple(row["authors"] or ()), categories=tuple(row["categories"]))
        for row in rows
    ]


def typed_topics(shared: Path) -> list[str]:
    """Topics as people typed them."""
    with (shared / "data" / "topics" / "arxivdigest_topics.csv").open(encoding="utf-8", newline="") as file:
        return [row[-1].strip() for row in csv.reader(file) if row and has_context(row[-1].strip())]


def test_a_matcher_needs_no_contexts_of_topics_that_another_one_of_these_papers_had(shared: Path) -> None:
    records = real_papers(shared, PAPERS)
    papers, weights = candidates(records), Weights(word_counts.count(records))
    make = RandomProfiles(records, seed=23)
    profiles = [make.profile() for _ in range(150)]
    contexts = random_contexts(papers, profiles, weights)
    parts = [build_index((paper.id, paper.record) for paper in part) for part in (papers[:70], papers[70:])]
    near, by_engine = NearPapers(parts, weights), []
    for some_profiles in (profiles[:100], profiles[50:]):
        store = ProfileStore()
        rows = [store.add(profile) for profile in some_profiles]
        missing = near.missing(topic_texts(store))
        packed = {t: pack_context(contexts[t], weights.stem_numbers) for t in missing if t in contexts}
        results = EngineMatcher(store, parts, weights, contexts=packed, near=near).match(facts(papers), taus=[0] * 100)
        by_engine += [results.matches(row, profile) for row, profile in zip(rows, some_profiles, strict=True)]
    by_reference = answers_of_both(profiles, papers, weights, contexts, 0)[1]

    assert by_engine == by_reference[:100] + by_reference[50:]
    assert near.missing(text for text in topic_texts(store) if text in contexts) == []


def test_the_memory_for_sets_of_near_papers_is_bounded(shared: Path) -> None:
    records = real_papers(shared, 3)
    papers, weights = candidates(records), Weights(word_counts.count(records))
    near = NearPapers([build_index((paper.id, paper.record) for paper in papers)], weights)
    store = ProfileStore()
    store.add(Profile((Topic("bandits"),)))
    fits_before = near.has_room(10**9)
    EngineMatcher(store, near.indexes, weights, contexts={"bandits": PackedContext(b"", 0)}, near=near)

    assert fits_before
    assert near.has_room(10)
    assert not near.has_room(10**9)


def test_the_kernel_counts_contexts_up_to_the_number_that_a_paper_needs() -> None:
    """`kernel.topic_admission` has sets of the papers near one topic and near two, and reads no parameter."""
    assert NEAR_TOPICS == 2


def test_a_context_as_bytes_is_the_same_context() -> None:
    epoch_words = ["arm", "bandit", "regret"]
    context = TopicContext({"regret": 255, "arm": 7}, 1234)
    packed = pack_context(context, {word: number for number, word in enumerate(epoch_words)})

    assert unpack_context(packed, epoch_words) == context
    assert len(packed.words) == 10


def test_only_plain_topics_that_are_not_muted_can_have_a_context() -> None:
    store = ProfileStore()
    store.add(Profile((Topic("bandits"), Topic("graphs", muted=True), Topic("ti:arms"))))
    store.add(Profile((Topic('"two arms"'), Topic("cell lines")), exclusions=("surveys",), limit=3))

    assert sorted(topic_texts(store)) == ["bandits", "cell lines"]
