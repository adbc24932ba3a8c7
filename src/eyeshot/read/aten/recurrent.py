"""Recurrent layers, kept whole: features are mixed, then positions one after the other.

Sequences of several lengths come packed: all first positions, then all second ones, and so on, of those that are long
enough. They are put behind one another again, each padded with what sees nothing, read as others, and packed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from eyeshot.network.ops import (
    Arithmetic,
    Concatenate,
    Cumulative,
    Mixing,
    Pointwise,
    Rearrange,
    Recurrent,
    RecurrentCell,
    Slice,
)
from eyeshot.network.relations import Shape
from eyeshot.read.aten.picking import elements_at
from eyeshot.read.aten.rules import reshaped, rule
from eyeshot.read.trace import Call, NeedsNumbersError, Step, Trace, tensors_in, unknown


@rule("_pack_padded_sequence")
def _pack(trace: Trace, call: Call) -> Any:
    x, lengths = call.x, call["lengths"]
    if trace.knows(lengths) and not call.has_numbers:
        raise NeedsNumbersError("lengths of sequences depend on the input")
    if not trace.knows(x):
        out = call.run()
        unknown(trace, "pack", [lengths], [out[0]], "only its lengths depend on the data")
        return out
    # packed as the sequence is, the places of its positions say which of them are kept, and where
    places, batch_sizes = torch._pack_padded_sequence(_places(x.shape[:2]), lengths, call["batch_first"])
    out = call.run() if call.has_numbers else (x.new_empty((len(places), *x.shape[2:])), batch_sizes)
    rows = reshaped(trace, trace.step_of(x), (x.shape[0] * x.shape[1], *x.shape[2:]))
    trace.bind(out[0], elements_at(trace, "pack", rows, places.tolist(), axis=0))
    return out


@rule("_pad_packed_sequence")
def _pad(trace: Trace, call: Call) -> Any:
    data, batch_sizes = call["data"], call["batch_sizes"]
    places, lengths = _padded(data, batch_sizes, batch_first=call["batch_first"], length=call["total_length"])
    out = call.run() if call.has_numbers else (data.new_empty((*places.shape, *data.shape[1:])), lengths)
    trace.bind(out[0], _unpacked(trace, data, places))
    return out


def _places(shape: Sequence[int]) -> torch.Tensor:
    """The places of positions in row-major order."""
    return torch.arange(torch.Size(shape).numel()).view(*shape)


def _padded(
    data: torch.Tensor, batch_sizes: torch.Tensor, *, batch_first: bool = True, length: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which of the packed positions stands where in sequences of one length, −1 for none, and their lengths."""
    total = len(batch_sizes) if length is None else length
    return torch._pad_packed_sequence(_places(data.shape[:1]), batch_sizes, batch_first, -1, total)


def _unpacked(trace: Trace, data: torch.Tensor, places: torch.Tensor) -> Step:
    """Packed positions put where they stand in sequences of one length."""
    rows = elements_at(trace, "pad", trace.step_of(data), places.flatten().tolist(), axis=0)
    return reshaped(trace, rows, (*places.shape, *data.shape[1:]))


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(trace: Trace, call: Call) -> Any:
    out = _outputs(call)
    sequence, *ends = tensors_in(out)
    if "batch_sizes" in call.arguments:
        data = call["data"]
        places, lengths = _padded(data, call["batch_sizes"])
        x = _unpacked(trace, data, places) if trace.knows(data) else None
        layer, passes = _layer(trace, call, x, 1, (*places.shape, sequence.shape[-1]), len(data))
        order, _ = torch._pack_padded_sequence(_places(places.shape), lengths, True)
        rows = reshaped(trace, layer, (places.numel(), layer.shape[-1]))
        trace.bind(sequence, elements_at(trace, "pack", rows, order.tolist(), axis=0))
        _bind_ends(trace, passes, ends, 1)
        return out
    x, axis = call["input"], 1 if call["batch_first"] else 0
    if x.dim() != 3:
        unknown(trace, call.name, call.tensors, tensors_in(out), f"its input has {x.dim()} axes")
        return out
    known = trace.step_of(x) if trace.knows(x) else None
    layer, passes = _layer(trace, call, known, axis, tuple(sequence.shape))
    trace.bind(sequence, layer)
    _bind_ends(trace, passes, ends, axis)
    return out


