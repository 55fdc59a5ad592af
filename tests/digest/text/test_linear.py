"""Every function of text takes work in proportion to the text: twice the input, at most 2.5 times the steps.

Steps are counted, not timed: lines of Python and calls of C. C calls that may take more than linear time are tested
apart below: runs of combining marks, which normalising sorts by insertion, and regular expressions, whose work is
counted by the characters that they are given.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
from markupsafe import Markup

from digest.caching import BoundedCache
from digest.compose.text import highlighting
from digest.compose.text.excerpt import excerpt, excerpt_with_words
from digest.compose.text.sentence_scores import scored_sentences
from digest.compose.text.sentences import sentences
from digest.compose.text.text_wrapping import shorten, width, wrap
from digest.errors import BadQuery
from digest.matching.query import parser
from digest.papers.identity import abstract_words, title_words
from digest.papers.text_facts import code_address, is_withdrawn, venue
from digest.text import plain_text, tex, token_places
from digest.text.folding import fold_text
from digest.text.line_end_hyphens import rejoin_hyphenated
from digest.text.person_names import parse_name
from digest.text.plain_text import one_line, remove_controls
from digest.text.tex import readable
from digest.text.tex_words import without_tex
from digest.text.tokens import tokens

BOMBS = [
    "\\'{", "'{", "\\'{a", "$", "$$", "$a", "$1,", "{", "}", "(", "\\frac{", "\\frac", "~", "a~", "^{", "_{", "x^", '"',
    "``", "''", "`a", "AND (", "(a OR ", "a\u0301\u0323", "\u0301\u0323", "\\d{\u0301}", "\\", "[", "\\cite[", "&",
    "\\label{", "a- ", "-", "--", "\\begin{pmatrix}", "\\over ", "{a\\over ", "\\hat{", "\\href{", "x_{a^", "\\SI{1}{",
    "α", "\u202e", "1.", "a.b ", "(a{b}", "Aleft(x ", "\\sqrt[", "\\footnote{",
]  # fmt: skip
MARKED = highlighting.compile_pattern(("graph neural network", "ΛCDM", "learn*"))


def highlighted(text: str) -> Markup:
    return highlighting.mark_words(text, MARKED, highlighting.escape_text(text))


def shown(text: str) -> str:
    return excerpt(scored_sentences(text))


def shown_with_words(text: str) -> str:
    assert MARKED
    return excerpt_with_words(scored_sentences(text), [MARKED])


def query(text: str) -> None:
    """The parser itself, past the bound on its input."""
    with suppress(BadQuery):
        parser._Parser(text).parse_all()


FUNCTIONS: list[Callable[[str], Any]] = [
    readable, tokens, without_tex, fold_text, rejoin_hyphenated, remove_controls, one_line, parse_name.__wrapped__,
    wrap, width, shown, shown_with_words, sentences, highlighted, highlighting.escape_text, query, parser.is_query,
    abstract_words, title_words, code_address, venue, is_withdrawn,
]  # fmt: skip


@pytest.fixture(autouse=True)
def without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendered and placed texts are not cached, so that every call takes its steps."""
    for module in (tex, token_places):
        monkeypatch.setattr(module, "_CACHE", BoundedCache(max_entries=0, max_bytes=0, size_of=len))


def steps(function: Callable[[str], Any], text: str) -> int:
    """Lines run and calls made."""
    count = 0

    def line(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return line

    def call(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += 1

    tracing, profiling = sys.gettrace(), sys.getprofile()
    sys.settrace(line)
    sys.setprofile(call)
    try:
        function(text)
    finally:
        sys.setprofile(profiling)
        sys.settrace(tracing)
    return count


@pytest.mark.parametrize("bomb", BOMBS)
def test_twice_the_text_is_at_most_two_and_a_half_times_the_steps(bomb: str) -> None:
    for function in FUNCTIONS:
        function(bomb * 20)  # fills caches
        small, large = (steps(function, bomb * times) for times in (200, 400))

        assert large < 2.5 * small + 100, function.__qualname__


def test_shortening_looks_at_the_beginning_only() -> None:
    assert steps(lambda text: shorten(text, 300), "ab " * 1000) == steps(lambda text: shorten(text, 300), "ab " * 9000)


@pytest.mark.parametrize("function", [readable, tokens, fold_text, remove_controls])
@pytest.mark.parametrize("bomb", ["\u0301\u0323", "\\d{\u0301}", "\\'{\u0323}", "a\u0323\u0301", "x\u0344\u0323"])
def test_no_long_run_of_marks_is_normalised(
    function: Callable[[str], Any], bomb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    normalised: list[str] = []
    real = unicodedata.normalize

    def normalize(form: Any, text: str) -> str:
        normalised.append(text)
        return real(form, text)

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    function("a" + bomb * 300)

    assert all(longest_run(text) <= 2 * plain_text.MAX_MARKS for text in normalised)


def test_long_indices_under_a_mark_are_read_once() -> None:
    """An expression whose alternatives overlapped would try 2^5000 ways to part this."""
    assert readable("$\\hat{x_{" + "1" * 5000 + "}!}$").startswith("hat(x₁₁")


def longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        longest = max(longest, run)
    return longest
