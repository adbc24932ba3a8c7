"""Masks of numbers that a network applies by hand: what they leave out of scores, of softmax's weights, of products.

Scores are filled with −∞ where a key is not to be weighed, or −∞ is added; softmax makes that 0, and a product with 0
reads nothing. So the trace notes which elements of a step are silenced, and which are 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch

from eyeshot.network.ops import Arithmetic, Dropout, Masked, MaskedMatMul, MatMul, Pointwise, Rearrange, Softmax
from eyeshot.read.aten.picking import MOST_POSITIONS, elements_at, nonzero
from eyeshot.read.aten.rules import axis_of, one, reshaped, rule, varying
from eyeshot.read.masks import SILENT, weighed
from eyeshot.read.trace import Call, Marks, Step, Trace


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
    out = call.run()
    silent, zeros = torch.zeros(out.shape, dtype=torch.bool), torch.zeros(out.shape, dtype=torch.bool)
    steps, is_told, most = [], True, -math.inf
    for step, (value, taken) in zip(held, choices, strict=True):
        taken = taken.cpu().expand(out.shape)
        if step is not None:
            wide = step if step.shape == out.shape else trace.record(Pointwise(name="expand"), [step], out.shape)
            steps.append(_without(trace, call.name.rstrip("_"), wide, ~taken))
            if (before := _of(trace.silent, step)) is not None:  # a second mask, upon what a first one silenced
                silent |= taken & before.elements
                is_told, most = is_told and before.is_told, max(most, before.most)
        elif (numbers := _numbers(trace, value)) is not None:
            silent |= taken & (numbers <= SILENT)
            most = max(most, _most(numbers))
            zeros |= taken & (numbers == 0)
    operands = call.tensors
    op = Arithmetic(name=call.name.rstrip("_"), varies=varying(trace, operands, out.dim()))
    step = trace.record(op, steps, out.shape, *trace.weights_among(operands))
    trace.bind(out, step)
    _note(trace.silent, step, silent, is_told=is_told, most=most)
    _note(trace.zeros, step, zeros, is_told=True)
    return out


def _most(numbers: torch.Tensor) -> float:
    """The largest of the numbers that silence."""
    silent = numbers[numbers <= SILENT]
    return float(silent.max()) if silent.numel() else -math.inf


def _numbers(trace: Trace, value: Any) -> torch.Tensor | None:
    """A constant's numbers; None where it has none, or none that can be compared."""
    numbers = trace.numbers_of(value) if isinstance(value, torch.Tensor) else torch.tensor(value)
    return None if numbers is None or numbers.is_complex() else numbers.cpu()


def _without(trace: Trace, name: str, step: Step, gone: torch.Tensor) -> Step:
    """A step's output with nothing read where a mask says so; a bound where too many elements would have to be told."""
    wide = [axis for axis, n in enumerate(gone.shape) if n > 1 and bool((gone != gone.narrow(axis, 0, 1)).any())]
    if not bool(gone.any()):
        return step
    # heads and images under one mask share its table: only the axes are told along which it differs
    first, behind = (wide[0], wide[-1] + 1) if wide else (0, 1)
    count = math.prod(step.shape[first:behind])
    if count > MOST_POSITIONS:
        return trace.record(Masked(), [step], step.shape)
    lead, rest = step.shape[:first], step.shape[behind:]
    told = gone[(0,) * first].reshape(count, -1)[:, 0].tolist()
    row = reshaped(trace, step, (*lead, count, *rest), "flatten")
    picked = elements_at(trace, name, row, [-1 if is_gone else i for i, is_gone in enumerate(told)], axis=first)
    return reshaped(trace, picked, step.shape)


def _note(
    noted: dict[Step, Marks], step: Step, elements: torch.Tensor, *, is_told: bool, most: float = -math.inf
) -> None:
    if bool(elements.any()):
        noted[step] = Marks(elements, is_told, most)


def _of(noted: dict[Step, Marks], step: Step) -> Marks | None:
    """What was noted of a step, followed through what moves elements only; None where nothing was."""
    moves: list[Step] = []
    while noted and step not in noted and isinstance(step.op, Rearrange | Dropout):
        moves.append(step)
        step = step.inputs[0]
    marks = noted.get(step)
    if marks is None:
        return None
    elements = marks.elements
    for move in reversed(moves):
        if isinstance(move.op, Rearrange):
            order = move.op.order
            elements = elements.reshape(move.shape) if order is None else elements.permute(order)
    return Marks(elements, marks.is_told, marks.most)