def _outputs(call: Call) -> Any:
    """What PyTorch returns, without asking it where shapes are sure to be right: it goes position by position."""
    packed = call.arguments.get("batch_sizes")
    x, hx = call["input" if packed is None else "data"], tensors_in(call["hx"])
    if call.has_numbers or x.dim() != (2 if packed is not None else 3):
        return call.run()
    lead = x.shape[:-1] if packed is not None or not call["batch_first"] else x.shape[1::-1]
    ways, width = 1 + call["bidirectional"], hx[0].shape[-1]
    states = (call["num_layers"] * ways, lead[-1] if packed is None else int(packed[0]), width)
    kinds = {(tensor.dtype, tensor.device) for tensor in (x, *hx, *call["params"])}
    is_right = len(kinds) == 1 and {tuple(state.shape) for state in hx} == {states}
    if not is_right or [tuple(p.shape) for p in call["params"]] != _weights(call, x.shape[-1], width):
        return call.run()
    sequence = x.new_empty((*lead, ways * width))
    if packed is None and call["batch_first"]:
        sequence = sequence.transpose(0, 1)
    return (sequence, *(x.new_empty(states) for _ in hx))


_GATES = {"lstm": 4, "gru": 3}
"""Sums of each feature of a state; one in plain layers."""


def _weights(call: Call, features: int, width: int) -> list[tuple[int, ...]]:
    """The shapes of a layer's weights: of each layer and way those of its input and its state, then their biases."""
    ways, gates = 1 + call["bidirectional"], _GATES.get(call.name, 1) * width
    biases = [(gates,), (gates,)] if call["has_biases"] else []
    inputs = [features, *[ways * width] * (call["num_layers"] - 1)]
    return [shape for n in inputs for _ in range(ways) for shape in ((gates, n), (gates, width), *biases)]


def _layer(
    trace: Trace, call: Call, x: Step | None, axis: int, shape: Shape, positions: int | None = None
) -> tuple[Step, list[Step]]:
    """The layer over its sequences, and the passes that end in a state of its own: one, or one for each layer and way.

    Of several layers both ways each reads all that the one below has seen, which is everything, in one pass; only
    where states come with the sequence, those of one layer and way are no other's, and all are told apart.
    """
    params, count, ways = list(call["params"]), call["num_layers"], 1 + call["bidirectional"]
    is_told_apart = count == 1 or any(map(trace.knows, tensors_in(call["hx"])))
    passes: list[Step] = []
    for number in range(count - 1 if is_told_apart else 0):
        below = [_pass(trace, call, x, axis, shape, number, way) for way in range(ways)]
        passes += below
        x = below[0] if ways == 1 else trace.record(Concatenate(axis=2), below, shape)
    op = Recurrent(
        name=call.name.partition("_")[0],
        axis=axis,
        both_ways=ways == 2,
        weights=sum(p.numel() for p in params if p.dim() > 1),
        positions=positions,
    )
    if is_told_apart and ways == 2:
        inputs = [_pass(trace, call, x, axis, shape, count - 1, way) for way in range(ways)]
        passes += inputs
    else:
        inputs = [_mixed(trace, call, x, axis, shape, count - 1 if count > 1 and is_told_apart else None)]
    layer = trace.record(op, inputs, shape, *trace.weights_among(params))
    return layer, passes if is_told_apart and ways == 2 else [*passes, layer]


