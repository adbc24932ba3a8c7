"""Products, sums over axes, running sums, transforms of whole axes."""

from __future__ import annotations

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Arithmetic,
    Concatenate,
    Cumulative,
    Linear,
    Masked,
    Mixing,
    Pointwise,
    Shift,
)
from eyeshot.read.einsum import contracted, labels
from eyeshot.read.masks import Constant
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.names import class_of
from eyeshot.read.onnx.operators.layout import axes_told, cut, joined, padded
from eyeshot.read.onnx.operators.picking import MOST_POSITIONS, at_elements
from eyeshot.read.onnx.operators.pointwise import weighed
from eyeshot.read.onnx.operators.table import broadcast, rule
from eyeshot.read.onnx.values import MOST_NUMBERS, LostError, Value

_REDUCTIONS = {
    "ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "amax", "ReduceMin": "amin", "ReduceProd": "prod",
    "ReduceL1": "norm", "ReduceL2": "norm", "ReduceLogSum": "logsum", "ReduceLogSumExp": "logsumexp",
    "ReduceSumSquare": "sum_square",
}  # fmt: skip


@rule(*_REDUCTIONS)
def _reduce(call: Call) -> Value:
    x, told = call.x, axes_told(call)
    rank = len(x.shape)
    if not told:
        if call.integer("noop_with_empty_axes", 0):
            return x
        told = list(range(rank))
    axes = tuple(sorted({call.axis(a, rank) for a in told}))
    return aggregate(call, x, _REDUCTIONS[call.op], axes, keep=bool(call.integer("keepdims", 1)))


def aggregate(call: Call, x: Value, name: str, axes: tuple[int, ...], *, keep: bool) -> Value:
    """A mean, sum or maximum over axes; a pool to one position where the model has such a module there."""
    kept = [1 if a in axes else n for a, n in enumerate(x.shape)]
    if name == "mean" and keep and "AdaptiveAvgPool" in class_of(call.node) and axes == tuple(range(2, len(x.shape))):
        return call.record(AdaptivePool(mode="avg", size=(1,) * len(axes)), [x], kept)
    shape = kept if keep else [n for a, n in enumerate(x.shape) if a not in axes]
    return call.record(Aggregate(name=name, axes=axes, keep=keep), [x], shape)


@rule("ArgMax", "ArgMin")
def _extreme(call: Call) -> Value:
    axis = call.axis(call.integer("axis", 0), len(call.x.shape))
    return aggregate(call, call.x, call.op.lower(), (axis,), keep=bool(call.integer("keepdims", 1)))


