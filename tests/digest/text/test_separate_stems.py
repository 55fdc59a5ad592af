"""Words of other families have other stems; forms of one word keep one."""

from __future__ import annotations

import pytest

from digest.text.tokens import stem

APART = [
    ("interpretability", "interpreting"), ("interpretable", "interpretation"), ("observable", "observation"),
    ("integrable", "integral"), ("integral", "integration"), ("applicability", "application"),
    ("optimization", "optimal"), ("optimizer", "optimality"), ("generalization", "general"),
    ("regularization", "regular"),
    ("localization", "local"), ("normalizing", "normal"), ("minimizer", "minimal"), ("visualization", "visual"),
    ("operator", "operation"), ("difference", "different"), ("transition", "transit"), ("positive", "position"),
    ("objective", "object"), ("activation", "activity"), ("variational", "variation"), ("relation", "relative"),
    ("computer", "computing"), ("critic", "critical"), ("fairness", "fairly"), ("resolvent", "resolved"),
    ("inspiral", "inspired"), ("setting", "set"), ("meaning", "mean"), ("several", "severe"),
    ("functional", "function"),
]  # fmt: skip
TOGETHER = [
    ("interpretable", "interpretability", "interpretably"),
    ("interpret", "interprets", "interpreting", "interpreted", "interpretation", "interpretations"),
    ("optimize", "optimizes", "optimized", "optimizing", "optimizer", "optimizers", "optimization", "optimisation"),
    ("optimal", "optimally", "optimality"),
    ("generalize", "generalises", "generalized", "generalising", "generalization", "generalisations"),
    ("verifiable", "verified", "verifies", "verifier"),
    ("token", "tokens", "tokenizer", "tokenization"),
    ("operator", "operators"), ("operate", "operates", "operating", "operation", "operations", "operational"),
    ("activate", "activated", "activating", "activation", "activations"), ("active", "actively", "activity"),
    ("validate", "validates", "validated", "validating", "validation"), ("valid", "validity"),
    ("adapt", "adapts", "adapted", "adapting", "adaptation", "adaptive", "adaptively"),
    ("generate", "generated", "generating", "generation", "generative"),
    ("embed", "embeds", "embedded", "embedding", "embeddings"),
    ("stable",), ("stability",), ("enable", "enables", "enabled", "enabling"), ("variable", "variables", "variability"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "other"), APART)
def test_words_of_two_families_have_two_stems(word: str, other: str) -> None:
    assert stem(word) != stem(other)


@pytest.mark.parametrize("forms", TOGETHER, ids=lambda forms: forms[0])
def test_forms_of_one_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert {form: stem(form) for form in forms} == dict.fromkeys(forms, stem(forms[0]))


@pytest.mark.parametrize(
    ("singular", "plural"),
    [("operator", "operators"), ("observable", "observables"), ("authority", "authorities"), ("critic", "critics"),
     ("limitation", "limitations"), ("optimizer", "optimizers"), ("emergency", "emergencies"),
     ("derivative", "derivatives")],
)  # fmt: skip
def test_a_plural_has_the_stem_of_its_singular(singular: str, plural: str) -> None:
    assert stem(singular) == stem(plural)