def _pass(trace: Trace, call: Call, x: Step | None, axis: int, shape: Shape, number: int, way: int) -> Step:
    """One layer over the sequences in one direction, which makes its part of the features."""
    ways = 1 + call["bidirectional"]
    mixed = _mixed(trace, call, x, axis, (*shape[:2], shape[2] // ways), number * ways + way)
    op = Cumulative(name=("forwards", "backwards")[way], axis=axis, backwards=way == 1)
    return trace.record(op, [mixed], mixed.shape)


def _mixed(trace: Trace, call: Call, x: Step | None, axis: int, shape: Shape, number: int | None) -> Step:
    """What is known of the input and of a state, by its number, or of all states, at each position."""
    parts = [] if x is None else [trace.record(Mixing(name="gates", axes=(2,)), [x], shape)]
    states = [state for state in tensors_in(call["hx"]) if trace.knows(state)]
    parts += [_at_every_position(trace, state, axis, number) for state in states]
    if len(parts) == 1 and parts[0].shape == shape:
        return parts[0]
    return trace.record(Arithmetic(name="add"), parts, shape)


def _at_every_position(trace: Trace, state: torch.Tensor, axis: int, number: int | None) -> Step:
    """A state of layers × sequences × features, told for a sequence's positions: of each sequence its own."""
    step = trace.step_of(state)
    if number is not None:
        step = trace.record(Slice(axis=0, start=number), [step], (1, *step.shape[1:]))
    of_each = trace.record(Mixing(name="state", axes=(0, 2)), [step], (1, state.shape[1], 1))
    return of_each if axis == 0 else reshaped(trace, of_each, (state.shape[1], 1, 1))


def _bind_ends(trace: Trace, passes: list[Step], ends: list[torch.Tensor], axis: int) -> None:
    """The last state of each layer and direction: all positions of each sequence."""
    known: dict[Shape, Step] = {}  # a cell's state sees what its output does
    for end in ends:
        shape = tuple(end.shape)
        if shape not in known:
            states = [_end(trace, step, (shape[0] // len(passes), *shape[1:]), axis) for step in passes]
            known[shape] = states[0] if len(states) == 1 else trace.record(Concatenate(axis=0), states, shape)
        trace.bind(end, known[shape])


def _end(trace: Trace, step: Step, shape: Shape, axis: int) -> Step:
    of_each = trace.record(
        Mixing(name="state", axes=(axis, 2)), [step], tuple(1 if a != 1 - axis else n for a, n in enumerate(step.shape))
    )
    row = of_each if axis == 0 else trace.record(Rearrange(name="reshape"), [of_each], (1, shape[1], 1))
    return trace.record(Pointwise(name="expand"), [row], shape)


@rule("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def _cell(trace: Trace, call: Call) -> Any:
    """One step by hand: a network of such has one layer a step, not each of the sums and products that it takes."""
    x, states = call["input"], tensors_in(call["hx"])
    names = ("w_ih", "w_hh", "b_ih", "b_hh")
    given = [call[name] for name in names if call[name] is not None]
    kinds = {(tensor.dtype, tensor.device) for tensor in (x, *states, *given)}
    name, (count, width) = call.name.partition("_")[0], states[0].shape
    gates = _GATES.get(name, 1) * width
    is_right = len(kinds) == 1 and {tuple(state.shape) for state in states} == {(x.shape[0], width)} and x.dim() == 2
    shapes = [(gates, x.shape[-1]), (gates, width), (gates,), (gates,)]
    is_right &= [tuple(weight.shape) for weight in given] == shapes[: len(given)] and len(given) in (2, 4)
    if call.has_numbers or not is_right:
        out = call.run()
    else:
        new = [x.new_empty((count, width)) for _ in states]
        out = new[0] if name != "lstm" else tuple(new)
    known = [tensor for tensor in (x, *states) if trace.knows(tensor)]
    mixed = sum(trace.knows(tensor) for tensor in (x, states[0]))
    op = RecurrentCell(name=f"{name}_cell", mixed=mixed, weights=call["w_ih"].numel() + call["w_hh"].numel())
    inputs = [trace.step_of(tensor) for tensor in known]
    step = trace.record(op, inputs, (count, width), *trace.weights_among(given))
    for tensor in tensors_in(out):
        trace.bind(tensor, step)
    return out
