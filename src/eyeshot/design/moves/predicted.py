"""The network that a change will give, told from the network before alone: no module is run, no design lowered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from eyeshot.analyse.inspection import Inspection, Layer, View
from eyeshot.design.moves.move import ANEW, DoesNotFitError, Part, Subject, Swap
from eyeshot.design.moves.shapes import Case, UnpredictableError, resized
from eyeshot.network.graph import Network, Node, node
from eyeshot.network.ops import Conv, ConvTranspose, Linear, Norm, Op, Pool, Resize, Sliding, window_sizes
from eyeshot.network.relations import Shape


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A network after a change.

    Attributes:
        network: every layer, under the name that it will have.
        swaps: those asked for, and those of layers that read other widths now and need new weights.
        origins: by the names of layers after the change the layer before it that they were; chains are their layer's.
    """

    network: Network
    swaps: tuple[Swap, ...]
    origins: Mapping[str, str]


def predict(subject: Subject, swaps: Sequence[Swap], asked: str) -> Prediction:
    """The network once layers are swapped.

    Raises:
        DoesNotFitError: what comes behind no longer fits, or nothing tells whether it does; says where and why.
    """
    network, chains = subject.network, {swap.layer: swap for swap in swaps}
    nodes: dict[str, Node] = {}
    stands_for: dict[str, Node] = {}
    origins: dict[str, str] = {}
    refitted: list[Swap] = []
    for swap in swaps:
        if reason := subject.why_padded(swap, chains):
            raise DoesNotFitError(f"{asked}: {swap.layer}: {reason}")
    for old in network:
        inputs = tuple(stands_for[name] for name in old.inputs)
        try:
            if old.name in chains and not chains[old.name].parts and len(set(inputs)) > 1:
                raise UnpredictableError(
                    f"it joins {' and '.join(each.name for each in inputs)}, which differ without it"
                )
            chain = (
                _chain(subject, chains[old.name], old, network[old.inputs[0]].shape, inputs)
                if old.name in chains
                else [_again(subject, old, inputs, stands_for)]
            )
            if old.name not in chains and chain[0].params != old.params:
                refitted.append(_refit(subject, old, chain[0]))
        except UnpredictableError as error:
            raise DoesNotFitError(f"{asked}: {old.name} ({old.op.kind}) does not fit behind it: {error}") from None
        for each in chain:
            nodes[each.name] = each
            origins[each.name] = old.name
        stands_for[old.name] = chain[-1] if chain else inputs[0]
    outputs = tuple(dict.fromkeys(stands_for[name].name for name in network.outputs))
    after = replace(network, nodes=tuple(nodes.values()), outputs=outputs, modules={})
    return Prediction(network=after, swaps=(*swaps, *refitted), origins=origins)


def _again(subject: Subject, old: Node, inputs: tuple[Node, ...], now: Mapping[str, Node]) -> Node:
    """A layer as it is, on what it reads now."""
    network = subject.network
    if not old.inputs:
        return old
    was, read = tuple(network[name].shape for name in old.inputs), tuple(each.shape for each in inputs)
    met = _met(subject, old) if isinstance(old.op, Resize) else None
    like = None if met is None else now[met.name].shape
    if was == read and (met is None or met.shape == like):
        return replace(old, inputs=tuple(each.name for each in inputs), memory=None)
    kept = _padded_as_needed(old.op, read[0]) if subject.pads_as_needed(old) else old.op
    op, shape = resized(Case(op=kept, was=was, now=read, gave=old.shape, image=network.input.shape, like=like))
    params = _params_again(replace(old, op=op, shape=shape), was[0], read[0])
    return node(name=old.name, op=op, inputs=inputs, shape=shape, params=params, line=old.line)


