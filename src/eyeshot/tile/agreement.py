"""Does a tile give the whole image's numbers, layer by layer, and where not: which op prevents it?

The network as read on the whole and as read on the tile are walked side by side (see ``spans``). What prevents
agreement is noted, and the walk goes on as if it did not, so that everything that prevents it is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

from eyeshot.network.graph import Constant, Network, Node
from eyeshot.network.ops import AdaptivePool, Input, LocalResponseNorm, Norm, Pointwise, Resize, Softmax
from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Opaque,
    Permute,
    Read,
    Reduce,
    Reshape,
    Taps,
    Window,
)
from eyeshot.network.reshape import matching_axes
from eyeshot.tile.spans import (
    Axis,
    Misfit,
    Part,
    Span,
    State,
    assumed,
    channels,
    covers,
    dealt,
    merged,
    pairs,
    positions,
    ratio_of,
    repeated,
    slid,
    tapped,
)


@dataclass(frozen=True)
class Found:
    """A layer at which a tile stops agreeing with the whole: along which axis of the image, and in what way."""

    layer: str
    axis: int
    kind: str


@dataclass
class Agreement:
    """A tile beside the whole: a state per layer, and what prevents them from agreeing.

    ``short`` are the pixels before and after, per axis, by which a tile is too small to deliver its core.
    """

    states: dict[str, State] = field(default_factory=dict)
    prevents: list[Found] = field(default_factory=list)
    short: dict[int, tuple[int, int]] = field(default_factory=dict)

    def note(self, layer: str, axis: int, kind: str) -> None:
        """Note what prevents agreement, once a layer and axis."""
        if not any((found.layer, found.axis) == (layer, axis) for found in self.prevents):
            self.prevents.append(Found(layer, axis, kind))


def agreement(whole: Network, tile: Network, start: Sequence[int], names: Sequence[str]) -> Agreement:
    """Walk a tile that begins at ``start`` beside the whole; ``names`` are the layers to look at, in order."""
    result = Agreement()
    nodes, twins = ({node.name: node for node in network} for network in (whole, tile))
    for name in names:
        node, twin = nodes.get(name), twins.get(name)
        if node is None or twin is None or not _are_alike(node, twin) or not result.states.keys() >= set(node.inputs):
            _note_all(result, name, "path", len(whole.axes))
            return result
        if isinstance(node.op, Input):
            result.states[name] = _of_input(whole, node, twin, start)
        else:
            result.states[name] = _Step(result, whole, node, twin).state()
    return result


def other_numbers(whole: Network, tile: Network, names: Sequence[str]) -> list[str]:
    """The layers that compute with other numbers on a tile than on the whole, besides those of the image."""
    return [name for name in names if not _are_same(whole.constants.get(name, ()), tile.constants.get(name, ()))]


def _are_same(ours: Sequence[Constant], theirs: Sequence[Constant]) -> bool:
    return len(ours) == len(theirs) and all(a.equals(b) for a, b in zip(ours, theirs, strict=True))


def _are_alike(node: Node, twin: Node) -> bool:
    """Whether two layers are one but for what follows the sizes of their maps."""
    is_same = node.op == twin.op if isinstance(node.op, _WITHOUT_SIZES) else type(node.op) is type(twin.op)
    return is_same and node.inputs == twin.inputs and _axes_read(node) == _axes_read(twin)


_WITHOUT_SIZES = (Norm, Pointwise, Softmax, LocalResponseNorm)


def _axes_read(node: Node) -> list[tuple[type, object]]:
    """The axes that each relation is about; what it asks of other axes is for its rule to compare."""
    return [(type(read.relation), getattr(read.relation, "axes", None)) for read in node.reads]


def _note_all(result: Agreement, name: str, kind: str, axes: int) -> None:
    for axis in range(axes):
        result.note(name, axis, kind)


def _of_input(whole: Network, node: Node, twin: Node, start: Sequence[int]) -> State:
    """The image; so is a second input of the same size, and any other is not cut."""
    is_image = len(node.shape) > max(whole.axes) and all(
        node.shape[axis] == n for axis, n in zip(whole.axes, whole.extent, strict=True)
    )
    order = {axis: i for i, axis in enumerate(whole.axes)} if is_image else {}
    layout = tuple((Part(n, m, order.get(k)),) for k, (n, m) in enumerate(zip(node.shape, twin.shape, strict=True)))
    if not is_image:
        return State(layout, (None,) * len(whole.axes))
    return State(
        layout,
        tuple(Span(s, 0, twin.shape[a] - 1, Fraction(1)) for a, s in zip(whole.axes, start, strict=True)),
    )


class _Step:
    """One layer, in the whole and in the tile."""

    def __init__(self, result: Agreement, network: Network, node: Node, twin: Node) -> None:
        self.result, self.network, self.node, self.twin = result, network, node, twin
        self.after = node.shape, twin.shape

    def note(self, axis: int | None, kind: str) -> None:
        if axis is not None:
            self.result.note(self.node.name, axis, kind)

    def state(self) -> State:
        """What all reads together leave of the agreement."""
        parts = [self.through(*reads) for reads in zip(self.node.reads, self.twin.reads, strict=True)]
        if not parts:
            return State(tuple(map(channels, *self.after)), (None,) * len(self.network.axes))
        layout = tuple(_busiest([part.layout[k] for part in parts]) for k in range(len(self.after[0])))
        spans = tuple(self._united([part.spans[a] for part in parts], a) for a in range(len(self.network.axes)))
        state = State(layout, spans)
        for k in getattr(self.node.op, "varies", ()):
            for part in positions(layout[k]):
                span = spans[part.axis] if part.axis is not None else None
                if span is None or not covers(part, span):
                    self.note(part.axis, "constants")
        return state

    def through(self, read: Read, twin: Read) -> State:
        """What one read alone leaves of it."""
        source = self.node.inputs[read.source]
        state = self.result.states[source]
        return _RULES[type(read.relation)](self, state, read.relation, twin.relation)

    def _united(self, spans: Sequence[Span | None], axis: int) -> Span | None:
        there = [span for span in spans if span is not None]
        if not there:
            return None
        first = there[0]
        if any((span.offset, span.rate) != (first.offset, first.rate) for span in there):
            self.note(axis, "misaligned")
        return Span(first.offset, max(s.low for s in there), min(s.high for s in there), first.rate, first.is_regular)

    def compare(self, axis: Axis, after: tuple[int, int], is_same: bool) -> None:
        """Other channels read on a tile than on the whole, as where the image's size tells which."""
        before = _product(axis)
        if not is_same and before[0] == before[1] and after[0] == after[1]:
            _note_all(self.result, self.node.name, "numbers", len(self.network.axes))

    def leave(self, axis: Axis, spans: list[Span | None], kind: str) -> None:
        """All positions along an axis are read together: no agreement, unless the tile is all of it."""
        for part in positions(axis):
            assert part.axis is not None
            span = spans[part.axis]
            if span is not None and not covers(part, span):
                self.note(part.axis, kind)
            spans[part.axis] = None


