"""Vector instructions and their plain versions."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest

from digest.matching.kernel import simd_llvm, simd_scalar

BLOCKS, WIDTH = 3, 5  # words of a set of papers; rows that are added
ROUNDS = 40


def both(name: str, *arguments: Any) -> list[int]:
    """What each version returns; arrays among the arguments are written to."""
    return [_call(module, name)(*copied(arguments)) for module in (simd_llvm, simd_scalar)]


def copied(arguments: tuple[Any, ...]) -> list[Any]:
    return [value.copy() if isinstance(value, np.ndarray) else value for value in arguments]


def written(name: str, array_index: int, *arguments: Any) -> list[list[int]]:
    """What each version writes into the argument at that place."""
    results = []
    for module in (simd_llvm, simd_scalar):
        copies = copied(arguments)
        _call(module, name)(*copies)
        results.append(copies[array_index].tolist())
    return results


_calls: dict[tuple[str, str], Callable[..., int]] = {}


def _call(module: ModuleType, name: str) -> Callable[..., int]:
    """A compiled function that calls the given one: intrinsics exist only in machine code."""
    key = (module.__name__, name)
    if key not in _calls:
        function = getattr(module, name)
        parameters = {"add_rows": "a, b, c, d, e, f"}.get(name, "a, b, c")
        if name in {"lowest_bit", "count_bits"}:
            parameters = "a"
        _calls[key] = _wrapped(function, parameters)
    return _calls[key]


def _wrapped(function: Callable[..., int], parameters: str) -> Callable[..., int]:
    njit: Any = numba.njit
    number = parameters.count(",") + 1

    def unary(a: Any) -> int:
        return function(a)

    def ternary(a: Any, b: Any, c: Any) -> int:
        return function(a, b, c)

    def senary(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> int:
        return function(a, b, c, d, e, f)

    wrapped: Callable[..., int] = njit(error_model="numpy")({1: unary, 3: ternary, 6: senary}[number])
    return wrapped


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("name", ["lowest_bit", "count_bits"])
def test_bits_are_counted_alike(name: str, random: np.random.Generator) -> None:
    for bits in (1, -1, -(2**63), *random.integers(-(2**63), 2**63, ROUNDS).tolist()):
        vector, plain = both(name, np.int64(bits or 1))

        assert vector == plain


@pytest.mark.parametrize("name", ["larger_in_block", "larger_in_lanes"])
def test_larger_numbers_are_marked_alike(name: str, random: np.random.Generator) -> None:
    for _ in range(ROUNDS):
        numbers = random.integers(-5, 5, 64 * BLOCKS).astype(np.int32)
        vector, plain = both(name, numbers, 64, int(random.integers(-5, 5)))

        assert vector == plain


def test_gains_are_added_alike(random: np.random.Generator) -> None:
    for _ in range(ROUNDS):
        total, gains = random.integers(-1, 99, (2, 16)).astype(np.int32)
        vector, plain = written("add_in_lanes", 0, total, gains, int(random.integers(0, 1 << 16)))

        assert vector == plain


def test_rows_are_added_alike(random: np.random.Generator) -> None:
    for _ in range(ROUNDS):
        dense = random.integers(0, 2000, (9, 64 * BLOCKS)).astype(np.int16)
        rows = random.integers(0, 9, (2, WIDTH)).astype(np.int32)
        blocks = random.integers(0, 2, BLOCKS).astype(np.int64)
        vector, plain = written("add_rows", 5, dense, rows, 2, 3, blocks, np.full(64 * BLOCKS, 4, np.int32))

        assert vector == plain


def test_the_bound_of_the_best_sums_is_the_same(random: np.random.Generator) -> None:
    for best_count in (1, 5, 10, 16):
        sums = random.integers(0, 500, 64 * BLOCKS).astype(np.int32)
        paper_bits = random.integers(-(2**63), 2**63, BLOCKS)
        vector, plain = both("bound_of_best", sums, paper_bits, best_count)

        assert vector == plain


def test_the_bound_of_an_empty_set_is_unknown() -> None:
    empty = np.zeros(BLOCKS, np.int64)

    assert both("bound_of_best", np.zeros(64 * BLOCKS, np.int32), empty, 10) == [-1, -1]
