"""Choose the sentences of an abstract that a mail or page shows: what the paper did, then the matched words.

An excerpt consists of whole sentences; an opening such as `To this end,` that refers to what is not shown is dropped.
Only a sentence that is longer than its room is cut: at its end, and where the matched words stand far behind in it also
before the clause with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from digest.compose.text.sentence_scores import DOCUMENT_NOUNS, Sentence, only_announces
from digest.compose.text.text_wrapping import shorten, without_dangling_words

TARGET_LENGTH, MAX_LENGTH = 220, 330  # characters: sentences are added up to TARGET_LENGTH, never past MAX_LENGTH
MAX_LEAD_LENGTH = 420  # of one sentence that states the contribution; 1 of 60 is longer and is cut
LONG_WORDS_PENALTY = 1.5  # of a score, for a sentence that is cut because of a run of long words
MIN_LENGTH = 110  # a shorter excerpt gets the next sentence, whatever that says
MATCH_LENGTH = 220  # characters of the part of a sentence longer than MAX_LENGTH that is added for its matched words
_LEAD_SHARE = 2 / 3  # of these characters may precede the matched words in a part that begins at a clause

_CONNECTIVE = re.compile(
    rf"^(?:(?:(?:in order )?to (?:\w+ly |further |better )?\w+|based on|building (?:on|upon)|guided by|given|under|"
    rf"motivated by|inspired by|driven by|informed by|leveraging|with|in (?:response|contrast|addition) to|"
    rf"in (?:line|keeping) with|in (?:light|view) of) "
    rf"(?:this|these|those|such|that|the above|the previous)\b[^,.;:]{{0,40}}|"
    rf"(?:in order )?to \w+ the (?:challenges?|problems?|issues?|gaps?|limitations?)|as such|"
    rf"(?:to|towards?) (?:this|that) (?:end|goal)|"
    rf"(?:by|in) contrast|instead|however|specifically|(?:more specifically|in particular)|moreover|furthermore|"
    rf"additionally|in addition|first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly|then|"
    rf"(?:more|most) importantly|therefore|thus|hence|consequently|accordingly|in response|"
    rf"in this (?:\w+ )?(?:{DOCUMENT_NOUNS}|context|regard|respect|direction|spirit|vein))\s*,\s*(?=\w)",
    re.I,
)
# where a clause begins: behind a semicolon, colon or dash; else behind a comma or before a conjunction
_CLAUSE_STARTS = (
    re.compile(r"(?:[;:—]|\s[–-])\s+"),
    re.compile(r",?\s+(?:and|but)\s+|,\s+|\s+(?=(?:because|that|where|whereas|which|while)\s)"),
)
# SpamAssassin's LONGWORDS (2.2 points) needs two of these three anywhere in a mail; such runs read badly too
_LONG_RUNS = tuple(re.compile(rf"\b(?:[a-z]{{{least},}}[\s.]+){{{run}}}") for least, run in ((8, 6), (6, 9), (5, 10)))


class TextSpan(Protocol):
    """A place in a text, as `re.Match` has it."""

    def start(self) -> int:
        """The offset of its first character."""

    def end(self) -> int:
        """The offset behind its last character."""


class WordFinder(Protocol):
    """Finds matched words in a text; a compiled `re.Pattern` is one."""

    def finditer(self, string: str, /) -> Iterator[TextSpan]:
        """The places of the words, in order."""


def excerpt(sentences: Sequence[Sentence]) -> str:
    """The sentence that best states the contribution, and the next ones while there is room and they say more.

    `sentences`: of an abstract, in order, with their scores (`sentence_scores.scored_sentences`).
    """
    whole = " ".join([sentence.text for sentence in sentences])
    if len(whole) <= TARGET_LENGTH and not _has_long_words(whole):
        return whole
    best = _best_place(sentences)
    text = _fitted(without_connective(sentences[best].text), MAX_LEAD_LENGTH)
    for sentence in sentences[best + 1 : best + 3]:
        dull = sentence.score < 0 and (len(text) >= MIN_LENGTH or only_announces(sentence.text))
        if (
            dull
            or text.endswith("…")
            or len(text) >= TARGET_LENGTH
            or len(text) + 1 + len(sentence.text) > MAX_LENGTH
            or _has_long_words(f"{text} {sentence.text}")
        ):
            break
        text = f"{text} {sentence.text}"
    return text


def excerpt_with_words(sentences: Sequence[Sentence], finders: Sequence[WordFinder]) -> str:
    """The sentence that best states the contribution, and for each finder a sentence in which it finds its words.

    Without such sentences the result is `excerpt(sentences)`.
    """
    if not sentences:
        return ""
    best = _best_place(sentences)
    lead = {best: _fitted(without_connective(sentences[best].text), MAX_LEAD_LENGTH)}
    texts_by_place = dict(lead)
    for finder in finders:
        if not any(finds_words(finder, text) for text in texts_by_place.values()):
            texts_by_place |= _best_match(sentences, best, finder, texts_by_place)
    return _joined(texts_by_place, best) if texts_by_place != lead else excerpt(sentences)


def _best_place(sentences: Sequence[Sentence]) -> int:
    """The place of the sentence that best states the contribution; one that would be cut gives way to a near one."""
    best = max(range(len(sentences)), key=lambda place: sentences[place].score)
    if not _has_long_words(sentences[best].text):
        return best
    return max(
        range(len(sentences)),
        key=lambda place: sentences[place].score - LONG_WORDS_PENALTY * _has_long_words(sentences[place].text),
    )


def finds_words(finder: WordFinder, text: str) -> bool:
    """True if the text holds any of the finder's words."""
    return any(True for _ in finder.finditer(text))


