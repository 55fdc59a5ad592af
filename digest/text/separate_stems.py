"""Stems of words that the stemmer would conflate with words of another family: optimization is not optimal.

Snowball removes endings until only a root is left, which several families may share. Inflected forms of a word, its
adverb and the noun for its quality or action go on having one stem; the rules give another one to

1. what can be done (-able, -ible, -ability, …): interpretable, interpretability, but not interpreting;
2. verbs and their actions in -ize: optimize, optimizer, optimization, but not optimal.

The tables hold what no ending tells: words that at least 20 of 42,853 abstracts contain, beside as many of the family
from which they are kept apart.
"""

from __future__ import annotations

import re

_ABLE = re.compile(r"(\w{2,}[ai]b)(?:le|les|ly|ility|ilities)")
_IZE = re.compile(r"(\w{3,}iz)(?:e|ed|es|er|ers|ing|ation|ations|ational)")

# Roots that follow no rule, because authors say both for one thing: verifiable and verified rewards, visual tokens and
# a visual tokenizer. Kept apart they cost recall on labelled papers.
_ONE_FAMILY = frozenset({"verifiab", "tokeniz"})

# Each family by its stem. Words of it that are not listed here keep the stemmer's stem.
_FAMILIES = """
activation: activation activations activate activates activated activating activator activators
additional: additional additionally
additive: additive additives additively additivity
alternative: alternative alternatives alternatively
authority: authority authorities
collective: collective collectives collectively
competence: competence competences competent competency competencies
comprehensive: comprehensive comprehensively comprehensiveness
computer: computer computers
concentric: concentric
conductance: conductance conductances
conduction: conduction
conductivity: conductive conductivity conductivities
connectivity: connective connectivity connectivities
consistent: consistent consistently consistency consistencies
contrastive: contrastive contrastively
conversation: conversation conversations conversational
conversion: conversion conversions
critical: critical critically criticality criticalities
customer: customer customers
definition: definition definitions
dependent: dependent dependence dependences dependency dependencies
derivative: derivative derivatives
designation: designate designates designated designating designation designations
difference: difference differences
digital: digital digitally
direction: direction directions directional directionality
effective: effective effectively effectiveness
electricity: electricity
electronic: electronic electronics electronically
emergency: emergency emergencies
employment: employment
engine: engine engines
exceptional: exceptional exceptionally
excessive: excessive excessively
experience: experience experiences experienced experiencing
extensive: extensive extensively
extremal: extremal extremals
formation: formation formations
fractional: fractional
functional: functional functionals functionally functionality functionalities
governance: governance
government: government governments
identical: identical identically
impedance: impedance impedances
important: important importance importantly
informal: informal informally
information: information informational
informative: informative informatively informativeness
initiative: initiative initiatives
inspiral: inspiral inspirals inspiraling
integral: integral integrals
integrity: integrity
intensive: intensive intensively
likely: likely likelier
limitation: limitation limitations
marginal: marginal marginals marginally
meanings: meaning meanings
medication: medication medications
modulation: modulate modulates modulated modulating modulation modulations modulational modulator modulators
natural: natural naturally naturalness
negation: negation negations
negative: negative negatives negatively negativity negativities
numerous: numerous
objective: objective objectives objectively objectivity
operator: operator operators
original: original originals originally originality
personal: personal personally
personality: personality personalities
positive: positive positives positively positivity
powerful: powerful powerfully
presentation: presentation presentations
production: production productions
productivity: productive productively productivity
progressive: progressive progressively
provenance: provenance
publication: publication publications
rating: rating ratings
reference: reference references
relation: relation relations relational relationally
relative: relative relatives
relativity: relativity
representative: representative representatives representativeness
requirement: requirement requirements
resolvent: resolvent resolvents
respective: respective
sensing: sensing
setting: setting settings
several: several
spacing: spacing spacings
specification: specification specifications
subjective: subjective subjectively subjectivity
subsequence: subsequence subsequences
successful: successful successfully
successive: successive successively
timing: timing timings
transition: transition transitions transitional transitioning transitioned
transportation: transportation
underlying: underlying
useful: useful usefulness
validation: validate validates validated validating validation validations
variational: variational variationally
weakness: weakness weaknesses
"""
# Adverbs that say how or how much, not what a paper is about: fairly is not fair or fairness.
_ADVERBS = """
actually closely constantly conversely costly extremely fairly finally firstly generally hardly highly initially
lastly largely mainly markedly merely mostly namely nearly overly particularly partly potentially practically precisely
presently readily recently regularly relatively respectively roughly secondly severely sharply shortly solely specially
specifically surely thirdly timely virtually
"""


def _by_word() -> dict[str, str]:
    """The stem of each word in the tables."""
    lines = (line.split(": ") for line in _FAMILIES.strip().splitlines())
    families = {word: stem for stem, words in lines for word in words.split()}
    return families | {adverb: adverb for adverb in _ADVERBS.split()}


_BY_WORD = _by_word()


def separate_stem(word: str, stem: str) -> str:
    """The stem of a word of which Snowball made `stem`; another one where that would be shared with another family."""
    if word in _BY_WORD:
        return _BY_WORD[word]
    for family in (_ABLE, _IZE):
        match = family.fullmatch(word)
        if match and len(stem) < len(match[1]) and match[1] not in _ONE_FAMILY:
            return f"{match[1]}l" if family is _ABLE else match[1]
    return stem
