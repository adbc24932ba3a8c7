"""What does each layer see? One value per layer, drawn from the closed form and the hulls.

The size is unclipped, as on an endless image, and the largest over units where they differ. Where units have no
common closed form the hulls inside the image answer instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from operator import ge, sub
from typing import TYPE_CHECKING

from eyeshot.analyse.closed_form import closed_forms, through, united_over
from eyeshot.analyse.layouts import axes_counting, axes_told, behind_reshapes, counting, unit_axes
from eyeshot.analyse.parted import NEVER, Parted
from eyeshot.analyse.sights import Class, Fixed, Moving, Scattered, Sight, Sights, axes_of, together
from eyeshot.network.graph import Network, Node
from eyeshot.network.relations import Elementwise, Read, Shape

if TYPE_CHECKING:
    from eyeshot.analyse.hulls import Interval, Union
    from eyeshot.analyse.outlines import Outline

Stride = int | Fraction


@dataclass(frozen=True, kw_only=True)
class Field:
    """A layer's receptive field; one entry per followed axis, in the model's order.

    Attributes:
        size: pixels that a unit sees on an endless image; the largest over units.
        stride: input pixels per step to the next unit; None where units do not step.
        start: input coordinate of the first pixel in unit 0's unclipped field, negative inside padding.
        is_regular: every unit has the same size, at an even stride.
        is_global: every unit sees the whole image, as it is.
        is_exact: False for a bound from above, behind an op whose reads are unknown.
        phases: where units differ in a fixed turn, as a decoder's do, the sizes in that turn from unit 0 on, per axis;
            None where they do not.
        one_sided: per axis "before", where each unit sees all from the image's first position up to a place of its
            own, as running sums and recurrent layers do; "after", where all from there to the last; None where
            neither. None where it is so along all axes.
    """

    size: tuple[int, ...]
    stride: tuple[Stride | None, ...] | None
    start: tuple[int | None, ...] | None
    is_regular: bool
    is_global: bool
    is_exact: bool
    phases: tuple[tuple[int, ...] | None, ...] | None = None
    one_sided: tuple[str | None, ...] | None = None

    @cached_property
    def centre(self) -> tuple[float | None, ...] | None:
        """Where unit 0's field has its middle, in pixels from the first one's; None where units have no one size.

        centre = start + (size − 1)/2        unit i is centred at centre + i·stride
        """
        if self.start is None or not self.is_regular:
            return None
        pairs = zip(self.start, self.size, strict=True)
        return tuple(None if start is None else start + (size - 1) / 2 for start, size in pairs)


@dataclass(frozen=True)
class UnitHull:
    """One unit's field: unclipped and clipped inclusive ranges per axis; an empty range has last < first."""

    unclipped: tuple[tuple[int, int], ...]
    clipped: tuple[tuple[int, int], ...]


_MOVING = frozenset({Moving, Parted})


