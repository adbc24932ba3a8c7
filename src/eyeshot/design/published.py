"""Which published claims bear on a network? Those that findings/ tries, by what the network is made of.

A claim bears on a network that has what one of its studies changes: pools that convolutions stand between, steps that
alias, a stack of 3×3. That is told from the layers, never from a name. What was measured lies beside this file; it is
written by scripts/findings.py from the evidence of findings/, which is in the repository and in no wheel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from eyeshot.analyse.data_path import data_path
from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import last_convolution, macs_before
from eyeshot.analyse.layouts import unit_axes
from eyeshot.analyse.unproductive import unproductive
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Conv, Dropout, EdgePad, LocalResponseNorm, Norm, Pad, Pointwise, Pool, Sliding

SCHEMA = "eyeshot.published/1"
FILE = "published.json"
SMALL_IMAGE, COARSE_STEM, STEM = 64, 4, 0.1
"""Pixels a side up to which an image is small (CIFAR-10 has 32, Tiny ImageNet 64), the pixels that ImageNet's stem
steps by (He et al. 2016), and the share of MACs that a stem has at most, as ``advise`` takes it."""

Ends = tuple[float, float]
Verdict = Literal[
    "reproduced",
    "reproduced on these images",
    "not seen at this scale",
    "reversed on these images",
    "reversed",
]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of a study for one thing that a claim says.

    Attributes:
        study: its name in the finding's folder.
        says: what is to come out if the claim holds.
        arms: the design that is expected to have more and the one with less; or the one whose amount is told.
        measure: what was measured: "accuracy" in points, or another one.
        verdict: what the interval allows.
        mean: by how much the first of two has more, or how much the one has.
        unit: of the mean and of the ends.
        seeds: interval over other seeds on the same test images; None where there is none.
        both: over other images too; None of measures beside accuracy.
        confidence: of the intervals: 0.95, or more where several differences share the error; 0 without one.
        limit: what the interval is held against: 0, what the claim allows, or the number that it names.
    """

    study: str
    says: str
    arms: tuple[str, ...]
    measure: str
    verdict: Verdict
    mean: float
    unit: str
    seeds: Ends | None
    both: Ends | None
    confidence: float
    limit: float

    @property
    def interval(self) -> Ends | None:
        """The wider one."""
        return self.both or self.seeds

    @property
    def is_difference(self) -> bool:
        """Whether two designs are compared."""
        return len(self.arms) == 2


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published claim with what was measured of it.

    Attributes:
        name: of its folder in findings/.
        title: what it is about.
        claim: what was claimed.
        source: by whom.
        outcomes: of the studies that tried it.
        layers: of the network at hand, on which it bears; none where it is about the network as a whole.
    """

    name: str
    title: str
    claim: str
    source: str
    outcomes: tuple[Outcome, ...]
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _File:
    schema: str
    findings: tuple[Published, ...]


def encoded(found: Sequence[Published]) -> bytes:
    """The file's content: all claims with what came out, whatever they bear on."""
    packed = msgspec.json.encode({"schema": SCHEMA, "findings": [msgspec.to_builtins(each) for each in found]})
    return msgspec.json.format(packed, indent=1) + b"\n"


@cache
def published() -> tuple[Published, ...]:
    """All published claims that were tried."""
    content = (files("eyeshot.design") / FILE).read_bytes()
    return msgspec.json.decode(content, type=_File).findings


def bearing(inspection: Inspection) -> list[Published]:
    """The published claims that bear on a convolutional network of images, with the outcomes of the studies that do.

    Those about some of its layers come first, those about the network as a whole last.

    Example:
        >>> from eyeshot.design.named import network_named
        >>> found = bearing(Inspection(network_named("C3-8 P2 C3-16 P2 G F10", (1, 28, 28))))
        >>> [each.layers for each in found if each.name == "pool-placement"]
        [('pool1', 'pool2')]
    """
    network = inspection.network
    if len(network.axes) != 2 or not any(isinstance(op := node.op, Conv) and _overlaps(op) for node in network):
        return []
    found = []
    for each in published():
        bears = {outcome.study: on(inspection) for outcome in each.outcomes if (on := rule(each.name, outcome.study))}
        outcomes = tuple(outcome for outcome in each.outcomes if bears.get(outcome.study) is not None)
        if outcomes:
            names = {name for layers in bears.values() for name in layers or ()}
            layers = tuple(node.name for node in network if node.name in names)
            found.append(replace(each, outcomes=outcomes, layers=layers))
    return sorted(found, key=lambda each: not each.layers)


