"""What programs take apart, put together again: biases, norms, averages, softmax, activations, masks of attention.

Each is known by its form, or by the library's module that it was called in, and only by what nothing else reads.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from eyeshot.network.ops import (
    Aggregate,
    Arithmetic,
    Banded,
    Conv,
    ConvTranspose,
    Linear,
    Pointwise,
    Pool,
    Rearrange,
    Softmax,
)
from eyeshot.read.jax.activations import Form, activation
from eyeshot.read.jax.masks import masked
from eyeshot.read.jax.norms import put_together
from eyeshot.read.jax.values import Constant, Draft
from eyeshot.read.masks import Masks
from eyeshot.read.steps import CallSite


def fused(
    drafts: Sequence[Draft],
    results: Sequence[Draft],
    modules: Mapping[CallSite, str],
    masks: Masks,
    forms: Callable[[], Iterable[Form]],
) -> tuple[list[Draft], list[Draft]]:
    """Drafts that something reads, with what belongs together in one, and the results among them.

    Args:
        drafts: in the order in which they run.
        results: what the program gives.
        modules: classes of libraries' modules, by the calls in which drafts were made.
        masks: what masks of numbers left out so far.
        forms: activations in parts.
    """
    left = alive(drafts, results)
    put_together(left, results, modules)
    left = alive(left, results)
    readers = Counter(source for draft in left for source in draft.inputs)
    readers.update(results)
    for draft in left:
        draft.inputs = [resolved(source) for source in draft.inputs]
        _fuse(draft, readers, forms)
    left = alive(left, results)
    left = masked(left, masks)
    results = [resolved(result) for result in results]
    return alive(left, results), results


def resolved(draft: Draft) -> Draft:
    """What stands in a draft's place."""
    while draft.instead is not None:
        draft = draft.instead
    return draft


def alive(drafts: Sequence[Draft], results: Sequence[Draft]) -> list[Draft]:
    """The drafts that something reads, inputs included."""
    read = {resolved(result) for result in results}
    for draft in reversed(drafts):
        if draft in read:
            draft.inputs = [resolved(source) for source in draft.inputs]
            read.update(draft.inputs)
    return [draft for draft in drafts if draft in read or (not draft.inputs and _is_input(draft))]


def _is_input(draft: Draft) -> bool:
    return type(draft.op).__name__ == "Input"


def _fuse(draft: Draft, readers: Mapping[Draft, int], forms: Callable[[], Iterable[Form]]) -> None:
    op = draft.op
    if isinstance(op, Banded):
        _resized_along_both(draft, op, readers)
    if not isinstance(op, Arithmetic):
        return
    if op.name == "add" and _bias(draft, readers):
        return
    if op.name in ("div", "mul") and _average(draft, readers):
        return
    if op.name == "div" and _softmax(draft):
        return
    if op.name == "sub" and _log_softmax(draft):
        return
    activation(draft, forms)


def _resized_along_both(draft: Draft, op: Banded, readers: Mapping[Draft, int]) -> None:
    """A resizing along one axis after that along another."""
    (first,) = draft.inputs
    before = first.op
    if not isinstance(before, Banded) or before.name != op.name or set(before.axes) & set(op.axes):
        return
    if readers.get(first, 0) != 1:
        return
    lines = sorted(zip((*before.axes, *op.axes), (*before.taps, *op.taps), strict=True))
    draft.op = Banded(name=op.name, axes=tuple(axis for axis, _ in lines), taps=tuple(taps for _, taps in lines))
    draft.inputs = first.inputs


def _constant_in(draft: Draft) -> Constant | None:
    """The constant of an operation on one draft and one constant."""
    operands = draft.operands
    if len(draft.inputs) != 1 or len(operands) != 2:
        return None
    return next((each for each in operands if isinstance(each, Constant)), None)


def shown(draft: Draft) -> Draft:
    """What a draft shows under other shapes."""
    draft = resolved(draft)
    while isinstance(draft.op, Rearrange) and draft.op.order is None:
        draft = resolved(draft.inputs[0])
    return draft


def _is_read_once(draft: Draft, source: Draft, readers: Mapping[Draft, int]) -> bool:
    """Whether only one draft reads a source, and all that shows it in between."""
    step = draft
    while step is not source:
        step = resolved(step.inputs[0])
        if readers.get(step, 0) != 1:
            return False
    return True


