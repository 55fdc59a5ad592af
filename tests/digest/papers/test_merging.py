"""Identity, likeness and merging of papers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import papers
from digest.papers import ListedPaper, Record
from seeds import loader

TODAY = date(2026, 6, 10)
SEEDS = [paper for _, document in loader.load(today=TODAY) for paper in document.papers]
ABSTRACT = " ".join(f"word{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}" for n in range(60)) + "."
OTHER = " ".join(f"term{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}" for n in range(60)) + "."


def paper(title: str = "A Title of Some Words", **fields: object) -> Record:
    return replace(Record(title, ABSTRACT, ("Ada Byron",)), **fields)


# --- identity


def test_the_version_is_no_part_of_an_arxiv_id() -> None:
    assert papers.arxiv_identity(paper(arxiv_id="2401.00001v3")) == "2401.00001"


def test_a_doi_of_arxiv_is_an_arxiv_id() -> None:
    record = paper(doi="10.48550/arXiv.2401.00001")

    assert (papers.arxiv_identity(record), papers.version_dois(record)) == ("2401.00001", frozenset())


@pytest.mark.parametrize(
    "twin",
    [
        paper("a title  of some WORDS!"),
        paper("A Title of Some-Words", authors=("A. Byron", "Emmy Noether")),
        paper(authors=("Àda Býron",)),
        paper(authors=("Byron, Ada",)),
        paper(authors=("Ada Byron, Jr.",), abstract=""),
    ],
)
def test_a_title_key_ignores_writing_and_given_names(twin: Record) -> None:
    assert papers.title_key(twin) == papers.title_key(paper())


@pytest.mark.parametrize("other", [paper("A Title of Other Words"), paper(authors=("Emmy Noether",))])
def test_another_title_or_surname_is_another_key(other: Record) -> None:
    assert papers.title_key(other) != papers.title_key(paper())


@pytest.mark.parametrize("record", [paper(title_derived=True), paper(authors=()), paper("Introduction"), paper("")])
def test_what_names_no_one_paper_has_no_title_key(record: Record) -> None:
    assert papers.title_key(record) is None


def test_keys_fit_their_columns() -> None:
    assert len(papers.title_key(paper()) or "") == 32
    assert [len(key) for key in papers.abstract_keys(paper())] == [16] * 6


def test_keys_never_change_since_databases_keep_them() -> None:
    assert papers.title_key(paper()) == "a59af03958bc136af02988e166af890c"
    assert papers.abstract_keys(paper())[:2] == ("699633871399028f", "53253455c712c903")


def test_an_abstract_too_short_to_tell_has_no_keys() -> None:
    assert papers.abstract_keys(paper(abstract="This paper has been withdrawn by the authors.")) == ()


# --- likeness


LABELLED = [
    # beginnings of two titles of the seeds (in document 003 made of the abstracts), and whether they are one paper
    ("Accelerating Convergence of Score-Based", "Accelerating Convergence of Score-Based", True),
    ("Stochastic Policy Gradient Methods: Improved", "Stochastic Policy Gradient Methods: Improved", True),
    ("Reinforcement Learning with General Utilities", "Reinforcement Learning with General Utilities", True),
    # one group's works in one group's words: a paper and its journal sibling, a paper and its successor, a series
    ("Kernel Conditional Moment Constraints", "A Convex Framework for Confounding Robust Inference", False),
    ("Towards Faster Non-Asymptotic Convergence", "A Sharp Convergence Theory for The Probability", False),
    ("Cancellation-Free Regret Bounds for Lagrangian", "Truly No-Regret Learning in Constrained MDPs", False),
    ("Chain-of-Thought (CoT) is an efficient", "Transformer-based large language models have", False),
    ("Near-Minimax-Optimal Risk-Sensitive", "Regret Bounds for Markov Decision Processes with Recursive", False),
    ("The Sample-Communication Complexity", "Sample Complexity of Average-Reward Q-Learning", False),
    ("Nest Your Adaptive Algorithm", "TiAda: A Time-scale Adaptive Algorithm", False),
    ("Fast and Provable Tensor Robust", "Deep Unfolded Tensor Robust PCA", False),
    ("Provably Efficient CVaR RL in Low-rank MDPs", "Near-Minimax-Optimal Risk-Sensitive", False),
]


def pair(beginning: str, other: str) -> tuple[Record, Record]:
    """The two papers of the seeds whose titles begin so."""
    matching = [
        listed_paper.record for listed_paper in SEEDS if listed_paper.record.title.startswith((beginning, other))
    ]
    first = next(record for record in matching if record.title.startswith(beginning))
    second = next(record for record in matching if record.title.startswith(other) and record is not first)
    assert len(matching) == 2
    return first, second


@pytest.mark.parametrize(("beginning", "other", "is_same"), LABELLED)
def test_pairs_of_the_seeds_are_distinguished_as_by_eye(beginning: str, other: str, is_same: bool) -> None:
    a, b = pair(beginning, other)

    assert papers.is_same_paper(a, b) is is_same


@pytest.mark.parametrize(("beginning", "other", "is_near"), LABELLED)
def test_abstracts_alone_distinguish_these_pairs_too(beginning: str, other: str, is_near: bool) -> None:
    a, b = (replace(r, title="", title_derived=True, authors=()) for r in pair(beginning, other))

    assert papers.is_near_duplicate(a, b) is is_near


def test_every_pair_of_the_seeds_that_shares_some_words_is_labelled() -> None:
    labelled = {frozenset((a.abstract, b.abstract)) for a, b in (pair(x, y) for x, y, _ in LABELLED)}
    similar_pairs = {
        frozenset((a.record.abstract, b.record.abstract))
        for a, b in combinations(SEEDS, 2)
        if papers.similarity(a.record.abstract, b.record.abstract) >= 0.045
    }

    assert similar_pairs <= labelled


def test_of_all_pairs_of_the_seeds_exactly_three_are_one_paper() -> None:
    assert sum(papers.is_same_paper(a.record, b.record) for a, b in combinations(SEEDS, 2)) == 3


@pytest.mark.parametrize(
    ("a", "b", "is_same"),
    [
        (paper(arxiv_id="2401.00001"), paper("Another Title", arxiv_id="2401.00001v2", abstract=OTHER), True),
        (paper(arxiv_id="2401.00001"), paper(arxiv_id="2401.00002"), False),
        (paper(doi="10.1/A"), paper("Another Title", doi="10.1/a", abstract=OTHER), True),
        (paper(doi="10.1/a"), paper(doi="10.1/b"), False),
        (paper(arxiv_id="2401.00001"), paper(doi="10.1/a"), True),
        (paper(arxiv_id="2401.00001"), paper(title_derived=True, authors=()), True),
        (paper(), paper(abstract=""), True),
        (paper(), paper(abstract=OTHER), False),
        (paper(), paper(authors=("Emmy Noether",)), False),
        (paper(), paper("Quite Another Name for This"), False),
        (paper("On the Flow of Words: Part I"), paper("On the Flow of Words: Part II"), False),
        (paper("The Long Words Challenge 2023"), paper("The Long Words Challenge 2024"), False),
        (paper("A Metric for the First Equation"), paper("A Metric for the Second Equation"), False),
        (paper("On Means of Long Series of Words"), paper("On Means of Double Long Series of Words"), False),
        (paper("A Metric for Flows of Words"), paper("A Metric for Flows of Words: Revised"), True),
        (paper("Stability of Ground States in 3D"), paper("Stability of Ground States in 2D"), False),
        (paper(authors=(), abstract="Withdrawn."), paper(authors=(), abstract="Withdrawn."), False),
    ],
)
def test_identity_decides_first_and_doubt_means_no(a: Record, b: Record, is_same: bool) -> None:
    assert (papers.is_same_paper(a, b), papers.is_same_paper(b, a)) == (is_same, is_same)


def test_formulas_written_otherwise_do_not_make_another_abstract() -> None:
    a = ABSTRACT + r" The rate is $\tilde{\mathcal{O}}(\varepsilon^{-3})$."
    b = ABSTRACT + " The rate is mathcal{O}(ε^{-3})."

    assert papers.similarity(a, b) == 1.0


def test_twins_share_a_key_and_look_alikes_need_none() -> None:
    shared = [
        len({*papers.abstract_keys(a)} & {*papers.abstract_keys(b)})
        for a, b in (pair(x, y) for x, y, is_same in LABELLED if is_same)
    ]

    assert min(shared) >= 5


# --- merging

words = st.sampled_from(["", "alpha", "beta gamma", "$x$ delta"])
names = st.lists(st.sampled_from(["Ada Byron", "Emmy Noether", "E. Noether"]), max_size=3).map(tuple)
records = st.builds(
    Record,
    title=words,
    abstract=words,
    authors=names,
    authors_complete=st.booleans(),
    arxiv_id=st.none() | st.just("2401.00001"),
    version=st.integers(1, 3),
    doi=st.none() | st.sampled_from(["10.1/a", "10.1/b"]),
    categories=st.lists(st.sampled_from(["cs.LG", "stat.ML"]), unique=True).map(tuple),
    comment=st.none() | words,
    institutions=st.lists(st.sampled_from(["cmu", "eth"]), unique=True).map(tuple),
    venue=st.none() | words,
    code_url=st.none() | words,
    published=st.none() | st.dates(),
    title_derived=st.booleans(),
    withdrawn=st.booleans(),
    has_code=st.booleans(),
)
listings = st.builds(
    ListedPaper,
    record=records,
    announce_type=st.none() | st.sampled_from(["new", "cross", "replace"]),
    signals=st.dictionaries(st.sampled_from(["rank", "upvotes"]), st.integers(0, 9).map(float)).map(
        lambda signals: tuple(sorted(signals.items()))
    ),
)


@given(listings, listings)
def test_the_order_of_merging_does_not_matter(a: ListedPaper, b: ListedPaper) -> None:
    assert papers.merge_listed(a, b) == papers.merge_listed(b, a)


@given(listings)
def test_merging_a_paper_with_itself_changes_nothing(a: ListedPaper) -> None:
    assert papers.merge_listed(a, a) == a


@given(records, records)
def test_merging_again_what_is_merged_changes_nothing(a: Record, b: Record) -> None:
    merged = papers.merge_records(a, b)

    assert papers.merge_records(merged, merged) == merged


@given(records, records)
def test_nothing_that_is_known_is_lost(a: Record, b: Record) -> None:
    merged = papers.merge_records(a, b)

    for name in ("authors", "arxiv_id", "doi", "comment", "venue", "code_url", "published", "abstract", "has_code"):
        assert bool(getattr(merged, name)) >= max(bool(getattr(a, name)), bool(getattr(b, name)))
    assert {*a.categories, *b.categories} == {*merged.categories}
    assert {*a.institutions, *b.institutions} == {*merged.institutions}


@pytest.mark.parametrize(
    ("field", "better", "worse"),
    [
        ("title", {"title": "Real"}, {"title": "Made of a longer sentence", "title_derived": True, "version": 2}),
        ("title", {"title": "New", "version": 2}, {"title": "Longer and older"}),
        ("title", {"title": r"Bounds of $O(\sqrt{n})$"}, {"title": "Bounds of O(sqrt{n}) and more"}),
        ("authors", {"authors": ("A B",)}, {"authors": ("A B", "C D", "E F"), "authors_complete": False}),
        ("authors", {"authors": ("A B", "C D"), "authors_complete": False}, {"authors": ()}),
        ("authors", {"authors": ("Ada Byron",)}, {"authors": ("A. Byron",)}),
        ("abstract", {"abstract": "Older", "version": 1}, {"abstract": "", "version": 2}),
        ("published", {"published": date(2024, 1, 1)}, {"published": date(2024, 2, 1), "version": 2}),
        ("withdrawn", {"version": 2, "withdrawn": True}, {"version": 1}),
        ("withdrawn", {"version": 2}, {"version": 1, "withdrawn": True}),
        ("comment", {"version": 2, "comment": "ICML"}, {"version": 1, "comment": "Submitted to ICML"}),
    ],
)
def test_the_better_field_wins(field: str, better: dict[str, object], worse: dict[str, object]) -> None:
    good_paper, poor = paper(**better), paper(**worse)

    assert getattr(papers.merge_records(good_paper, poor), field) == getattr(good_paper, field)


def test_of_two_ranks_the_better_and_of_two_counts_the_greater_is_kept() -> None:
    a = ListedPaper(paper(), "cross", (("rank", 3.0), ("upvotes", 5.0)))
    b = ListedPaper(paper(), "new", (("rank", 9.0), ("upvotes", 8.0)))
    merged = papers.merge_listed(a, b)

    assert (merged.announce_type, merged.signals) == ("new", (("rank", 3.0), ("upvotes", 8.0)))


def test_a_paper_of_several_documents_becomes_one_with_all_that_is_known() -> None:
    merged = [
        listed_paper
        for listed_paper in papers.merge_all(SEEDS)
        if listed_paper.record.title.startswith("Stochastic Policy")
    ]

    assert [(p.signals, p.record.authors[0], p.record.institutions, p.record.published) for p in merged] == [
        ((("rank", 92.0),), "Ilyas Fatkhullin", ("eth-zurich",), date(2023, 2, 3))
    ]


def test_a_set_keeps_its_order_of_first_appearance() -> None:
    merged = papers.merge_all([*SEEDS, *SEEDS])
    titles = [listed_paper.record.title for listed_paper in merged]

    assert len(titles) == 330
    assert titles[:50] == [listed.record.title for listed in SEEDS[:50]]


def test_merging_a_set_twice_changes_nothing() -> None:
    merged_once = papers.merge_all(SEEDS)

    assert papers.merge_all(merged_once) == merged_once


def test_a_record_that_joins_two_groups_makes_them_one() -> None:
    by_id = ListedPaper(paper("Name of the First", arxiv_id="2401.00001", abstract=""))
    by_title = ListedPaper(paper("Name of the Second", abstract=""))
    joint = ListedPaper(paper("Name of the Second", arxiv_id="2401.00001", abstract=""))
    later = ListedPaper(paper("Name of the Second", abstract="", comment="seen"))
    merged = papers.merge_all([by_id, by_title, joint, later])

    assert [listed_paper.record.comment for listed_paper in merged] == ["seen"]


@given(st.lists(st.sampled_from(SEEDS), max_size=12))
def test_merging_finds_what_comparing_all_pairs_finds(listed_papers: list[ListedPaper]) -> None:
    merged = papers.merge_all(listed_papers)

    assert not any(papers.is_same_paper(a.record, b.record) for a, b in combinations(merged, 2))


# --- clues


@pytest.mark.parametrize(
    ("comment", "venue"),
    [
        ("Accepted by ICML 2024", "ICML 2024"),
        ("AISTATS 2025", "AISTATS 2025"),
        ("ACL 2025 (Findings)", "ACL 2025 Findings"),
        ("accepted to be published by the Journal of Flow", "Journal of Flow"),
        ("CVPR 2026 accepted", "CVPR 2026"),
        ("12 pages, 4 figures, accepted for publication in MNRAS", "MNRAS"),
        ("Accepted for publication in IEEE Transactions on Big Data; 14 pages", "IEEE Transactions on Big Data"),
        ("18 pages. To appear in J. Evol. Equ", "J. Evol. Equ"),
        ("ICCV 2025. Project page: https://example.org", "ICCV 2025"),
        (
            "9 pages, accepted to ICLR 2026 the 2nd Workshop on World Models",
            "ICLR 2026 the 2nd Workshop on World Models",
        ),
        ("NeurIPS 2025 Workshop on Time", "NeurIPS 2025 Workshop on Time"),
        ("the Twelfth International Conference on Learning Representations (2024)", "ICLR 2024"),
        ("Submitted to ICRA 2026", None),
        ("Under review at ICLR 2026", None),
        ("8 pages, 3 figures", None),
        ("arXiv admin note: text overlap with arXiv:2310.16173", None),
        (None, None),
    ],
)
def test_a_comment_names_the_venue_or_nothing(comment: str | None, venue: str | None) -> None:
    assert papers.venue(comment) == venue


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://github.com/a/b.", "https://github.com/a/b"),
        ("Open-sourced at: github.com/a/b-c).", "https://github.com/a/b-c"),
        (r"at \url{https://gitlab.com/a/b}.", "https://gitlab.com/a/b"),
        ("We win. Our code is at https://example.org/x.", "https://example.org/x"),
        ("Project page: https://example.org/x.", None),
        ("A list: https://github.com/a/Awesome-Things.", None),
        ("Our code is public.", None),
    ],
)
def test_the_address_of_the_code_is_read_from_a_text(text: str, address: str | None) -> None:
    assert papers.code_address(text) == address
