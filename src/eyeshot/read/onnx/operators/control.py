"""Branches, loops and scans: what constants decide is followed, the rest is a bound."""

from __future__ import annotations

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import Unknown
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.messages import Graph
from eyeshot.read.onnx.operators.layout import cut, joined
from eyeshot.read.onnx.operators.table import rule
from eyeshot.read.onnx.recording import DEEPEST, Scope
from eyeshot.read.onnx.values import LostError, Value, constant

MOST_TURNS = 256
"""Turns of a loop that are followed one by one."""


def _run(call: Call, graph: Graph, inputs: list[Value | None]) -> list[Value | None]:
    """A graph within a node, which reads the names around it."""
    around = call.scope
    if around.depth >= DEEPEST:
        raise ReadError(f"graphs and functions within each other, {DEEPEST} deep")
    scope = Scope(
        opsets=around.opsets, around=around, attributes=around.attributes, path=call.site.path, depth=around.depth + 1
    )
    names = [value.name for value in graph.inputs]
    scope.values = {**dict.fromkeys(names), **dict(zip(names, inputs, strict=False))}
    call.reader.run(graph, scope)
    return [scope.get(out.name) for out in graph.outputs]


@rule("If")
def _if(call: Call) -> list[Value | None]:
    condition = call.x
    numbers = condition.numbers if condition.step is None else None
    if numbers is not None:
        return _run(call, call.graph("then_branch" if numbers.reshape(-1)[0] else "else_branch"), [])
    first, second = (_run(call, call.graph(name), []) for name in ("then_branch", "else_branch"))
    return [_either(call, a, b, condition) for a, b in zip(first, second, strict=True)]


def _either(call: Call, a: Value | None, b: Value | None, condition: Value) -> Value | None:
    """One or the other, which the data decide: a bound."""
    if a is None or b is None or a.items is not None or b.items is not None:
        return None
    if a.shape != b.shape:
        return None
    if a.step is b.step and a.step is not None and condition.step is None:
        return a
    reason = "which of its branches is taken depends on the data"
    return call.record(Unknown(name="if", reason=reason), _apart([a, b, condition]), a.shape)


def _apart(values: list[Value]) -> list[Value]:
    steps: dict[int, Value] = {id(value.step): value for value in values if value.step is not None}
    return list(steps.values())


@rule("Loop")
def _loop(call: Call) -> list[Value | None]:
    """Followed turn by turn where its turns are known and few; else all of it may depend on all that goes in."""
    body = call.graph("body")
    turns, condition = call.get(0), call.get(1)
    states: list[Value | None] = list(call.inputs[2:])
    known = None if turns is None or turns.step is not None else turns.numbers
    limit = None if known is None else int(known.reshape(-1)[0])
    kept: list[list[Value | None]] = []
    count = 0
    is_on: Value | None = condition if condition is not None else constant(np.array(True))
    while (limit is None or count < limit) and is_on is not None and is_on.step is None:
        numbers = is_on.numbers
        if numbers is None:
            break
        if not numbers.reshape(-1)[0]:
            return [*states, *_stacked(call, kept)]
        if count >= MOST_TURNS:
            break
        outs = _run(call, body, [constant(np.array(count, "i8")), is_on, *states])
        is_on, states, scanned = outs[0], outs[1 : 1 + len(states)], outs[1 + len(states) :]
        kept.append(scanned)
        count += 1
    if limit is not None and count >= limit:
        return [*states, *_stacked(call, kept)]
    return _bound(call, states, len(call.node.outputs) - len(states))


def _bound(call: Call, states: list[Value | None], scanned: int) -> list[Value | None]:
    """Each state with the shape that it has now, of everything; what is kept of each turn has no known length."""
    if not any(state is not None for state in states) and scanned:
        raise LostError("how many turns it takes depends on the data")
    everything = _apart([*call.present, *(state for state in states if state is not None), *_read_within(call)])
    op = Unknown(name="loop", reason="how many turns it takes depends on the data")
    outs = [None if state is None else call.record(op, everything, state.shape) for state in states]
    return [*outs, *(None for _ in range(scanned))]


def _read_within(call: Call) -> list[Value]:
    """Values of the graphs around that the body reads."""
    names = {name for node in call.graph("body").nodes for name in node.inputs}
    return [value for name in sorted(names) if (value := call.scope.get(name)) is not None]


def _stacked(call: Call, kept: list[list[Value | None]]) -> list[Value | None]:
    """What was kept of each turn, along a new first axis."""
    outs: list[Value | None] = []
    for parts in zip(*kept, strict=True):
        if any(part is None for part in parts):
            outs.append(None)
            continue
        rows = [call.reshaped(part, (1, *part.shape), "unsqueeze") for part in parts if part is not None]
        outs.append(joined(call, rows, 0))
    missing = len(call.node.outputs) - (len(call.inputs) - 2) - len(outs)
    return [*outs, *(None for _ in range(missing))]


@rule("Scan")
def _scan(call: Call) -> list[Value | None]:
    """Followed turn by turn where its turns are few; else a recurrence of which all may depend on all."""
    body, count = call.graph("body"), call.integer("num_scan_inputs")
    if call.opset < 9:
        raise LostError("a scan of version 8 has no rule")
    if not 0 < count <= len(call.inputs):
        raise ReadError(f"it scans {count:,} of {len(call.inputs)} inputs")
    states: list[Value | None] = list(call.inputs[: len(call.inputs) - count])
    rows = [value for value in call.inputs[len(states) :] if value is not None]
    axes = call.integers("scan_input_axes") or (0,) * count
    backwards = call.integers("scan_input_directions") or (0,) * count
    axes = tuple(call.axis(a, len(row.shape)) for a, row in zip(axes, rows, strict=True))
    lengths = {row.shape[a] for a, row in zip(axes, rows, strict=True)}
    if len(lengths) != 1:
        raise ReadError(f"rows of {sorted(lengths)} positions are scanned together")
    length = lengths.pop()
    if length > MOST_TURNS:
        raise LostError(f"a scan of {length:,} positions is not followed")
    kept: list[list[Value | None]] = []
    for i in range(length):
        parts: list[Value | None] = []
        for row, a, is_back in zip(rows, axes, backwards, strict=True):
            part = cut(call, row, a, length - 1 - i if is_back else i, 1)
            parts.append(call.reshaped(part, (*row.shape[:a], *row.shape[a + 1 :]), "select"))
        outs = _run(call, body, [*states, *parts])
        states, scanned = outs[: len(states)], outs[len(states) :]
        kept.append(scanned)
    out_axes = call.integers("scan_output_axes")
    out_back = call.integers("scan_output_directions")
    results: list[Value | None] = list(states)
    for j, column in enumerate(zip(*kept, strict=True)):
        whole = [part for part in column if part is not None]
        if len(whole) < len(column) or not whole:
            results.append(None)
            continue
        if out_back and out_back[j]:
            whole = whole[::-1]
        axis = call.axis(out_axes[j] if out_axes else 0, len(whole[0].shape) + 1)
        rows_out = [call.reshaped(p, (*p.shape[:axis], 1, *p.shape[axis:]), "unsqueeze") for p in whole]
        results.append(joined(call, rows_out, axis))
    return results
