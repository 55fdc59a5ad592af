"""Bounds on the work that one profile may cause. Pure.

Matching time grows with the words, prefixes and names of a profile, so they are bounded where a profile is entered.
`make bench-attack` measures the costliest profiles within these bounds: against 20,000 papers the engine takes under
1 s of CPU; the reference matcher takes less than 1 s against the 8,200 papers that a preview shows it at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from digest.errors import N_, BadInput
from digest.matching.profile import Profile
from digest.matching.profile_limits import MAX_PREFIXES, MAX_WORDS, MIN_PREFIX_LENGTH, NAME_COST, PREFIX_COST
from digest.matching.query.language import Node, Term, parse, phrase_words
from digest.matching.query.syntax_tree import all_terms

_WHOLE_WORD_SCRIPTS = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # a character is a word or syllable
_USUAL_NAME_WORDS = 5  # initials and particles too


class ProfileCost(NamedTuple):
    """The size of a profile. `words`: with names as `NAME_COST` and prefixes as `PREFIX_COST` words each."""

    words: int
    prefixes: int


def profile_cost(profile: Profile) -> ProfileCost:
    """The cost of a profile's topics, exclusions and followed authors. Raises BadQuery for an invalid text."""
    texts = (*(topic.text for topic in profile.topics), *profile.exclusions)
    costs = [_query_cost(parse(text).root) for text in texts]
    words = sum(cost.words for cost in costs) + sum(map(_name_words, profile.authors))
    return ProfileCost(words, sum(cost.prefixes for cost in costs))


def check_cost(profile: Profile) -> None:
    """Raise BadInput, naming the field and the bound, for a profile that would take too long to match."""
    for field, texts in (("topics", [topic.text for topic in profile.topics]), ("exclusions", profile.exclusions)):
        _check_prefixes(field, texts)
    cost = profile_cost(profile)
    field = "topics" if profile.topics else "exclusions"
    if cost.words > MAX_WORDS:
        message = N_(
            "topics, exclusions and authors together have %(n)s words (a name or a word with * counts as two);"
            " at most %(most)s"
        )
        raise BadInput(message, field=field, n=cost.words, most=MAX_WORDS)
    if cost.prefixes > MAX_PREFIXES:
        message = N_("all topics and exclusions together have %(n)s words with a *; at most %(most)s")
        raise BadInput(message, field=field, n=cost.prefixes, most=MAX_PREFIXES)


def _check_prefixes(field: str, texts: Iterable[str]) -> None:
    for number, text in enumerate(texts, 1):
        for prefix in _prefixes(parse(text).root):
            if len(prefix) < MIN_PREFIX_LENGTH and not _WHOLE_WORD_SCRIPTS.search(prefix):
                message = N_("line %(n)s: ‘%(prefix)s*’ begins too many words; write %(least)s letters or more")
                raise BadInput(message, field=field, n=number, prefix=prefix, least=MIN_PREFIX_LENGTH)


def _query_cost(node: Node) -> ProfileCost:
    prefixes = sum(1 for _ in _prefixes(node))
    return ProfileCost(sum(map(_term_words, all_terms(node))) + (PREFIX_COST - 1) * prefixes, prefixes)


def _term_words(term: Term) -> int:
    """The words of a term, prefixes as one each; an `all:` term is also looked up as an author's name."""
    if term.field in {"cat", "has"}:
        return 1
    if term.field == "au":
        return _name_words(term.text)
    return len(phrase_words(term)) + (NAME_COST if term.field == "all" else 0)


def _name_words(name: str) -> int:
    """What a name costs: more than usual where it has more words than most names."""
    return NAME_COST + max(0, len(re.findall(r"\w+", name)) - _USUAL_NAME_WORDS)


def _prefixes(node: Node) -> Iterator[str]:
    """The prefixes of a query, without their `*`; in a name, of its family name."""
    for term in all_terms(node):
        if term.field == "au":
            if term.text.endswith("*"):
                yield term.text.removesuffix("*").split()[-1] if term.text.strip("* ") else ""
        elif term.field not in {"cat", "has"}:
            yield from (word.text for word in phrase_words(term) if word.prefix)
