"""Tables of positions: what equations make of numbers that depend on no input, few of them, and only when asked for.

Shapes are known without it. Positions that a program computes, of gathers, of slices, of matrices that resize, are
found here. The commonest primitives are NumPy's functions, since JAX compiles each before it runs it; the others are
run by JAX itself, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from eyeshot.read.jax.values import MOST_NUMBERS, Constant, Numbers

Params = Mapping[str, Any]
Fold = Callable[..., Any]
_FOLDS: dict[str, Fold] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "max": np.maximum, "min": np.minimum, "neg": np.negative,
    "abs": np.abs, "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "sqrt": np.sqrt, "exp": np.exp, "log": np.log,
    "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "square": np.square, "pow": np.power, "eq": np.equal,
    "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
    "not": np.logical_not, "rsqrt": lambda a: 1 / np.sqrt(a),
    "div": lambda a, b: np.trunc(a / b) if a.dtype.kind in "iu" else a / b,
    "rem": np.fmod,
    "clamp": lambda low, x, high: np.clip(x, low, high),
}  # fmt: skip
"""Functions of one position; the output's type is told by the program."""
_WITH_PARAMS: dict[str, Callable[[Params, Sequence[Any]], Any]] = {
    "broadcast_in_dim": lambda p, a: _broadcast(a[0], p["shape"], p["broadcast_dimensions"]),
    "reshape": lambda p, a: a[0].reshape(p["new_sizes"]),
    "squeeze": lambda p, a: a[0].squeeze(tuple(map(int, p["dimensions"]))),
    "transpose": lambda p, a: a[0].transpose(p["permutation"]),
    "iota": lambda p, a: _broadcast(np.arange(p["shape"][p["dimension"]]), p["shape"], (p["dimension"],)),
    "select_n": lambda p, a: np.where(a[0] != 0, a[2], a[1]) if len(a) == 3 else np.choose(a[0], a[1:]),
    "concatenate": lambda p, a: np.concatenate(a, p["dimension"]),
    "reduce_sum": lambda p, a: a[0].sum(tuple(map(int, p["axes"]))),
    "reduce_max": lambda p, a: a[0].max(tuple(map(int, p["axes"]))),
    "integer_pow": lambda p, a: a[0] ** p["y"],
    "convert_element_type": lambda p, a: a[0],
    "stop_gradient": lambda p, a: a[0],
    "copy": lambda p, a: a[0],
}


def folded(eqn: Any, inputs: Sequence[Constant]) -> list[Constant]:
    """What an equation makes of constants."""
    weights = frozenset[str]().union(*(each.weights for each in inputs))
    kept: list[list[Numbers] | None] = []

    def compute(number: int) -> Numbers | None:
        if not kept:
            kept.append(_computed(eqn, inputs))
        return None if kept[0] is None else kept[0][number]

    outs = []
    for number, var in enumerate(eqn.outvars):
        shape = tuple(map(int, getattr(var.aval, "shape", ())))
        outs.append(Constant(shape, partial(compute, number), weights, _alike(eqn, inputs, shape)))
    return outs


def _computed(eqn: Any, inputs: Sequence[Constant]) -> list[Numbers] | None:
    """Its outputs; None where they are of numbers that are not known, or of too many."""
    sizes = [each.count for each in inputs] + [int(np.prod(getattr(var.aval, "shape", ()))) for var in eqn.outvars]
    if any(each.weights for each in inputs) or max(sizes, default=0) > MOST_NUMBERS:
        return None
    known = [each.numbers for each in inputs]
    numbers = [each for each in known if each is not None]
    if len(numbers) < len(known):
        return None
    name = eqn.primitive.name
    is_plain = all(isinstance(each, np.ndarray) for each in numbers)
    if is_plain and (name in _FOLDS or name in _WITH_PARAMS):
        with np.errstate(all="ignore"):
            out = _FOLDS[name](*numbers) if name in _FOLDS else _WITH_PARAMS[name](eqn.params, numbers)
        return [np.asarray(out).astype(eqn.outvars[0].aval.dtype)]
    out = computed(eqn, numbers)
    return list(out) if isinstance(out, tuple | list) else [out]


def _broadcast(numbers: Numbers, shape: Sequence[int], axes: Sequence[int]) -> Numbers:
    lead = [1] * len(shape)
    for axis, n in zip(axes, np.shape(numbers), strict=True):
        lead[int(axis)] = n
    return np.broadcast_to(np.reshape(numbers, lead), shape)


def computed(eqn: Any, numbers: Sequence[Any], **changes: Any) -> Any:
    """What JAX itself makes of numbers by an equation, on the processor."""
    with jax.default_device(jax.devices("cpu")[0]):
        arrays = [jax.numpy.asarray(each) if isinstance(each, np.ndarray | np.generic) else each for each in numbers]
        out = eqn.primitive.bind(*arrays, **{**eqn.params, **changes})
    return [_numbers(each) for each in out] if isinstance(out, tuple | list) else _numbers(out)


def _numbers(array: Any) -> Any:
    """NumPy's numbers; keys of random numbers stay JAX's own."""
    return array if jax.dtypes.issubdtype(array.dtype, jax.dtypes.extended) else np.asarray(array)


def _alike(eqn: Any, inputs: Sequence[Constant], shape: Sequence[int]) -> frozenset[int]:
    """Axes along which an output repeats one number: those that were broadcast, and stay so in functions of them."""
    name, every = eqn.primitive.name, frozenset(range(len(shape)))
    if name == "broadcast_in_dim":
        (x,) = inputs
        axes = zip(map(int, eqn.params["broadcast_dimensions"]), range(len(x.shape)), strict=True)
        return every - {axis for axis, before in axes if x.shape[before] > 1 and before not in x.alike}
    is_of_one = name in _FOLDS or name in ("select_n", "integer_pow", "convert_element_type", "stop_gradient", "copy")
    if is_of_one and all(each.shape in ((), tuple(shape)) for each in inputs):
        return every.intersection(*(each.alike for each in inputs if each.shape == tuple(shape)))
    return frozenset()
