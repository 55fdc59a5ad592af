"""Operations on many numbers at once: vector instructions, or plain code where numba's internal API differs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType


def _implementation() -> ModuleType:
    try:
        return import_module("digest.matching.kernel.simd_llvm")
    except (ImportError, AttributeError):  # the parts of numba that it uses are not public
        return import_module("digest.matching.kernel.simd_scalar")


_functions = _implementation()
lowest_bit: Callable[..., int] = _functions.lowest_bit
count_bits: Callable[..., int] = _functions.count_bits
prefetch: Callable[..., int] = _functions.prefetch
larger_in_block: Callable[..., int] = _functions.larger_in_block
larger_in_lanes: Callable[..., int] = _functions.larger_in_lanes
add_in_lanes: Callable[..., int] = _functions.add_in_lanes
add_rows: Callable[..., int] = _functions.add_rows
bound_of_best: Callable[..., int] = _functions.bound_of_best