Rule = Callable[[Inspection], "Sequence[str] | None"]
"""The layers on which a claim bears, none where it is about the network as a whole; None where it does not bear."""


def rule(name: str, study: str) -> Rule | None:
    """What says whether a study bears on a network; None where nobody wrote it down."""
    return _RULES.get(f"{name}/{study}") or _RULES.get(name)


def evidence_for(kind: str) -> list[tuple[str, Outcome]]:
    """What was measured of a kind of advice, each with its finding's name: training with what it says mended."""
    wanted = _OF_ADVICE.get(kind)
    return [
        (each.name, outcome)
        for each in published()
        for outcome in each.outcomes
        if (each.name, outcome.arms[0]) == wanted
    ]


_OF_ADVICE = {
    "stem-too-coarse": ("stem", "stem for small images"),
    "wasted-tail": ("stem", "ImageNet's stem, no tail"),
}
"""Kinds of advice by the finding that tried it, and its arm that was mended."""


def _whole(inspection: Inspection) -> Sequence[str] | None:
    return ()


def _pools(inspection: Inspection) -> list[str]:
    """Pools that step over what convolutions made."""
    network = inspection.network
    return [
        layer.name
        for layer in _sliding(inspection)
        if isinstance(layer.node.op, Pool) and _steps(layer) and isinstance(_maker(network, layer.node).op, Conv)
    ]


def _alternating(inspection: Inspection) -> list[str] | None:
    return pools if len(pools := _pools(inspection)) > 1 else None


def _max_pools(inspection: Inspection) -> list[str] | None:
    network = inspection.network
    return [name for name in _pools(inspection) if getattr(network[name].op, "mode", "") == "max"] or None


def _strides(inspection: Inspection) -> list[str] | None:
    """Convolutions that step and whose windows overlap: patches and shortcuts, whose do not, replace no pool."""
    found = [layer for layer in _sliding(inspection) if isinstance(layer.node.op, Conv) and _steps(layer)]
    return [layer.name for layer in found if _overlaps(_op(layer))] or None


def _steps_of_both(inspection: Inspection) -> list[str] | None:
    return [*_pools(inspection), *(_strides(inspection) or ())] or None


def _stacks(count: int, large: int) -> Rule:
    """Dense 3×3 at stride 1, so many or more behind each other, or a single kernel that sees what so many do."""

    def on(inspection: Inspection) -> Sequence[str] | None:
        network = inspection.network
        dense = [
            layer.node
            for layer in _sliding(inspection)
            if isinstance(op := layer.node.op, Conv)
            and op.groups == 1
            and max(*op.stride, *op.dilation) == 1
            and op.kernel in ((3, 3), (large, large))
        ]
        runs: dict[str, tuple[str, ...]] = {}
        for node in dense:
            if _kernel(node) == 3:
                runs[node.name] = (*runs.get(_maker(network, node).name, ()), node.name)
        stacks = [name for run in runs.values() if len(run) >= count for name in run]
        return [*stacks, *(node.name for node in dense if _kernel(node) == large)] or None

    return on


def _stem_and_tail(inspection: Inspection) -> Sequence[str] | None:
    tail = [layer.name for layer in unproductive(inspection) if layer.macs]
    stem = []
    if max(inspection.network.extent) <= SMALL_IMAGE:
        first = [x for x in _sliding(inspection) if _steps(x) and macs_before(inspection, x) <= STEM]
        paces = [float(step) for x in first for step in x.data.field.stride or () if step]
        stem = [layer.name for layer in first] if max(paces, default=1) >= COARSE_STEM else []
    return [*stem, *tail] or None


