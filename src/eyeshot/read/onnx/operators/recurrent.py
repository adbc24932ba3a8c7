"""Recurrent layers, kept whole: features are mixed, then positions one after the other."""

from __future__ import annotations

from eyeshot.errors import ReadError
from eyeshot.network.ops import Arithmetic, Mixing, Pointwise, Recurrent, Shift
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.table import rule
from eyeshot.read.onnx.values import Value


@rule("LSTM", "GRU", "RNN")
def _recurrent(call: Call) -> list[Value]:
    """Y has an axis for directions: positions, directions, batch, features (layout 0)."""
    return recurrence(call, call.x, call.op.lower(), hidden=call[2].shape[-1])


def recurrence(call: Call, x: Value, name: str, *, hidden: int) -> list[Value]:
    """The outputs of a recurrent layer whose inputs are those of LSTM, but for ``x``."""
    weight, inner, bias = call[1], call[2], call.get(3)
    batch_axis = 0 if call.integer("layout", 0) else 1
    axis = 1 - batch_axis
    ways = weight.shape[0]
    direction = call.text("direction", "forward")
    if len(x.shape) != 3:
        raise ReadError(f"its sequences have {len(x.shape)} axes; needed are positions, batch and features")
    if direction not in ("forward", "reverse", "bidirectional"):
        raise ReadError(f"its direction is {direction!r}")
    if weight.step is not None or inner.step is not None:
        raise ReadError("its weights depend on the data, which is not read")
    rows, batch = x.shape[axis], x.shape[batch_axis]
    sequence = tuple(rows if a == axis else batch if a == batch_axis else ways * hidden for a in range(3))
    parts = [call.record(Mixing(name="gates", axes=(2,)), [x], sequence)] if x.step is not None else []
    for state in (call.get(5), call.get(6)):
        if state is not None and state.step is not None:
            parts.append(_at_every_position(call, state, batch_axis))
    weights = [weight, inner, bias, call.get(7) if name == "lstm" else None]
    if parts:
        mixed = parts[0] if len(parts) == 1 else call.record(Arithmetic(name="add"), parts, sequence)
        if mixed.shape != sequence:
            mixed = call.record(Pointwise(name="expand"), [mixed], sequence)
        if direction == "reverse":
            mixed = call.record(Shift(axis=axis, step=-1), [mixed], sequence)
        op = Recurrent(name=name, axis=axis, both_ways=direction == "bidirectional", weights=weight.count + inner.count)
        call.reader.spend(rows)
        out = call.record(op, [mixed], sequence, weights)
        if direction == "reverse":
            out = call.record(Shift(axis=axis, step=-1), [out], sequence)
    else:
        out = Value(sequence)
    apart = call.reshaped(out, (*sequence[:2], ways, hidden))
    whole = call.permuted(apart, (0, 2, 1, 3)) if batch_axis == 1 else call.permuted(apart, (0, 1, 2, 3))
    ends = [_end(call, out, axis, ways, hidden) for _ in range(2)]
    return [whole, *ends]


def _at_every_position(call: Call, state: Value, batch_axis: int) -> Value:
    """A state of directions × sequences × features, told for a sequence's positions: of each sequence its own."""
    axes = (0, 2) if batch_axis == 1 else (1, 2)
    shape = tuple(1 if a in axes else n for a, n in enumerate(state.shape))
    of_each = call.record(Mixing(name="state", axes=axes), [state], shape)
    return call.reshaped(of_each, (1, shape[1], 1) if batch_axis == 1 else (shape[0], 1, 1))


def _end(call: Call, out: Value, axis: int, ways: int, hidden: int) -> Value:
    """The last state of each direction: all positions of each sequence."""
    batch = out.shape[1 - axis]
    shape = tuple(1 if a != 1 - axis else n for a, n in enumerate(out.shape))
    of_each = call.record(Mixing(name="state", axes=(axis, 2)), [out], shape)
    if axis == 0:
        return call.record(Pointwise(name="expand"), [of_each], (ways, batch, hidden))
    return call.record(Pointwise(name="expand"), [of_each], (batch, ways, hidden))