@rule("TopK")
def _topk(call: Call) -> list[Value]:
    x = call.x
    axis = call.axis(call.integer("axis", -1), len(x.shape))
    count = call.integer("k") if call.get(1) is None else call.whole(1)[0]
    if not 0 <= count <= x.shape[axis]:
        raise ReadError(f"the {count} largest of {x.shape[axis]}")
    out = call.record(Mixing(name="topk", axes=(axis,)), [x], (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    return [out, out]


@rule("CumSum", "CumProd")
def _cumulative(call: Call) -> Value:
    x = call.x
    axis = call.axis(call.whole(1)[0], len(x.shape))
    is_reverse = bool(call.integer("reverse", 0))
    turned = call.record(Shift(axis=axis, step=-1), [x], x.shape) if is_reverse else x
    if call.integer("exclusive", 0):
        pairs = [(1, -1) if a == axis else (0, 0) for a in range(len(x.shape))]
        turned = padded(call, turned, pairs, "constant")
    if x.step is not None:
        call.reader.spend(x.shape[axis])
    out = call.record(Cumulative(name=call.op.lower(), axis=axis), [turned], x.shape)
    return call.record(Shift(axis=axis, step=-1), [out], x.shape) if is_reverse else out


# --- products ---------------------------------------------------------------------------------------------------------


@rule("MatMul")
def _matmul(call: Call) -> Value:
    return product(call, call.x, call[1])


@rule("FusedMatMul", domain="com.microsoft")
def _fused_matmul(call: Call) -> Value:
    a, b = call.x, call[1]
    return product(
        call,
        transposed(call, a) if call.integer("transA", 0) else a,
        transposed(call, b) if call.integer("transB", 0) else b,
    )


def transposed(call: Call, x: Value) -> Value:
    """The last two axes exchanged."""
    rank = len(x.shape)
    return call.permuted(x, (*range(rank - 2), rank - 1, rank - 2))


def product(call: Call, a: Value, b: Value, bias: Value | None = None) -> Value:
    """A product of matrices: a fully connected layer where one side depends on no input."""
    if not a.shape or not b.shape:
        raise ReadError("a product with one number")
    left = call.reshaped(a, (1, *a.shape), "unsqueeze") if len(a.shape) == 1 else a
    right = call.reshaped(b, (*b.shape, 1), "unsqueeze") if len(b.shape) == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ReadError(f"rows of {left.shape[-1]} do not fit columns of {right.shape[-2]}")
    lead = broadcast(left.shape[:-2], right.shape[:-2])
    shape = (*lead, left.shape[-2], right.shape[-1])
    if a.step is not None and b.step is not None:
        sides = [
            each.step for each in (_widened(call, left, lead), _widened(call, right, lead)) if each.step is not None
        ]
        mixed, read = call.reader.masks.product(call.reads_one, *sides)
        out = call.record(mixed, [Value(each.shape, each) for each in read], shape)
    else:
        is_left = a.step is not None or b.step is None
        x, weight = (left, right) if is_left else (right, left)
        op = Linear(bias=bias is not None, axis=-1 if is_left else -2)
        out = call.record(op, [_widened(call, x, lead)], shape, [weight, bias])
    if len(a.shape) == 1 or len(b.shape) == 1:
        kept = list(shape)
        if len(b.shape) == 1:
            del kept[-1]
        if len(a.shape) == 1:
            del kept[-1 if len(b.shape) == 1 else -2]
        return call.reshaped(out, kept, "squeeze")
    return out


def _widened(call: Call, x: Value, lead: tuple[int, ...]) -> Value:
    """With all batch axes that a product has, so that it costs as often."""
    rank = len(lead) + 2
    x = call.reshaped(x, (1,) * (rank - len(x.shape)) + x.shape, "unsqueeze")
    if x.shape[:-2] == lead:
        return x
    return call.record(Pointwise(name="expand"), [x], (*lead, *x.shape[-2:]))


@rule("Gemm", "FusedGemm")
def _gemm(call: Call) -> Value:
    a, b, c = call.x, call[1], call.get(2)
    a = transposed(call, a) if call.integer("transA", 0) else a
    b = transposed(call, b) if call.integer("transB", 0) else b
    bias = c if c is not None and c.step is None else None
    is_layer = (a.step is None) != (b.step is None)
    out = product(call, a, b, bias if is_layer else None)
    if c is None or (bias is not None and is_layer):
        return out
    return call.record(Arithmetic(name="add"), [out, c], broadcast(out.shape, c.shape))


@rule("Det")
def _det(call: Call) -> Value:
    rank = len(call.x.shape)
    return aggregate(call, call.x, "det", (rank - 2, rank - 1), keep=False)


@rule("Einsum")
def _einsum(call: Call) -> Value:
    """Products summed over labels: two operands as products of matrices, one as sums over axes."""
    terms, out = labels(call.text("equation"), [len(value.shape) for value in call.present])
    operands = [_diagonal(call, term, value) for term, value in zip(terms, call.present, strict=True)]
    return contracted(_Algebra(call), operands, out)


class _Algebra:
    """What einsum is made of."""

    def __init__(self, call: Call) -> None:
        self.call, self.permuted, self.reshaped = call, call.permuted, call.reshaped

    def summed(self, value: Value, axes: tuple[int, ...]) -> Value:
        return aggregate(self.call, value, "sum", axes, keep=False)

    def product(self, a: Value, b: Value) -> Value:
        return product(self.call, a, b)


def _diagonal(call: Call, term: list[str], value: Value) -> tuple[list[str], Value]:
    """An operand of which each axis has a label of its own: of one label twice the diagonal."""
    labels = list(dict.fromkeys(term))
    if len(labels) == len(term):
        return term, value
    if value.count > MOST_POSITIONS:
        raise LostError("it takes a diagonal of too many elements")
    numbered = np.arange(value.count).reshape(value.shape)
    table = np.einsum(numbered, [labels.index(x) for x in term], list(range(len(labels))))
    if value.step is None:
        return labels, Value(table.shape, weights=value.weights)
    row = call.reshaped(value, (value.count,), "flatten")
    return labels, at_elements(call, row, table.reshape(-1), table.shape)


# --- transforms and attention -----------------------------------------------------------------------------------------


@rule("DFT")
def _dft(call: Call) -> Value:
    x = call.x
    told = call.whole(2)[0] if call.get(2) is not None else call.integer("axis", 1 if call.opset < 20 else -2)
    axis = call.axis(told, len(x.shape))
    is_back = bool(call.integer("onesided", 0) and call.integer("inverse", 0))
    count = call.whole(1)[0] if call.get(1) is not None else 2 * (x.shape[axis] - 1) if is_back else x.shape[axis]
    if is_back:  # from half of the frequencies to real numbers
        op = Mixing(name="dft", axes=(axis, len(x.shape) - 1))
        return call.record(op, [x], (*x.shape[:axis], count, *x.shape[axis + 1 : -1], 1))
    if count != x.shape[axis]:
        pairs = [(0, count - n) if a == axis else (0, 0) for a, n in enumerate(x.shape)]
        x = padded(call, x, pairs, "constant")
    size = count // 2 + 1 if call.integer("onesided", 0) else count
    shape = (*x.shape[:axis], size, *x.shape[axis + 1 : -1], 2)
    return call.record(Mixing(name="dft", axes=(axis, len(x.shape) - 1)), [x], shape)


@rule("STFT")
def _stft(call: Call) -> Value:
    """Frames at steps, each transformed whole."""
    x, step, window = call.x, call.whole(1)[0], call.get(2)
    size = call.whole(3)[0] if call.get(3) is not None else window.shape[0] if window is not None else 0
    if step < 1 or not 0 < size <= min(x.shape[1], 1 << 14):
        raise ReadError(f"frames of {size} at steps of {step}")
    frames = 1 + (x.shape[1] - size) // step
    lead = call.reshaped(x, x.shape[:2], "squeeze") if len(x.shape) == 3 and x.shape[2] == 1 else x
    rest = lead.shape[2:]
    copies = [
        call.reshaped(cut(call, lead, 1, tap, frames, step), (x.shape[0], frames, 1, *rest)) for tap in range(size)
    ]
    stacked = call.record(Concatenate(axis=2), copies, (x.shape[0], frames, size, *rest))
    bins = size // 2 + 1 if call.integer("onesided", 1) else size
    if rest:
        return call.record(Mixing(name="stft", axes=(2, 3)), [stacked], (x.shape[0], frames, bins, 2))
    out = call.record(Mixing(name="stft", axes=(2,)), [stacked], (x.shape[0], frames, bins))
    pair = call.reshaped(out, (*out.shape, 1), "unsqueeze")
    return call.record(Pointwise(name="expand"), [pair], (*out.shape, 2))


@rule("Attention")
def _attention(call: Call) -> list[Value | None]:
    """Heads of queries over keys and values; several queries' heads may share a key's."""
    query, key, value, mask = call.x, call[1], call[2], call.get(3)
    past = [(call.get(4), "key"), (call.get(5), "value")]
    is_flat = len(query.shape) == 3
    if is_flat:
        heads, held = call.integer("q_num_heads"), call.integer("kv_num_heads")
        query, key, value = (_heads(call, x, n) for x, n in ((query, heads), (key, held), (value, held)))
    key, value = (
        joined(call, [before, x], 2) if before is not None else x
        for (before, _), x in zip(past, (key, value), strict=True)
    )
    now = (key, value)
    key, value = (_repeated(call, x, query.shape[1]) for x in (key, value))
    scores = product(call, query, transposed(call, key))
    before = 0 if call.get(4) is None else call[4].shape[2]
    out = product(call, weighed(call, _masked(call, scores, mask, before), 3), value)
    if is_flat:
        out = call.permuted(out, (0, 2, 1, 3))
        out = call.reshaped(out, (*out.shape[:2], out.shape[2] * out.shape[3]))
    return [out, *now, scores]


def _masked(call: Call, scores: Value, mask: Value | None, before: int) -> Value:
    """Scores as softmax gets them: with what a mask adds, without what it leaves out, or lies behind or too far off.

    ``before`` is how many keys come from earlier calls.
    """
    if mask is not None and mask.step is not None:
        more = scores.shape[3] - mask.shape[-1]
        if more > 0 and mask.shape[-1] > 1:
            mask = padded(call, mask, [(0, 0)] * (len(mask.shape) - 1) + [(0, more)], "constant")
        scores = call.record(Arithmetic(name="add"), [scores, mask], broadcast(scores.shape, mask.shape))
        mask = None
    rows, keys = scores.shape[2:]
    behind = 0 if call.integer("is_causal", 0) else call.integer("right_window_size", -1)
    ahead = call.integer("left_window_size", -1)
    is_whole = behind < 0 and ahead < 0 and mask is None
    if scores.step is None or (is_whole and call.get(6) is None):
        return scores
    numbers = None if mask is None else mask.numbers
    if call.get(6) is not None or rows * keys > MOST_NUMBERS or (mask is not None and numbers is None):
        return call.record(Masked(), [scores], scores.shape)  # lengths of the data, or more than are told one by one
    away = np.arange(rows)[:, None] + before - np.arange(keys)
    gone = ((-away > behind) & (behind >= 0)) | ((away > ahead) & (ahead >= 0))
    if numbers is not None:
        if numbers.dtype.kind == "b":
            numbers = np.where(numbers, 0.0, -np.inf)
        gone = gone | (np.arange(keys) >= numbers.shape[-1]) if numbers.shape[-1] > 1 else gone
        short = [(0, 0)] * (numbers.ndim - 1) + [(0, max(0, keys - numbers.shape[-1]) * (numbers.shape[-1] > 1))]
        numbers = np.pad(numbers, short)
    added = np.where(gone, -np.inf, 0.0 if numbers is None else numbers)
    out = call.record(Arithmetic(name="add"), [scores], broadcast(scores.shape, added.shape))
    assert out.step is not None
    call.reader.masks.follow(out.step, "add", [scores.step, Constant(lambda: added)])
    return out


def _heads(call: Call, x: Value, heads: int) -> Value:
    if heads < 1 or x.shape[2] % heads:
        raise ReadError(f"{heads} heads of {x.shape[2]} features")
    return call.permuted(call.reshaped(x, (*x.shape[:2], heads, x.shape[2] // heads)), (0, 2, 1, 3))


def _repeated(call: Call, x: Value, heads: int) -> Value:
    batch, held, rows, width = x.shape
    if held == heads:
        return x
    if heads % held:
        raise ReadError(f"{heads} heads of queries, {held} of keys")
    apart = call.reshaped(x, (batch, held, 1, rows, width), "unsqueeze")
    wide = call.record(Pointwise(name="expand"), [apart], (batch, held, heads // held, rows, width))
    return call.reshaped(wide, (batch, heads, rows, width))


@rule("RotaryEmbedding")
def _rotary(call: Call) -> Value:
    """Each position by itself: pairs of its features are turned."""
    x = call.x
    return call.record(Mixing(name="rotary", axes=(len(x.shape) - 1,)), [x], x.shape)
