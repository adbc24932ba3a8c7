"""Scans: a recurrent layer where features are mixed from turn to turn, else turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eyeshot.network.ops import Arithmetic, Mixing, Recurrent, Unknown
from eyeshot.read.jax.calls import Call, Known, shape_of
from eyeshot.read.jax.primitives.control import everything, inner_of, is_pointwise
from eyeshot.read.jax.primitives.layout import flipped
from eyeshot.read.jax.primitives.pieces import cut, joined, unsqueezed
from eyeshot.read.jax.primitives.pointwise import ELEMENTWISE, SAME
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Value, in_order

MOST_TURNS = 256
"""Turns of a scan that are followed one by one."""
_OF_CELLS = (
    ELEMENTWISE | SAME | {"dot_general", "broadcast_in_dim", "reshape", "split", "slice", "concatenate", "squeeze"}
)


@rule("scan")
def _scan(call: Call) -> Sequence[Known]:
    consts, carried, length = int(call["num_consts"]), int(call["num_carry"]), int(call["length"])
    fixed, carry, rows = call.inputs[:consts], call.inputs[consts : consts + carried], call.inputs[consts + carried :]
    if is_cell(call, rows):
        return _recurrent(call, carry, rows)
    if length > MOST_TURNS:
        reason = f"it has {length:,} turns; up to {MOST_TURNS} are followed one by one"
        return everything(call, Unknown(name="scan", reason=reason))
    turns = range(length)[::-1] if call["reverse"] else range(length)
    kept: dict[int, list[Known]] = {}
    for turn in turns:
        outs = call.reader.run(call["jaxpr"], [*fixed, *carry, *(_at(call, row, turn) for row in rows)], call)
        carry, kept[turn] = outs[:carried], outs[carried:]
    shapes = call.shapes[carried:]
    stacked = [_stacked(call, [kept[turn][i] for turn in range(length)], shape) for i, shape in enumerate(shapes)]
    return [*carry, *stacked]


def _at(call: Call, row: Known, turn: int) -> Known:
    """What one turn is given of what is scanned over."""
    part = cut(call, row, 0, turn, 1)
    if isinstance(part, Value):
        return call.reshaped(part, part.shape[1:], "select")
    numbers = part
    weights = call.reader.parts_of(part.weights, turn, row.shape[0])
    return Constant(part.shape[1:], lambda: None if numbers.numbers is None else numbers.numbers[0], weights)


def _stacked(call: Call, parts: list[Known], shape: Sequence[int]) -> Known:
    """What was kept of each turn, along a new first axis."""
    return joined(call, [unsqueezed(call, part, 0) for part in parts], 0) if parts else Constant(tuple(shape))


def is_cell(call: Call, rows: Sequence[Known]) -> bool:
    """Whether a scan is a recurrent layer: each turn mixes all features, of its own sequence alone, by weights.

    All that is carried is sequences × features; products sum over features, and one of them over those that are
    carried; nothing moves along the sequences' axis.
    """
    jaxpr = getattr(inner_of(call.eqn), "jaxpr", None)
    consts, carried = int(call["num_consts"]), int(call["num_carry"])
    if jaxpr is None or not any(isinstance(row, Value) for row in rows) or not carried:
        return False
    fixed, moving = set(jaxpr.invars[:consts]), jaxpr.invars[consts:]
    states = [shape_of(var.aval) for var in moving]
    kept = [shape_of(var.aval) for var in jaxpr.outvars[carried:]]
    if any(isinstance(each, Value) for each in call.inputs[:consts]):
        return False
    if any(len(shape) != 2 or shape[0] != states[0][0] for shape in [*states, *kept]) or not kept:
        return False
    from_carry = set(jaxpr.invars[consts : consts + carried])
    return _mixes(jaxpr, fixed, from_carry, states[0][0])


def _mixes(jaxpr: Any, fixed: set[Any], from_carry: set[Any], batch: int) -> bool:
    """Whether a cell's program mixes what it carries by weights, and does nothing that a cell does not."""
    is_mixed = False
    constant, carried = set(fixed), set(from_carry)
    for eqn in jaxpr.eqns:
        operands = [var for var in eqn.invars if not hasattr(var, "val")]
        depends = [var for var in operands if var not in constant]
        name = eqn.primitive.name
        if not depends:
            constant.update(eqn.outvars)
            continue
        if name not in _OF_CELLS and not _is_flat_call(eqn):
            return False
        if any(len(shape_of(var.aval)) != 2 or shape_of(var.aval)[0] != batch for var in eqn.outvars):
            return False
        if name == "dot_general":
            (left, right), (batch_left, _) = eqn.params["dimension_numbers"]
            summed = (left, right)[eqn.invars.index(depends[0])]
            if len(depends) != 1 or tuple(summed) != (1,) or batch_left:
                return False
            is_mixed = is_mixed or depends[0] in carried
        if any(var in carried for var in depends):
            carried.update(eqn.outvars)
    return is_mixed


