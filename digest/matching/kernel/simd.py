"""A few instructions, written down as such: many numbers are looked at or added at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

_BIT, _BYTE, _SHORT, _NUMBER, _LONG = map(ir.IntType, (1, 8, 16, 32, 64))
_BLOCK, _LANES = 64, 16  # papers of one number of a set; papers laid out at once
_array: Any = arrayobj.make_array
_tools: Any = cgutils


def _instruction(function: Callable[..., Any]) -> Callable[..., int]:
    return cast(Callable[..., int], intrinsic(function))


def _splat(builder: Any, value: Any, width: int) -> Any:
    """A vector of one number many times over."""
    none = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    first = builder.insert_element(none, value, ir.Constant(_NUMBER, 0))
    return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(_NUMBER, width), None))


def _at(builder: Any, data: Any, place: Any, number: Any, width: int) -> Any:
    """Where so many numbers of a kind are."""
    return builder.bitcast(builder.gep(data, [place]), ir.VectorType(number, width).as_pointer())


@contextmanager
def _loop(builder: Any, begin: Any, end: Any) -> Iterator[Any]:
    with _tools.for_range_slice(builder, begin, end, ir.Constant(_LONG, 1), _LONG, inc=True) as (index, _):
        yield index


@_instruction
def lowest(_: Any, bits: Any) -> Any:  # noqa: ARG001 (the type of the argument)
    """The place of the lowest bit that is set. Undefined for 0."""
    return types.int64(types.int64), lambda _, builder, __, values: builder.cttz(values[0], ir.Constant(_BIT, 1))


@_instruction
def ones(_: Any, bits: Any) -> Any:  # noqa: ARG001 (the type of the argument)
    """How many bits are set."""
    return types.int64(types.int64), lambda _, builder, __, values: builder.ctpop(values[0])


@_instruction
def soon(_: Any, numbers: Any, at: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
    """Bring an entry into the caches before it is needed. One that isn't there does no harm."""

    def made(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = _array(signature.args[0])(context, builder, values[0]).data
        place = builder.bitcast(builder.gep(data, [values[1]]), _BYTE.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _NUMBER, _NUMBER, _NUMBER])
        function = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], kind)
        builder.call(function, [place, *(ir.Constant(_NUMBER, one) for one in (0, 3, 1))])
        return ir.Constant(_LONG, 0)

    return types.int64(numbers, types.int64), made


