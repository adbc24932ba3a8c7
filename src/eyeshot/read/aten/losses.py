"""Losses: a function of each element or each sample, then their sum or mean."""

from __future__ import annotations

from typing import Any

import torch

from eyeshot.network.ops import Aggregate, Arithmetic, Pick, Rearrange, Softmax
from eyeshot.read.aten.picking import MOST_POSITIONS, elements_at
from eyeshot.read.aten.rules import rule
from eyeshot.read.trace import Call, Step, Trace, tensors_in

_REDUCTIONS = {1: "mean", 2: "sum"}
"""PyTorch's numbers for what is done to a loss per sample; 0 is nothing."""


@rule(
    *("mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits"),
)
def _by_element(trace: Trace, call: Call) -> Any:
    """Position by position of the input, its target and their weights."""
    out = call.run()
    inputs = {id(tensor): tensor for tensor in call.tensors}.values()
    shape = torch.broadcast_shapes(*(tensor.shape for tensor in inputs))
    known = [trace.step_of(tensor) for tensor in inputs if trace.knows(tensor)]
    return _reduced(trace, call, trace.record(Arithmetic(name=call.name), known, shape), out)


def _reduced(trace: Trace, call: Call, losses: Step, out: torch.Tensor) -> torch.Tensor:
    """The losses of all samples, or their sum or mean."""
    reduction = _REDUCTIONS.get(call["reduction"])
    if reduction is not None:
        op = Aggregate(name=reduction, axes=tuple(range(len(losses.shape))), keep=False)
        losses = trace.record(op, [losses], out.shape)
    trace.bind(out, losses)
    return out


@rule("nll_loss_forward", "nll_loss2d_forward")
def _nll(trace: Trace, call: Call) -> Any:
    """One class of each sample; where a softmax came before, its sum reads all classes in any case."""
    x, target = call.x, call["target"]
    out = call.run()
    axis = min(x.dim() - 1, 1)
    losses = _of_classes(trace, call.name.partition("_forward")[0], x, target, axis)
    _reduced(trace, call, losses, out[0])
    return out


def _of_classes(trace: Trace, name: str, x: torch.Tensor, target: torch.Tensor, axis: int) -> Step:
    if not trace.knows(x):
        return trace.record(Arithmetic(name=name), [trace.step_of(target)], target.shape)
    step, numbers = trace.step_of(x), trace.numbers_of(target)
    if _is_normalised(step, axis):
        losses = trace.record(Aggregate(name=name, axes=(axis,), keep=False), [step], target.shape)
        return _beside(trace, name, losses, target)
    if numbers is not None and 0 < numbers.numel() <= MOST_POSITIONS:
        # the sample's place in a row of all, classes innermost
        last = trace.record(Rearrange(name="permute", order=_to_last(axis, x.dim())), [step], _moved(x.shape, axis))
        flat = trace.record(Rearrange(name="flatten"), [last], (x.numel(),))
        classes = x.shape[axis]
        places = tuple(i * classes + c for i, c in enumerate(numbers.flatten().tolist()))
        picked = tuple(place if 0 <= place - i * classes < classes else -1 for i, place in enumerate(places))
        return trace.record(Rearrange(name="reshape"), [elements_at(trace, name, flat, picked)], target.shape)
    op = Pick(name=name, axes=(axis,), by_data=trace.knows(target))
    picked_step = trace.record(op, [step], (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    losses = trace.record(Rearrange(name="squeeze"), [picked_step], target.shape)
    return _beside(trace, name, losses, target)


def _beside(trace: Trace, name: str, losses: Step, target: torch.Tensor) -> Step:
    """The losses, with the target that chose the classes where that depends on the data."""
    if not trace.knows(target):
        return losses
    return trace.record(Arithmetic(name=name), [losses, trace.step_of(target)], losses.shape)


def _is_normalised(step: Step, axis: int) -> bool:
    """Whether classes were put through a softmax, with at most positions reshaped since."""
    while isinstance(step.op, Rearrange) and step.op.order is None:
        before = step.inputs[0]
        if before.shape[: axis + 1] != step.shape[: axis + 1]:
            return False
        step = before
    return isinstance(step.op, Softmax) and step.op.axis == axis


def _to_last(axis: int, rank: int) -> tuple[int, ...]:
    return (*(a for a in range(rank) if a != axis), axis)


def _moved(shape: torch.Size, axis: int) -> tuple[int, ...]:
    return tuple(shape[a] for a in _to_last(axis, len(shape)))


@rule("multi_margin_loss", "multilabel_margin_loss_forward")
def _margins(trace: Trace, call: Call) -> Any:
    """All classes of a sample, against those of its target."""
    out = call.run()
    first, *others = tensors_in(out)
    x, target = call.x, call["target"]
    known = [trace.step_of(tensor) for tensor in (x, target) if trace.knows(tensor)]
    losses = [trace.record(Aggregate(name=call.name, axes=(x.dim() - 1,), keep=False), known[:1], x.shape[:-1])]
    if len(known) == 2:
        op = Aggregate(name=call.name, axes=(target.dim() - 1,), keep=False)
        targets = trace.record(op, known[1:], target.shape[:-1]) if target.shape == x.shape else known[1]
        losses = [trace.record(Arithmetic(name=call.name), [*losses, targets], x.shape[:-1])]
    _reduced(trace, call, losses[0], first)
    for other in others:
        trace.bind(other, losses[0]) if other.shape == losses[0].shape else None
    return out


@rule("_ctc_loss")
def _ctc(trace: Trace, call: Call) -> Any:
    """All positions of a sequence and the classes of its target; all classes behind a softmax."""
    x, out = call["log_probs"], call.run()
    step, losses = trace.step_of(x), out[0]
    lengths = call["input_lengths"]
    numbers = trace.numbers_of(lengths) if isinstance(lengths, torch.Tensor) else torch.tensor(lengths)
    is_whole = numbers is not None and bool((numbers == len(x)).all()) and _is_normalised(step, x.dim() - 1)
    if not is_whole:
        step = trace.record(Pick(name="ctc_loss", axes=(0, x.dim() - 1)), [step], x.shape)
    axes = (0, x.dim() - 1)
    trace.bind(losses, trace.record(Aggregate(name="ctc_loss", axes=axes, keep=False), [step], losses.shape))
    return out
