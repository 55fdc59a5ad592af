"""Names that stay on one line in HTML: `q-bio.BM` could break at its hyphen, `Cell biology` at its blank."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup

from digest.compose.text.highlighting import escape_text
from digest.papers.subjects import ARXIV_SUBJECTS

MAX_UNBROKEN_LENGTH = 20  # characters; a longer name would not fit a narrow phone in the size of a heading
_BREAKABLE = [code for code in ARXIV_SUBJECTS if "." in code or "-" in code]
# What begins like a code is looked at first, as trying all codes at every word is slow.
_CODES = rf"(?=[a-z]+[.-])(?:{'|'.join(map(re.escape, sorted(_BREAKABLE, key=len, reverse=True)))})"


def no_wrap(line: str, names: Iterable[str] = ()) -> Markup:
    """The line for HTML, in which the codes of arXiv's categories and these names don't break across lines."""
    return _mark_unbroken(line, tuple([name for name in names if 0 < len(name) <= MAX_UNBROKEN_LENGTH]))


@lru_cache(maxsize=4096)  # headings and labels recur in the mails of a day
def _mark_unbroken(line: str, names: tuple[str, ...]) -> Markup:
    pieces = _pattern(names).split(line)
    if len(pieces) == 1:
        return escape_text(line)
    pieces = [
        f'<span style="white-space:nowrap">{escape_text(piece)}</span>' if i % 2 else escape_text(piece)
        for i, piece in enumerate(pieces)
    ]
    return Markup("".join(pieces))  # noqa: S704


@lru_cache(maxsize=1024)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Finds the codes and names; what it finds are the odd pieces of a split."""
    alternatives = "|".join([*map(re.escape, sorted(names, key=len, reverse=True)), _CODES])
    return re.compile(rf"(?<![\w.-])({alternatives})(?![\w-])")