def _larger(width: int) -> Callable[..., int]:
    def larger(_: Any, numbers: Any, at: Any, least: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
        def made(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            data = _array(signature.args[0])(context, builder, values[0]).data
            found = builder.load(_at(builder, data, values[1], _NUMBER, width), align=4)
            bits = builder.icmp_signed(">", found, _splat(builder, builder.trunc(values[2], _NUMBER), width))
            return builder.zext(builder.bitcast(bits, ir.IntType(width)), _LONG)

        return types.int64(numbers, types.int64, types.int64), made

    return _instruction(larger)


above = _larger(_BLOCK)  # of the numbers (of four bytes) from a place on those larger than a bound, as bits
lanes = _larger(_LANES)  # the same of the papers laid out


@_instruction
def gather(_: Any, total: Any, gains: Any, bits: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
    """Add `gains` to `total` where bits are set; a total below 0 is none yet."""

    def made(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        mine, more = (_array(signature.args[i])(context, builder, values[i]).data for i in (0, 1))
        zero = ir.Constant(_LONG, 0)
        place = _at(builder, mine, zero, _NUMBER, _LANES)
        old = builder.load(place, align=4)
        none = ir.Constant(old.type, None)
        known = builder.select(builder.icmp_signed("<", old, none), none, old)
        new = builder.add(known, builder.load(_at(builder, more, zero, _NUMBER, _LANES), align=4))
        mask = builder.bitcast(builder.trunc(values[2], _SHORT), ir.VectorType(_BIT, _LANES))
        builder.store(builder.select(mask, new, old), place, align=4)
        return zero

    return types.int64(total, gains, types.int64), made


@_instruction
def add_rows(_: Any, dense: Any, rows: Any, ones: Any, back: Any, wanted: Any, sums: Any) -> Any:  # noqa: ARG001
    """Write sums of rows for the papers of the wanted blocks of 64.

    `rows`: rows' numbers above weights; the first `ones` weigh 16 and stay below 2¹⁶ together; from `back` on any.
    """

    def made(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        every, chosen, blocks, out = (
            _array(signature.args[i])(context, builder, values[i]) for i in (0, 1, 4, 5)
        )  # fmt: skip
        width, size = (_tools.unpack_tuple(builder, one.shape)[1] for one in (every, chosen))
        zero = ir.Constant(_LONG, 0)
        short, long = (_tools.alloca_once(builder, ir.VectorType(one, _BLOCK)) for one in (_SHORT, _NUMBER))

        def row(at: Any, block: Any) -> Any:
            number = builder.sext(builder.load(builder.gep(chosen.data, [at])), _LONG)
            place = builder.add(builder.mul(number, width), builder.shl(block, ir.Constant(_LONG, 6)))
            return builder.load(_at(builder, every.data, place, _SHORT, _BLOCK), align=2)

        with _loop(builder, zero, _tools.unpack_tuple(builder, blocks.shape)[0]) as block:
            some = builder.icmp_signed("!=", builder.load(builder.gep(blocks.data, [block])), zero)
            with builder.if_then(some):
                builder.store(ir.Constant(ir.VectorType(_SHORT, _BLOCK), None), short)
                with _loop(builder, zero, values[2]) as at:
                    builder.store(builder.add(builder.load(short), row(at, block)), short)
                vector = ir.VectorType(_NUMBER, _BLOCK)
                wide = builder.zext(builder.load(short), vector)
                builder.store(builder.mul(wide, ir.Constant(vector, [16] * _BLOCK)), long)
                with _loop(builder, values[3], size) as at:
                    weight = builder.trunc(builder.load(builder.gep(chosen.data, [builder.add(size, at)])), _SHORT)
                    weights = builder.sext(_splat(builder, weight, _BLOCK), vector)
                    more = builder.mul(builder.sext(row(at, block), vector), weights)
                    builder.store(builder.add(builder.load(long), more), long)
                place = builder.shl(block, ir.Constant(_LONG, 6))
                builder.store(builder.load(long), _at(builder, out.data, place, _NUMBER, _BLOCK), align=4)
        return zero

    return types.int64(dense, rows, types.int64, types.int64, wanted, sums), made


@_instruction
def passed(_: Any, sums: Any, among: Any, wanted: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
    """What at least so many (16 at most) papers of a set have as their sum; −1 where that isn't easily known.

    The best of every sixteenth paper are looked at: of so many sums the wanted one is a bound for all.
    """

    def made(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        every, blocks = (_array(signature.args[i])(context, builder, values[i]) for i in (0, 1))
        vector = ir.VectorType(_NUMBER, _LANES)
        none = ir.Constant(vector, [-1] * _LANES)
        best = _tools.alloca_once(builder, vector)
        builder.store(none, best)
        with _loop(builder, ir.Constant(_LONG, 0), _tools.unpack_tuple(builder, blocks.shape)[0]) as block:
            bits = builder.load(builder.gep(blocks.data, [block]))
            for part in range(0, _BLOCK, _LANES):
                mask = builder.trunc(builder.lshr(bits, ir.Constant(_LONG, part)), _SHORT)
                place = builder.add(builder.shl(block, ir.Constant(_LONG, 6)), ir.Constant(_LONG, part))
                found = builder.load(_at(builder, every.data, place, _NUMBER, _LANES), align=4)
                found = builder.select(builder.bitcast(mask, ir.VectorType(_BIT, _LANES)), found, none)
                old = builder.load(best)
                builder.store(builder.select(builder.icmp_signed(">", found, old), found, old), best)
        found, larger = builder.load(best), ir.Constant(vector, None)
        for lane in range(_LANES):
            one = _splat(builder, builder.extract_element(found, ir.Constant(_NUMBER, lane)), _LANES)
            larger = builder.add(larger, builder.zext(builder.icmp_signed(">", one, found), vector))
        high = builder.icmp_signed("<", larger, _splat(builder, builder.trunc(values[2], _NUMBER), _LANES))
        kept = builder.select(high, found, ir.Constant(vector, [2**31 - 1] * _LANES))
        kind = ir.FunctionType(_NUMBER, [vector])
        least = _tools.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.smin.v{_LANES}i32")
        return builder.sext(builder.call(least, [kept]), _LONG)

    return types.int64(sums, among, types.int64), made
