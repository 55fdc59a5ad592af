"""Papers of one name are grouped by person: ids first, then co-authors, then words; different ids never join."""

from __future__ import annotations

from random import Random

from digest.papers import AuthoredPaper, group_papers


def paper(number: int, *co_authors: str, ids: str = "", words: str = "") -> AuthoredPaper:
    pairs = {tuple(key.split(":")) for key in ids.split()}
    weights = dict.fromkeys(words.split(), 1.0)
    return AuthoredPaper(number, frozenset(co_authors), "cs.CV", frozenset(pairs), weights)  # type: ignore[arg-type]


def groups(*papers: AuthoredPaper) -> list[list[int]]:
    return [[member.id for member in group] for group in group_papers(papers)]


def test_equal_ids_join() -> None:
    assert groups(paper(1, ids="s2:7"), paper(2, ids="s2:7 orcid:9"), paper(3, ids="orcid:9")) == [[3, 2, 1]]


def test_a_shared_co_author_joins_papers_without_ids() -> None:
    assert groups(paper(1, "ada"), paper(2, "ada", "emmy"), paper(3, "emmy"), paper(4, "carl")) == [[3, 2, 1], [4]]


def test_different_ids_of_one_source_never_join() -> None:
    assert groups(paper(1, "ada", ids="s2:7"), paper(2, "ada", ids="s2:8")) == [[2], [1]]


def test_a_paper_joins_the_group_that_it_shares_most_co_authors_with() -> None:
    papers = paper(1, "ada", "emmy", ids="s2:7"), paper(2, "ada", ids="s2:8"), paper(3, "ada", "emmy")

    assert groups(*papers) == [[3, 1], [2]]


def test_similar_words_join_papers_without_a_common_co_author() -> None:
    assert groups(paper(1, words="auction bidder"), paper(2, words="auction bidder"), paper(3, words="protein")) == [
        [2, 1],
        [3],
    ]


def test_a_long_list_of_co_authors_joins_nobody() -> None:
    many = [f"name {number}" for number in range(31)]

    assert groups(paper(1, *many), paper(2, *many)) == [[2], [1]]


def test_the_order_of_the_papers_does_not_matter() -> None:
    random = Random(3)
    papers = [
        paper(n, *random.sample("abcdefghijklm", 2), ids=random.choice(["", "", "s2:1", "s2:2"])) for n in range(40)
    ]
    expected = groups(*papers)
    for _ in range(5):
        random.shuffle(papers)
        assert groups(*papers) == expected