def _is_flat_call(eqn: Any) -> bool:
    """A function that computes each position from the same one, as activations are."""
    if not any(key in eqn.params for key in ("jaxpr", "call_jaxpr")):
        return False
    return is_pointwise(inner_of(eqn), shape_of(eqn.outvars[0].aval))


def _recurrent(call: Call, carry: Sequence[Known], rows: Sequence[Known]) -> list[Known]:
    """All features of a sequence, positions one after the other; what is left at the end has seen them all."""
    carried = len(carry)
    kept = call.shapes[carried:]
    shape = kept[0]
    parts = []
    for row in rows:
        if isinstance(row, Value):
            row = call.logical(row)
            parts.append(in_order(call.draft(Mixing(name="gates", axes=(2,)), [row.made], shape)))
    for state in carry:
        if isinstance(state, Value):
            state = call.logical(state)
            seen = in_order(call.draft(Mixing(name="state", axes=(1,)), [state.made], (state.shape[0], 1)))
            seen = call.reshaped(seen, (1, state.shape[0], 1))
            parts.append(Value(seen.made, shape, seen.order))
    mixed = call.whole(parts[0])
    if len(parts) > 1:
        made = [call.ordered(part, mixed.order).made for part in parts]
        mixed = Value(call.draft(Arithmetic(name="add"), [mixed.made, *made[1:]], shape), shape, mixed.order)
    mixed = call.logical(mixed)
    if call["reverse"]:
        mixed = flipped(call, mixed, 0)
    weights = [each for each in call.inputs[: int(call["num_consts"])] if isinstance(each, Constant)]
    macs = sum(each.count for each in weights if len(each.shape) == 2)
    op = Recurrent(name=_called(weights, shape[-1]), axis=0, both_ways=False, weights=macs)
    out = in_order(call.draft(op, [mixed.made], shape, weights))
    ends = [_end(call, out, each) for each in call.shapes[:carried]]
    if call["reverse"]:
        out = flipped(call, out, 0)
    return [*ends, *(out if each == shape else _spread(call, out, each) for each in kept)]


def _end(call: Call, out: Value, shape: Sequence[int]) -> Value:
    """A last state: all positions and features of each sequence."""
    of_each = in_order(call.draft(Mixing(name="state", axes=(0, 2)), [out.made], (1, out.shape[1], 1)))
    seen = call.reshaped(of_each, (out.shape[1], 1))
    return Value(seen.made, tuple(shape), seen.order)


def _spread(call: Call, out: Value, shape: Sequence[int]) -> Value:
    """Another output of each turn, of another number of features."""
    made = call.draft(Mixing(name="state", axes=(2,)), [out.made], (*out.shape[:2], 1))
    return Value(made, tuple(shape), out.order)


def _called(weights: Sequence[Constant], width: int) -> str:
    """lstm, gru or rnn: by how often what is carried is mixed, in several products or in one so many times as wide."""
    sizes = [each.shape for each in weights if len(each.shape) == 2]
    mixing = sum(max(shape) // width for shape in sizes if width in shape and not max(shape) % width)
    given = sum(max(shape) // width for shape in sizes if width not in shape and not max(shape) % width)
    return {4: "lstm", 3: "gru"}.get(given or mixing // 2, "rnn")
