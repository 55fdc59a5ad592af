"""Why a paper is in an edition: followed authors, topics with the words that matched, categories, signals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from digest.compose.edition import RISING, Entry
from digest.compose.email.template_context import Recipient
from digest.compose.text.highlighting import fold_for_search
from digest.compose.text.text_wrapping import shorten
from digest.i18n import localize, localize_plural
from digest.matching.scoring.bm25 import words_needed
from digest.matching.trending.trending_score import MIN_SHOWN_COUNTS
from digest.papers.subjects import category_text, with_equivalents
from digest.text import plain_text
from digest.text.person_references import author_name

MAX_COUNT = 1e12
NAMED_TOPICS = 2  # topics that a reason names; the others are counted
one_line = lru_cache(maxsize=8192)(plain_text.one_line)  # topics, names and facts recur in every mail
_COMMON_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "the", "to", "via", "vs")
)
_WORD = re.compile(r"\w+")
_QUERY = re.compile(r"[\":]|\b(?:AND|OR|ANDNOT)\b")
_FIELD = re.compile(r"^(?:ti|abs|au|cat|co|all|inst|venue|has):", re.IGNORECASE)
_ANY_FIELD = re.compile(r"(?<!\w)(?:ti|abs|au|cat|co|all|inst|venue|has):", re.IGNORECASE)
_QUERY_SIGNS = re.compile(r"[\"*()]")
_OPERATOR_WORDS = {"AND": "and", "OR": "or", "ANDNOT": "not"}


class TopicMatch(NamedTuple):
    """A topic by its number in the profile and as typed, the words of it that matched, and if the topic itself did."""

    number: int
    topic: str
    words: tuple[str, ...]
    strict: bool


def reason_line(entry: Entry, recipient: Recipient, category: str, title: str = "") -> str:
    """Why this paper is here; '' for a rising one that nothing matched.

    `category`: see `matching_category`; `title`: the paper's own, which may be that of an example.
    """
    parts = []
    if entry.followed:
        parts.append(
            localize(
                "you follow %(names)s",
                names=localize(" and ").join(one_line(author_name(author)) for author in entry.followed),
            )
        )
    parts += _topic_parts(entry, recipient.topics)
    if entry.example:
        is_itself = fold_for_search(one_line(entry.example)) == fold_for_search(title)
        parts.append(
            localize("one of your example papers") if is_itself else example_part(entry.example, entry.example_words)
        )
    if not parts and entry.section != RISING:
        counts = signal_counts(entry)
        if category:
            parts.append(localize("new in %(field)s", field=category))
        parts += [counts] if counts else []
        parts += [] if parts else [localize("chosen for you")]
    return " · ".join(parts)


def example_part(title: str, words: Sequence[str]) -> str:
    """`like ‘Title’: words`, for a paper that an example paper admits."""
    named = shorten(one_line(title), 60)
    shared = shorten(", ".join(map(one_line, words)), 60)
    return (
        localize("like ‘%(title)s’: %(words)s", title=named, words=shared)
        if shared
        else localize("like ‘%(title)s’", title=named)
    )


def topics_part(topics: str, *, strict: bool) -> str:
    """`matches A`; `close to A` where the paper has words of the topics only."""
    return localize("matches %(topics)s", topics=topics) if strict else localize("close to %(topics)s", topics=topics)


def _topic_parts(entry: Entry, topics: Sequence[str]) -> list[str]:
    """`matches A: words and B`, or `close to C` where no topic matched as written; at most NAMED_TOPICS named."""
    matches = named_topics(entry, topics)
    if not matches:
        return []
    named = localize(" and ").join(_topic_with_words(match.topic, match.words) for match in matches[:NAMED_TOPICS])
    parts = [topics_part(named, strict=matches[0].strict)]
    if (others := len(matches) - NAMED_TOPICS) > 0:
        parts.append(localize_plural("%(n)s more topic", "%(n)s more topics", others))
    return parts


def named_topics(entry: Entry, topics: Sequence[str]) -> list[TopicMatch]:
    """The topics for which the paper is there; a reason names the first NAMED_TOPICS.

    Where a topic matched as written, only such topics: one to which the paper merely comes close is not why it was
    chosen. Of a close paper, only topics of whose words it holds as many as a close paper needs, if there are any: a
    paper on galaxy formation is not close to *cosmic microwave background* by the word *cosmic*. Beside a followed
    author, a topic of which only some words are there is left out for the same reason.
    """
    matches = [(index, words) for index, words in entry.matched if 0 <= index < len(topics)]
    strict_flags = [entry.strict and is_strict(topics[index], words) for index, words in matches]
    if entry.strict and not any(strict_flags):
        strict_flags = [True] * len(strict_flags)
    all_matches = [
        TopicMatch(index, topics[index], words, strict)
        for (index, words), strict in zip(matches, strict_flags, strict=True)
    ]
    if any(strict_flags):
        return [match for match in all_matches if match.strict]
    if entry.followed:
        return [match for match in all_matches if _missing_words(match.topic, match.words) <= 0]
    return [match for match in all_matches if _holds_words(match.topic, match.words)] or all_matches


@lru_cache(maxsize=8192)
def is_strict(topic: str, words: tuple[str, ...]) -> bool:
    """True if the topic itself matched, not only some of its words.

    A query matches strictly or not at all; plain words match strictly as a phrase, which is then the matched term.
    """
    if _QUERY.search(topic):
        return True
    phrase = _WORD.findall(fold_for_search(one_line(topic)))
    return any(_WORD.findall(fold_for_search(one_line(word))) == phrase for word in words)


@lru_cache(maxsize=8192)
def _holds_words(topic: str, words: tuple[str, ...]) -> bool:
    """True if so many words matched as a close paper holds of the topic."""
    count = len(_topic_words(topic))
    return _missing_words(topic, words) <= count - words_needed(count)


@lru_cache(maxsize=8192)
def _missing_words(topic: str, words: tuple[str, ...]) -> int:
    """How many more words the topic has than matched, common ones aside; 0 or less for none."""
    matched_words = {part for word in words for part in _WORD.findall(fold_for_search(word))}
    return len(_topic_words(topic)) - len(matched_words - _COMMON_WORDS)


def _topic_words(topic: str) -> set[str]:
    """The words of a topic without common ones."""
    return set(_WORD.findall(fold_for_search(one_line(topic)))) - _COMMON_WORDS


def plain_topic(topic: str) -> str:
    """A topic in one line; of a query without quotes, stars and fields: `cs.CL and machine translation`."""
    line = one_line(topic)
    if not _QUERY.search(line):
        return line
    for operator, word in _OPERATOR_WORDS.items():
        line = line.replace(f" {operator} ", f" {word} ")
    return one_line(_QUERY_SIGNS.sub("", _ANY_FIELD.sub("", line)))


def matching_category(subscribed: Iterable[str], categories: Sequence[str]) -> str:
    """The first category of the paper that the subscriber chose (`cs` holds `cs.LG`); the paper's first if none is."""
    names = [one_line(category[:40]) for category in categories[:12]]
    archives = [category.removesuffix(".*").lower() for category in with_equivalents(subscribed)]
    for name in names:
        if any(name.lower() == archive or name.lower().startswith(f"{archive}.") for archive in archives):
            return category_text(name)
    return category_text(names[0]) if names else ""


