"""What is wrong with a network for its image and objects, and which moves mend it? Findings, the costliest first.

Every threshold stands here, each with where it comes from; published nets at their own sizes pass none, but for a few
of which it is so (docs/advise.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from eyeshot.analyse.alignment import HALF_A_STEP, Meeting, meetings, shifts
from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.dropped import Dropped, dropped
from eyeshot.analyse.exposure import exposure
from eyeshot.analyse.gridding import coverages
from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import horizon, last_convolution, macs_before
from eyeshot.analyse.objects import ranges, share_below
from eyeshot.analyse.unproductive import narrowest, unproductive
from eyeshot.design.effects import Effect, effects_of
from eyeshot.network.ops import Conv, Pool, Sliding

EARLY_HORIZON = 0.75
"""Share of MACs after which every unit sees all, below which a stem is too coarse if the last map is small, too:
ResNet-18 at 32 pixels is there after 41 %, and after 86 % with the 3×3/1 stem of He et al. 2016, section 4.2."""
SMALL_MAP = 4
"""Positions a side below which a last map is small: AlexNet's, VGG's, ResNet's and EfficientNet's have 6 to 14."""
STEM = 0.1
"""Share of MACs that the stem has at most: ResNet-18's convolution and pool have 6.5 %."""
WASTE = 0.01
"""Share of MACs in unproductive or exposed layers worth telling: VGG-19's last pool, which has none, is not, nor is the
head of SSDLite on its map of 1×1."""
COVERAGE = 0.9
"""Share of its box that a unit sees: Wang et al. 2018 take [1, 2, 5] (all) for sound and [1, 2, 9] (71 %) for not."""
DROPPED = 0.02
"""Share of a map that nothing reads: SqueezeNet drops a row and a column of 224 pixels, 0.9 %."""
EXPOSURE = 0.97
"""Share of padding in what units use: of published nets at their own sizes ConvNeXt-S and -B at 224 have 95.9 %."""
GROWN_EXPOSURE = 0.1
"""By how much exposure may differ between two sizes of input."""
FEW = 0.01
"""Share of objects that may be too small or too large."""
PRACTICE_SIZE = 128
"""Pixels a side from which on an image is as large as those that published classifiers are made for."""
FULL_SIZE, MOST_FULL_SIZE = 0.5, 0.171
"""Share of MACs on maps of the image's own size: VGG-13, the most of 127 classifiers of torchvision and timm, has
17.1 %."""
COARSE, COARSE_SHARE, MOST_COARSE_SHARE = 32, 0.75, 0.525
"""A stride in pixels, and the share of MACs on maps that step so far: RegNetX-400MF, the most of the same, has 52.5 %.
Maps that stay large are the third strategy of Iandola et al. 2016, arXiv:1602.07360, section 3.1, after He & Sun 2014,
arXiv:1412.1710, who delayed the strides of four networks, and each was the more accurate at the same cost."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong: its kind, the layers, the numbers, the share of MACs that it concerns, and moves that mend it."""

    kind: str
    layers: tuple[str, ...]
    evidence: dict[str, Any]
    cost: float
    moves: tuple[Effect, ...] = field(default=())


Sizes = tuple[Sequence[float], Sequence[float]]
"""The shorter and the longer side of each object, in pixels of the input."""


def advise(
    inspection: Inspection,
    objects: Sizes | None = None,
    trained: Inspection | None = None,
    *,
    is_range: bool = False,
) -> list[Finding]:
    """The findings, by the share of MACs that each concerns.

    Args:
        inspection: what the network sees and costs at the size of image that it is to be used on.
        objects: sizes of objects to hold against its maps.
        trained: the same network at the size that it was trained on.
        is_range: objects are the ends of a range, of which no shares can be told.
    """
    found = [
        *_stem(inspection),
        *([] if objects is None else _objects(inspection, objects, is_range)),
        *_tail(inspection),
        *_off_centre(inspection),
        *_gridding(inspection),
        *_dropped(inspection),
        *_exposure(inspection, trained),
        *_practice(inspection),
    ]
    return sorted(found, key=lambda finding: -finding.cost)


