"""Parameters of a test that has several: few combinations in `make test`, all of them in `make soak`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest


def in_turn(first: Sequence[Any], *others: Sequence[Any]) -> list[Any]:
    """Rows of every combination, for `parametrize`.

    `make test` has one row for each value of `first`, with the combinations of the others in turn, so that these all
    occur where `first` is long enough. The other rows are marked `soak`.
    """
    combinations = list(product(*others))
    return [
        pytest.param(value, *rest, marks=() if number % len(combinations) == place else pytest.mark.soak)
        for number, value in enumerate(first)
        for place, rest in enumerate(combinations)
    ]


# A test with this mark runs on PostgreSQL in `make soak` only. It has one of three reasons: what it sends is refused
# before anything is stored; it is about what stands on a page, and other tests run the page's SQL on PostgreSQL; or at
# least two other tests run all its SQL on PostgreSQL.
MAINLY_SQLITE = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)], indirect=True
)