def _borders(inspection: Inspection) -> Sequence[str] | None:
    nodes = [layer.node for layer in _sliding(inspection)]
    convs = [node.name for node in nodes if isinstance(op := node.op, Conv) and any(map(any, op.padding))]
    around = [layer.name for layer in inspection if isinstance(layer.node.op, EdgePad)]
    return [*around, *convs] or None


def _normed_or_overlapping(inspection: Inspection) -> Sequence[str] | None:
    normed = [layer.name for layer in inspection if isinstance(layer.node.op, LocalResponseNorm)]
    return [*normed, *(_max_pools(inspection) or ())] or None


def _widened(inspection: Inspection) -> Sequence[str] | None:
    """Dilated convolutions, and a last one that does not see the whole image."""
    found = [x.name for x in _sliding(inspection) if isinstance(x.node.op, Conv) and max(_op(x).dilation) > 1]
    last = last_convolution(inspection)
    if last is not None and any(a < b for a, b in zip(last.data.field.size, inspection.network.extent, strict=True)):
        found.append(last.name)
    return found or None


def _last(inspection: Inspection) -> Sequence[str] | None:
    last = last_convolution(inspection)
    return None if last is None else [last.name]


def _batch_normed(inspection: Inspection) -> Sequence[str] | None:
    return () if any(layer.op == "batch_norm" for layer in inspection) else None


def _without_norms(inspection: Inspection) -> Sequence[str] | None:
    return None if any(isinstance(layer.node.op, Norm) for layer in inspection) else ()


def _tiled(inspection: Inspection) -> Sequence[str] | None:
    """Norms of a network whose output is a map, which may be computed in tiles."""
    network = inspection.network
    ends = network.outputs or (network.output.name,)
    has_map = any(network[end].shape[axis] > 1 for end in ends for axis in unit_axes(network, end))
    norms = [x.name for x in inspection if isinstance(op := x.node.op, Norm) and op.mode in ("batch", "instance")]
    return norms or None if has_map else None


_RULES: dict[str, Rule] = {
    "effective": _last,
    "field": _widened,
    "flip": _whole,
    "lrn-and-overlap": _normed_or_overlapping,
    "padding": _borders,
    "pool-placement": _alternating,
    "precision/normed": _batch_normed,
    "precision/plain": _without_norms,
    "seeds": _whole,
    "shift/max-pools": _max_pools,
    "shift": _strides,
    "stacks/three-of-3x3": _stacks(3, 7),
    "stacks": _stacks(2, 5),
    "stem": _stem_and_tail,
    "strides": _steps_of_both,
    "tiles": _tiled,
}
"""By finding, or finding and study where a finding's studies are of different things."""


def _sliding(inspection: Inspection) -> list[Layer]:
    """Convolutions and pools on the data path that span several positions."""
    carrying = data_path(inspection.network)
    return [
        layer
        for layer in inspection
        if layer.name in carrying and isinstance(op := layer.node.op, Conv | Pool) and max(op.kernel) > 1
    ]


def _op(layer: Layer) -> Sliding:
    assert isinstance(layer.node.op, Sliding)
    return layer.node.op


def _steps(layer: Layer) -> bool:
    return max(_op(layer).stride) > 1


def _overlaps(op: Sliding) -> bool:
    """Whether windows side by side share positions, as patches' do not."""
    return max(op.kernel) > max(op.stride)


def _kernel(node: Node) -> int:
    assert isinstance(node.op, Conv)
    return node.op.kernel[0]


def _maker(network: Network, node: Node) -> Node:
    """What made the map that a layer reads, before what only rectifies, normalises or pads it."""
    made = network[node.inputs[0]]
    while isinstance(made.op, Pointwise | Norm | Dropout | LocalResponseNorm | EdgePad | Pad):
        made = network[made.inputs[0]]
    return made
