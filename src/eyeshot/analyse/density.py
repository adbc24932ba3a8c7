"""How wide is what a unit uses, by the paths that lead to it from the input?

Path density is the expected square of the gradient under random weights: each unit shares its weight among what it
reads. Its moments need no arrays: a tensor's units have one distribution, shifted by the stride from unit to unit.
For a window, with J the stride so far,

    mean' = mean + J·(d·(k − 1)/2 − p),   variance' = variance + (J·d)²·(k² − 1)/12,   J' = J·s

and where branches meet, the mixture by their weights: of a sum by what each has in all, of a concatenation by channels.
Follows the data path only, on an endless image.

Reference: Luo, Li, Urtasun & Zemel 2016, arXiv:1701.04128, section 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from eyeshot.analyse.field import Fields
from eyeshot.analyse.sharing import fan_in
from eyeshot.analyse.walk import Rules, once
from eyeshot.network.graph import Network, Node
from eyeshot.network.relations import (
    Concat,
    Elementwise,
    Opaque,
    Permute,
    Reduce,
    Reshape,
    Shape,
    Taps,
    Window,
)


@dataclass(frozen=True)
class Paths:
    """Paths into unit 0, over all channels: their number or weight; per followed axis step, mean, variance, in pixels.

    ``is_alike``: every channel has the same paths, as is not so behind a concatenation.
    """

    count: Fraction
    steps: tuple[int, ...]
    means: tuple[float, ...]
    variances: tuple[float, ...]
    is_alike: bool = True


@once
def widths(network: Network, *, is_shared: bool = True) -> dict[str, tuple[float, ...] | None]:
    """Every layer's standard deviation of path density per followed axis, in pixels; None without a closed form.

    ``is_shared`` False counts every path alike, also where branches meet.

    Example:
        Three 3×3 use a width of √2, one 7×7 of 2, at the same field of 7.

        >>> from eyeshot.design.named import network_named
        >>> round(widths(network_named("C3-64 C3-64 C3-64"))["conv3"][0] ** 2, 12)
        2.0
    """
    rules = _rules_of_shares if is_shared else _rules
    passed = rules.forward(network, _of_input, lambda node: None, gates=False)
    return {name: None if p is None else tuple(math.sqrt(v) for v in p.variances) for name, p in passed.items()}


def width(fields: Fields, name: str) -> tuple[float, ...] | None:
    """A layer's standard deviation of path density per followed axis, in pixels, on an endless image.

    In closed form where there is one; else of the middle unit's paths, counted. None where none reaches the image.
    """
    network = fields.network
    wide = widths(network)[name]
    if wide is not None:
        return wide
    from eyeshot.analyse.pull import path_counts
    from eyeshot.analyse.spread import moments_of
    from eyeshot.analyse.units import Units

    units = Units(fields, name)
    counts = path_counts(network, name, units.index(units.centre), endless=True, is_shared=True)
    return None if counts is None else tuple(sigma for _, sigma in moments_of(counts.values))


def _of_input(node: Node) -> Paths:
    n = len(node.shape) - 2
    return Paths(Fraction(node.shape[1]), (1,) * n, (0.0,) * n, (0.0,) * n)


def _unite(parts: Sequence[Paths | None], shape: Shape) -> Paths | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.steps for part in known}) > 1:
        return None
    count = sum((part.count for part in known), Fraction(0))
    shares = [float(part.count / count) for part in known]
    axes = range(len(known[0].steps))
    means = tuple(sum(w * part.means[a] for w, part in zip(shares, known, strict=True)) for a in axes)
    variances = tuple(
        sum(w * (part.variances[a] + (part.means[a] - means[a]) ** 2) for w, part in zip(shares, known, strict=True))
        for a in axes
    )
    return Paths(count, known[0].steps, means, variances, all(part.is_alike for part in known))


_rules: Rules[Paths | None] = Rules("path density", _unite)


@_rules.rule(Window)
def _window(relation: Window, value: Paths | None, before: Shape, after: Shape) -> Paths | None:
    if value is None or relation.base is not None or (1 in relation.axes and relation.stride != (1,)):
        return None
    if 1 in relation.axes:
        return _across_channels(relation, value, before, after)
    steps, means, variances = list(value.steps), list(value.means), list(value.variances)
    for axis, slide in zip(relation.axes, relation.slides, strict=True):
        a = axis - 2
        means[a] += steps[a] * (slide.reach / 2 - slide.before)
        variances[a] += (steps[a] * slide.dilation) ** 2 * (slide.kernel**2 - 1) / 12
        steps[a] *= slide.stride
    fan_out = 1 if relation.groups is None else after[1] // relation.groups
    count = value.count * math.prod(relation.kernel) * fan_out
    return Paths(count, tuple(steps), tuple(means), tuple(variances), value.is_alike or relation.groups == 1)


def _across_channels(relation: Window, value: Paths, before: Shape, after: Shape) -> Paths | None:
    """Neighbouring channels, as in local response normalisation: those at the ends have fewer."""
    if before != after or not value.is_alike:
        return None
    (slide,), n = relation.slides, before[1]
    reads = sum(map(len, slide.reads(n, n)))
    return replace(value, count=value.count * reads / n)


@_rules.rule(Elementwise)
def _elementwise(relation: Elementwise, value: Paths | None, before: Shape, after: Shape) -> Paths | None:
    return value if before == after else None


@_rules.rule(Concat)
def _concat(relation: Concat, value: Paths | None, before: Shape, after: Shape) -> Paths | None:
    return None if value is None or relation.axis != 1 else replace(value, is_alike=False)


@_rules.rule(Taps, Reshape, Permute, Reduce, Opaque)
def _without_closed_form(relation: object, value: Paths | None, before: Shape, after: Shape) -> Paths | None:
    return None


def _share(relation: object, value: Paths | None, sent: Paths | None, before: Shape, after: Shape) -> Paths | None:
    return None if sent is None else replace(sent, count=sent.count / Fraction(fan_in(relation, before, after)))


_rules_of_shares = _rules.sharing("shares of paths", _share)