def _stem(inspection: Inspection) -> Iterator[Finding]:
    end, last = horizon(inspection, data=True), last_convolution(inspection)
    stem = [layer for layer in _windows(inspection) if macs_before(inspection, layer) <= STEM and _step(layer) > 1]
    if end is None or last is None or not stem or max(last.out[1:]) >= SMALL_MAP:
        return
    share = macs_before(inspection, end)
    if share >= EARLY_HORIZON:
        return

    def later(after: Inspection) -> bool:
        whole = horizon(after, data=True)
        return whole is None or macs_before(after, whole) > share

    yield Finding(
        kind="stem-too-coarse",
        layers=tuple(layer.name for layer in stem),
        evidence={"sees_all_from": end.name, "share_of_macs": share, "last_map": list(last.out[1:]),
                  "stem_stride": _step(stem[-1]), "image": list(inspection.network.extent)},
        cost=1 - share,
        moves=effects_of(inspection, _finer(inspection), later),
    )  # fmt: skip


def _tail(inspection: Inspection) -> Iterator[Finding]:
    layers = unproductive(inspection)
    macs = sum(layer.macs for layer in layers)
    if not layers or macs < WASTE * inspection.totals.macs:
        return
    border = layers[0]
    sizes = narrowest(inspection.network)
    yield Finding(
        kind="wasted-tail",
        layers=tuple(layer.name for layer in layers),
        evidence={"count": len(layers), "from": border.name, "field": list(border.data.field.size),
                  "narrowest_field_before": list(sizes[border.node.inputs[0]]), "macs": macs,
                  "share_of_macs": macs / inspection.totals.macs, "params": sum(layer.params for layer in layers),
                  "image": list(inspection.network.extent)},
        cost=macs / inspection.totals.macs,
        moves=effects_of(inspection, (f"cut:from={border.name}", *_cuts(inspection, layers), *_finer(inspection)),
                       lambda after: len(unproductive(after)) < len(layers)),
    )  # fmt: skip


def _finer(inspection: Inspection) -> tuple[str, ...]:
    """The moves that take out a first step: those of the stem, or where a pool further behind does it, its cut."""
    first = next((layer for layer in _windows(inspection) if _step(layer) > 1), None)
    is_pool = first is not None and isinstance(first.node.op, Pool)
    return ("stem:fine", "stem:half", *([f"cut:{first.name}"] if first is not None and is_pool else []))


def _cuts(inspection: Inspection, layers: Sequence[Layer]) -> list[str]:
    """The cut of all layers that give as many channels and positions as they take."""
    network = inspection.network
    same = [layer.name for layer in layers if layer.macs and network[layer.node.inputs[0]].shape == layer.node.shape]
    return [f"cut:{','.join(same)}"] if same else []


def _off_centre(inspection: Inspection) -> Iterator[Finding]:
    off = [shift for shift in shifts(inspection) if shift.most >= HALF_A_STEP]
    if off:
        worst = max(off, key=lambda shift: shift.most)
        yield Finding(
            kind="off-centre",
            layers=tuple(shift.layer for shift in off),
            evidence={"from": off[0].layer, "worst": worst.layer, "pixels": list(worst.pixels),
                      "steps": list(worst.steps)},
            cost=_share(inspection, [shift.layer for shift in off]),
            moves=effects_of(inspection, ("padding:alternate",),
                           lambda after: max((shift.most for shift in shifts(after)), default=0.0) < worst.most),
        )  # fmt: skip
    for meeting in meetings(inspection):
        if meeting.steps >= HALF_A_STEP:
            yield Finding(
                kind="off-centre",
                layers=(meeting.layer, *meeting.branches),
                evidence={
                    "meet_at": meeting.layer,
                    "branches": list(meeting.branches),
                    "pixels": meeting.pixels,
                    "steps": meeting.steps,
                },
                cost=_share(inspection, meeting.branches),
                moves=effects_of(inspection, ("padding:alternate",), partial(_meets_nearer, meeting)),
            )


def _meets_nearer(before: Meeting, after: Inspection) -> bool:
    return all(each.steps < before.steps for each in meetings(after) if each.layer == before.layer)


