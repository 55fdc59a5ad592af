"""The query language: what a subscriber may type as a topic. `parse` and `format` are inverse.

Plain words are a phrase topic. A text with an operator (AND, OR, ANDNOT), a quote or a field is a query:

    query = group { OR group }
    group = item { (AND | ANDNOT) item }
    item  = "(" query ")" | [field ":"] ( quoted | words )
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from digest.matching.profile import Profile
from digest.matching.query import parser
from digest.matching.query.syntax_tree import (
    FIELDS,
    TEXT_FIELDS,
    And,
    AndNot,
    Node,
    Or,
    Query,
    Term,
    Word,
    all_terms,
    phrase_words,
    positive_terms,
)
from digest.text.folding import fold_text
from digest.text.person_references import author_id_key

__all__ = [
    "FIELDS",
    "TEXT_FIELDS",
    "And",
    "AndNot",
    "Node",
    "Or",
    "ProfileTerm",
    "Query",
    "Term",
    "Word",
    "author_ids",
    "format",
    "parse",
    "people_of",
    "phrase_words",
    "positive_terms",
    "profile_terms",
    "profile_terms_of",
]  # fmt: skip


@lru_cache(maxsize=1 << 15)
def parse(text: str) -> Query:
    """The query of a topic as typed. Raises BadQuery with the position and what was expected there."""
    return parser.parse_query(text)


def format(query: Query) -> str:  # noqa: A001 (the inverse of parse)
    """The query as text, in one canonical form with no more marks than it needs: `parse(format(q)) == q`."""
    if isinstance(query.root, Term) and not query.root.field:
        return query.root.text if query.plain else f'"{query.root.text}"'
    return _format_node(query.root)


class ProfileTerm(NamedTuple):
    """A term of a profile: a word (stem or prefix) in a field, or a whole name, category, venue, …"""

    field: str
    text: str
    prefix: bool = False


def profile_terms_of(term: Term) -> tuple[ProfileTerm, ...]:
    """The words of a query term that have weight; in fields without words the whole term."""
    if term.field in TEXT_FIELDS:
        return tuple(
            dict.fromkeys(
                ProfileTerm(term.field, word.text, word.prefix) for word in phrase_words(term) if word.is_weighted
            )
        )
    return (ProfileTerm(term.field, fold_text(term.text)),)


def profile_terms(profile: Profile) -> tuple[ProfileTerm, ...]:
    """A profile's terms in the order typed, each once: bit i of a match's mask stands for the i-th. Raises BadQuery."""
    return tuple(
        dict.fromkeys(chain.from_iterable(_topic_terms(topic.text) for topic in profile.topics if not topic.muted))
    )


def people_of(profile: Profile) -> frozenset[str]:
    """Whom `Candidate.people` may name: the followed authors, and the ids of authors in queries. Raises BadQuery."""
    texts = (*(topic.text for topic in profile.topics if not topic.muted), *profile.exclusions)
    return frozenset(profile.authors).union(*map(author_ids, texts))


@lru_cache(maxsize=1 << 15)
def author_ids(text: str) -> frozenset[str]:
    """The ids of authors in a query, as `scheme:value`. Raises BadQuery."""
    terms = (term for term in all_terms(parse(text).root) if term.field == "au")
    return frozenset(key for term in terms if (key := author_id_key(term.text)))


@lru_cache(maxsize=1 << 15)
def _topic_terms(text: str) -> tuple[ProfileTerm, ...]:
    """The positive terms of a topic."""
    return tuple(profile_term for term in positive_terms(parse(text).root) for profile_term in profile_terms_of(term))


def _format_node(node: Node) -> str:
    match node:
        case Term(text, field):
            quoted = text if _needs_no_quotes(text) else f'"{text}"'
            return f"{field}:{quoted}" if field else quoted
        case Or(parts):
            return " OR ".join(_format_part(part, Or) for part in parts)
        case And(parts):
            first, *others = parts
            return " AND ".join(
                [_format_part(first, Or, And), *(_format_part(part, Or, And, AndNot) for part in others)]
            )
        case AndNot(keep, drop):
            return f"{_format_part(keep, Or)} ANDNOT {_format_part(drop, Or, And, AndNot)}"


def _format_part(node: Node, *kinds: type) -> str:
    """A part of another node, in parentheses where it would otherwise parse differently."""
    return f"({_format_node(node)})" if isinstance(node, kinds) else _format_node(node)


def _needs_no_quotes(text: str) -> bool:
    """True for words that need no quotes: they contain no operator, parenthesis or field."""
    if set(text.split()) & {*parser.OPERATORS, "NOT"} or re.search("[()]", text):
        return False
    return not re.search(r"(?<!\S)[A-Za-z]+:(?=[^\s/])", text)
