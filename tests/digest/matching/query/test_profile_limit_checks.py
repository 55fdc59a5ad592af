"""What a profile costs to match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import BadInput
from digest.matching.profile import Profile, Topic
from digest.matching.profile_limits import MIN_PREFIX_LENGTH
from digest.matching.query.profile_limit_checks import check_cost, profile_cost


def profile(*topics: str, exclusions: tuple[str, ...] = (), authors: tuple[str, ...] = ()) -> Profile:
    return Profile(tuple(map(Topic, topics)), exclusions=exclusions, authors=authors)


@pytest.mark.parametrize(
    ("query_profile", "words", "prefixes"),
    [
        (profile("graph neural network"), 3, 0),
        (profile('"diffusion model*" AND (protein OR molecule) ANDNOT survey'), 6, 1),
        (profile("all:liang"), 3, 0),
        (profile("au:Lia*", authors=("Ada Byron",)), 5, 1),
        (profile("au:" + '"Ana de la Cruz"', authors=("Maria del C. Ruiz-Lopez y Diaz",)), 6, 0),
        (profile(f'au:"{"abcd " * 98}"'), 95, 0),
        (profile("cat:cs.LG AND has:code"), 2, 0),
        (profile("graphs", exclusions=("sur* OR review",)), 4, 1),
    ],
)
def test_words_and_prefixes_are_counted_in_all_parts(query_profile: Profile, words: int, prefixes: int) -> None:
    assert profile_cost(query_profile) == (words, prefixes)


@pytest.mark.parametrize("prefix", ["abc", "深度", "深"])
def test_a_prefix_is_long_enough_with_three_letters_or_a_chinese_sign(prefix: str) -> None:
    assert profile_cost(profile(f"ti:{prefix}*")).prefixes == 1
    check_cost(profile(f"ti:{prefix}*"))


@pytest.mark.parametrize("query", ["ti:ab*", "5* graphs", "graph 4o*", "self-su*", "co:12*"])
def test_a_short_prefix_is_refused_with_one_reason(query: str) -> None:
    with pytest.raises(BadInput, match=f"begins too many words; write {MIN_PREFIX_LENGTH} letters or more"):
        check_cost(profile(query))


@given(st.lists(st.sampled_from(["graph", "protein fold*", "au:Byron", "reef AND coral ANDNOT fish"]), max_size=8))
def test_one_more_topic_never_costs_less(topics: list[str]) -> None:
    fewer, more = profile_cost(profile(*topics)), profile_cost(profile(*topics, "reef"))

    assert more.words == fewer.words + 1
    assert more.prefixes == fewer.prefixes
