"""Frequent phrases in the titles of the newest papers, to complete and to suggest topics."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest

from sqlmodel import Session

from digest.caching import BoundedCache
from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.db.papers import quality_figures
from digest.services.preview import topic_counts
from digest.text.folding import fold_text
from digest.text.tex import readable
from digest.text.tokens import is_weighted, stem

_PAPERS = 5000  # the newest, whose titles are read
_MIN_PAPERS = 3  # titles that have a phrase
_MAX_WORDS = 4
_PIECE = re.compile(r"[:;,.?!()\[\]\"“”—–/]|\s-\s")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_NO_ENDS = frozenset(
    (
        "approach", "approaches", "application", "applications", "based", "beyond", "case", "framework", "frameworks",
        "method", "methods", "new", "novel", "rethinking", "study", "taking", "toward", "towards", "using", "via",
    )
)  # fmt: skip
_EXTENDED = 0.7  # a phrase is left out where a longer one is in so large a part of its titles


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as it is written most, and in how many titles it is. `stems`: equal for its other forms."""

    text: str
    papers: int
    stems: tuple[str, ...]


class PhraseList:
    """Phrases in alphabetical order, to be completed from what they begin with."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._phrases = sorted(phrases, key=lambda phrase: fold_text(phrase.text))
        self._keys = [fold_text(phrase.text) for phrase in self._phrases]
        self.papers_by_stems = {phrase.stems: phrase.papers for phrase in self._phrases}

    def __len__(self) -> int:
        return len(self._phrases)

    def completions(self, beginning: str, limit: int) -> list[Phrase]:
        """The most frequent phrases that begin so; of equally frequent ones the longer first."""
        key = " ".join(fold_text(beginning).split())
        start, end = bisect_left(self._keys, key), bisect_left(self._keys, key + "\U0010ffff")
        best = nlargest(2 * limit, self._phrases[start:end], key=lambda phrase: (phrase.papers, len(phrase.stems)))
        return [phrase for phrase in best if not any(_extends(other, phrase) for other in best)][:limit]


def _extends(longer: Phrase, phrase: Phrase) -> bool:
    """True where nearly all titles that have a phrase have this longer one."""
    begins = longer.stems[: len(phrase.stems)] == phrase.stems and longer is not phrase
    return begins and longer.papers >= _EXTENDED * phrase.papers


_lists: BoundedCache[PhraseList] = BoundedCache(max_entries=2, max_bytes=16 << 20, size_of=lambda p: 300 * len(p))


def recent_phrases(session: Session) -> PhraseList:
    """The phrases of the newest papers' titles; made once for each change of the papers."""
    return _lists.get(str(engine().url), lambda: _count(session), version=store.newest_batch(session))


def _count(session: Session) -> PhraseList:
    papers = topic_counts.recent_paper_ids(session, _PAPERS)
    return count_phrases(title for _, title, _ in quality_figures.paper_texts(session, papers))


def count_phrases(titles: Iterable[str]) -> PhraseList:
    """The phrases that several titles have."""
    papers: Counter[tuple[str, ...]] = Counter()
    forms: dict[tuple[str, ...], Counter[str]] = {}
    for title in titles:
        for stems, text in dict(text_phrases(title)).items():
            papers[stems] += 1
            forms.setdefault(stems, Counter())[text] += 1
    return PhraseList(
        Phrase(max(forms[stems].items(), key=lambda item: (item[1], item[0]))[0], count, stems)
        for stems, count in papers.items()
        if count >= _MIN_PAPERS
    )


def text_phrases(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The phrases of one to four words, (stems, as written), that begin and end with telling words."""
    for piece in _PIECE.split(readable(text)):
        words = [_lower(word) for word in _WORD.findall(piece)]
        telling = [_is_telling(word) for word in words]
        for start in range(len(words)):
            for end in range(start + 1, min(start + _MAX_WORDS, len(words)) + 1):
                if telling[start] and telling[end - 1]:
                    yield _stems(words[start:end]), " ".join(words[start:end])


def _stems(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(stem(part) for word in words for part in re.split(r"[-'’]", fold_text(word)) if part)


def _is_telling(word: str) -> bool:
    folded = fold_text(word)
    is_word = len(word) > 1 and (word.isascii() or sum(map(str.isalpha, word)) > 1)  # no symbol such as φ₀
    return is_word and is_weighted(folded) and not folded.isdigit() and folded not in _NO_ENDS


def _lower(word: str) -> str:
    """Lower case, except for parts that are acronyms or have capitals or digits inside (LLM-based, AlphaFold, 3D)."""
    return "".join(part if _is_name(part) else part.lower() for part in re.split(r"([-'’])", word))


def _is_name(part: str) -> bool:
    return sum(character.isupper() for character in part) > 1 or any(character.isdigit() for character in part)