def arithmetic(trace: Trace, call: Call) -> Any:
    """Position by position; −∞ among constants that are added silences scores, zeros among factors end products."""
    operands = call.tensors
    inputs = [t for t in operands if trace.knows(t)]
    if len({id(t) for t in inputs}) == 1:
        if len(inputs) == 2 and call.name == "mul":
            return one(trace, call, Pointwise(name="square"), inputs[:1], call.run())
        inputs = inputs[:1]
    name = call.name.rstrip("_")
    before = [None if not trace.knows(t) else trace.step_of(t) for t in operands[:2]] if name in _FOLLOWED else []
    out = call.run()
    op = Arithmetic(name=name, varies=varying(trace, operands, out.dim()))
    one(trace, call, op, inputs, out)
    if before and call.arguments.get("alpha", 1) == 1:
        _follow(trace, trace.step_of(out), name, operands if op.varies else [], before)
        _scale(trace, trace.step_of(out), name, call, before)
    return out


_FOLLOWED = frozenset({"add", "sub", "mul", "div"})


def _follow(trace: Trace, out: Step, name: str, operands: Sequence[torch.Tensor], before: list[Step | None]) -> None:
    """Note what a sum leaves silent, or a product 0; what a difference takes away, or takes from, silences nothing."""
    if name == "div":
        return
    noted = trace.zeros if name == "mul" else trace.silent
    gone: list[torch.Tensor] = []
    most = -math.inf
    for place, step in enumerate(before):
        if step is None and place < len(operands) and (numbers := _numbers(trace, operands[place])) is not None:
            if name == "sub":
                numbers = -numbers.double() if place else torch.zeros(())
            gone.append(numbers == 0 if name == "mul" else numbers <= SILENT)
            most = max(most, _most(numbers))
        elif step is not None and not (name == "sub" and place) and (marks := _of(noted, step)) is not None:
            gone.append(marks.elements)
            most = max(most, marks.most)
    # sums of maps are many and masks are few: no map's worth of memory is taken before one says something
    if any(bool(each.any()) for each in gone):
        elements = reduce(torch.Tensor.logical_or, gone)
        _note(noted, out, elements.expand(out.shape), is_told=False, most=most)


def _scale(trace: Trace, out: Step, name: str, call: Call, before: list[Step | None]) -> None:
    """Note what a constant factor leaves silent: −10⁹ by 1/8 is, by −1 is not, and −10⁴ by 1/8 may weigh again."""
    if name not in {"mul", "div"} or not trace.silent or call.arguments.get("rounding_mode") is not None:
        return
    (is_first, scores), *others = [(place == 0, step) for place, step in enumerate(before) if step is not None]
    marks = None if others or (name == "div" and not is_first) else _of(trace.silent, scores)
    factor = None if marks is None else _numbers(trace, call["other"] if is_first else call.x)
    if marks is None or factor is None:
        return
    numbers = marks.most / factor.double() if name == "div" else marks.most * factor.double()
    elements = marks.elements & (numbers <= SILENT)
    _note(trace.silent, out, elements.expand(out.shape), is_told=marks.is_told, most=_most(numbers))


@rule("softmax", "_softmax", "_safe_softmax", "log_softmax", "_log_softmax")
def _softmax(trace: Trace, call: Call) -> Any:
    x, out = call.x, call.run()  # first, since it complains of an axis that is not there
    op, step = Softmax(axis=axis_of(call["dim"], x.dim())), trace.step_of(x)
    silent = _of(trace.silent, step)
    if silent is None:
        return one(trace, call, op, [x], out)
    # what was filled is read no more; what had −∞ added to it was, up to here
    left = step if silent.is_told else _without(trace, "mask", step, silent.elements)
    trace.bind(out, trace.record(op, [left], out.shape))
    if not call.name.endswith("log_softmax"):
        # where no key of a row is left, softmax makes them all alike, or no number at all
        weightless = silent.elements & ~silent.elements.all(op.axis, keepdim=True)
        _note(trace.zeros, trace.step_of(out), weightless, is_told=True)
    return out


def product(trace: Trace, a: Step, b: Step, shape: torch.Size) -> Step:
    """A product of two matrices, of which one may have zeros that a mask left: what those would weigh is not read."""
    steps, op = [a, b], MatMul()
    for side in (0, 1):
        zeros = _of(trace.zeros, steps[side])
        table = (
            None
            if zeros is None
            else weighed((~(zeros.elements if side == 0 else zeros.elements.transpose(-2, -1))).numpy())
        )
        if zeros is None or table is None:
            continue
        # softmax's weights read their row all the same, without what its mask left out
        steps[side] = steps[side] if zeros.is_told else _without(trace, "mask", steps[side], zeros.elements)
        op = MaskedMatMul(keys=table[0], side=side, is_bound=table[1])
        break
    return trace.record(op, steps, shape)
