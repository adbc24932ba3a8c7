"""Functions of one position, arithmetic with broadcasting, choices by a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eyeshot.network.ops import Arithmetic, Masked, Pointwise
from eyeshot.read.jax.calls import Call, Known
from eyeshot.read.jax.primitives.picking import MOST_POSITIONS, at_elements
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Draft, Numbers, Value, in_order
from eyeshot.read.masks import SILENT

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
    whole = _masked_sum(call) if call.name == "add" else _rectifier(call)
    if whole is not None:
        return whole
    return elementwise(call, name, call.inputs)


def _masked_sum(call: Call) -> Value | None:
    """A sum with numbers some of which are so low that nothing else is left of it, as masks of attention are added."""
    constants = [each for each in call.inputs if isinstance(each, Constant)]
    if len(call.data) != 1 or len(constants) != 1 or constants[0].weights or not constants[0].varies:
        return None
    numbers = constants[0].numbers
    if numbers is None or numbers.dtype.kind != "f" or not bool((numbers <= DROWNING).any()):
        return None
    gone = np.broadcast_to(numbers <= DROWNING, call.out)
    (value,) = call.data
    wide = Value(call.whole(Value(value.made, call.out, value.order)).made, call.out, value.order)
    out = elementwise(call, "add", [without(call, wide, gone), constants[0]])
    call.reader.note_silent(out.made, np.transpose(gone, np.argsort(out.order)))
    return out


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
    return Value(made, call.out, order)


@rule("select_n")
def _select(call: Call) -> Known:
    """One of several cases for each element; where numbers say which, only those elements are read."""
    which, *cases = call.inputs
    numbers = which.numbers if isinstance(which, Constant) else None
    if numbers is None or not isinstance(which, Constant):
        return elementwise(call, "where", call.inputs)
    numbers = numbers.astype(int)
    if numbers.size and bool((numbers == numbers.reshape(-1)[0]).all()):
        return cases[int(numbers.reshape(-1)[0])]
    taken = [np.broadcast_to(numbers == i, call.out) for i in range(len(cases))]
    left = [
        without(call, each, ~mask) if isinstance(each, Value) else each for each, mask in zip(cases, taken, strict=True)
    ]
    out = elementwise(call, "where", left)
    for each, mask in zip(cases, taken, strict=True):
        filled = each.numbers if isinstance(each, Constant) else None
        if filled is not None and filled.dtype.kind == "f":
            gone = mask & (filled <= SILENT)
            call.reader.note_silent(out.made, np.transpose(gone, np.argsort(out.order)))
    return out


DROWNING = -1e9
"""From here down a number drowns the scores that it is added to: what is left of them is rounded off."""


def without(call: Call, value: Value, gone: Numbers) -> Value:
    """A value of which nothing is read where a mask says so; a bound where too many elements would have to be told."""
    value = call.logical(value)
    wide = [axis for axis, n in enumerate(gone.shape) if n > 1 and bool((gone != gone.take([0], axis)).any())]
    if not bool(gone.any()):
        return value
    # heads and images under one mask share its table: only the axes are told along which it differs
    first, behind = (wide[0], wide[-1] + 1) if wide else (0, 1)
    count = math.prod(value.shape[first:behind])
    if count > MOST_POSITIONS:
        return in_order(call.draft(Masked(), [value.made], value.shape))
    lead, rest = value.shape[:first], value.shape[behind:]
    told = gone[(0,) * first].reshape(count, -1)[:, 0]
    row = call.reshaped(value, (*lead, count, *rest), "flatten")
    table = np.where(told, -1, np.arange(count))
    return call.reshaped(at_elements(call, row, table, "where", axis=first), value.shape)
