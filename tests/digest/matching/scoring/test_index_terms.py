"""The terms of the search index: they never miss a paper that a query matches, and are exact where they say so."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from digest.errors import BadQuery
from digest.matching.profile import Candidate
from digest.matching.query.language import parse
from digest.matching.scoring.boolean_match import node_matches, prepare_document
from digest.matching.scoring.index_terms import (
    AllOf,
    AnyOf,
    IndexPair,
    IndexQuery,
    IndexTerm,
    Without,
    document_terms,
    lookup,
)
from digest.papers import Record
from digest.text.tokens import TERM_RULES

WORDS = (
    "learning", "learned", "learn", "study", "studies", "multi-agent", "multiagent", "GPT4", "GPT", "the", "of", "C++",
    "data set", "dataset", "Schrödinger", "$\\ell_2$", "2.5", "LLMs", "a", "3D", "matrices", "图", "self-supervised",
)  # fmt: skip
NAMES = ("Yingbin Liang", "Y. Liang", "Liang, Percy", "Vincent van Gogh", "van der Waals", "Ana Garcia Molina",
         "J.-P. Serre", "Jean Pierre Serre", "The ATLAS Collaboration", "Wei Wang", "W Wang", "Madonna")  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
records = st.builds(
    Record,
    title=texts,
    abstract=texts,
    authors=st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
    categories=st.lists(st.sampled_from(("cs.LG", "cs.AI", "math-ph", "cond-mat.soft")), max_size=2).map(tuple),
    comment=texts,
    venue=texts,
    institutions=st.lists(texts, max_size=2).map(tuple),
    has_code=st.booleans(),
)
phrases = st.lists(st.sampled_from((*WORDS, "lear*", "stud*", "multi*")), min_size=1, max_size=3).map(" ".join)
terms = st.one_of(
    phrases,
    phrases.map('"{}"'.format),
    st.tuples(st.sampled_from(("ti", "abs", "co", "venue", "inst", "all")), phrases).map(lambda p: f'{p[0]}:"{p[1]}"'),
    st.sampled_from((*NAMES, "Lia*", "Liang", "W. Wang", "Garcia-Molina")).map('au:"{}"'.format),
    st.sampled_from(("cat:cs", "cat:cs.LG", "cat:cs.*", "cat:cond-mat", "has:code")),
)
queries = st.recursive(
    terms,
    lambda inner: st.tuples(inner, st.sampled_from(("AND", "OR", "ANDNOT")), inner).map(
        lambda p: f"({p[0]}) {p[1]} ({p[2]})"
    ),
    max_leaves=4,
)


def finds(query: IndexQuery, stored: set[str]) -> bool:
    """What a database answers."""
    match query:
        case IndexTerm(text, prefix):
            return any(term.startswith(text) for term in stored) if prefix else text in stored
        case IndexPair():
            return finds(query.term, stored)
        case AllOf(parts):
            return all(finds(part, stored) for part in parts)
        case AnyOf(parts):
            return any(finds(part, stored) for part in parts)
        case Without(keep, drop):
            return finds(keep, stored) and not finds(drop, stored)


@given(records, queries)
def test_the_index_finds_what_the_matcher_matches(record: Record, text: str) -> None:
    try:
        root = parse(text).root
    except BadQuery:
        return
    document = prepare_document(Candidate(1, record, 1))
    stored, looked_up = document_terms(document, ("arxiv",)), lookup(root)

    if node_matches(root, document):
        assert finds(looked_up.query, stored)
    elif looked_up.is_exact:
        assert not finds(looked_up.query, stored)


def test_changed_terms_come_with_another_number_of_the_rules() -> None:
    """Where this fails, raise TERM_RULES and store the new digest: then what is stored by terms is computed anew."""
    record = Record(
        "Multi-agent learning with $\\ell_2$ norms", "We study GPT-4, interpretability, Schrödinger's matrices.",
        ("Y. van Gogh",),
        categories=("cs.LG",), comment="ICML 2025", venue="ICML", institutions=("ETH Zürich",), has_code=True,
    )  # fmt: skip
    stored = " ".join(sorted(document_terms(prepare_document(Candidate(1, record, 1)), ("arxiv",))))

    assert (TERM_RULES, hashlib.sha256(stored.encode()).hexdigest()[:8]) == (2, "f28fe88e")