def rising_line(entry: Entry) -> str:
    """The reason of a rising paper, with an arrow; '' in the other sections."""
    if entry.section != RISING:
        return ""
    return f"↑ {one_line(entry.reason).removeprefix('↑').strip() or signal_counts(entry) or localize('rising')}"


@lru_cache(maxsize=8192)
def _topic_with_words(typed: str, words: tuple[str, ...]) -> str:
    """A topic as typed, with the words that matched where they say more than the topic does; of a query the words."""
    topic = shorten(one_line(typed), 60)
    folded = fold_for_search(topic)
    lines = [one_line(word) for word in words]
    if lines and _QUERY.search(topic):
        return shorten(", ".join(_plain_term(line) for line in lines), 60)
    if not lines or (all(fold_for_search(word) in folded for word in lines) and len(" ".join(lines)) >= len(topic) - 4):
        return topic
    return f"{topic}: {shorten(', '.join(lines), 60)}"


def _plain_term(term: str) -> str:
    """A term of a query as people read it: `ti:"diffusion model*"` is `diffusion model`."""
    return _FIELD.sub("", term).strip("\"'* ") or term


def signal_counts(entry: Entry) -> str:
    """Counters in words, without small ones (`MIN_SHOWN_COUNTS`): `41 votes, 120 stars`."""
    wordings: dict[str, Callable[[int], str]] = {
        "upvotes": lambda n: localize_plural("%(n)s vote", "%(n)s votes", n),
        "stars": lambda n: localize_plural("%(n)s star", "%(n)s stars", n),
        "comments": lambda n: localize_plural("%(n)s comment", "%(n)s comments", n),
        "citations": lambda n: localize_plural("%(n)s citation", "%(n)s citations", n),
        "rank": lambda n: localize("number %(n)s on the trending page", n=n),
    }
    counts = {
        name: round(value)
        for name, value in entry.signals
        if name in wordings and MIN_SHOWN_COUNTS.get(name, 1) <= round(min(value, MAX_COUNT)) < MAX_COUNT
    }
    return ", ".join(wording(counts[name]) for name, wording in wordings.items() if name in counts)
