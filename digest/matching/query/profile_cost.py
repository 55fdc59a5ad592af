"""How much work a profile may ask for. Pure.

Matching costs in proportion to the words, prefixes and names that a profile looks for, so these are bounded where a
profile is entered. `make bench-attack` measures the costliest profiles within the bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from digest.errors import N_, BadInput
from digest.matching.profile import Profile
from digest.matching.query.language import And, AndNot, Node, Or, Term, parse, phrase

MAX_WORDS = 150  # words and names that all topics, exclusions and followed authors of one profile look for
MAX_PREFIXES = 20  # of them with a `*`: each stands for many words
NAME_COST = 2  # words: a name is looked for in several readings
SHORTEST_PREFIX = 3  # letters; two letters begin a tenth of all words
_WHOLE_WORD_SCRIPTS = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # one sign is a word or a syllable


class ProfileCost(NamedTuple):
    """What a profile looks for. `words` counts names and other fields too, and includes `prefixes`."""

    words: int
    prefixes: int


def profile_cost(profile: Profile) -> ProfileCost:
    """The cost of a profile's topics, exclusions and followed authors. Raises BadQuery for a text in error."""
    texts = (*(topic.text for topic in profile.topics), *profile.exclusions)
    costs = [_query_cost(parse(text).root) for text in texts]
    words = sum(cost.words for cost in costs) + NAME_COST * len(profile.authors)
    return ProfileCost(words, sum(cost.prefixes for cost in costs))


def check_cost(profile: Profile) -> None:
    """Refuse a profile that would take too long to match. Raises BadInput that names the field and the bound."""
    for field, texts in (("topics", [topic.text for topic in profile.topics]), ("exclusions", profile.exclusions)):
        _check_prefixes(field, texts)
    cost = profile_cost(profile)
    field = "topics" if profile.topics else "exclusions"
    if cost.words > MAX_WORDS:
        message = N_(
            "topics, exclusions and authors together look for %(n)s words (a name counts as two); at most %(most)s"
        )
        raise BadInput(message, field=field, n=cost.words, most=MAX_WORDS)
    if cost.prefixes > MAX_PREFIXES:
        message = N_("all topics and exclusions together have %(n)s words with a *; at most %(most)s")
        raise BadInput(message, field=field, n=cost.prefixes, most=MAX_PREFIXES)


def _check_prefixes(field: str, texts: Iterable[str]) -> None:
    for number, text in enumerate(texts, 1):
        for prefix in _prefixes(parse(text).root):
            if len(prefix) < SHORTEST_PREFIX and not _WHOLE_WORD_SCRIPTS.search(prefix):
                message = N_("line %(n)s: ‘%(prefix)s*’ begins too many words; write %(least)s letters or more")
                raise BadInput(message, field=field, n=number, prefix=prefix, least=SHORTEST_PREFIX)


def _query_cost(node: Node) -> ProfileCost:
    terms = list(_terms(node))
    return ProfileCost(sum(map(_term_words, terms)), sum(1 for _ in _prefixes(node)))


def _term_words(term: Term) -> int:
    """Words and names that a term looks for; `all:` looks for its words and, as a name, among the authors."""
    if term.field in {"cat", "has"}:
        return 1
    if term.field == "au":
        return NAME_COST
    return len(phrase(term)) + (NAME_COST if term.field == "all" else 0)


def _prefixes(node: Node) -> Iterator[str]:
    """The prefixes that a query looks for, without their `*`; of a name, in its family name."""
    for term in _terms(node):
        if term.field == "au":
            if term.text.endswith("*"):
                yield term.text.removesuffix("*").split()[-1] if term.text.strip("* ") else ""
        elif term.field not in {"cat", "has"}:
            yield from (word.text for word in phrase(term) if word.prefix)


def _terms(node: Node) -> Iterator[Term]:
    """All terms of a query, those that ANDNOT drops too."""
    match node:
        case Term():
            yield node
        case AndNot(keep, drop):
            yield from _terms(keep)
            yield from _terms(drop)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _terms(part)
