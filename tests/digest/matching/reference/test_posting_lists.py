"""Posting lists find a paper by each of its terms, count words as the papers do, and notice a damaged file."""

from __future__ import annotations

import pytest

from digest.errors import BadInput
from digest.matching.profile import Candidate
from digest.matching.query.language import parse
from digest.matching.reference.posting_lists import PostingLists, build_posting_lists, read_posting_lists
from digest.matching.scoring import word_counts
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.index_terms import lookup
from digest.papers import Record

PAPERS = (
    Record("Graph neural networks", "A survey of graphs.", authors=("Ada Byron",), categories=("cs.LG", "stat.ML")),
    Record("Offline reinforcement learning", "Neural, not graph.", venue="NeurIPS", code_url="https://code.example"),
    Record("Learning of " + 70 * "x", "Ünïcode naïve bandits", comment="12 pages", categories=("math.OC",)),
    Record("", ""),
)


def documents() -> list[Document]:
    return [prepare_document(Candidate(10 + number, record, 0)) for number, record in enumerate(PAPERS)]


def lists() -> PostingLists:
    return read_posting_lists(build_posting_lists((each.candidate.id, each) for each in documents()))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("graph", [10, 11]),
        ("graph neural network", [10]),
        ("ti:graph", [10]),
        ("abs:graph", [10, 11]),
        ("reinforc*", [11]),
        ("naïve bandits", [12]),
        ("au:Byron", [10]),
        ("cat:cs", [10]),
        ("cat:stat.ML OR has:code", [10, 11]),
        ("venue:NeurIPS", [11]),
        ("co:pages", [12]),
        ("neural ANDNOT cat:cs", [11]),
        ("zzz", []),
    ],
)
def test_a_query_finds_its_papers(query: str, expected: list[int]) -> None:
    posting_lists = lists()

    numbers = posting_lists.find(lookup(parse(query).root).query)

    assert sorted(posting_lists.ids[number] for number in numbers) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("graph neural network", [10]),
        ("offline reinforcement learning", [11]),
        ("ti:reinforcement learning", [11]),
        ("abs:reinforcement learning", []),
        ("a survey of graphs", [10]),
        ("learning of learning", []),
        ("graphs red of", []),
        ('"red graphs of red"', [14]),
    ],
)
def test_a_phrase_finds_exactly_the_papers_that_have_its_words_in_a_row(query: str, expected: list[int]) -> None:
    mixed = Record("Red graphs", "Graphs of red, of graphs red. Graphs of red graphs of red")
    others = [prepare_document(Candidate(14, mixed, 0)), prepare_document(Candidate(15, Record("red graphs of"), 0))]
    posting_lists = read_posting_lists(build_posting_lists((d.candidate.id, d) for d in [*documents(), *others]))

    exact_lookup = lookup(parse(query).root, exact_phrases=True)
    paper_ids = sorted(posting_lists.ids[number] for number in posting_lists.find(exact_lookup.query))

    assert (paper_ids, exact_lookup.is_exact) == (expected, True)


def test_the_words_of_a_paper_are_known_but_of_one_with_a_very_long_word() -> None:
    posting_lists = lists()

    assert posting_lists.long_papers == {2}
    for number, document in enumerate(documents()):
        if number not in posting_lists.long_papers:
            assert posting_lists.paper_frequencies(number) == document.tf


def test_words_are_counted_as_in_the_papers() -> None:
    assert lists().stem_counts() == word_counts.count(documents()).df
    assert sum(lists().lengths) == sum(document.length for document in documents())


def test_frequencies_are_those_of_the_papers() -> None:
    posting_lists, prepared = lists(), documents()

    for stem in {stem for document in prepared for stem in document.tf if len(stem) < 59}:
        expected = {number: document.tf[stem] for number, document in enumerate(prepared) if stem in document.tf}
        assert posting_lists.frequencies(stem) == expected


def test_no_papers_make_empty_lists() -> None:
    empty = read_posting_lists(build_posting_lists(()))

    assert (empty.paper_count, empty.stem_counts(), empty.frequencies("graph")) == (0, {}, {})


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"other" + content, lambda _: b""])
def test_a_damaged_file_is_refused(damage: object) -> None:
    content = build_posting_lists((each.candidate.id, each) for each in documents())

    with pytest.raises(BadInput):
        read_posting_lists(damage(content))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("first", "second"), [("graph transform", "badak babom"), ("graph transform", "kakdud makmum")]
)
def test_pairs_of_words_with_the_same_short_hash_are_told_apart(first: str, second: str) -> None:
    records = [Record(f"{' of '.join(first.split())}, {second}"), Record(first)]
    prepared = [prepare_document(Candidate(number, record, 0)) for number, record in enumerate(records)]
    posting_lists = read_posting_lists(build_posting_lists(enumerate(prepared)))

    exact_lookup = lookup(parse(f'"{first}"').root, exact_phrases=True)

    assert (posting_lists.find(exact_lookup.query), exact_lookup.is_exact) == ({1}, True)


def test_a_word_that_is_cut_and_two_words_by_a_short_hash_are_not_exact() -> None:
    texts = [70 * "x", f"ti:{70 * 'x'}", f'"graph {70 * "x"}"']

    assert not any(lookup(parse(text).root, exact_phrases=True).is_exact for text in texts)
    assert not lookup(parse('"graph transform"').root).is_exact
