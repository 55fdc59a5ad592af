"""Example papers as weighted words and pairs of adjacent words, which find similar papers.

Of every example the impacts of its terms, brought to length one, are added up; a sum counts by the square of the number
of examples that have the term, so that what they have in common outweighs what one of them repeats. Examples that are
unlike the others make further groups with terms of their own, because a library has several interests.

How similar a new paper is to them: `reference/paper_evaluation.py` and `kernel/example_matching.py`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import median_low

from digest.matching.profile import Candidate, Examples, ExampleTerm
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.boolean_match import Document, IndexedText, prepare_document
from digest.matching.scoring.parameters import (
    ABSTRACT_TF,
    EXAMPLE_FLOOR_DIVISOR,
    EXAMPLE_SHRINK,
    EXAMPLE_TERMS,
    EXAMPLE_UNIT,
    FULL_EXAMPLE_WEIGHT,
    MAX_EXAMPLE_TERMS,
    PAIR_DENOMINATOR,
    PAIR_NUMERATOR,
    TITLE_TF,
)
from digest.papers import Record
from digest.text.tex import readable
from digest.text.tokens import is_weighted

MAX_EXAMPLES_READ = 1000  # the newest examples that count
MAX_EXAMPLES_NAMED = 200  # examples that a profile holds by title: the most typical ones
MAX_TITLE = 120  # characters of such a title
MAX_SHARED = 4  # shared terms that a reason names
MAX_GROUPS = 8  # groups of examples with terms of their own
MIN_GROUP = 3  # examples that are needed for a further group
_BLANK = " "


def example_terms(examples: Sequence[Record | Document], weights: Weights) -> Examples | None:
    """The terms of these example papers, newest first, in an epoch; None where they have no words."""
    documents = [_document(example) for example in examples[:MAX_EXAMPLES_READ]]
    frequencies = [_term_frequencies(document) for document in documents]
    impacts = [
        _impacts(terms, weights, weights.norm(document.length))
        for terms, document in zip(frequencies, documents, strict=True)
    ]
    weight_of = _weights_of_groups(impacts)
    if not weight_of:
        return None
    similarities = [_similarity(weight_of, paper_impacts) for paper_impacts in impacts]
    written = _written_forms(documents, weight_of)
    return Examples(
        terms=tuple(ExampleTerm(stems, written[stems], weight) for stems, weight in weight_of.items()),
        floor=max(1, median_low(similarities) // EXAMPLE_FLOOR_DIVISOR),
        papers=tuple(_typical_examples(documents, impacts, similarities, list(weight_of))),
    )


def stems_of(term: str) -> tuple[str, ...]:
    """The stem of a word, or the two stems of a pair."""
    return tuple(term.split(_BLANK))


def term_idf(term: str, weights: Weights) -> int:
    """The idf of a word; of a pair the sum of its words' idf, as if they met by chance."""
    return sum(weights.idf(stem) for stem in stems_of(term))


def term_frequency(document: Document, stems: Sequence[str]) -> int:
    """3 for a word, or two adjacent words, in the title, 1 in the abstract, 4 in both; 0 for neither."""
    if len(stems) == 1:
        return document.tf.get(stems[0], 0)
    if stems[0] not in document.tf or stems[1] not in document.tf:
        return 0
    in_title, in_abstract = (_has_pair(text, *stems) for text in (document.title, document.abstract))
    return TITLE_TF * in_title + ABSTRACT_TF * in_abstract


def nearest_example(examples: Examples, term_positions: Collection[int]) -> tuple[str, tuple[str, ...]]:
    """The title of the example that shares most with a paper, and the shared terms as written, heaviest first.

    `term_positions`: of the terms that the paper has. The first of equal examples; ('', ()) if none shares any.
    """
    best_title, best_sum, best_shared = "", 0, list[int]()
    for title, positions in examples.papers:
        shared = [position for position in positions if position in term_positions]
        total = sum(examples.terms[position].weight for position in shared)
        if total > best_sum:
            best_title, best_sum, best_shared = title, total, shared
    return best_title, _shared_words([examples.terms[position] for position in sorted(best_shared)])


def _document(example: Record | Document) -> Document:
    return prepare_document(Candidate(0, example, 0)) if isinstance(example, Record) else example


def _has_pair(text: IndexedText, first: str, second: str) -> bool:
    following = text.positions.get(second, ())
    return any(position + 1 in following for position in text.positions.get(first, ()))


def _shared_words(terms: Sequence[ExampleTerm]) -> tuple[str, ...]:
    """The first few terms as written, without words that are part of a pair among the terms."""
    in_pairs = {stem for term in terms if _BLANK in term.stems for stem in stems_of(term.stems)}
    words = [term.written for term in terms if term.stems not in in_pairs]
    return tuple(dict.fromkeys(words))[:MAX_SHARED]


