"""Topics that a library suggests."""

from __future__ import annotations

from datetime import date

import pytest

from digest.matching.profile import Profile, Topic
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.catalog.page_schemas import Preview
from digest.services.ingestion.import_document import store_document
from digest.services.preview.library_topic_suggestions import MAX_SUGGESTED_TOPICS, report_library, text_phrases
from digest.services.subscriptions.library_resolution import LibrarySource, ResolvedLibrary, read_library
from tests.combinations import MAINLY_SQLITE

DAY = date(2025, 11, 17)
TITLES = (
    "Offline reinforcement learning with value regularization",
    "Safe reinforcement learning for legged robots",
    "Legged robots that learn to walk in minutes",
    "A novel framework towards robust graph matching",
    "Graph matching by message passing",
    "Spin glasses",
)


def library(*titles: str) -> ResolvedLibrary:
    entries = (f"@misc{{k{number}, title = {{{title}}}}}\n" for number, title in enumerate(titles))
    return read_library(LibrarySource(file="".join(entries).encode()))


def no_preview(profile: Profile) -> Preview:
    return Preview(())


def suggested(*titles: str, typed: Profile | None = None) -> list[str]:
    report = report_library(library(*titles), typed or Profile(), no_preview, suggests=True)
    return [topic.text for topic in report.topics]


@MAINLY_SQLITE
def test_phrases_of_several_titles_are_suggested(database: str) -> None:
    assert set(suggested(*TITLES)) == {"reinforcement learning", "legged robots", "graph matching"}


@MAINLY_SQLITE
def test_set_phrases_of_abstracts_are_no_topics(database: str) -> None:
    assert not {"novel framework", "robust", "towards"} & set(suggested(*TITLES))


@MAINLY_SQLITE
def test_topics_that_are_typed_already_are_not_suggested_again(database: str) -> None:
    typed = Profile(topics=(Topic("Graph Matching"),))

    assert "graph matching" not in suggested(*TITLES, typed=typed)


@MAINLY_SQLITE
def test_of_a_few_papers_each_counts(database: str) -> None:
    assert "spin glasses" in suggested("Spin glasses at low temperature")


@MAINLY_SQLITE
def test_there_are_at_most_twelve_topics(database: str) -> None:
    words = [f"{first}{second}" for first in ("alpha", "beta", "gamma", "delta", "kappa") for second in "xyzw"]
    titles = [f"{verb} {word} clustering" for word in words for verb in ("Learning", "Explaining")]

    assert len(suggested(*titles)) == MAX_SUGGESTED_TOPICS


@MAINLY_SQLITE
def test_a_library_without_titles_suggests_nothing(database: str) -> None:
    resolved = read_library(LibrarySource(pasted="2511.00009"))

    assert report_library(resolved, Profile(), no_preview).topics == ()


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("Graph matching", {"graph", "graph matching", "matching"}),
        ("Vision-language models", set()),
        ("Vision-language navigation", {"vision-language navigation", "navigation"}),
        ("A study of LLMs", {"LLMs"}),
        ("Learning: planning", {"learning", "planning"}),
    ],
)
def test_phrases_are_runs_of_telling_words(text: str, phrases: set[str]) -> None:
    assert {written for _, written in text_phrases(text)} == phrases


def store(*records: Record) -> None:
    listed = tuple(ListedPaper(record, "new") for record in records)
    store_document("jsonl", "test", ParsedDocument(listed), day=DAY)


@MAINLY_SQLITE
def test_papers_are_found_by_arxiv_id_by_doi_and_by_title_and_first_author(database: str) -> None:
    store(
        Record(TITLES[0], "One.", ("Ada Byron",), arxiv_id="2511.00001"),
        Record(TITLES[1], "Two.", ("Emmy Noether",), doi="10.1000/two"),
        Record(TITLES[2], "Three.", ("Émilie du Châtelet", "Wei Li"), arxiv_id="2511.00003"),
    )
    text = (
        "@misc{a, title = {Another title}, eprint = {2511.00001v4}, archiveprefix = {arXiv}}\n"
        "@misc{b, doi = {https://doi.org/10.1000/TWO}}\n"
        "@misc{c, title = {Legged Robots that Learn to {Walk} in Minutes.},\n"
        " author = {du Chatelet, Emilie and Li, Wei}}\n"
        "@misc{d, title = {Legged robots that learn to walk in minutes}, author = {Somebody Else}}\n"
    )

    resolved = read_library(LibrarySource(file=text.encode()))

    assert [example.paper_id for example in resolved.examples] == [1, 2, 3, None]
    assert (resolved.total, resolved.stored_count, resolved.repeated) == (4, 3, 0)


@MAINLY_SQLITE
def test_a_paper_that_is_listed_twice_counts_once(database: str) -> None:
    text = "@misc{a, title = {One title here}, doi = {10.1000/1}}\n@misc{b, title = {One title}, doi = {10.1000/1}}\n"

    resolved = read_library(LibrarySource(file=text.encode()))

    assert (len(resolved.examples), resolved.repeated) == (1, 1)


@MAINLY_SQLITE
def test_identifiers_of_unknown_papers_are_named(database: str) -> None:
    resolved = read_library(LibrarySource(pasted="2511.00009 10.1000/none"))

    assert (resolved.examples, resolved.unknown) == ((), ("2511.00009", "10.1000/none"))
