"""Recurrent layers, kept whole: features are mixed, then positions one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eyeshot.errors import ReadError
from eyeshot.network.ops import Arithmetic, Mixing, Rearrange, Recurrent, Shift, Slice
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.graph import layer_of
from eyeshot.read.keras.layers.layout import concatenated
from eyeshot.read.keras.layers.pointwise import merged
from eyeshot.read.keras.layers.table import rule
from eyeshot.read.keras.values import Value, as_is

_GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
_NAMES = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}


@rule(*_GATES)
def _recurrent(call: Call) -> Value | Sequence[Value]:
    if call.get("return_state"):
        raise UnreadError("it gives its state, too")
    out = passed(call, call.layer.kind, call.layer.config, _unmasked(call), _states(call), "kernel")
    if bool(call.get("go_backwards")):
        out = _turned(call, out)
    return out if call.get("return_sequences") else last(call, out, is_turned=False)


def _states(call: Call) -> list[Value]:
    """What it begins with, beside the sequence."""
    return [value for value in call.inputs[1:] if value is not call.kwargs.get("mask")]


def _unmasked(call: Call) -> Value:
    """The sequence, and at each position whether a mask of the data, as `mask_zero` makes, lets it through."""
    x, mask = call.logical(call.x), call.kwargs.get("mask")
    if not isinstance(mask, Value):
        return x
    gate = call.reshaped(mask, (*x.shape[:2], 1), "unsqueeze")
    return as_is(call.step(Arithmetic(name="mask"), [x.step, gate.step], x.shape))


@rule("RNN")
def _cells(call: Call) -> Value:
    """Keras' own cells, one pass of each after the other."""
    cell = layer_of(call.get("cell"))
    inner = cell.config.get("cells") if cell.kind == "StackedRNNCells" else None
    cells = [layer_of(each) for each in inner] if isinstance(inner, list) and inner else [cell]
    kinds = [each.kind.removesuffix("Cell") for each in cells]
    if call.get("return_state") or _states(call) or any(kind not in _GATES for kind in kinds):
        raise UnreadError("its cell is of somebody's own, or it takes or gives states")
    out, is_turned = _unmasked(call), bool(call.get("go_backwards"))
    for number, (kind, each) in enumerate(zip(kinds, cells, strict=True)):
        out = passed(call, kind, {**each.config, "go_backwards": is_turned}, out, [], f"cell{number}")
    out = _turned(call, out) if is_turned else out
    return out if call.get("return_sequences") else last(call, out, is_turned=False)


def passed(
    call: Call, kind: str, config: Mapping[str, Any], x: Value, states: Sequence[Value], key: str, turned: bool = False
) -> Value:
    """One pass over the sequence; backwards from its end where the settings say so, positions as in the input."""
    x = call.logical(x)
    if x.rank != 3:
        raise ReadError("it takes rows of features")
    units, width = config.get("units"), x.shape[-1]
    if not isinstance(units, int) or units < 1:
        raise ReadError(f"its units are {units}")
    gates, biased = _GATES[kind], bool(config.get("use_bias", True))
    biases = units * gates * (2 if kind == "GRU" and config.get("reset_after", True) else 1) * biased
    weights = gates * units * (width + units)
    shape = (*x.shape[:2], units)
    mixed = call.step(Mixing(name="gates", axes=(2,)), [x.step], shape)
    if states:
        rows = [call.logical(state) for state in states]
        wide = [call.reshaped(row, (row.shape[0], 1, row.shape[-1]), "unsqueeze").step for row in rows]
        whole = [call.step(Mixing(name="state", axes=(2,)), [row], (x.shape[0], 1, units)) for row in wide]
        mixed = call.step(Arithmetic(name="add"), [mixed, *whole], shape)
    is_turned = bool(config.get("go_backwards")) or turned
    if is_turned:
        mixed = call.step(Shift(axis=1, step=-1), [mixed], shape)
    op = Recurrent(name=_NAMES[kind], axis=1, both_ways=False, weights=weights)
    call.reader.spend(shape[1])
    step = call.step(op, [mixed], shape, call.reader.params((call.site.path, key), weights + biases))
    if is_turned:
        step = call.step(Shift(axis=1, step=-1), [step], shape)
    return as_is(step)


def _turned(call: Call, value: Value) -> Value:
    """Keras hands on a sequence that was read backwards as it was read: the last position first."""
    return call.same(Shift(axis=1, step=-1), value)


def last(call: Call, value: Value, *, is_turned: bool) -> Value:
    """What a pass ends with: the last position, or the first of a pass from behind."""
    start = 0 if is_turned else value.shape[1] - 1
    lead, width = value.shape[0], value.shape[-1]
    end = call.step(Slice(axis=1, start=start), [value.step], (lead, 1, width))
    return as_is(call.step(Rearrange(name="squeeze"), [end], (lead, width)))


@rule("Bidirectional")
def _both_ways(call: Call) -> Value:
    """A pass from each end, side by side or added."""
    inner = layer_of(call.get("layer"))
    # Keras 3 always writes the second down, as the first read from behind
    second = inner if call.get("backward_layer") is None else layer_of(call.get("backward_layer"))
    is_usual = all(second.config.get(key) == inner.config.get(key) for key in ("units", "return_sequences"))
    if inner.kind not in _GATES or second.kind not in _GATES or not is_usual or inner.config.get("return_state"):
        raise UnreadError(f"passes of {inner.kind} and {second.kind} with settings of their own")
    states, x = _states(call), _unmasked(call)
    if len(states) % 2:
        raise UnreadError("a state for one of both passes")
    half = len(states) // 2
    ways = [
        passed(call, layer.kind, {**layer.config, "go_backwards": False}, x, given, key, turned)
        for layer, given, key, turned in (
            (inner, states[:half], "forward", False),
            (second, states[half:], "backward", True),
        )
    ]
    if not inner.config.get("return_sequences"):
        ways = [last(call, way, is_turned=turned) for way, turned in zip(ways, (False, True), strict=True)]
    mode = call.layer.config.get("merge_mode", "concat")
    if mode == "concat":
        return concatenated(call, ways, -1)
    name = {"sum": "add", "mul": "mul", "ave": "mean"}.get(str(mode))
    if name is None:
        raise UnreadError(f"its merge_mode is {mode!r}")
    return merged(call, name, ways)