def _term_frequencies(document: Document) -> dict[str, int]:
    """The frequencies of a paper's weighted words and of its pairs of adjacent weighted words."""
    frequencies: dict[str, int] = {}
    for text, tf in ((document.title, TITLE_TF), (document.abstract, ABSTRACT_TF)):
        for term in {term for term, _ in _terms(text)}:
            frequencies[term] = frequencies.get(term, 0) + tf
    return frequencies


def _terms(text: IndexedText) -> Iterator[tuple[str, str]]:
    """The weighted words and pairs of a text in order: stems, and as written without case and accents."""
    previous = None
    for token in text.tokens:
        if not is_weighted(token.word):
            previous = None
            continue
        yield token.stem, token.word
        if previous is not None:
            yield previous.stem + _BLANK + token.stem, previous.word + _BLANK + token.word
        previous = token


def _impacts(frequencies: Mapping[str, int], weights: Weights, norm: int) -> dict[str, int]:
    impacts = {term: impact(term_idf(term, weights), tf, norm) for term, tf in frequencies.items()}
    return {term: value for term, value in impacts.items() if value > 0}


def _weights_of_groups(impacts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The heaviest terms of all groups with their weights, each with the largest that a group gives it.

    A group has the examples at least half as similar to its terms as the upper quarter; the others make the next one.
    """
    examples = [(paper_impacts, _shares(paper_impacts)) for paper_impacts in impacts if paper_impacts]
    merged: dict[str, int] = {}
    for number in range(MAX_GROUPS):
        if len(examples) < (MIN_GROUP if number else 1):
            break
        weights = _heaviest([shares for _, shares in examples])
        similarities = [_similarity(weights, paper_impacts) for paper_impacts, _ in examples]
        upper_quarter = sorted(similarities)[3 * len(similarities) // 4]
        is_member = [2 * similarity >= upper_quarter for similarity in similarities]
        members = [shares for (_, shares), member in zip(examples, is_member, strict=True) if member]
        for term, weight in _heaviest(members).items():
            merged[term] = max(weight, merged.get(term, 0))
        examples = [example for example, member in zip(examples, is_member, strict=True) if not member]
    best = sorted(merged, key=lambda term: (-merged[term], term))[:MAX_EXAMPLE_TERMS]
    return {term: merged[term] for term in best}


def _similarity(weight_of: Mapping[str, int], impacts: Mapping[str, int]) -> int:
    return sum(weight * impacts.get(term, 0) for term, weight in weight_of.items()) // EXAMPLE_UNIT


def _heaviest(group: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The weights of the heaviest terms: ⌊192 · n/(n+5) · r·c² / max r·c²⌋, n the examples, c those with the term.

    `group`: the shares of each example; r is their sum.
    """
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for shares in group:
        sums.update(shares)
        counts.update(shares.keys())
    values = {term: sums[term] * counts[term] ** 2 for term in sums}
    best = sorted(values, key=lambda term: (-values[term], term))[:EXAMPLE_TERMS]
    number = len(group)
    weighed = {
        term: FULL_EXAMPLE_WEIGHT * number * values[term] // ((number + EXAMPLE_SHRINK) * values[best[0]])
        for term in best
    }
    return {term: weight for term, weight in weighed.items() if weight > 0}


def _shares(impacts: Mapping[str, int]) -> dict[str, int]:
    """The impacts as a unit vector, in millionths; those of pairs are raised by half before."""
    raised = {
        term: value * PAIR_NUMERATOR if _BLANK in term else value * PAIR_DENOMINATOR for term, value in impacts.items()
    }
    length = math.hypot(*raised.values())
    return {term: round(1_000_000 * value / length) for term, value in raised.items()}


def _written_forms(documents: Iterable[Document], terms: Collection[str]) -> dict[str, str]:
    """The most frequent written form of each term, the first in the alphabet of equals."""
    forms: dict[str, Counter[str]] = {term: Counter() for term in terms}
    for document in documents:
        for text in (document.title, document.abstract):
            for term, written in _terms(text):
                if term in forms:
                    forms[term][written] += 1
    return {term: min(counter, key=lambda form: (-counter[form], form)) for term, counter in forms.items()}


def _typical_examples(
    documents: Sequence[Document],
    impacts: Sequence[Mapping[str, int]],
    similarities: Sequence[int],
    terms: Sequence[str],
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The examples that are most similar to all of them, in their order: title and positions of their terms."""
    order = sorted(range(len(documents)), key=lambda number: (-similarities[number], number))
    for number in sorted(order[:MAX_EXAMPLES_NAMED]):
        positions = tuple(position for position, term in enumerate(terms) if term in impacts[number])
        title = _BLANK.join(readable(documents[number].candidate.record.title).split())
        if positions and title:
            yield title[:MAX_TITLE], positions
