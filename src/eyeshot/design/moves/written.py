"""Layers swapped in a design: repeats are unrolled, items written anew, and turns that are equal rolled up again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from eyeshot.design.lower import items_of
from eyeshot.design.moves.move import Part, Swap
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Branches, Conv, Design, Full, Group, Item, Padding, Plain, Pool
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import AdaptivePool, Dropout, Linear, Norm, Op, Pointwise
from eyeshot.network.ops import Conv as ConvOp
from eyeshot.network.ops import Pool as PoolOp
from eyeshot.network.relations import Sides


def unrolled(design: Design) -> Design:
    """The design with every repeat written out, each turn under its label: what a move may change one by one."""
    return parse(str(Design(tuple(_each(design.items)), "")))


def _each(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Group):
            inner = tuple(_each(item.items))
            for _ in range(item.repeat):
                yield from inner if item.label is None else (replace(item, items=inner, repeat=1),)
        elif isinstance(item, Branches):
            yield replace(item, branches=tuple(tuple(_each(branch)) for branch in item.branches))
        else:
            yield item


def written(design: Design, network: Network, swaps: Sequence[Swap], classes: int) -> Design:
    """An unrolled design with layers swapped.

    Args:
        design: as ``unrolled`` gives it.
        network: what it was lowered to.
        swaps: which layers become what.
        classes: as for ``lower``.

    Raises:
        UsageError: the notation has no layer like one of a chain; says which.
    """
    places = items_of(design, network.input.shape[1:], classes)
    layers: dict[int, list[Node]] = {}
    for node in network.layers:
        layers.setdefault(places[node.name], []).append(node)
    chains = {swap.layer: swap for swap in swaps}
    return parse(str(Design(_rewritten(design.items, layers, chains), "")))


def rolled(design: Design) -> Design:
    """The design with turns that are equal written once."""
    return parse(str(Design(tuple(_rolled(design.items)), "")))


def padded_same(design: Design, network: Network, classes: int) -> frozenset[str]:
    """The layers of an unrolled design that pad as TensorFlow does, by the size of what they read."""
    places = items_of(design, network.input.shape[1:], classes)
    same = {item.position for item in _leaves(design.items) if getattr(item, "padding", None) == "same"}
    return frozenset(name for name, position in places.items() if position in same)


def check_expressible(swaps: Sequence[Swap]) -> None:
    """Complain of layers that the notation does not have.

    Raises:
        UsageError: says which kind of layer.
    """
    for swap in swaps:
        _items(swap.parts, Plain(letter="R"))


def _leaves(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Group):
            yield from _leaves(item.items)
        elif isinstance(item, Branches):
            for branch in item.branches:
                yield from _leaves(branch)
        else:
            yield item


def _rewritten(items: Sequence[Item], layers: Mapping[int, list[Node]], chains: Mapping[str, Swap]) -> tuple[Item, ...]:
    again: list[Item] = []
    waits = False  # for the batch norm of the convolution written last, which is among the layers of a later item
    for item in items:
        if isinstance(item, Group):
            again.append(replace(item, items=_rewritten(item.items, layers, chains)))
        elif isinstance(item, Branches):
            joints = layers.get(item.position, [])
            if joints and all(node.name in chains for node in joints):  # cut: only whole branches go
                continue
            branches = tuple(_rewritten(b, layers, chains) or (Plain(letter="ID"),) for b in item.branches)
            again.append(replace(item, branches=branches))
        else:
            written_again, now_waits = _item_again(item, layers.get(item.position, []), chains)
            if waits and written_again[:1] == [Plain(letter="B")]:
                written_again, waits = written_again[1:], False
            last = again[-1] if again else None
            outlives = isinstance(item, Conv | Full) and item.label is None  # an activation its own convolution
            if outlives and written_again[:1] == [Plain(letter="R")] and isinstance(last, Conv) and last.linear:
                again[-1], written_again = replace(last, linear=False), written_again[1:]
            again += written_again
            waits = now_waits or (waits and not written_again)
    return tuple(item for item in again if not isinstance(item, Group) or item.items)


def _item_again(item: Item, nodes: Sequence[Node], chains: Mapping[str, Swap]) -> tuple[list[Item], bool]:
    """What stands for an item whose layers are some nodes, and whether its last convolution waits for a batch norm."""
    if not any(node.name in chains for node in nodes):
        return [item], False
    parts: list[Part] = []
    for node in nodes:
        swap = chains.get(node.name)
        width = node.shape[-1 if isinstance(node.op, Linear) else 1]
        parts += [Part(op=node.op, width=width)] if swap is None else swap.parts
    if isinstance(item, Full):  # its flattening is written by the F itself
        parts = [part for part in parts if part.op.kind != "flatten"]
    items, waits = _items(parts, item)
    if item.label is None or not items:
        return items, waits
    if len(items) == 1:
        return [replace(items[0], label=item.label)], waits
    return [Group(items=tuple(items), label=item.label)], False


def _items(parts: Sequence[Part], item: Item) -> tuple[list[Item], bool]:
    """A chain in the notation: a batch norm and a rectification go with the convolution before them.

    A convolution without a bias is one with a batch norm behind it; the chain's last may wait for that.
    """
    items: list[Item] = []
    waits = False
    for part in parts:
        op, last = part.op, items[-1] if items else None
        if isinstance(op, ConvOp):
            items.append(_conv(op, part.width, item))
            waits = not op.bias
        elif isinstance(op, Norm) and op.mode == "batch" and waits:
            waits = False
        elif isinstance(op, Pointwise) and op.name == "relu" and isinstance(last, Conv | Full) and last.linear:
            items[-1] = replace(last, linear=False)
        else:
            items.append(_plain(op, part))
    is_last = isinstance(item, Full) and not item.linear and len(parts) == 1
    return ([replace(items[0], linear=False)] if is_last and isinstance(items[0], Full) else items), waits


def _conv(op: ConvOp, width: int | None, item: Item) -> Conv:
    half = tuple(
        (d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for k, d in zip(op.kernel, op.dilation, strict=True)
    )
    is_depthwise = isinstance(item, Conv) and item.groups == 0 and op.groups > 1
    return Conv(
        kernel=_short(op.kernel),
        stride=_short(op.stride),
        dilation=_short(op.dilation),
        padding="half" if op.padding == half else _short_sides(op.padding),
        groups=0 if is_depthwise else op.groups,
        width=width,
        normalised=not op.bias,
        linear=True,
    )


def _plain(op: Op, part: Part) -> Item:
    without = ""
    if isinstance(op, PoolOp):
        pads_far = any(2 * max(sides) > k for sides, k in zip(op.padding, op.kernel, strict=True))
        without = " padded by more than half its kernel" if pads_far else ""
        without = " with dilation" if max(op.dilation) > 1 else without
    if isinstance(op, PoolOp) and not without:
        stride = None if op.stride == op.kernel else _short(op.stride)
        padding = _short_sides(op.padding)
        return Pool(mode=op.mode, kernel=_short(op.kernel), stride=stride, padding=padding, ceil=op.ceil)
    if isinstance(op, Norm) and op.mode == "batch":
        return Plain(letter="B")
    if isinstance(op, Pointwise) and op.name == "relu":
        return Plain(letter="R")
    if isinstance(op, Dropout):
        return Plain(letter="D", value=op.p)
    if isinstance(op, AdaptivePool) and all(n == 1 for n in op.size):
        return Plain(letter="G")
    if isinstance(op, Linear):
        return Full(width=part.width, linear=True)
    raise UsageError(f"the notation has no {op.kind}{without}; build the design, and make the move on the module")


def _short(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return sizes[:1] if len(set(sizes)) == 1 else sizes


def _short_sides(sides: Sides) -> Padding:
    return sides[:1] if len(set(sides)) == 1 else sides


def _rolled(items: Sequence[Item]) -> Iterator[Item]:
    """Equal groups and branches in a row as one that repeats; what stands in a bare group of its own, without it."""
    again = [_inner_rolled(item) for item in items]
    at = 0
    while at < len(again):
        item, turns = again[at], 1
        while at + turns < len(again) and again[at + turns] == item:
            turns += 1
        is_group = isinstance(item, Group)
        if turns > 1 and (is_group or isinstance(item, Conv)):
            yield replace(item, repeat=turns) if isinstance(item, Group) else Group(items=(item,), repeat=turns)
        else:
            yield from again[at : at + turns]
        at += turns


def _inner_rolled(item: Item) -> Item:
    if isinstance(item, Group):
        return replace(item, items=tuple(_rolled(item.items)))
    if isinstance(item, Branches):
        return replace(item, branches=tuple(tuple(_rolled(branch)) for branch in item.branches))
    return item