def _busiest(axes: Sequence[Axis]) -> Axis:
    return max(axes, key=lambda axis: len(positions(axis)))


def _window(step: _Step, state: State, relation: Any, twin: Any) -> State:
    layout, spans = list(state.layout), list(state.spans)
    if relation.groups is not None:
        step.leave(layout[1], spans, "mixed")
        layout[1] = channels(step.after[0][1], step.after[1][1])
    for i, k in enumerate(relation.axes):
        after = step.after[0][k], step.after[1][k]

        def through(part: Part, span: Span, i: int = i, after: tuple[int, int] = after) -> Span:
            return slid(part, span, (relation.slides[i], twin.slides[i]), after)

        slide = relation.slides[i]
        layout[k] = _along(
            step, layout[k], spans, after, through, Fraction(slide.base, slide.stride), slide == twin.slides[i]
        )
    return State(tuple(layout), tuple(spans))


def _taps(step: _Step, state: State, relation: Any, twin: Any) -> State:
    layout, spans = list(state.layout), list(state.spans)
    ops = step.node.op, step.twin.op
    for i, k in enumerate(relation.axes):
        after = step.after[0][k], step.after[1][k]
        is_same = not isinstance(ops[0], Resize) or ops[0].steps[i] == ops[1].steps[i]  # type: ignore[attr-defined]
        is_same = is_same and not (isinstance(ops[0], AdaptivePool) and after[0] == after[1] > 1)
        is_aligned = isinstance(ops[0], Resize) and ops[0].aligned
        endless = relation.endless[i], twin.endless[i]
        if isinstance(ops[0], Resize) and ops[0].mode.startswith("nearest"):
            repeats = repeated(relation.reads[i]), repeated(twin.reads[i])
            if repeats[0] is not None and repeats[0] == repeats[1]:
                endless, is_same = repeats, True
        ratio = ratio_of(_size(state, k), after[0], None if is_aligned else endless[0])

        def through(
            part: Part, span: Span, i: int = i, is_same: bool = is_same, ratio: Fraction = ratio, endless: Any = endless
        ) -> Span:
            return tapped(part, span, (relation.reads[i], twin.reads[i]), endless, ratio, is_same)

        layout[k] = _along(step, layout[k], spans, after, through, ratio, relation.reads[i] == twin.reads[i])
    return State(tuple(layout), tuple(spans))


def _size(state: State, k: int) -> int:
    size = 1
    for part in state.layout[k]:
        size *= part.whole
    return size


def _along(
    step: _Step,
    axis: Axis,
    spans: list[Span | None],
    after: tuple[int, int],
    through: Callable[[Part, Span], Span],
    ratio: Fraction,
    is_same: bool,
) -> Axis:
    """An axis behind what slides along it, or reads fixed places of it; ``is_same`` on the whole and on the tile."""
    if not positions(axis):
        step.compare(axis, after, is_same)
        return channels(*after)
    if len(axis) > 1:
        step.leave(axis, spans, "joined")
        return channels(*after)
    (part,) = axis
    span = spans[part.axis or 0]
    if span is None:
        return channels(*after)
    try:
        spans[part.axis or 0] = through(part, span)
    except Misfit as misfit:
        step.note(part.axis, misfit.kind)
        spans[part.axis or 0] = assumed(part, span, ratio, after)
    return (Part(*after, part.axis),)


