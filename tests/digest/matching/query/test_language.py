"""Queries are read as meant, written back the same, and refused where they are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import BadQuery
from digest.matching.profile import Profile, Topic
from digest.matching.profile_limits import MAX_QUERY, MIN_PREFIX_LENGTH
from digest.matching.query.language import (
    And,
    AndNot,
    Node,
    Or,
    ProfileTerm,
    Query,
    Term,
    format,  # noqa: A004 - the module's own
    parse,
    phrase_words,
    profile_terms,
)
from tests.steps import calls

WORDS = st.sampled_from(
    ["protein", "graph", "model*", "NOT", "AND", "(x)", "ti:y", "C++", "naïve", "深度", "multi-agent"]
)
RUNS = st.lists(WORDS, min_size=1, max_size=3).map(lambda words: " ".join(["graph", *words]))
TERMS = st.builds(Term, RUNS, st.sampled_from(["", "ti", "abs", "co", "venue"])) | st.sampled_from(
    [Term("Y. Liang", "au"), Term("cs.LG", "cat"), Term("code", "has")]
)


def _and(parts: list[Node]) -> Node:
    return And(tuple(parts))


def _or(parts: list[Node]) -> Node:
    return Or(tuple(parts))


def _nodes(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    children = st.lists(inner, min_size=2, max_size=3)
    return children.map(_and) | children.map(_or) | st.builds(AndNot, inner, inner)


NODES: st.SearchStrategy[Node] = st.recursive(TERMS, _nodes, max_leaves=6)


def read(text: str) -> Query | BadQuery:
    """The query, or its refusal."""
    try:
        return parse(text)
    except BadQuery as refusal:
        return refusal


@given(NODES)
def test_a_query_written_and_read_is_the_same(node: Node) -> None:
    written = format(Query(node))

    assert len(written) > MAX_QUERY or parse(written) == Query(node)


@given(st.text(max_size=80) | st.text('ab AND OR ANDNOT ()":*ti', max_size=60))
def test_any_text_is_refused_clearly_or_read_and_written_back(text: str) -> None:
    query = read(text)

    if isinstance(query, BadQuery):
        assert query.expected
        assert 0 <= query.position <= len(text)
    else:
        assert parse(format(query)) == query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("diffusion  models", Query(Term("diffusion models"), plain=True)),
        ("large models (LLMs)", Query(Term("large models (LLMs)"), plain=True)),
        ('"diffusion models"', Query(Term("diffusion models"))),
        ("“diffusion models”", Query(Term("diffusion models"))),
        ("x1 OR x2 AND x3", Query(Or((Term("x1"), And((Term("x2"), Term("x3"))))))),
        ("x1 AND x2 ANDNOT x3", Query(AndNot(And((Term("x1"), Term("x2"))), Term("x3")))),
        ("x1 AND NOT x2", Query(AndNot(Term("x1"), Term("x2")))),
        ("(x1 OR x2) AND x3", Query(And((Or((Term("x1"), Term("x2"))), Term("x3"))))),
        ("ti:graph network", Query(Term("graph network", "ti"))),
        ("au:Yingbin Liang", Query(Term("Yingbin Liang", "au"))),
        ("search and rescue", Query(Term("search and rescue"), plain=True)),
        ("Attention: a survey", Query(Term("Attention: a survey"), plain=True)),
    ],
)
def test_a_text_is_read_as_meant(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "at least one word"),
        ("the of and", 0, "one more telling word"),
        ("*", 0, f"{MIN_PREFIX_LENGTH} letters or more, then one *"),
        ("dif*sion", 3, f"{MIN_PREFIX_LENGTH} letters or more, then one *"),
        ("graph (x1 AND x2", 6, "AND, OR or ANDNOT"),
        ("(x1 AND x2", 10, "AND, OR or )"),
        ("x1 AND x2)", 9, "nothing more"),
        ('graph "neural', 6, 'a closing "'),
        ("graph AND", 9, 'a word, a "phrase", a field or a parenthesis'),
        ("OR graph", 0, 'a word, a "phrase", a field or a parenthesis'),
        ("(a AND", 6, 'a word, a "phrase", a field or a parenthesis'),
        ("the OR", 6, 'a word, a "phrase", a field or a parenthesis'),
        ("(the AND of", 11, "AND, OR or )"),
        ("the AND of)", 10, "nothing more"),
        ("graph AND the", 10, "one more telling word"),
        ("NOT graph", 0, "something to keep, then ANDNOT"),
        ("title:graph", 0, "ti:"),
        ("has:wings", 4, "has:code"),
        ("cat:17", 4, "a name such as cs.LG or cs"),
        ("graph\x00", 5, "text that can be printed"),
        ("x" * (MAX_QUERY + 1), MAX_QUERY, "at most 500"),
    ],
)
def test_a_bad_query_is_refused_with_its_position(text: str, position: int, expected: str) -> None:
    with pytest.raises(BadQuery) as refusal:
        parse(text)

    assert (refusal.value.position, refusal.value.expected) == (position, expected)


BOMBS = {
    "10,000 characters": "word " * 2000,
    "500 parentheses": "(" * 500 + "x AND y",
    "as many as fit": "(" * 240 + "x AND y" + ")" * 240,
    "stars": "*" * 400,
    "quotes": '"' * 400,
    "fields": "ti:" * 150,
    "a regular expression": "(a+)+$" * 70,
    "one word": "x" * 500,
    "one word, one star": "x" * 499 + "*",
    "colons": "a:" * 240,
    "operators": "x AND " * 80,
    "braces": "\\{$^_" * 90,
    "emoji": "😀" * 400,
    "right to left": "שלום " * 90,
    "changes of direction": "\u202eabc\u202c" * 90,
    "accents": "e" + "\u0301" * 490,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_query_takes_a_few_steps_a_character(name: str) -> None:
    """Steps are counted; a regular expression that backtracks for ever would not end here."""
    parse.cache_clear()

    assert calls(lambda: read(BOMBS[name])) < 40 * min(len(BOMBS[name]), MAX_QUERY) + 500


@pytest.mark.parametrize("name", BOMBS)
def test_a_refusal_is_one_short_line(name: str) -> None:
    line = str(read(BOMBS[name]))

    assert "\n" not in line
    assert len(line) < 200 or not isinstance(read(BOMBS[name]), BadQuery)


def test_terms_are_numbered_in_the_order_typed_each_once() -> None:
    profile = Profile(
        topics=(Topic("graph models"), Topic("muted", muted=True), Topic("graph AND au:Liang ANDNOT survey"))
    )

    assert profile_terms(profile) == (ProfileTerm("", "graph"), ProfileTerm("", "model"), ProfileTerm("au", "liang"))


def test_words_keep_the_form_in_which_they_were_typed() -> None:
    words = phrase_words(Term("Multi-Agent data set self-superv*"))

    assert [word.typed for word in words] == [*["Multi-Agent"] * 2, "data set", *["self-superv*"] * 2]
