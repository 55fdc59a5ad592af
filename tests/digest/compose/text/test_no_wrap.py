"""Codes and names of categories don't break across lines."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from digest.compose.text.no_wrap import MAX_UNBROKEN_LENGTH, no_wrap


def unbroken(text: str) -> str:
    return f'<span style="white-space:nowrap">{text}</span>'


@pytest.mark.parametrize("code", ["q-bio.BM", "cs.LG", "hep-th", "astro-ph.CO", "cond-mat.mes-hall"])
def test_the_code_of_a_category_is_unbroken(code: str) -> None:
    assert no_wrap(f"4 new in {code} & others") == f"4 new in {unbroken(code)} &amp; others"


def test_a_name_is_unbroken_where_it_is_given() -> None:
    assert no_wrap("new in Cell biology", ["Cell biology", ""]) == f"new in {unbroken('Cell biology')}"
    assert no_wrap("new in Cell biology") == Markup("new in Cell biology")


def test_a_name_that_would_not_fit_a_phone_may_break() -> None:
    name = "Evolutionary biology " + "x" * MAX_UNBROKEN_LENGTH

    assert no_wrap(f"new in {name}", [name]) == Markup(f"new in {name}")


@pytest.mark.parametrize("line", ["about math and physics", "see a-cs.LG", "the cs.LGX case"])
def test_other_words_may_break(line: str) -> None:
    assert no_wrap(line) == Markup(line)


def test_a_name_is_escaped() -> None:
    assert no_wrap("in <b>", ["<b>"]) == f"in {unbroken('&lt;b&gt;')}"
