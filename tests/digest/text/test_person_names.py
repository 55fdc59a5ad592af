"""Which written names may be the same person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text.person_names import names_agree, parse_name

NAMES = st.from_regex(r"[A-Z][a-z]{0,5}( [A-Z][a-z]{0,5}){0,3}", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "other_name"),
    [
        ("Yingbin Liang", "Y. Liang"),
        ("Y Liang", "Yingbin Liang"),
        ("Liang, Yingbin", "Yingbin Liang"),
        ("John Smith", "John A. Smith"),
        ("John Smith", "Smith, J. A., Jr."),
        ("Jean-Pierre Serre", "J.-P. Serre"),
        ("Yue-Jie Chi", "Yuejie Chi"),
        ("van der Waals", "Johannes Diderik van der Waals"),
        ("Waals", "J. van der Waals"),
        ("Garcia Molina", "Hector García-Molina"),
        ("Hector Garcia-Molina", "H. Garcia Molina"),
        ("Paul Erdos", "P. Erdős"),
        ("Bin Yu", "B. Yu"),
        ("Omar Said", "Omar bin Said"),
        ("D'Alembert", "J. d’Alembert"),
    ],
)
def test_names_that_agree(name: str, other_name: str) -> None:
    assert names_agree(parse_name(name), parse_name(other_name))


@pytest.mark.parametrize(
    ("name", "other_name"),
    [
        ("Yingbin Liang", "Percy Liang"),
        ("Yingbin Liang", "Liang"),
        ("John B. Smith", "John A. Smith"),
        ("van der Waals", "J. de Waals"),
        ("Lia", "Yingbin Liang"),
        ("Yue Liang", "Hao Yue Liang"),
        ("Bin Yu", "Hao Yu"),
        ("Van Nguyen", "Anh Nguyen"),
        ("", "Yingbin Liang"),
    ],
)
def test_names_that_do_not_agree(name: str, other_name: str) -> None:
    assert not names_agree(parse_name(name), parse_name(other_name))


@given(NAMES)
def test_a_name_agrees_with_itself_in_any_case(text: str) -> None:
    assert names_agree(parse_name(text), parse_name(text.upper()))


@given(NAMES, NAMES)
def test_agreement_needs_no_order_where_both_are_full_names(name: str, other: str) -> None:
    a, b = parse_name(name), parse_name(other)

    assert not (a.given_names and b.given_names) or names_agree(a, b) == names_agree(b, a)


@given(st.text())
def test_any_text_is_read_as_a_name(text: str) -> None:
    assert names_agree(parse_name(text), parse_name(text)) == bool(parse_name(text).family)