def _gridding(inspection: Inspection) -> Iterator[Finding]:
    last = last_convolution(inspection)
    if last is None or last.data.field.stride is None:
        return
    worst = min(coverages(last), key=lambda each: each.share, default=None)
    if worst is None or worst.share >= COVERAGE:
        return
    layers = [layer for layer in _windows(inspection) if max(layer.node.op.dilation) > 1]  # type: ignore[attr-defined]
    layers = layers or [last]
    yield Finding(
        kind="gridding",
        layers=tuple(layer.name for layer in layers),
        evidence={"unit_of": worst.layer, "map": worst.map, "seen": worst.seen, "box": worst.box,
                  "along": [list(pair) for pair in worst.along], "share": worst.share},
        cost=sum(layer.macs for layer in layers) / max(inspection.totals.macs, 1) * (1 - worst.share),
        moves=effects_of(inspection, ("dilation",), lambda after: _least_coverage(after) > worst.share),
    )  # fmt: skip


def _least_coverage(inspection: Inspection) -> float:
    last = last_convolution(inspection)
    return 0.0 if last is None else min((each.share for each in coverages(last)), default=0.0)


def _dropped(inspection: Inspection) -> Iterator[Finding]:
    for each in dropped(inspection):
        if each.share >= DROPPED:
            yield Finding(
                kind="dropped-pixels",
                layers=(each.layer, *each.readers),
                evidence={"map": each.layer, "positions": list(each.positions), "share": each.share},
                cost=each.share * _share(inspection, _makers(inspection, each.layer)),
                moves=effects_of(
                    inspection, (f"padding:covering,{','.join(each.readers)}",), partial(_drops_less, each)
                ),
            )


def _drops_less(before: Dropped, after: Inspection) -> bool:
    return all(each.share < before.share for each in dropped(after) if each.layer == before.layer)


def _exposure(inspection: Inspection, trained: Inspection | None) -> Iterator[Finding]:
    last = last_convolution(inspection)
    # along time all that is not there yet is padding, which is no fault
    if last is None or not any(shift.layer == last.name for shift in shifts(inspection)):
        return
    share = exposure(last)
    if share is None:
        return
    by_layer: list[tuple[Layer, float, float]] = []
    if trained is not None:
        each = [(layer, exposure(layer), exposure(trained[layer.name])) for layer in _ends_of_stages(inspection, last)]
        by_layer = [(layer, now, was) for layer, now, was in each if now is not None and was is not None]
    worst, now, was = max(by_layer, key=lambda each: abs(each[1] - each[2]), default=(last, share, share))
    names = tuple(_exposed(inspection, last)) if share > EXPOSURE else ()
    if _share(inspection, names) >= WASTE:
        worst, now = last, share
        was = next((then for layer, _, then in by_layer if layer is last), share)
    elif abs(now - was) > GROWN_EXPOSURE:
        names = (worst.name,)
    else:
        return
    evidence: dict[str, Any] = {"layer": worst.name, "share": now, "map": list(worst.out[1:])}
    if trained is not None:
        every = [{"layer": layer.name, "share": a, "trained_share": b} for layer, a, b in by_layer]
        evidence |= {"trained_share": was, "trained_image": list(trained.network.extent), "by_layer": every}

    def less(after: Inspection) -> bool:
        there = {layer.name: layer for layer in after}
        again = exposure(there[worst.name]) if worst.name in there else None
        return again is not None and again < now

    # a map is reflected at most up to its own other end
    moves = (*_finer(inspection), "padding:reflect") if min(last.out[1:]) >= SMALL_MAP else _finer(inspection)
    yield Finding(
        kind="padding-exposure",
        layers=names,
        evidence=evidence | {"image": list(inspection.network.extent)},
        cost=_share(inspection, names) * now,
        moves=effects_of(inspection, moves, less),
    )


def _ends_of_stages(inspection: Inspection, last: Layer) -> list[Layer]:
    """The last convolution on maps of each size, on the data's way to an output, in order."""
    carrying = data_path(inspection.network)
    convs = [x for x in _windows(inspection) if isinstance(x.node.op, Conv) and x.name in carrying]
    ends = {layer.out[1:]: layer for layer in convs} | {last.out[1:]: last}
    return [layer for layer in convs if ends[layer.out[1:]] is layer]


