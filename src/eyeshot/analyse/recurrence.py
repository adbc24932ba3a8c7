"""Why does a layer see that many pixels? The classic recurrence, followed back along the inputs that bind.

Along one axis, with k, s, d a layer's kernel, stride and dilation and J the input pixels per step before it,

    size' = size + (k − 1)·d·J,   J' = J·s

A layer that reads all n positions, fully connected or a global pool, adds (n − 1)·J. Where branches meet, the one
that sees most binds; if another sees past it on one side, what it adds there is a term of its own. The terms add up
to the field, from the one pixel that the input sees. Where units have no common form, as behind an uneven resize,
there is no such sum, and the hulls inside the image give the number.

Gates and statistics often read everything at once. The number of a layer that they do not widen is the data path's,
and so is its sum.

Reference: Araujo, Norris & Sim, Distill 2019, doi:10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from eyeshot.analyse.field import Fields
from eyeshot.analyse.sights import Fixed, Moving, Parted, Sight, first_of, last_of
from eyeshot.analyse.walk import once
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Rearrange
from eyeshot.network.relations import Read, Shape, Window


@dataclass(frozen=True, kw_only=True)
class Term:
    """What one layer adds to the field along one axis.

    Attributes:
        layer: the layer's name.
        kernel, stride, dilation: its window; None where it reads otherwise.
        positions: positions that it reads, where it reads all of them.
        jump: input pixels per step before the layer; None where there are no even steps.
        adds: pixels that it adds; negative where it leaves out the units that see most.
        size: the field after it, in pixels.
    """

    layer: str
    kernel: int | None = None
    stride: int | None = None
    dilation: int | None = None
    positions: int | None = None
    jump: Fraction | None
    adds: int
    size: int


@dataclass(frozen=True)
class Meeting:
    """A layer where branches meet: each input with the field that it brings, the binding one first."""

    layer: str
    sizes: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Recurrence:
    """One layer's field along one axis, as a sum of terms from the input on.

    ``size`` is the field's; ``lost_at`` names the layer from which on there is no closed form, and so no sum;
    ``one_sided`` says on which side of its place each of that layer's units sees everything, if on one.
    """

    layer: str
    axis: int
    size: int
    terms: tuple[Term, ...] = ()
    meetings: tuple[Meeting, ...] = ()
    lost_at: str | None = None
    one_sided: str | None = None


@dataclass(frozen=True)
class Growth:
    """How one layer's field follows from the input that binds: the term it adds, and the branches that meet in it.

    ``lost_at`` names the layer on the way from the input whose units have no common form; None where all have one.
    """

    source: Node
    size: int
    term: Term | None = None
    meeting: Meeting | None = None
    lost_at: str | None = None


def recurrence(fields: Fields, name: str, axis: int) -> Recurrence:
    """Follow a layer's field along one followed axis back to the input."""
    size = fields[name].size[axis]
    if fields.data is not fields and size == fields.data[name].size[axis]:
        return recurrence(fields.data, name, axis)
    taken = steps(fields, axis)
    if not size or name not in taken:
        return Recurrence(name, axis, size)
    if (lost := lost_at(fields, name, axis)) is not None:
        sides = fields[lost].one_sided
        return Recurrence(name, axis, size, lost_at=lost, one_sided=None if sides is None else sides[axis])
    way = [taken[name]]
    while way[-1].source.name in taken:
        way.append(taken[way[-1].source.name])
    way.reverse()
    terms = tuple(step.term for step in way if step.term is not None)
    return Recurrence(name, axis, size, terms, tuple(step.meeting for step in way if step.meeting is not None))


def lost_at(fields: Fields, name: str, axis: int) -> str | None:
    """The layer from which on no sum makes what a layer sees; None where one does."""
    step = steps(fields, axis)[name]
    # a sum that would end elsewhere than at the field explains nothing
    return step.lost_at if step.lost_at or step.size == fields[name].size[axis] else name


def steps(fields: Fields, axis: int) -> Mapping[str, Growth]:
    """The recurrence's step at every layer that sees anything."""
    return _steps(fields.network, axis, gates=fields.gates)


@once
def _steps(network: Network, axis: int, *, gates: bool) -> dict[str, Growth]:
    fields = Fields(network, gates=gates)
    taken: dict[str, Growth] = {}
    for node in network.layers:
        step = _step(fields, node, axis, taken)
        if step is not None:
            taken[node.name] = step
    return taken


_FORMS = (Moving, Parted, Fixed)
"""What units see where one form tells it of all of them."""


@dataclass(frozen=True)
class _Reach:
    """How far a layer sees by one of its reads."""

    read: Read
    source: Node
    size: int
    has_form: bool