class Fields:
    """The fields of all layers of a network, along all paths or, with ``gates`` False, the data path only.

    Closed forms and hulls are computed when first asked for.
    """

    def __init__(self, network: Network, *, gates: bool = True) -> None:
        self.network = network
        self.gates = gates and any(read.gate for node in network for read in node.reads)
        self._along_data = Fields(network, gates=False) if self.gates else None
        self._united: dict[str, Class] = {}
        self._fields: dict[str, Field] = {}
        self._alike: dict[object, list[Node]] = {}
        self._intervals: dict[object, list[Interval]] = {}
        self._outlines: dict[tuple[str, int], Outline | None] = {}

    @property
    def data(self) -> Fields:
        """Those of the data path; its own, which it does not hold, so that it goes with the last who holds it."""
        return self if self._along_data is None else self._along_data

    @cached_property
    def _forms(self) -> Mapping[str, Sights]:
        return closed_forms(self.network, gates=self.gates)

    @cached_property
    def _hulls(self) -> Mapping[str, Union]:
        from eyeshot.analyse.hulls import hulls

        return hulls(self.network, gates=self.gates)

    @cached_property
    def _of_elements(self) -> Mapping[str, Sequence[Outline]]:
        from eyeshot.analyse.outlines import of_elements

        return of_elements(self.network, gates=self.gates)

    @cached_property
    def bounded(self) -> frozenset[str]:
        """Names of the layers whose field is only a bound."""
        bounded: set[str] = set()
        for node in self.network:
            for read in node.reads:
                if (self.gates or not read.gate) and (read.is_bound or node.inputs[read.source] in bounded):
                    bounded.add(node.name)
        return frozenset(bounded)

    @cached_property
    def _behind_reshapes(self) -> frozenset[str]:
        return behind_reshapes(self.network)

    @cached_property
    def _counting(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        return counting(self.network)

    def hulls(self, name: str) -> list[Interval]:
        """Per followed axis what the units at each position along it see, clipped to the image (see ``per_axis``)."""
        return self._per_axis(name, axes_told)

    def of_units(self, name: str) -> list[Interval]:
        """The same for every unit apart: along all axes of the tensor that count positions of the followed axis."""
        return self._per_axis(name, axes_counting)

    def _per_axis(self, name: str, axes: Callable[[Network, str, int], tuple[int, ...]]) -> list[Interval]:
        from eyeshot.analyse.hulls import per_axis

        along = tuple(axes(self.network, name, i) for i in range(len(self.network.axes)))
        value, shape = self._hulls[name], self.network[name].shape
        key = id(value), along, shape  # layers that see alike share one value, which the hulls hold
        if key not in self._intervals:
            self._intervals[key] = per_axis(self.network[name], value, along)
        return self._intervals[key]

    def _outline(self, node: Node, axis: int) -> Outline | None:
        key = node.name, axis
        if key not in self._outlines:
            from eyeshot.analyse.outlines import outline

            value, elements = self._hulls[node.name], self._of_elements.get(node.name)
            self._outlines[key] = outline(node, value, elements, axis, self._counting[node.name][axis])
        return self._outlines[key]

    def form(self, name: str) -> Class:
        """The closed form per followed axis, of units: united over channels, and positions that lie among them."""
        if name not in self._united:
            self._united[name] = self._of_units(name, together(self._forms[name], self.network[name].shape))
        return self._united[name]

    def through(self, node: Node, read: Read) -> Class:
        """The closed form per followed axis of what a node's units see by one of its reads alone."""
        return self._of_units(node.name, through(self.network, self._forms, node, read))

    def _of_units(self, name: str, form: Class) -> Class:
        moves = [sight for sight in form if type(sight) in _MOVING]
        if not moves or (name not in self._behind_reshapes and all(type(sight) is Moving for sight in moves)):
            return form
        units = unit_axes(self.network, name)
        # an axis of rows in which channels lie as well is none of units: what moves along it is of one unit together
        if all(axis in units for sight in moves for axis in axes_of(sight)):
            return form
        shape = self.network[name].shape
        return united_over(form, tuple(axis for axis in range(len(shape)) if axis not in units), shape)

    def __getitem__(self, name: str) -> Field:
        known = self._fields.get(name)
        if known is None:
            node = self._last_known(self.network[name])
            field = self._fields[node.name] = self._fields.get(node.name) or self._shared(node)
            is_exact = name not in self.bounded
            known = self._fields[name] = field if field.is_exact == is_exact else replace(field, is_exact=is_exact)
        return known

    def _last_known(self, node: Node) -> Node:
        """The last of the layers back from this one whose units see what its units see, and whose field is known; the
        first of them where none is: a ReLU's convolution, say.

        Those share one value: so do a 1×1 convolution and the map that it reads.
        """
        while node.name not in self._fields:
            for name in node.inputs:
                if self._is_alike(node, name):
                    node = self.network[name]
                    break
            else:
                return node
        return node

    def _is_alike(self, node: Node, source: str) -> bool:
        form = self._forms[node.name]
        if form is not self._forms[source]:
            return False
        if len(node.reads) == 1 and isinstance(node.reads[0].relation, Elementwise):
            return node.shape == self.network[source].shape
        if node.name not in self._behind_reshapes and form.index is None and all(map(_is_told, form.table[0])):
            before, after = self.network[source].shape, node.shape
            is_of_channels = before[:1] == after[:1] and before[2:] == after[2:]
            return is_of_channels and (self.data is self or self.data._is_alike(node, source))
        # The hulls are asked only where something needed them before: for this alone NumPy is not to be loaded. Behind
        # reshapes what is equal is one value, whose field may still be another: see `_shared`.
        return (
            "_hulls" in vars(self)
            and self._hulls[node.name] is self._hulls[source]
            and node.name not in self._behind_reshapes
            and (self.data is self or self.data._forms[node.name] is self.data._forms[source])
        )

    def _shared(self, node: Node) -> Field:
        """The field of a node. Behind reshapes blocks repeat, and layers that see alike, by form and hulls, share one.

        Where the hulls are not needed, they are not asked for that either, and nothing is shared.
        """
        needs_hulls = "_hulls" in vars(self) or any(isinstance(sight, Scattered) for sight in self.form(node.name))
        if not needs_hulls or node.name not in self._behind_reshapes:
            return self._field(node)
        along_data = () if self.data is self else (id(self.data._forms[node.name]), self.data[node.name].size)
        key = id(self._forms[node.name]), id(self._hulls[node.name]), along_data, node.shape
        several = self._alike.setdefault(key, [])
        for other in several:
            if self._counting[node.name] == self._counting[other.name]:
                return self._fields[other.name]
        field = self._field(node)
        several.append(node)
        return field

    def _field(self, node: Node) -> Field:
        form = self.form(node.name)
        moving = [sight if isinstance(sight, Moving) else None for sight in form]
        size, steps = self._size(node, form), [_stride(sight) for sight in moving]
        sides = [self._side(node, i) if isinstance(sight, Scattered) else None for i, sight in enumerate(form)]
        starts = [None if sight is None or sight.firsts[0] == NEVER else sight.firsts[0] for sight in moving]
        return Field(
            size=size,
            stride=None if steps.count(None) == len(steps) else tuple(steps),
            start=None if moving.count(None) == len(moving) else tuple(starts),
            is_regular=all(self._is_regular(node, i, sight) for i, sight in enumerate(form)),
            # asked of every element: those of a flattened map do not see all, though they do together
            is_global=all(map(ge, size, self.network.extent)) and self._sees_everything(node),
            is_exact=node.name not in self.bounded,
            phases=_phases(moving),
            one_sided=tuple(sides) if any(sides) else None,
        )

    def _covers(self, node: Node, axis: int) -> bool:
        """Whether each unit that sees anything sees from end to end."""
        outline, end = self._outline(node, axis), self._end(axis)
        return outline is not None and outline.firsts == (0, 0) and outline.lasts == (end, end)

    def _side(self, node: Node, axis: int) -> str | None:
        """On which side of its own place each unit sees everything.

        Ends that differ do not say so: of a product of queries and keys whose windows leave the last pixels out, some
        queries see these and others do not. The unit that sees least sees less than half.
        """
        outline, end = self._outline(node, axis), self._end(axis)
        if outline is None:
            return None
        if outline.firsts == (0, 0) and outline.lasts[0] < outline.lasts[1] and 2 * outline.lasts[0] < end:
            return "before"
        is_after = outline.lasts == (end, end) and outline.firsts[0] < outline.firsts[1] and 2 * outline.firsts[1] > end
        return "after" if is_after else None

    def _is_regular(self, node: Node, axis: int, sight: Sight) -> bool:
        if not isinstance(sight, Fixed) or self.data is self:
            return isinstance(sight, Fixed) or (isinstance(sight, Moving) and sight.period == 1)
        along_data = _outermost(self.data.form(node.name)[axis], node.shape)
        return all(_holds((sight.first, sight.last), ends) for ends in along_data)

    def _size(self, node: Node, form: Class) -> tuple[int, ...]:
        sizes = tuple([self._widest(node, i, sight) for i, sight in enumerate(form)])
        if self.data is self:
            return sizes
        return tuple(map(max, sizes, self.data[node.name].size))

    def _widest(self, node: Node, axis: int, sight: Sight) -> int:
        """The most that a unit sees along an axis.

        Statistics read the image as it is: where that is not all of it, what a unit sees through them and what it sees
        along the data path may lie apart, and only the hulls know how far it is from one to the other.
        """
        if sight is None:
            return 0
        if isinstance(sight, Moving | Parted):
            spans: Iterator[int] = map(sub, sight.lasts, sight.firsts)
            # a few of a map's tokens are no part of an endless row of them: phases that none of them has do not count
            return max(islice(spans, sight.existing) if isinstance(sight, Parted) else spans) + 1
        if isinstance(sight, Fixed) and (self.data is self or _holds((sight.first, sight.last), (0, self._end(axis)))):
            return sight.last - sight.first + 1
        outline = self._outline(node, axis)
        widest = 0 if outline is None else outline.widest
        return max(widest, sight.last - sight.first + 1) if isinstance(sight, Fixed) else widest

    def _end(self, axis: int) -> int:
        """The image's last position along an axis."""
        return self.network.extent[axis] - 1

    def _sees_everything(self, node: Node) -> bool:
        extent, form = self.network.extent, together(self._forms[node.name], node.shape)
        for i, (sight, size) in enumerate(zip(form, extent, strict=True)):
            if sight is None:
                return False
            if isinstance(sight, Moving | Parted) and any(
                b - a + 1 < size for a, b in zip(sight.firsts, sight.lasts, strict=True)
            ):
                return False
            # no element of a unit sees more than the unit
            if isinstance(sight, Scattered) and not self._covers(node, i):
                return False
        if self._forms[node.name].index is None:
            if all(isinstance(sight, Fixed) and sight.touches for sight in form):
                return True
            # nearly all maps of convolutions: hulls need not be followed for them
            cuts = [_ends_of_all(sight, node.shape) for sight in form]
            if all(ends is not None for ends in cuts):
                return all(first <= 0 and last >= n - 1 for (first, last), n in zip(cuts, extent, strict=True))  # type: ignore[misc]
        if any(isinstance(sight, Scattered) for sight in form):  # whose outlines were asked for already
            elements = self._of_elements.get(node.name)
            if elements is not None:
                pairs = zip(elements, extent, strict=True)
                return all(each.firsts == (0, 0) and each.lasts == (n - 1, n - 1) for each, n in pairs)
        from eyeshot.analyse.hulls import all_see_everything

        return all_see_everything(self._hulls[node.name], extent)

    def unit(self, name: str, at: tuple[int, ...]) -> UnitHull:
        """The field of the unit at position ``at``: one index per axis along which units lie (see ``layouts``)."""
        axes = unit_axes(self.network, name)
        place = dict(zip(axes, at, strict=True)) if axes else {}
        clipped = []
        for i, (first, last) in enumerate(self.of_units(name)):
            index = tuple(place[axis] for axis in axes_counting(self.network, name, i)) or (0,)
            clipped.append((int(first[index]), int(last[index])))
        if any(last < first for first, last in clipped):
            clipped = [(0, -1) for _ in clipped]
        shape = self.network[name].shape
        ends = (_unclipped(sight, place, shape) for sight in self.form(name))
        unclipped = [
            inside if whole is None or not _holds(whole, inside) else whole
            for whole, inside in zip(ends, clipped, strict=True)
        ]
        if self.data is not self:  # gates read the image as it is; along the data path a unit may see past its ends
            along_data = self.data.unit(name, at).unclipped
            unclipped = [_hull_of(*pair) for pair in zip(unclipped, along_data, strict=True)]
        return UnitHull(tuple(unclipped), tuple(clipped))


def _unclipped(sight: Sight, place: dict[int, int], shape: Shape) -> tuple[int, int] | None:
    """What a unit sees on an endless image, where a form says so of a unit at this place."""
    if isinstance(sight, Fixed):
        return sight.first, sight.last
    if not isinstance(sight, Moving | Parted) or any(shape[a] > 1 and a not in place for a in axes_of(sight)):
        return None
    if isinstance(sight, Parted):
        return sight.unit([place.get(axis, 0) for axis in range(len(shape))])
    i = place.get(sight.axis, 0)
    return sight.first(i), sight.last(i)


def _holds(whole: tuple[int, int], inside: tuple[int, int]) -> bool:
    """Whether a form's range holds a unit's hull. One that does not is not of this unit alone."""
    return whole[0] <= inside[0] and inside[1] <= whole[1]


def _hull_of(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """The range around two; one that is empty does not count."""
    if a[1] < a[0] or b[1] < b[0]:
        return b if a[1] < a[0] else a
    return min(a[0], b[0]), max(a[1], b[1])


def _outermost(sight: Sight, shape: Shape) -> list[tuple[int, int]]:
    """What the units at the two ends of a tensor see, those of one period each: the others lie between."""
    if isinstance(sight, Parted):
        return [sight.span()]
    if not isinstance(sight, Moving):
        return [] if sight is None else [(sight.first, sight.last)]
    n, period = shape[sight.axis], sight.period
    units = {*range(min(period, n)), *range(max(0, n - period), n)}
    ends = [(sight.first(i), sight.last(i)) for i in units]
    return [(first, last) for first, last in ends if first <= last]


def _is_told(sight: Sight) -> bool:
    """Whether the form tells all there is to tell: each element sees just so, cut at the borders."""
    if type(sight) is Fixed:
        return sight.touches
    return type(sight) is Moving and sight.cut is not None


def _phases(moving: list[Moving | None]) -> tuple[tuple[int, ...] | None, ...] | None:
    turns = [
        None
        if sight is None or len(sight.firsts) == 1
        else tuple(max(b - a + 1, 0) for a, b in zip(sight.firsts, sight.lasts, strict=True))
        for sight in moving
    ]
    return tuple(turns) if any(turn is not None and len(set(turn)) > 1 for turn in turns) else None


def _ends_of_all(sight: Sight, shape: Shape) -> tuple[int, int] | None:
    """The last first and the first last position that any unit sees inside the image, where the form tells."""
    if isinstance(sight, Fixed):
        return None if sight.cut is None else (sight.first, sight.last)
    if not isinstance(sight, Moving) or sight.cut is None or sight.period > 1:
        return None
    return sight.first(shape[sight.axis] - 1), sight.last(0)


def _stride(sight: Moving | None) -> Stride | None:
    if sight is None:
        return None
    if sight.period == 1:
        return sight.step
    step = Fraction(sight.step, sight.period)
    return int(step) if step.denominator == 1 else step
