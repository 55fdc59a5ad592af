"""Suggests topics while a subscriber types: completions, a correction, an author, parts, or topics from a long text."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from heapq import nlargest

from sqlmodel import Session

from digest.db.core.engine import reading
from digest.db.papers import paper_search
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.i18n import localize, localize_plural
from digest.matching.query import language
from digest.matching.query.parser import is_query
from digest.matching.scoring import index_terms
from digest.papers import author_key
from digest.services.catalog import epochs
from digest.services.preview import recent_phrases, topic_counts
from digest.services.preview.recent_phrases import PhraseList
from digest.text.folding import fold_text
from digest.text.plain_text import one_line
from digest.text.tokens import is_weighted

MAX_TEXT = 5000  # characters of a text that are read
LONG_TEXT_WORDS = 15  # from so many on a text is not a topic
_COMPLETIONS, _TOPICS = 6, 6
_MIN_LENGTH, _MIN_CORRECTED = 2, 6  # characters typed
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){1,3}")
_SEPARATOR = re.compile(r"\s*[;,]\s*")
_CANDIDATES = 40  # phrases of a text that are looked up
_MIN_PAPERS = 3  # that must have a phrase
_PHRASE_WEIGHT = 3  # of a phrase beside a word


@dataclass(frozen=True, slots=True)
class TopicSuggestion:
    """Topics to take instead of what was typed. `label`: what to show; `note`: why."""

    topics: tuple[str, ...]
    label: str
    note: str = ""


def suggest_topics(typed: str) -> list[TopicSuggestion]:
    """Suggestions for a text in the topics field, best first; none for a query or a text of one letter."""
    text = one_line(typed[:MAX_TEXT]).strip()
    with reading() as session:
        phrases = recent_phrases.recent_phrases(session)
        if len(text.split()) >= LONG_TEXT_WORDS:
            paper_search.prefer_index(session)
            return _from_text(session, text, phrases)
        if len(text) < _MIN_LENGTH or is_query(text):
            return []
        suggestions = [*_parts(text), *_author(session, text), *_completions(text, phrases)]
        return suggestions or _correction(session, text)


def _completions(text: str, phrases: PhraseList) -> list[TopicSuggestion]:
    return [
        TopicSuggestion(
            (phrase.text,),
            phrase.text,
            localize_plural("in %(n)s recent title", "in %(n)s recent titles", phrase.papers),
        )
        for phrase in phrases.completions(text, _COMPLETIONS + 1)
        if phrase.text.casefold() != text.casefold()
    ][:_COMPLETIONS]


def _correction(session: Session, text: str) -> list[TopicSuggestion]:
    corrected = topic_counts.suggest(session, text) if len(text) >= _MIN_CORRECTED else ""
    return [TopicSuggestion((corrected,), corrected, localize("did you mean this?"))] if corrected else []


def _author(session: Session, text: str) -> list[TopicSuggestion]:
    """The author of stored papers who has exactly this name."""
    if not _NAME.fullmatch(text):
        return []
    papers_of_author = store.by_author(session, [author_key(text)], 1)
    if not papers_of_author:
        return []
    key = author_key(text)
    name = next((author for author in papers_of_author[0][1].authors if author_key(author) == key), text)
    plain = name.replace('"', "")
    return [TopicSuggestion((f'au:"{plain}"',), plain, localize("did you mean the author?"))]


def _parts(text: str) -> list[TopicSuggestion]:
    parts = tuple(dict.fromkeys(part for part in _SEPARATOR.split(text) if part))
    if len(parts) < 2 or "(" in text:
        return []
    return [TopicSuggestion(parts, " · ".join(parts), localize("split into %(n)s topics?", n=len(parts)))]


def _from_text(session: Session, text: str, phrases: PhraseList) -> list[TopicSuggestion]:
    """Up to six topics of a text, such as an abstract: phrases of rare words that papers have, none inside another."""
    weights = epochs.weights(runs.newest_epoch(session))
    counts: Counter[tuple[str, ...]] = Counter()
    forms: dict[tuple[str, ...], str] = {}
    for stems, written in recent_phrases.text_phrases(text):
        counts[stems] += 1
        forms.setdefault(stems, written)
    rarity = {stems: sum(map(weights.idf, stems)) * (1 + math.log(counts[stems])) for stems in counts}
    possible = [stems for stems in counts if stems in phrases.papers_by_stems or _is_compact(stems, forms[stems])]
    candidates = nlargest(_CANDIDATES, possible, key=lambda stems: (len(stems) > 1 or counts[stems] > 1, rarity[stems]))
    papers = {
        stems: max(_papers_with(session, forms[stems]), phrases.papers_by_stems.get(stems, 0)) for stems in candidates
    }
    weight = {
        stems: rarity[stems] * (_PHRASE_WEIGHT if len(stems) > 1 else 1)
        for stems in candidates
        if papers[stems] >= _MIN_PAPERS
    }
    topics: list[tuple[str, ...]] = []
    for stems in sorted(weight, key=lambda stems: (-weight[stems], stems)):
        if len(topics) < _TOPICS and not any(set(stems) & set(other) for other in topics):
            topics.append(stems)
    return [TopicSuggestion((forms[stems],), forms[stems], localize("from this text")) for stems in topics]


def _is_compact(stems: tuple[str, ...], written: str) -> bool:
    """True for up to three words without a stop word among them."""
    return len(stems) <= 3 and all(is_weighted(word) for word in fold_text(written).split())


def _papers_with(session: Session, phrase: str) -> int:
    """How many stored papers have the phrase; counted to _MIN_PAPERS only."""
    query = index_terms.lookup(language.parse(phrase).root).query
    return paper_search.count_documents(session, query, limit=_MIN_PAPERS)