def _step(fields: Fields, node: Node, axis: int, taken: Mapping[str, Growth]) -> Growth | None:
    sight = fields.form(node.name)[axis]
    reaches = [_reach(fields, node, read, axis) for read in node.reads if fields.gates or not read.gate]
    if sight is None or not reaches:
        return None
    binding = max(reaches, key=lambda reach: (reach.size, reach.has_form))
    source, behind = binding.source, taken.get(binding.source.name)
    size, lost_at = _unit_size(sight), None if behind is None else behind.lost_at
    if size is None and isinstance(node.op, Rearrange):
        size = 1 if behind is None else behind.size  # each element is one of the input's
    if isinstance(sight, Fixed):  # all units together, whatever lies between them and the last that a sum explains
        while behind is not None and (behind.lost_at or not isinstance(fields.form(source.name)[axis], _FORMS)):
            source, behind = behind.source, taken.get(behind.source.name)
    elif size is None or lost_at is not None:
        return Growth(source, _extent(sight, node.shape), lost_at=lost_at or node.name)
    assert size is not None
    adds = size - (1 if behind is None else behind.size)
    term = _term(fields, node, binding, source, axis, adds=adds, size=size)
    return Growth(source, size, term, _meeting(node, reaches, binding))


def _term(fields: Fields, node: Node, binding: _Reach, source: Node, axis: int, *, adds: int, size: int) -> Term | None:
    """What a layer adds; None where it neither adds anything nor steps."""
    before = fields.form(source.name)[axis]
    place, jump = _place(before), _jump(before)
    window, positions = _window(binding.read, place), None
    if window is None and adds and jump is not None:
        count = before.outers if isinstance(before, Parted) else source.shape[place or 0]
        positions = count if adds == (count - 1) * jump else None
    k, s, d = window or (None, None, None)
    if not adds and s in (None, 1):
        return None
    return Term(layer=node.name, kernel=k, stride=s, dilation=d, positions=positions, jump=jump, adds=adds, size=size)


def _window(read: Read, place: int | None) -> tuple[int, int, int] | None:
    """Kernel, stride and dilation along the axis at which units lie; None where that is not read by a window."""
    relation = read.relation
    if not isinstance(relation, Window) or place not in relation.axes:
        return None
    i = relation.axes.index(place)
    return relation.kernel[i], relation.stride[i], relation.dilation[i]


def _meeting(node: Node, reaches: Sequence[_Reach], binding: _Reach) -> Meeting | None:
    sizes = {binding.source.name: binding.size}
    for reach in reaches:
        sizes[reach.source.name] = max(reach.size, sizes.get(reach.source.name, 0))
    seeing = tuple((name, size) for name, size in sizes.items() if size)
    return Meeting(node.name, seeing) if len(seeing) > 1 else None


def _reach(fields: Fields, node: Node, read: Read, axis: int) -> _Reach:
    sight = fields.through(node, read)[axis]
    source = fields.network[node.inputs[read.source]]
    return _Reach(read, source, _extent(sight, node.shape), isinstance(sight, _FORMS))


def _extent(sight: Sight, shape: Shape) -> int:
    """Pixels that a unit sees; all units together where they have no common form."""
    if sight is None:
        return 0
    size = _unit_size(sight)
    return last_of(sight, shape) - first_of(sight, shape) + 1 if size is None else size


def _unit_size(sight: Sight) -> int | None:
    """Pixels that a unit sees, the widest of its phases; None where only the hulls know."""
    if isinstance(sight, Moving | Parted):
        return max(last - first + 1 for first, last in zip(sight.firsts, sight.lasts, strict=True))
    if isinstance(sight, Fixed):
        return sight.last - sight.first + 1
    return None


def _place(sight: Sight) -> int | None:
    """The one axis of the tensor along which units lie; None where there is none, or several."""
    return sight.axis if isinstance(sight, Moving) else None


def _jump(sight: Sight) -> Fraction | None:
    """Input pixels per step along the axis, or along the rows of a map whose rows and columns lie in one axis."""
    if isinstance(sight, Moving) or (isinstance(sight, Parted) and not sight.inner):
        return Fraction(sight.step, sight.period)
    return None


def first_gates(fields: Fields) -> Mapping[str, tuple[str, str]]:
    """For every layer behind a gate that shows the whole image: the first layer on the way at which one does so to
    units that see less along the data path, and the layer that reads the whole image for that gate.
    """
    network = fields.network
    order = {node.name: i for i, node in enumerate(network)}
    readers: dict[str, str] = {}  # the first layer on the way to each, itself included, that reads the whole image
    first: dict[str, tuple[str, str]] = {}
    for node in network.layers:
        gates = [node.inputs[read.source] for read in node.reads if read.gate]
        before = [first[source] for source in node.inputs if source in first]
        behind = [readers[gate] for gate in gates if gate in readers]
        if not fields[node.name].is_global:
            continue
        if before:
            first[node.name] = min(before, key=lambda pair: order[pair[0]])
        elif gates and not fields.data[node.name].is_global:
            first[node.name] = node.name, min(behind, key=order.__getitem__, default=node.name)
        earlier = [readers[source] for source in node.inputs if source in readers]
        readers[node.name] = min(earlier, key=order.__getitem__, default=node.name)
    return first