def _elementwise(step: _Step, state: State, relation: Any, twin: Any) -> State:
    spans = list(state.spans)
    missing = len(step.after[0]) - len(state.layout)
    layout = [channels(*size) for size in pairs(*step.after, range(missing))]
    for axis, (n, m) in zip(state.layout, pairs(*step.after, range(missing, len(step.after[0]))), strict=True):
        is_repeated = all(part.whole == part.tile == 1 for part in axis) and (n, m) != (1, 1)
        if is_repeated:
            for part in positions(axis):
                spans[part.axis or 0] = None
        layout.append(channels(n, m) if is_repeated else axis)
    return State(tuple(layout), tuple(spans))


def _concat(step: _Step, state: State, relation: Any, twin: Any) -> State:
    spans, k = list(state.spans), relation.axis
    layout, axis = list(state.layout), state.layout[k]
    after = step.after[0][k], step.after[1][k]
    if not positions(axis):
        layout[k] = channels(*after)
    elif len(axis) == 1 and axis[0].axis is not None:
        part = axis[0]
        span = spans[axis[0].axis]
        if span is not None and not covers(part, span):
            step.note(part.axis, "joined")
        if span is not None:
            spans[axis[0].axis] = replace(span, high=min(span.high, after[1] - 1))
        layout[k] = (Part(*after, part.axis),)
    else:
        step.leave(axis, spans, "joined")
        layout[k] = channels(*after)
    return State(tuple(layout), tuple(spans))


def _reshape(step: _Step, state: State, relation: Any, twin: Any) -> State:
    spans = list(state.spans)
    before = tuple(map(_product, state.layout))
    runs = [matching_axes(tuple(n for n, _ in before), step.after[0])]
    runs.append(matching_axes(tuple(m for _, m in before), step.after[1]))
    layout: list[Axis] = []
    try:
        if runs[0] != runs[1]:
            runs = [_coarsest(*runs)] * 2
        for inner, outer in runs[0]:
            parts = [part for k in inner for part in state.layout[k]]
            layout += dealt(parts, pairs(*step.after, outer), spans)
    except Misfit as misfit:
        spans = list(state.spans)
        for axis in state.layout:
            step.leave(axis, spans, misfit.kind)
        layout = [channels(*size) for size in zip(*step.after, strict=True)]
    return State(tuple(layout), tuple(spans))


def _product(axis: Axis) -> tuple[int, int]:
    whole = tile = 1
    for part in axis:
        whole, tile = whole * part.whole, tile * part.tile
    return whole, tile


def _coarsest(one: Any, other: Any) -> Any:
    """Runs that end where runs of both do."""
    ends = [set(_ends(runs)) for runs in (one, other)]
    both = sorted(ends[0] & ends[1])
    starts = [(0, 0), *both]
    return [(tuple(range(a[0], b[0])), tuple(range(a[1], b[1]))) for a, b in pairwise(starts) if a != b]


def _ends(runs: Any) -> list[tuple[int, int]]:
    """Where runs of axes end, before and after."""
    sizes = ((len(inner), len(outer)) for inner, outer in runs)
    return list(accumulate(sizes, lambda a, b: (a[0] + b[0], a[1] + b[1])))


def _permute(step: _Step, state: State, relation: Any, twin: Any) -> State:
    spans = list(state.spans)
    return State(tuple(merged(state.layout[k], spans) for k in relation.order), tuple(spans))


def _reduce(step: _Step, state: State, relation: Any, twin: Any) -> State:
    layout, spans = list(state.layout), list(state.spans)
    for k in relation.axes:
        keeps = relation.keep and positions(layout[k]) and _product(layout[k]) == (step.after[0][k], step.after[1][k])
        before = list(spans)
        step.leave(layout[k], spans, "all")
        if keeps:  # normalised, mixed or weighted where it is: what comes after is looked at as if it were not
            spans = before
        elif relation.keep:
            layout[k] = channels(step.after[0][k], step.after[1][k])
    if not relation.keep:
        layout = [axis for k, axis in enumerate(layout) if k not in relation.axes]
    return State(tuple(layout), tuple(spans))


def _opaque(step: _Step, state: State, relation: Any, twin: Any) -> State:
    spans = list(state.spans)
    for axis in state.layout:
        step.leave(axis, spans, "unknown")
    if tuple(map(_product, state.layout)) == tuple(zip(*step.after, strict=False)):
        return state
    return State(tuple(channels(*size) for size in zip(*step.after, strict=True)), tuple(spans))


_RULES: Mapping[type, Callable[[_Step, State, Any, Any], State]] = {
    Window: _window,
    Taps: _taps,
    Elementwise: _elementwise,
    Concat: _concat,
    Reshape: _reshape,
    Permute: _permute,
    Reduce: _reduce,
    Opaque: _opaque,
}
