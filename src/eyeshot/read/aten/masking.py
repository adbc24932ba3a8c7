"""Masks of numbers that a network applies by hand, in PyTorch's words: fills, choices, sums, factors, softmax."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch

from eyeshot.network.ops import Arithmetic, Op, Pointwise, Softmax
from eyeshot.network.relations import Shape
from eyeshot.read.aten.picking import nonzero
from eyeshot.read.aten.rules import axis_of, one, rule, varying
from eyeshot.read.masks import FOLLOWED, Array, Constant, without
from eyeshot.read.trace import Call, Step, Trace


@rule("masked_fill")
def _masked_fill(trace: Trace, call: Call) -> Any:
    mask, value = call["mask"], call["value"]
    if trace.knows(mask) or trace.knows(value):
        return arithmetic(trace, call)
    gone = trace.numbers_of(mask) if trace.knows(call.x) else None
    return arithmetic(trace, call) if gone is None else _chosen(trace, call, [(call.x, ~gone.bool()), (value, gone)])


@rule("where")
def _where(trace: Trace, call: Call) -> Any:
    """Without a choice it lists positions, which depend on the data."""
    condition = call["condition"]
    choices = [call.arguments[name] for name in ("self", "other") if name in call.arguments]
    numbers = None if trace.knows(condition) or not any(map(trace.knows, choices)) else trace.numbers_of(condition)
    if len(choices) < 2:
        return nonzero(trace, call)
    if numbers is None or choices[0] is choices[1]:
        return arithmetic(trace, call)
    return _chosen(trace, call, [(choices[0], numbers.bool()), (choices[1], ~numbers.bool())])


def _chosen(trace: Trace, call: Call, choices: list[tuple[Any, torch.Tensor]]) -> Any:
    """Of each of two choices the elements where it is taken; all of it where those are too many to tell one by one."""
    held = [trace.step_of(value) if trace.knows(value) else None for value, _ in choices]
    out, record = call.run(), recording(trace)
    steps: list[Step] = []
    cases: list[tuple[Step | Constant, Any]] = []
    for step, (value, taken) in zip(held, choices, strict=True):
        table = taken.cpu().expand(out.shape).numpy()
        if step is not None:
            wide = step if step.shape == out.shape else record(Pointwise(name="expand"), step, tuple(out.shape))
            steps.append(without(record, call.name.rstrip("_"), wide, ~table))
        cases.append((_constant(trace, value) if step is None else step, table))
    operands = call.tensors
    op = Arithmetic(name=call.name.rstrip("_"), varies=varying(trace, operands, out.dim()))
    step = trace.record(op, steps, out.shape, *trace.weights_among(operands))
    trace.bind(out, step)
    trace.masks.choose(step, cases)
    return out


def _constant(trace: Trace, value: Any, *, varies: bool = True) -> Constant:
    """An operand that does not depend on the input."""

    def numbers() -> Array | None:
        found = trace.numbers_of(value) if isinstance(value, torch.Tensor) else torch.tensor(value)
        if found is None or found.is_complex() or found.layout is not torch.strided or found.is_quantized:
            return None
        found = found.detach().cpu().resolve_neg()
        is_numpys = found.dtype in (torch.float16, torch.float32, torch.float64) or not found.is_floating_point()
        return np.asarray((found if is_numpys else found.float()).numpy())

    return Constant(numbers, varies)


def recording(trace: Trace) -> Callable[[Op, Step, Shape], Step]:
    """Appends a step that reads one other."""
    return lambda op, step, shape: trace.record(op, [step], shape)


def arithmetic(trace: Trace, call: Call) -> Any:
    """Position by position; −∞ among constants that are added silences scores, zeros among factors end products."""
    operands = call.tensors
    inputs = [t for t in operands if trace.knows(t)]
    if len({id(t) for t in inputs}) == 1:
        if len(inputs) == 2 and call.name == "mul":
            return one(trace, call, Pointwise(name="square"), inputs[:1], call.run())
        inputs = inputs[:1]
    name = call.name.rstrip("_")
    out = call.run()
    op = _arithmetic(name, varying(trace, operands, out.dim()))
    may_mask = bool(op.varies) or trace.masks.left_out_some
    before = _operands(trace, call, name) if may_mask and call.arguments.get("alpha", 1) == 1 else []
    one(trace, call, op, inputs, out)
    if before:
        given = [_constant(trace, each, varies=bool(op.varies)) if step is None else step for step, each in before]
        trace.masks.follow(trace.step_of(out), name, given)
    return out


@cache
def _arithmetic(name: str, varies: tuple[int, ...]) -> Arithmetic:
    """The operation of that name: a network has many of few."""
    return Arithmetic(name=name, varies=varies)


def _operands(trace: Trace, call: Call, name: str) -> list[tuple[Step | None, Any]]:
    """Both operands of what masks are followed through, with the steps that made them before the call."""
    if name not in FOLLOWED or "other" not in call.arguments or call.arguments.get("rounding_mode") is not None:
        return []
    return [(trace.step_of(each) if trace.knows(each) else None, each) for each in (call.x, call["other"])]


@rule("softmax", "_softmax", "_safe_softmax", "log_softmax", "_log_softmax")
def _softmax(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()  # first, since it complains of an axis that is not there
    op, step = Softmax(axis=axis_of(call["dim"], x.dim())), trace.step_of(x)
    left = trace.masks.scored(recording(trace), step)
    if left is step:
        one(trace, call, op, [x], out)
    else:
        trace.bind(out, trace.record(op, [left], out.shape))
    if not call.name.endswith("log_softmax"):
        trace.masks.weigh(trace.step_of(out), step, op.axis)
    return out


def product(trace: Trace, a: Step, b: Step, shape: Shape) -> Step:
    """A product of two matrices, of which one may have zeros that a mask left: what those would weigh is not read."""
    op, steps = trace.masks.product(recording(trace), a, b)
    return trace.record(op, steps, shape)
