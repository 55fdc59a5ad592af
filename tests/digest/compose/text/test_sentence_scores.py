"""A sentence scores by what its main clause says the paper did."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose.text.sentence_scores import MAX_SENTENCES, scored_sentences


def score(sentence: str, title: str = "") -> float:
    return scored_sentences(sentence, title)[0].score


@pytest.mark.parametrize(
    ("contribution", "lesser"),
    [
        ("We propose a cache with few keys.", "A cache which we propose has few keys."),
        ("We propose a cache with few keys.", "The cache we propose has few keys."),
        ("We propose a cache with few keys.", "As we propose, a cache has few keys."),
        ("We propose a cache with few keys.", "A cache (we propose one) has few keys."),
        ("We present a corpus of four hundred texts.", "To this end, we collect a corpus of four hundred texts."),
        ("We develop a test of models of language.", "Next, we develop a test of models of language."),
        ("We study how models of language count all things.", "We conduct extensive experiments on how models count."),
        ("The paper presents a count of all keys.", "The study of keys has a long history by now."),
        ("This work tackles the lack of data by copying it.", "This work tackles the lack of data in all of them."),
        ("This publication describes a cache for keys.", "These changes improve the cache for keys."),
        ("These lecture notes introduce caches for keys.", "These techniques for keys were designed for caches."),
        ("We design a cache that keeps few of the keys.", "We build on the insight that few keys are looked at."),
        ("Our method keeps few of the keys in a cache.", "We evaluate our method on tasks with many of the keys."),
        ("We introduce KeyCache, a store that addresses these challenges.", "We propose to address these challenges."),
        ("We propose a cache with few keys.", "We propose two novel challenges."),
        ("We release keys of all of the models.", "The keys of all models are available at example.org."),
    ],
)
def test_a_contribution_scores_higher(contribution: str, lesser: str) -> None:
    assert score(contribution) > score(lesser)


def test_words_of_the_title_raise_the_score() -> None:
    assert score("We study caches of keys.", "Caches of keys") > score("We study caches of keys.", "Trees in winter")


def test_the_name_that_the_title_introduces_raises_the_score() -> None:
    named = score("We introduce Two Birds, One Key.", "Two Birds, One Key: Caches")

    assert named > score("We introduce Two Bears, One Key.", "Two Birds, One Key: Caches")


@given(st.integers(0, 90))
@settings(deadline=None)
def test_at_most_so_many_sentences_are_scored(count: int) -> None:
    assert len(scored_sentences("We study keys. " * count)) == min(count, MAX_SENTENCES)