def _met(subject: Subject, old: Node) -> Node | None:
    """The map, made before, that a resized one is put together with: a decoder's skip connection.

    What was one position is enlarged to the size of the map that it was averaged from.
    """
    order = {node.name: i for i, node in enumerate(subject.network)}
    if all(n == 1 for n in subject.before(old).shape[2:]):
        source = subject.before(old)
        while source.inputs and source.shape[2:] != old.shape[2:]:
            source = subject.before(source)
        return source if source.shape[2:] == old.shape[2:] else None
    reader: Node | None = old
    while reader is not None and reader.shape[2:] == old.shape[2:]:
        others = [subject.network[name] for name in reader.inputs if order[name] < order[old.name]]
        if reader is not old and (met := [each for each in others if each.shape[2:] == old.shape[2:]]):
            return met[0]
        reader = subject.after(reader)
    return None


def _padded_as_needed(op: Op, before: Shape) -> Op:
    """TensorFlow's padding: (⌈n/s⌉ − 1)·s + d·(k − 1) + 1 − n, the smaller half before."""
    assert isinstance(op, Sliding)
    sides = []
    for n, k, s, d in zip(before[-len(op.kernel) :], op.kernel, op.stride, op.dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        sides.append((total // 2, total - total // 2))
    return replace(op, padding=tuple(sides))


def _params_again(layer: Node, was: Shape, now: Shape) -> int:
    op = layer.op
    if layer.params == 0:
        return 0
    if isinstance(op, Linear) and was[op.axis] != now[op.axis]:
        return params_of(op, now, layer.shape)
    if isinstance(op, Norm):
        axes = (1,) if op.mode in ("batch", "group", "instance") else op.statistics
        if any(was[axis] != now[axis] for axis in axes):
            a, b = ("×".join(str(shape[axis]) for axis in axes) for shape in (was, now))
            if op.mode == "group" and now[1] % op.groups:
                raise UnpredictableError(f"its {op.groups} groups do not divide {now[1]} channels")
            if (
                len(axes) == 1 and layer.params % was[axes[0]] == 0
            ):  # a scale and a shift of each channel, or one of them
                return layer.params // was[axes[0]] * now[axes[0]]
            raise UnpredictableError(f"it has weights for {a} numbers, and would read {b}")
    if isinstance(op, Conv | ConvTranspose) and was[1] != now[1]:
        if op.groups > 1:
            raise UnpredictableError(f"it has {op.groups} groups, and reads {now[1]} channels instead of {was[1]}")
        return params_of(op, now, layer.shape)
    return layer.params


def _refit(subject: Subject, old: Node, new: Node) -> Swap:
    """The swap of a layer that reads other widths now."""
    if reason := subject.why_fixed(old):
        raise UnpredictableError(f"it needs {new.params:,} params instead of {old.params:,}, but {reason}")
    return Swap(layer=old.name, parts=(Part(op=old.op, width=new.shape[1]),), weights=ANEW)


def _chain(subject: Subject, swap: Swap, old: Node, was: Shape, inputs: tuple[Node, ...]) -> list[Node]:
    """The nodes of a chain that stands for a layer."""
    chain: list[Node] = []
    for name, planned in zip(swap.names, swap.parts, strict=True):
        before = chain[-1] if chain else inputs[0]
        part = planned
        if (
            isinstance(part.op, Conv)
            and not subject.is_design
            and subject.pads_as_needed(old)
            and _holds_alike(part.op, conv_of(old))
        ):
            part = replace(part, op=_padded_as_needed(part.op, before.shape))
        shape = _shape(part, before.shape, old, was)
        is_alike = isinstance(part.op, Conv) and isinstance(old.op, Conv) and _holds_alike(part.op, old.op)
        kept = is_alike and not any(each.params for each in chain) and shape[1] == old.shape[1]
        params = old.params if kept else params_of(part.op, before.shape, shape)
        keeps_widths = (before.shape[1], shape[1]) == (was[1], old.shape[1])
        if (
            isinstance(part.op, ConvTranspose) and isinstance(old.op, ConvTranspose) and keeps_widths
        ):  # but for its bias
            params = old.params + shape[1] * (part.op.bias - old.op.bias)
        chain.append(node(name=name, op=part.op, inputs=(before,), shape=shape, params=params, line=old.line))
    return chain


def conv_of(layer: Node) -> Conv:
    """The op of a layer that is a convolution."""
    assert isinstance(layer.op, Conv)
    return layer.op


def _holds_alike(a: Conv, b: Conv) -> bool:
    return (a.kernel, a.groups, a.bias) == (b.kernel, b.groups, b.bias)


def _shape(part: Part, before: Shape, old: Node, was: Shape) -> Shape:
    op = part.op
    if isinstance(op, Sliding):
        axes = len(op.kernel)
        if isinstance(op, Conv | Pool):
            sizes = window_sizes(before[-axes:], op)
            if min(sizes) < 1:
                raise UnpredictableError(f"a kernel of {_span(op)} is larger than a map of {_sizes(before)}")
            return (*before[: -axes - 1], part.width or before[-axes - 1], *sizes)
    if isinstance(op, ConvTranspose):
        shape = resized(Case(op=op, was=(was,), now=(before,), gave=old.shape, image=before))[1]
        return (shape[0], part.width or shape[1], *shape[2:])
    case = Case(op=op, was=(before,), now=(before,), gave=before, image=before)
    if isinstance(op, Linear):
        return (*before[:-1], part.width or old.shape[-1])
    return resized(case)[1]


def _span(op: Sliding) -> str:
    return "×".join(str(d * (k - 1) + 1) for k, d in zip(op.kernel, op.dilation, strict=True))


def _sizes(shape: Shape) -> str:
    return "×".join(map(str, shape[2:]))


def params_of(op: Op, before: Shape, shape: Shape) -> int:
    """Weights and biases of a layer that reads one shape and gives another."""
    if isinstance(op, Conv | ConvTranspose):
        channels = len(shape) - len(op.kernel) - 1
        width = shape[channels]
        return width * before[channels] // op.groups * math.prod(op.kernel) + (width if op.bias else 0)
    if isinstance(op, Linear):
        return shape[op.axis] * before[op.axis] + (shape[op.axis] if op.bias else 0)
    if isinstance(op, Norm):
        return 2 * shape[1]
    return 0


def with_biases_of_the_notation(prediction: Prediction, swaps: Sequence[Swap]) -> tuple[Swap, ...]:
    """Swaps whose new convolutions have a bias where no batch norm follows, and none where one does."""
    network = prediction.network
    normalised = {each.inputs[0] for each in network if isinstance(each.op, Norm) and each.op.mode == "batch"}

    def part_of(part: Part, name: str) -> Part:
        op = part.op
        return replace(part, op=replace(op, bias=name not in normalised)) if isinstance(op, Conv) else part

    return tuple(
        replace(swap, parts=tuple(part_of(part, name) for part, name in zip(swap.parts, swap.names, strict=True)))
        for swap in swaps
    )


# --- compared ---------------------------------------------------------------------------------------------------------


def differences(announced: Inspection, read_back: Inspection, *, is_named: bool) -> list[str]:
    """Where two networks differ: in layers, their order, shapes, fields, params and MACs; names where they count."""
    a, b = announced.layers, read_back.layers
    if len(a) != len(b):
        pairs = enumerate(zip(a, b, strict=False))
        at = next((i for i, (x, y) in pairs if x.op != y.op), min(len(a), len(b)))
        places = [layers[at].name if at < len(layers) else "the end" for layers in (a, b)]
        return [f"{len(a)} layers announced, {len(b)} read back; they part at {places[0]} and {places[1]}"]
    told: list[str] = []
    for mine, theirs in zip(a, b, strict=True):
        for what, x, y in _compared(mine, theirs, is_named):
            if x != y:
                told.append(f"{mine.name}: {what} {x} announced, {y} read back")
    return told


def _compared(a: Layer, b: Layer, is_named: bool) -> Iterable[tuple[str, object, object]]:
    if is_named:
        yield "name", a.name, b.name
    yield "op", a.op, b.op
    yield "output", a.out, b.out
    yield "params", a.params, b.params
    yield "MACs", a.macs, b.macs
    yield "field", _field(a), _field(b)
    yield "field along data", _field(a.data), _field(b.data)


def _field(view: View) -> tuple[object, ...]:
    field = view.field
    return field.size, field.stride, field.start, field.is_regular, field.is_global
