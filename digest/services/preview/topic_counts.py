"""The number of papers of each topic of a preview, and a correction for a topic without any."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from sqlmodel import Session

from digest import clock
from digest.caching import BoundedCache
from digest.compose.edition import Content
from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.db.papers import quality_figures
from digest.errors import BadQuery
from digest.matching.profile import Profile
from digest.matching.query.language import parse
from digest.matching.query.syntax_tree import all_terms
from digest.services.catalog import announcements
from digest.services.catalog.page_schemas import TopicCount

MAX_WORDS_CORRECTED = 8  # unknown words that a preview compares with all others, which takes about 2 ms each
MAX_MATCHED_ALONE = 3  # silent topics that are matched again by themselves, where a day has more papers than are shown
_PAPERS, _ANNOUNCEMENTS = 1000, 14  # the newest papers, whose words are the vocabulary for suggestions
_FREQUENT = 2  # papers in which a word must occur to be suggested
_WORD = re.compile(r"[^\W\d_]{4,}(?![:*\w])")
_OPERATORS = {"ANDNOT"}
_TEXT_FIELDS = {"", "ti", "abs"}
_SIMILAR = 0.8  # ratio of difflib
_vocabularies: BoundedCache[Mapping[str, int]] = BoundedCache(
    max_entries=2, max_bytes=32 << 20, size_of=lambda words: 100 * len(words)
)

_corrections: BoundedCache[str] = BoundedCache(max_entries=4096, max_bytes=1 << 20, size_of=lambda _: 200)

MakeContents = Callable[[Profile], Sequence[Content]]


def topic_counts(
    session: Session, profile: Profile, contents: Sequence[Content], contents_of: MakeContents, newest_batch: int
) -> tuple[TopicCount, ...]:
    """The papers of each topic on the days of a preview. `contents_of`: the same days for another profile.

    `newest_batch`: the last one that the preview's papers were read after.

    Where a day has more papers than were looked at, counts are minimums; then a topic without any is matched alone.
    """
    counts = Counter(index for content in contents for entry in content.entries for index, _ in entry.matched)
    is_capped = any(content.more for content in contents)
    counted, matched_alone, spelling = [], 0, SpellingCorrector(session, newest_batch)
    for index, topic in enumerate(profile.topics):
        count, is_minimum = counts[index], is_capped
        if count == 0 and is_capped and matched_alone < MAX_MATCHED_ALONE:
            matched_alone += 1
            count, is_minimum = _count_alone(profile, index, contents_of), False
        suggestion = spelling.correct(topic.text) if count == 0 and not is_minimum else ""
        counted.append(TopicCount(topic.text, count, is_minimum, suggestion))
    return tuple(counted)


def _count_alone(profile: Profile, index: int, contents_of: MakeContents) -> int:
    """The papers of a topic where the profile has no other one."""
    single = replace(profile, topics=(profile.topics[index],), authors=(), examples=None, limit=1)
    return sum(len(content.entries) + content.more for content in contents_of(single))


def prepare_suggestions(session: Session, newest_batch: int) -> None:
    """Count the words for suggestions, so that no preview has to."""
    _vocabulary(session, newest_batch)


def suggest(session: Session, topic: str) -> str:
    """The topic with its misspelled words corrected; empty where every word occurs in a paper or none is similar."""
    return SpellingCorrector(session, store.newest_batch(session)).correct(topic)


class SpellingCorrector:
    """Corrects the misspelled words of a few topics: of all together the first `MAX_WORDS_CORRECTED` unknown ones."""

    def __init__(self, session: Session, newest_batch: int) -> None:
        self._session, self._newest_batch = session, newest_batch
        self._corrections: dict[str, str] = {}

    def correct(self, topic: str) -> str:
        """As `suggest`. Only words of title and abstract are corrected, so a topic with another field is left alone."""
        if not _is_text_only(topic):
            return ""
        corrected = _WORD.sub(lambda match: self._correct_word(match[0]), topic)
        return corrected if corrected != topic else ""

    def _correct_word(self, word: str) -> str:
        folded, vocabulary = word.casefold(), self._vocabulary
        if word in _OPERATORS or folded in vocabulary:
            return word
        if folded not in self._corrections and len(self._corrections) < MAX_WORDS_CORRECTED:
            self._corrections[folded] = _corrections.get(
                (engine().url, folded, self._newest_batch), lambda: _similar(folded, vocabulary)
            )
        return self._corrections.get(folded) or word

    @cached_property
    def _vocabulary(self) -> Mapping[str, int]:
        return _vocabulary(self._session, self._newest_batch)


def _is_text_only(topic: str) -> bool:
    """True where a topic looks only into titles and abstracts."""
    try:
        return all(term.field in _TEXT_FIELDS for term in all_terms(parse(topic).root))
    except BadQuery:
        return False


def _similar(folded: str, vocabulary: Mapping[str, int]) -> str:
    """The most similar word; '' for none."""
    candidates = [
        other
        for other, papers in vocabulary.items()
        if papers >= _FREQUENT and abs(len(other) - len(folded)) <= 2 and set(other[:2]) & set(folded[:2])
    ]
    close = difflib.get_close_matches(folded, candidates, n=1, cutoff=_SIMILAR)
    return close[0] if close else ""


def _vocabulary(session: Session, newest_batch: int) -> Mapping[str, int]:
    """The words of the newest papers, and how many of these each occurs in."""
    return _vocabularies.get((engine().url, newest_batch), lambda: _count_words(session))


def recent_paper_ids(session: Session, limit: int) -> list[int]:
    """The papers of the newest 14 announcements, at most `limit`."""
    current = store.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date())
    window = store.announcement_window(session, current, _ANNOUNCEMENTS) if current else []
    return [paper.id for day in announcements.announcement_days(session, window) for paper in day.papers][:limit]


def _count_words(session: Session) -> Mapping[str, int]:
    words: Counter[str] = Counter()
    for _, title, abstract in quality_figures.paper_texts(session, recent_paper_ids(session, _PAPERS)):
        words.update({match.casefold() for match in _WORD.findall(f"{title} {abstract}")})
    return words
