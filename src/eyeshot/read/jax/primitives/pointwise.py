"""Functions of one position, arithmetic with broadcasting, choices by a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eyeshot.network.ops import Arithmetic, Pointwise
from eyeshot.read import masks
from eyeshot.read.jax.calls import Call, Known
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Draft, Numbers, Value

_NAMES = {
    "logistic": "sigmoid", "not": "logical_not", "is_finite": "isfinite", "select_n": "where", "integer_pow": "pow",
    "rem": "fmod", "shift_right_arithmetic": "shift_right", "shift_right_logical": "shift_right", "erf_inv": "erfinv",
}  # fmt: skip
ELEMENTWISE = frozenset({
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "bessel_i0e",
    "bessel_i1e", "cbrt", "ceil", "clamp", "clz", "complex", "conj", "cos", "cosh", "digamma", "div", "eq", "eq_to",
    "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt", "igamma", "igamma_grad_a", "igammac",
    "imag", "integer_pow", "is_finite", "le", "le_to", "lgamma", "log", "log1p", "logistic", "lt", "lt_to", "max",
    "min", "mul", "mulhi", "ne", "neg", "nextafter", "not", "or", "polygamma", "population_count", "pow", "real",
    "regularized_incomplete_beta", "rem", "round", "rsqrt", "select_n", "shift_left", "shift_right_arithmetic",
    "shift_right_logical", "sign", "sin", "sinh", "sqrt", "square", "sub", "tan", "tanh", "xor", "zeta",
})  # fmt: skip
SAME = frozenset({
    "bitcast_convert_type", "convert_element_type", "copy", "device_put", "layout_constraint", "name",
    "optimization_barrier", "pvary", "reduce_precision", "reshard", "sharding_constraint", "stop_gradient",
})  # fmt: skip
"""Primitives whose outputs are their inputs, as far as positions go."""


@rule(*(ELEMENTWISE - {"select_n"}))
def _elementwise(call: Call) -> Known:
    name = _NAMES.get(call.name, call.name)
    if call.name == "integer_pow" and call["y"] == 2:
        name = "square"
    whole = _rectifier(call)
    if whole is not None:
        return whole
    return elementwise(call, name, call.inputs)


def _rectifier(call: Call) -> Value | None:
    """max(x, 0), and x held between two numbers."""
    numbers = [each.number if isinstance(each, Constant) else None for each in call.inputs]
    if call.name == "max" and 0 in numbers:
        return call.same(Pointwise(name="relu"), call.data[0])
    if call.name == "clamp" and isinstance(call.inputs[1], Value) and len(call.data) == 1:
        name = "relu6" if (numbers[0], numbers[2]) == (0, 6) else "clamp"
        return call.same(Pointwise(name=name), call.data[0])
    return None


@rule(*SAME)
def _same(call: Call) -> Sequence[Known]:
    if [each.shape for each in call.inputs] != call.shapes:  # a number taken apart into its bytes
        return [elementwise(call, call.name, call.inputs)]
    return call.inputs


def elementwise(call: Call, name: str, inputs: Sequence[Known]) -> Value:
    """A function of what stands at one position of each operand; axes of size 1 are repeated."""
    data = [each for each in inputs if isinstance(each, Value)]
    rank = len(call.out)
    wide = [each for each in data if each.rank == rank]
    if not wide:  # one number of the input's with an array of constants
        wide = [call.reshaped(data[0], (1,) * rank)]
        inputs = [wide[0] if each is data[0] else each for each in inputs]
    order = max(wide, key=lambda each: math.prod(each.made.shape)).order
    aligned = [call.ordered(each, order) if isinstance(each, Value) and each.rank == rank else each for each in inputs]
    varies = sorted({
        order[axis] for each in aligned if isinstance(each, Constant) and len(each.shape) == rank
        for axis in each.varies
    })  # fmt: skip
    shape = [1] * rank
    for axis, n in enumerate(call.out):
        place = order[axis]
        is_wide = any(isinstance(each, Value) and each.rank == rank and each.made.shape[place] > 1 for each in aligned)
        shape[place] = n if is_wide or place in varies else 1
    operands = tuple(each.made if isinstance(each, Value) else each for each in aligned)
    sources = list(dict.fromkeys(each for each in operands if isinstance(each, Draft)))
    constants = [each for each in aligned if isinstance(each, Constant)]
    if len(operands) == 1 or (len(sources) == 1 and not constants and name == "mul"):
        name = "square" if len(operands) > 1 else name
        made = call.draft(Pointwise(name=name), sources, shape, operands=operands)
    else:
        op = Arithmetic(name=name, varies=tuple(varies))
        made = call.draft(op, sources, shape, constants, operands)
    out = Value(made, call.out, order)
    given = [_placed(each, out, bool(varies)) if isinstance(each, Constant) else each.made for each in aligned]
    call.reader.masks.follow(made, name, given)
    return out


@rule("select_n")
def _select(call: Call) -> Known:
    """One of several cases for each element; where numbers say which, only those elements are read."""
    which, *cases = call.inputs
    numbers = which.numbers if isinstance(which, Constant) else None
    if numbers is None or not isinstance(which, Constant):
        out = elementwise(call, "where", call.inputs)
        call.reader.masks.choose_by_data(out.made, _aligned(call, cases, out))
        return out
    numbers = numbers.astype(int)
    if numbers.size and bool((numbers == numbers.reshape(-1)[0]).all()):
        return cases[int(numbers.reshape(-1)[0])]
    taken = [np.broadcast_to(numbers == i, call.out) for i in range(len(cases))]
    left = [
        without(call, each, ~mask) if isinstance(each, Value) else each for each, mask in zip(cases, taken, strict=True)
    ]
    out = elementwise(call, "where", left)
    places = [mask.transpose(np.argsort(out.order)) for mask in taken]
    call.reader.masks.choose(out.made, list(zip(_aligned(call, cases, out), places, strict=True)))
    return out


def _aligned(call: Call, cases: Sequence[Known], out: Value) -> list[Draft | masks.Constant]:
    """Operands, their axes where those of what they are put into lie."""
    return [_placed(each, out) if isinstance(each, Constant) else call.ordered(each, out.order).made for each in cases]


def _placed(constant: Constant, out: Value, varies: bool = True) -> masks.Constant:
    """An operand that does not depend on the input, its axes where those of what it is put into lie."""

    def numbers() -> Numbers | None:
        found = None if constant.weights else constant.numbers
        if found is None or not found.ndim:
            return found
        found = found.transpose(np.argsort(out.order)) if found.ndim == out.rank else found
        # what is the same all along an axis may still have size 1 there
        return found[tuple(slice(n) for n in out.made.shape)] if found.ndim == out.rank else None

    return masks.Constant(numbers, varies)


def without(call: Call, value: Value, gone: Numbers) -> Value:
    """A value of which nothing is read where a mask says so."""
    value = call.whole(value)
    left = masks.without(call.reads_one, "where", value.made, gone.transpose(np.argsort(value.order)))
    return Value(left, value.shape, value.order)