def _exposed(inspection: Inspection, last: Layer) -> list[str]:
    """The last convolution and those just before it that are exposed as much."""
    names = [last.name]
    behind = [layer for layer in _windows(inspection) if isinstance(layer.node.op, Conv)]
    for layer in reversed(behind[: behind.index(last)]):
        if (exposure(layer) or 0) <= EXPOSURE:
            break
        names.append(layer.name)
    return names[::-1]


def _objects(inspection: Inspection, objects: Sizes, is_range: bool) -> Iterator[Finding]:
    maps = ranges(inspection)
    if not maps:
        return
    shorter, longer = objects
    finest, widest = min(maps, key=lambda each: each.stride), max(maps, key=lambda each: each.field)
    every = [{"layer": m.layer, "stride": m.stride, "field": m.field, "used": m.used} for m in maps]
    small, large = share_below(shorter, finest.stride), 1 - share_below(longer, widest.field + 1)
    if small > FEW:
        yield Finding(
            kind="object-too-small",
            layers=(finest.layer,),
            evidence={"smallest": min(shorter), "share": None if is_range else small, "stride": finest.stride,
                      "outputs": every},
            cost=small,
            moves=effects_of(inspection, (*_finer(inspection), f"output-stride:{max(int(finest.stride) // 2, 1)}"),
                           lambda after: min((each.stride for each in ranges(after)), default=finest.stride)
                           < finest.stride),
        )  # fmt: skip
    if large > FEW:
        yield Finding(
            kind="object-too-large",
            layers=(widest.layer,),
            evidence={"largest": max(longer), "share": None if is_range else large, "field": widest.field,
                      "used": widest.used, "outputs": every},
            cost=large,
            moves=effects_of(inspection, ("stem:coarse",),
                           lambda after: max((each.field for each in ranges(after)), default=0) > widest.field),
        )  # fmt: skip


def _practice(inspection: Inspection) -> Iterator[Finding]:
    """Strides that come later or earlier than published classifiers have them."""
    extent, network = inspection.network.extent, inspection.network
    if len(network[network.output.name].shape) != 2 or min(extent, default=0) < PRACTICE_SIZE:
        return
    for way, layers_of, limit, published, moves in (
        ("late", _at_full_size, FULL_SIZE, MOST_FULL_SIZE, ("stem:coarse", "pool:earlier")),
        ("early", _at_coarse_maps, COARSE_SHARE, MOST_COARSE_SHARE, ("stem:fine", "stem:half", "pool:later")),
    ):
        share = _share(inspection, layers_of(inspection))
        if share > limit:
            yield Finding(
                kind="practice",
                layers=tuple(layers_of(inspection)),
                evidence={"way": way, "share_of_macs": share, "image": list(extent), "published_at_most": published,
                          "stride": COARSE},
                cost=share * limit,
                moves=effects_of(inspection, moves, partial(_spends_less, layers_of, share)),
            )  # fmt: skip


def _at_full_size(inspection: Inspection) -> list[str]:
    return [x.name for x in _windows(inspection) if x.macs and x.out[1:] == inspection.network.extent]


def _at_coarse_maps(inspection: Inspection) -> list[str]:
    return [layer.name for layer in _windows(inspection) if layer.macs and _step(layer) >= COARSE]


def _spends_less(layers_of: Callable[[Inspection], list[str]], share: float, after: Inspection) -> bool:
    return _share(after, layers_of(after)) < share


def _windows(inspection: Inspection) -> list[Layer]:
    return [layer for layer in inspection if isinstance(layer.node.op, Sliding)]


def _step(layer: Layer) -> float:
    return max((float(step) for step in layer.data.field.stride or () if step), default=1.0)


def _share(inspection: Inspection, names: Sequence[str]) -> float:
    return sum(inspection[name].macs for name in names if name != inspection.network.input.name) / max(
        inspection.totals.macs, 1
    )


def _makers(inspection: Inspection, name: str) -> list[str]:
    """The convolution that made a map, before what only rectifies or normalises it."""
    node = inspection.network[name]
    while node.inputs and not isinstance(node.op, Conv):
        node = inspection.network[node.inputs[0]]
    return [node.name]
