"""Tokens: equal words of papers and queries become equal, however they are written.

TeX is removed, text is folded, hyphens separate, closed compounds are split, and each word gets its English stem.
The rules, examples first, are in docs/MATCHING.md.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import Stemmer

from digest.text.folding import GREEK, fold_text
from digest.text.line_end_hyphens import rejoin_hyphenated
from digest.text.separate_stems import separate_stem
from digest.text.tex_words import without_tex
from digest.text.word_tables import (
    CLOSED_COMPOUNDS,
    FALSE_COMPOUND,
    FIRST_PARTS,
    IRREGULAR_FORMS,
    ISE_ROOTS,
    STOP_WORDS,
    UNSTEMMED,
)


class Token(NamedTuple):
    """One folded word of a text, and its stem.

    A compound written as one word is split; its first part also has the `whole` word, which spans `span` tokens.
    """

    word: str
    stem: str
    whole: str = ""
    span: int = 1


# To be raised with every change of tokens, stems or terms of the search index (a test compares): then the index, the
# word counts, the thresholds and contexts of topics by these counts, and stored terms of profiles are computed again.
TERM_RULES = 2

CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
POSSESSIVE = re.compile(r"(?<=[^\W_])'s(?![^\W_])")
APOSTROPHE = re.compile(r"(?<=[^\W_])'(?=[^\W_])")
WORD = re.compile(
    r"(?<![^\W_])[a-z](?:\+\+|\#|\*(?![^\W_]))"  # C++, C#, A*
    r"|[^\W_]+(?:(?<=\d)\.\d[^\W_]*)*"  # words and numbers; 2.5 stays whole
)
_RUN = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)*")
_VOWEL = re.compile(r"[aeiouy]")
_ISE = re.compile(r"(\w+)is(e|es|ed|er|ers|ing|ation|ations|able)$")

TEX = re.compile(r"[\\$^_{}~]")

# LambdaCDM: the name of a Greek letter, then an acronym, in which no word ends (deltas, gammas end in one letter).
_GREEK_ACRONYM = re.compile(
    rf"({'|'.join(name for name in GREEK.values() if len(name) > 3)})([b-df-hj-np-tv-xz]{{2,5}})"
)

_SECOND_PARTS = frozenset(second for _, second in CLOSED_COMPOUNDS)
_LOCK = threading.Lock()
_SNOWBALL = Stemmer.Stemmer("english", 0)


def tokens(text: str) -> list[Token]:
    """The words of a text in order. Never raises; empty for a text without words."""
    return [token for word in whole_words(text) for token in split_compound(word)]


def whole_words(text: str) -> list[str]:
    """The words of a text in order, before compounds are split; open forms of closed compounds are joined: data set."""
    found_words = words(text)
    seconds = [index for index, is_second in enumerate(map(_SECOND_PARTS.__contains__, found_words)) if is_second]
    for index in reversed(seconds):
        if index and is_joined(found_words[index - 1], found_words[index]):
            found_words[index - 1 : index + 1] = [found_words[index - 1] + found_words[index]]
    return found_words


def is_joined(first: str, second: str) -> bool:
    """True for adjacent words that are one word, as they are nearly always written: data set."""
    return (first, second) in CLOSED_COMPOUNDS


def words(text: str) -> list[str]:
    """The folded words of a text as written: hyphens separate, closed compounds stay closed."""
    text = rejoin_hyphenated(text)
    folded = fold_text(without_tex(text) if TEX.search(text) else text)
    if "'" in folded:
        folded = APOSTROPHE.sub("", POSSESSIVE.sub("", folded))
    if not folded.isascii():
        folded = CJK.sub(r" \g<0> ", folded)
    return WORD.findall(folded)


@lru_cache(maxsize=1 << 15)
def stem(word: str) -> str:
    """The English Snowball stem of a folded word; the tables and `separate_stems` know where another one is better."""
    if word in UNSTEMMED:
        return word
    if word in IRREGULAR_FORMS:
        return stem(IRREGULAR_FORMS[word])
    if not (word.isascii() and word.isalpha()) or (len(word) <= 3 and word.endswith("s")):
        return word
    if word.endswith("s") and not word.endswith("ss") and not _VOWEL.search(word):  # LLMs, GNNs, SVMs
        return word[:-1]
    british = _ISE.fullmatch(word)
    if british and british[1] in ISE_ROOTS:
        word = f"{british[1]}iz{british[2]}"
    with _LOCK:  # a Stemmer is not safe to share between threads
        snowball_stem = str(_SNOWBALL.stemWord(word))
    return separate_stem(word, snowball_stem)


@lru_cache(maxsize=1 << 12)
def is_weighted(word: str) -> bool:
    """True for a word that counts in ranking: not a stop word, a single letter or a single digit."""
    return word not in STOP_WORDS and (len(word) > 1 or not word.isascii())


@lru_cache(maxsize=1 << 15)
def split_compound(word: str) -> tuple[Token, ...]:
    """A word's tokens: split between letters and digits (GPT4), and within a closed compound (multiagent)."""
    if word.isalpha():
        parts = _split_closed(word)
    elif word.isalnum() or "." in word:
        parts = _letters_and_digits(word)
    else:
        parts = (word,)
    if len(parts) == 1:
        return (Token(parts[0], stem(parts[0])),)
    first_token, *other_tokens = (Token(part, stem(part)) for part in parts)
    return (Token(first_token.word, first_token.stem, word, len(parts)), *other_tokens)


def _letters_and_digits(word: str) -> tuple[str, ...]:
    """GPT4 is GPT 4; runs of one or two letters stay with their digits: 3D, L2, H2O, 4o."""
    runs: list[str] = []
    for run in _RUN.findall(word):
        is_long = run.isalpha() and len(run) > 2
        if runs and not is_long and not (runs[-1].isalpha() and len(runs[-1]) > 2):
            runs[-1] += run
        else:
            runs.append(run)
    return tuple(part for run in runs for part in (_split_closed(run) if run.isalpha() else (run,)))


def _split_closed(word: str) -> tuple[str, ...]:
    """The parts of a closed compound; for any other word the word itself."""
    if word in _compounds():
        return _compounds()[word]
    if greek_match := _GREEK_ACRONYM.fullmatch(word):
        return greek_match[1], greek_match[2]
    for first in FIRST_PARTS:
        if word.startswith(first) and len(word) >= len(first) + 4 and not FALSE_COMPOUND.match(word):
            return first, word[len(first) :]
    return (word,)


@lru_cache(maxsize=1)
def _compounds() -> dict[str, tuple[str, ...]]:
    """Parts of compounds that abstracts write closed and hyphenated, by closed form (`hyphenated_compounds.txt`)."""
    lines = (files("digest.text") / "hyphenated_compounds.txt").read_text("ascii").split()
    return {line.replace("-", ""): tuple(line.split("-")) for line in lines}
