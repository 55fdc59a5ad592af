"""Vector instructions as numba intrinsics. They use numba's internal API, so only `simd` imports this module.

`simd_scalar` has the same functions in plain code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

_I1, _I8, _I16, _I32, _I64 = map(ir.IntType, (1, 8, 16, 32, 64))
_BLOCK, _LANES = 64, 16  # papers of one word of a bitset; papers whose reasons are computed together
_make_array: Any = arrayobj.make_array
_cgutils: Any = cgutils


def _instruction(function: Callable[..., Any]) -> Callable[..., int]:
    return cast(Callable[..., int], intrinsic(function))


def _splat(builder: Any, value: Any, width: int) -> Any:
    """A vector that repeats one number."""
    undefined = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, width), None))


def _vector_pointer(builder: Any, data: Any, index: Any, number: Any, width: int) -> Any:
    """A pointer to a vector of `width` numbers of a type."""
    return builder.bitcast(builder.gep(data, [index]), ir.VectorType(number, width).as_pointer())


@contextmanager
def _loop(builder: Any, begin: Any, end: Any) -> Iterator[Any]:
    with _cgutils.for_range_slice(builder, begin, end, ir.Constant(_I64, 1), _I64, inc=True) as (index, _):
        yield index


@_instruction
def lowest_bit(_: Any, bits: Any) -> Any:  # noqa: ARG001 (the type of the argument)
    """The position of the lowest set bit. Undefined for 0."""
    return types.int64(types.int64), lambda _, builder, __, values: builder.cttz(values[0], ir.Constant(_I1, 1))


@_instruction
def count_bits(_: Any, bits: Any) -> Any:  # noqa: ARG001 (the type of the argument)
    """The number of set bits."""
    return types.int64(types.int64), lambda _, builder, __, values: builder.ctpop(values[0])


@_instruction
def prefetch(_: Any, numbers: Any, index: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
    """Prefetch an array entry into the caches; an index out of range does no harm."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = _make_array(signature.args[0])(context, builder, values[0]).data
        address = builder.bitcast(builder.gep(data, [values[1]]), _I8.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_I8.as_pointer(), _I32, _I32, _I32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [_I8.as_pointer()], kind)
        builder.call(function, [address, *(ir.Constant(_I32, argument) for argument in (0, 3, 1))])
        return ir.Constant(_I64, 0)

    return types.int64(numbers, types.int64), generate


