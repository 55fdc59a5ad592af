"""Papers like the examples: their terms, and which papers these admit, by the reference matcher."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.matching.profile import Candidate, Examples, Match, Profile, Topic
from digest.matching.reference.close_threshold import close_threshold
from digest.matching.reference.reference_matcher import match
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.example_vectors import example_terms
from digest.papers import Record

PRIOR = Weights(word_counts.prior())
EXAMPLES = (
    Record("Speculative decoding", "A draft model proposes tokens, which the target verifies."),
    Record("Faster speculative decoding", "We train the draft model on traces of servers."),
    Record("Trees of drafts", "Speculative decoding with a draft model and a tree."),
)


def _examples() -> Examples:
    examples = example_terms(EXAMPLES, PRIOR)
    assert examples is not None
    return examples


def _weight(examples: Examples, written: str) -> int:
    return next((term.weight for term in examples.terms if term.written == written), 0)


def _match(profile: Profile, *records: Record, tau: int | None = 0) -> list[Match]:
    return match(profile, [Candidate(n, record, 1) for n, record in enumerate(records)], PRIOR, tau=tau)


def _papers(profile: Profile, *records: Record, tau: int | None = 0) -> list[int]:
    return [match.paper for match in _match(profile, *records, tau=tau)]


NEW = Record("Decoding speculatively", "Speculative decoding needs a draft model of its own.", categories=("cs.CL",))
OTHER = Record("Birds of the coast", "We count the birds of a coast by their songs.")


def test_terms_of_all_examples_weigh_more_than_those_of_one() -> None:
    examples = _examples()

    assert examples.terms[0].written == "speculative decoding"
    assert _weight(examples, "draft model") > 5 * _weight(examples, "tree")


@pytest.mark.parametrize(("number", "weight"), [(1, 32), (5, 96), (19, 152)])
def test_the_weight_of_the_best_term_grows_with_the_number_of_examples(number: int, weight: int) -> None:
    examples = example_terms([EXAMPLES[0]] * number, PRIOR)

    assert examples is not None
    assert examples.terms[0].weight == weight


def test_examples_that_are_alike_have_at_most_30_terms() -> None:
    text = " ".join(f"protein{chr(97 + n)}" for n in range(26))

    examples = example_terms([Record(f"Folding of {text}", text)], PRIOR)

    assert examples is not None
    assert len(examples.terms) == 30


def test_examples_of_several_interests_each_find_papers() -> None:
    birds = [Record("Birds of the coast", f"We count the birds of a coast by their songs, year {n}.") for n in range(3)]
    examples = example_terms([*EXAMPLES, *EXAMPLES, *birds], PRIOR)

    matches = _match(Profile(examples=examples), NEW, OTHER)

    assert {match_.paper: match_.example for match_ in matches} == {0: "Speculative decoding", 1: "Birds of the coast"}


@pytest.mark.parametrize("records", [(), (Record("", ""),), (Record("of the", "and a"),)])
def test_examples_without_words_find_nothing(records: tuple[Record, ...]) -> None:
    assert example_terms(records, PRIOR) is None


def test_a_similar_paper_is_admitted_and_named_after_the_nearest_example() -> None:
    [match] = _match(Profile(examples=_examples()), NEW, OTHER)

    assert (match.paper, match.strict, match.topic, match.matched) == (0, False, -1, ())
    assert match.example == "Speculative decoding"
    assert match.example_words[:2] == ("speculative decoding", "draft model")


def test_a_pair_counts_only_where_its_words_are_adjacent() -> None:
    pair = Examples(tuple(term for term in _examples().terms if term.written == "draft model"), floor=1)
    profile = Profile(examples=pair)

    assert _papers(profile, Record("A draft", "of a model"), Record("A model draft", "")) == []
    assert _papers(profile, Record("Draft models", ""), Record("", "the draft-model.")) == [0, 1]


def test_a_paper_below_a_third_of_the_examples_similarity_is_not_admitted() -> None:
    assert _papers(Profile(examples=_examples()), Record("Decoding", "of images and sounds by brains")) == []


def test_a_paper_at_the_threshold_is_not_admitted() -> None:
    profile = Profile(examples=_examples())
    [match] = _match(profile, NEW)

    assert _papers(profile, NEW, tau=match.relevance) == []
    assert _papers(profile, NEW, tau=match.relevance - 1) == [0]


@pytest.mark.parametrize(
    "profile",
    [
        Profile(exclusions=("draft model",)),
        Profile(categories=("math",)),
        Profile(categories=("cs.LG",), primary_only=True),
        Profile(close=False),
        Profile(limit=0),
    ],
)
def test_exclusions_categories_and_limits_hold_for_papers_like_examples(profile: Profile) -> None:
    assert _papers(replace(profile, examples=_examples()), NEW) == []


def test_a_withdrawn_paper_is_not_admitted() -> None:
    assert _papers(Profile(examples=_examples()), replace(NEW, withdrawn=True)) == []


def test_without_a_threshold_the_three_nearest_of_a_day_are_admitted() -> None:
    records = [replace(NEW, title=f"Speculative decoding {'draft model ' * n}") for n in range(5)]

    assert len(_papers(Profile(examples=_examples()), *records, tau=None)) == 3


def test_a_strict_match_names_its_topic_and_the_example() -> None:
    [match] = _match(Profile((Topic("speculative decoding"),), examples=_examples()), NEW)

    assert (match.strict, match.topic, match.matched) == (True, 0, ((0, ("speculative decoding",)),))
    assert match.example == "Speculative decoding"


def test_a_paper_with_stray_words_of_a_topic_is_only_like_the_example() -> None:
    [match] = _match(Profile((Topic("draft horses of Belgium"),), examples=_examples()), NEW)

    assert (match.topic, match.mask, match.matched) == (-1, 0, ())


def test_examples_and_topics_make_one_order() -> None:
    topic = Profile((Topic("birds"),))
    papers = (NEW, OTHER)
    alone = {match.paper: match.relevance for match in _match(topic, *papers)}
    together = {match.paper: match.relevance for match in _match(replace(topic, examples=_examples()), *papers)}

    assert together[1] == alone[1]
    assert sorted(together) == [0, 1]


def test_the_threshold_counts_similarity() -> None:
    papers = [Candidate(n, replace(NEW, title=f"Decoding {n}"), n % 14) for n in range(80)]
    profile = Profile(examples=_examples())

    tau = close_threshold(profile, papers, PRIOR)

    assert tau is not None
    assert tau > 0
    assert close_threshold(Profile(), papers, PRIOR) == 0


def test_a_profile_with_examples_is_read_back_from_json() -> None:
    profile = Profile((Topic("birds"),), examples=_examples())

    assert Profile.from_json(profile.to_json()) == profile
    assert "examples" not in Profile().to_json()