def _best_match(
    sentences: Sequence[Sentence], best: int, finder: WordFinder, texts_by_place: Mapping[int, str]
) -> dict[int, str]:
    """The place and the text of the best sentence that shows the finder's words, {} for none.

    The sentence behind the one at `best` is preferred, and one that need not be cut. `texts_by_place`: those so far;
    a text whose sentence has the words where it was cut is continued.
    """
    candidates: list[tuple[float, int, str]] = []
    for place, sentence in enumerate(sentences):
        span = next(iter(finder.finditer(sentence.text)), None)
        if span is None:
            continue
        follows = place == best + 1
        text = _part_with_words(sentence.text, span, has_opening=follows)
        if place in texts_by_place:
            part = text if text.startswith("…") else _clause_with_words(sentence.text, span)
            text = f"{texts_by_place[place].removesuffix('…')} {part}"
        flaws = 1.5 * ("…" in (text[0], text[-1])) + 3.0 * _has_long_words(text)
        candidates.append((sentence.score + 1.0 * follows - flaws, -place, text))
    if not candidates:
        return {}
    _, place, text = max(candidates)
    return {-place: text}


def _part_with_words(sentence: str, span: TextSpan, *, has_opening: bool) -> str:
    """The sentence; of a long one its beginning, or the clause with the words at `span` where they stand far behind.

    `has_opening`: with an opening such as `To this end,`.
    """
    text = sentence if has_opening else without_connective(sentence)
    end = span.end() - len(sentence) + len(text)
    if end <= span.end() - span.start():  # the words stand in the opening
        text, end = sentence, span.end()
    if len(text) <= MAX_LENGTH:
        return _fitted(text, MAX_LENGTH, end)
    return _fitted(text, MATCH_LENGTH, end) if end < MATCH_LENGTH else _clause_with_words(sentence, span)


def _clause_with_words(sentence: str, span: TextSpan) -> str:
    """The part of a long sentence that has the words at `span`, from a clause's beginning where one is near enough."""
    earliest = max(0, span.end() - int(MATCH_LENGTH * _LEAD_SHARE))
    for pattern in _CLAUSE_STARTS:
        for clause in pattern.finditer(sentence, earliest, span.start()):
            if not _is_in_parentheses(sentence, clause.end()):
                return f"… {_fitted(sentence[clause.end() :], MATCH_LENGTH - 2, span.end() - clause.end())}"
    start = min(sentence.find(" ", earliest, span.start()) + 1 or span.start(), span.start())
    return f"… {_fitted(sentence[start:], MATCH_LENGTH - 2, span.end() - start)}"


def _is_in_parentheses(text: str, offset: int) -> bool:
    """True for an offset within parentheses."""
    return text.count("(", 0, offset) > text.count(")", 0, offset)


def _joined(texts_by_place: Mapping[int, str], best: int) -> str:
    """The sentences, that at `best` first, with an ellipsis where others lie between two."""
    text = texts_by_place[best]
    before = best
    for place in sorted(texts_by_place.keys() - {best}):
        has_ellipsis = place == before + 1 or text.endswith("…") or texts_by_place[place].startswith("…")
        gap = " " if has_ellipsis else " … "
        text, before = f"{text}{gap}{texts_by_place[place]}", place
    return text


def without_connective(sentence: str) -> str:
    """The sentence without an opening such as `To this end,` that refers to what is not shown."""
    remainder = sentence
    while match := _CONNECTIVE.match(remainder):
        remainder = remainder[match.end() :]
    return remainder[:1].upper() + remainder[1:]


def _fitted(sentence: str, room: int, min_kept: int = 0) -> str:
    """The sentence, cut at a word with an ellipsis where it is longer than the room or has a run of long words.

    `min_kept`: characters from its beginning that are kept in any case.
    """
    text = sentence
    if len(text) > room:
        blank = text.find(" ", min_kept)
        least = blank if blank >= 0 else len(text)
        text = shorten(text, max(room, least + 2))
    for run in _LONG_RUNS:
        if match := run.search(f"{text} "):  # the word that completes the run goes
            end = match.start() + max(match[0].rstrip(" .").rfind(" "), 0)
            text = f"{without_dangling_words(text[:end])}…" if end >= min_kept else text
    return _without_open_parenthesis(text, max(min_kept, len(text) // 2)) if text.endswith("…") else text


def _without_open_parenthesis(text: str, least: int) -> str:
    """A cut text, cut before a parenthesis that it leaves open, unless less than `least` characters would remain."""
    opening = max(text.rfind("("), text.rfind("["))
    if opening <= max(text.rfind(")"), text.rfind("]"), least):
        return text
    return without_dangling_words(text[:opening]).rstrip(" ,;:–-") + "…"


def _has_long_words(text: str) -> bool:
    """True for a text with runs of long words that spam filters punish."""
    return any(run.search(f"{text} ") for run in _LONG_RUNS)