def _larger_instruction(width: int) -> Callable[..., int]:
    """An instruction: of `width` int32 numbers from `at` on, those larger than `least`, as bits."""

    def larger(_: Any, numbers: Any, begin: Any, minimum: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            data = _make_array(signature.args[0])(context, builder, values[0]).data
            loaded = builder.load(_vector_pointer(builder, data, values[1], _I32, width), align=4)
            bits = builder.icmp_signed(">", loaded, _splat(builder, builder.trunc(values[2], _I32), width))
            return builder.zext(builder.bitcast(bits, ir.IntType(width)), _I64)

        return types.int64(numbers, types.int64, types.int64), generate

    return _instruction(larger)


larger_in_block = _larger_instruction(_BLOCK)
larger_in_lanes = _larger_instruction(_LANES)


@_instruction
def add_in_lanes(_: Any, total: Any, gains: Any, bits: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
    """Add `gains` to `total` in the lanes whose bits are set; a negative total counts as 0."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        total_data, gain_data = (_make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 1))
        zero = ir.Constant(_I64, 0)
        pointer = _vector_pointer(builder, total_data, zero, _I32, _LANES)
        old = builder.load(pointer, align=4)
        zeros = ir.Constant(old.type, None)
        non_negative = builder.select(builder.icmp_signed("<", old, zeros), zeros, old)
        summed = builder.add(
            non_negative, builder.load(_vector_pointer(builder, gain_data, zero, _I32, _LANES), align=4)
        )
        mask = builder.bitcast(builder.trunc(values[2], _I16), ir.VectorType(_I1, _LANES))
        builder.store(builder.select(mask, summed, old), pointer, align=4)
        return zero

    return types.int64(total, gains, types.int64), generate


@_instruction
def add_rows(_: Any, dense: Any, rows: Any, unit_rows: Any, other_rows: Any, non_empty: Any, sums: Any) -> Any:  # noqa: ARG001
    """Write weighted sums of rows of `dense` for the papers in blocks of 64 that `wanted` marks as not empty.

    `rows`: row numbers in the first line, weights in the second. The first `ones` rows have weight 16 and sums below
    2¹⁶; the rows from `back` on have any weight.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        dense_array, row_array, blocks, sum_array = (
            _make_array(signature.args[i])(context, builder, values[i]) for i in (0, 1, 4, 5)
        )  # fmt: skip
        width, size = (_cgutils.unpack_tuple(builder, array.shape)[1] for array in (dense_array, row_array))
        zero = ir.Constant(_I64, 0)
        sum16, sum32 = (_cgutils.alloca_once(builder, ir.VectorType(element, _BLOCK)) for element in (_I16, _I32))

        def load_row(row_index: Any, block: Any) -> Any:
            number = builder.sext(builder.load(builder.gep(row_array.data, [row_index])), _I64)
            start = builder.add(builder.mul(number, width), builder.shl(block, ir.Constant(_I64, 6)))
            return builder.load(_vector_pointer(builder, dense_array.data, start, _I16, _BLOCK), align=2)

        with _loop(builder, zero, _cgutils.unpack_tuple(builder, blocks.shape)[0]) as block:
            is_wanted = builder.icmp_signed("!=", builder.load(builder.gep(blocks.data, [block])), zero)
            with builder.if_then(is_wanted):
                builder.store(ir.Constant(ir.VectorType(_I16, _BLOCK), None), sum16)
                with _loop(builder, zero, values[2]) as row_index:
                    builder.store(builder.add(builder.load(sum16), load_row(row_index, block)), sum16)
                vector = ir.VectorType(_I32, _BLOCK)
                wide = builder.zext(builder.load(sum16), vector)
                builder.store(builder.mul(wide, ir.Constant(vector, [16] * _BLOCK)), sum32)
                with _loop(builder, values[3], size) as row_index:
                    weight = builder.trunc(
                        builder.load(builder.gep(row_array.data, [builder.add(size, row_index)])), _I16
                    )
                    weights = builder.sext(_splat(builder, weight, _BLOCK), vector)
                    product = builder.mul(builder.sext(load_row(row_index, block), vector), weights)
                    builder.store(builder.add(builder.load(sum32), product), sum32)
                place = builder.shl(block, ir.Constant(_I64, 6))
                builder.store(
                    builder.load(sum32), _vector_pointer(builder, sum_array.data, place, _I32, _BLOCK), align=4
                )
        return zero

    return types.int64(dense, rows, types.int64, types.int64, non_empty, sums), generate


@_instruction
def bound_of_best(_: Any, sums: Any, members: Any, rank: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
    """A lower bound of the `wanted`-th largest sum (16 at most) of the papers in a set, −1 where none is known.

    Papers are split into 16 lanes; the `wanted`-th largest of the lanes' maxima is such a bound.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        sum_array, blocks = (_make_array(signature.args[i])(context, builder, values[i]) for i in (0, 1))
        vector = ir.VectorType(_I32, _LANES)
        missing = ir.Constant(vector, [-1] * _LANES)
        best = _cgutils.alloca_once(builder, vector)
        builder.store(missing, best)
        with _loop(builder, ir.Constant(_I64, 0), _cgutils.unpack_tuple(builder, blocks.shape)[0]) as block:
            bits = builder.load(builder.gep(blocks.data, [block]))
            for part in range(0, _BLOCK, _LANES):
                mask = builder.trunc(builder.lshr(bits, ir.Constant(_I64, part)), _I16)
                start = builder.add(builder.shl(block, ir.Constant(_I64, 6)), ir.Constant(_I64, part))
                loaded = builder.load(_vector_pointer(builder, sum_array.data, start, _I32, _LANES), align=4)
                loaded = builder.select(builder.bitcast(mask, ir.VectorType(_I1, _LANES)), loaded, missing)
                old = builder.load(best)
                builder.store(builder.select(builder.icmp_signed(">", loaded, old), loaded, old), best)
        loaded, larger_counts = builder.load(best), ir.Constant(vector, None)
        for lane in range(_LANES):
            lane_value = _splat(builder, builder.extract_element(loaded, ir.Constant(_I32, lane)), _LANES)
            larger_counts = builder.add(
                larger_counts, builder.zext(builder.icmp_signed(">", lane_value, loaded), vector)
            )
        is_high = builder.icmp_signed("<", larger_counts, _splat(builder, builder.trunc(values[2], _I32), _LANES))
        bounded = builder.select(is_high, loaded, ir.Constant(vector, [2**31 - 1] * _LANES))
        kind = ir.FunctionType(_I32, [vector])
        minimum = _cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.smin.v{_LANES}i32")
        return builder.sext(builder.call(minimum, [bounded]), _I64)

    return types.int64(sums, members, types.int64), generate