def _bias(draft: Draft, readers: Mapping[Draft, int]) -> bool:
    """A bias behind a fully connected layer or a convolution that has none."""
    bias = _constant_in(draft)
    if bias is None or not bias.weights or not isinstance(draft.op, Arithmetic):
        return False
    before, layer = draft.inputs[0], shown(draft.inputs[0])
    if not isinstance(layer.op, Linear | Conv | ConvTranspose) or layer.op.bias or before.shape != draft.shape:
        return False
    place = len(layer.shape) + layer.op.axis if isinstance(layer.op, Linear) else 1
    if before is layer:
        is_bias = set(draft.op.varies) <= {place}
    else:  # outputs on several axes, as heads are
        lead = layer.shape[:place]
        is_bias = place == len(layer.shape) - 1 and before.shape[:place] == lead
        is_bias = is_bias and min(draft.op.varies, default=place) >= place
    if not is_bias or not _is_read_once(draft, layer, readers):
        return False
    layer.op = replace(layer.op, bias=True)
    layer.weights |= bias.weights
    draft.instead = before
    return True


def _average(draft: Draft, readers: Mapping[Draft, int]) -> bool:
    """A sum divided by how many it is of: a mean, or an average pool."""
    by = _constant_in(draft)
    if by is None or by.weights or (not isinstance(draft.operands[0], Draft) and draft.op == Arithmetic(name="div")):
        return False
    before, total = draft.inputs[0], shown(draft.inputs[0])
    is_mean = isinstance(total.op, Aggregate) and total.op.name == "sum"
    is_pool = isinstance(total.op, Pool) and total.op.mode == "sum"
    if not (is_mean or is_pool) or before.shape != draft.shape or not _is_read_once(draft, total, readers):
        return False
    if isinstance(total.op, Aggregate):
        count, source = 1, resolved(total.inputs[0])
        for axis in total.op.axes:
            count *= source.shape[axis]
        if not _is_count(draft, by, count):
            return False
        total.op = replace(total.op, name="mean")
    elif isinstance(total.op, Pool):
        # divided by an array: by how many of each window lie within
        if not by.count > 1 and not _is_count(draft, by, math.prod(total.op.kernel)):
            return False
        total.op = replace(total.op, mode="avg")
    draft.instead = before
    return True


def _is_count(draft: Draft, by: Constant, count: int) -> bool:
    assert isinstance(draft.op, Arithmetic)
    number = by.number
    return number is not None and math.isclose(
        number if draft.op.name == "div" else 1 / (number or 1e-30), count, rel_tol=1e-5
    )


# --- softmax ----------------------------------------------------------------------------------------------------------


def _softmax(draft: Draft) -> bool:
    """exp(x − max x)/Σ exp(x − max x) along an axis."""
    if len(draft.operands) != 2 or not all(isinstance(each, Draft) for each in draft.operands):
        return False
    power, total = (resolved(each) for each in draft.operands if isinstance(each, Draft))
    axis = _sum_over(shown(total), power)
    if axis is None or not (isinstance(power.op, Pointwise) and power.op.name == "exp"):
        return False
    return _replace(draft, _without_its_largest(resolved(power.inputs[0]), axis), axis)


def _log_softmax(draft: Draft) -> bool:
    """x − max x − log Σ exp(x − max x) along an axis."""
    if len(draft.operands) != 2 or not all(isinstance(each, Draft) for each in draft.operands):
        return False
    shifted, log = (resolved(each) for each in draft.operands if isinstance(each, Draft))
    if not (isinstance(log.op, Pointwise) and log.op.name == "log"):
        return False
    total = shown(log.inputs[0])
    power = resolved(total.inputs[0]) if total.inputs else total
    axis = _sum_over(total, power)
    if axis is None or resolved(power.inputs[0]) is not shifted:
        return False
    return _replace(draft, _without_its_largest(shifted, axis), axis)


def _sum_over(total: Draft, of: Draft) -> int | None:
    """The axis that a sum is over, if it is one sum of a draft over one axis."""
    op = total.op
    if not isinstance(op, Aggregate) or op.name != "sum" or len(op.axes) != 1 or resolved(total.inputs[0]) is not of:
        return None
    return op.axes[0]


def _without_its_largest(shifted: Draft, axis: int) -> Draft | None:
    """What the largest along an axis was taken from; the draft itself where nothing was."""
    if not (isinstance(shifted.op, Arithmetic) and shifted.op.name == "sub" and len(shifted.inputs) == 2):
        return shifted
    x, largest = resolved(shifted.inputs[0]), shown(shifted.inputs[1])
    while isinstance(largest.op, Arithmetic | Pointwise) and len(largest.inputs) == 1:  # held above −∞
        largest = shown(largest.inputs[0])
    op = largest.op
    is_largest = isinstance(op, Aggregate) and op.name == "amax" and op.axes == (axis,)
    return x if is_largest and resolved(largest.inputs[0]) is x else shifted


def _replace(draft: Draft, x: Draft | None, axis: int) -> bool:
    if x is None or x.shape != draft.shape:
        return False
    draft.op, draft.inputs, draft.operands = Softmax(axis=axis), [x], (x,)
    return True
