"""Why does a layer see that many pixels? The classic recurrence, followed back along the inputs that bind.

Along one axis, with k, s, d a layer's kernel, stride and dilation and J the input pixels per step before it,

    size' = size + (k − 1)·d·J,   J' = J·s

A layer that reads all n positions, fully connected or a global pool, adds (n − 1)·J. Where branches meet, the one
that sees most binds; if another sees past it on one side, what it adds there is a term of its own. The terms add up
to the field, from the one pixel that the input sees.

Reference: Araujo, Norris & Sim, Distill 2019, doi:10.23915/distill.00021.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from eyeshot.analyse.field import Fields
from eyeshot.analyse.parted import Parted
from eyeshot.analyse.sights import Moving, axes_of
from eyeshot.network.graph import Node
from eyeshot.network.relations import Read, Reduce, Window


@dataclass(frozen=True, kw_only=True)
class Term:
    """What one layer adds to the field along one axis.

    Attributes:
        layer: the layer's name.
        kernel, stride, dilation: its window; None where it reads otherwise.
        positions: positions that it reads, where it reads all of them.
        jump: input pixels per step before the layer; None where there are no even steps.
        adds: pixels that it adds.
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
    """One layer's field along one axis, as a sum of terms from the input on."""

    layer: str
    axis: int
    terms: tuple[Term, ...]
    meetings: tuple[Meeting, ...]

    @property
    def size(self) -> int:
        """The field: one pixel, and what the terms add."""
        return 1 + sum(term.adds for term in self.terms)


@dataclass(frozen=True)
class _Reach:
    """What a layer sees through one of its reads."""

    source: Node
    size: int
    adds: int
    window: tuple[int, int, int] | None = None
    positions: int | None = None


@dataclass(frozen=True)
class Step:
    """How one layer's field follows from the input that binds: the term it adds, and the branches that meet in it."""

    source: Node
    size: int
    term: Term | None
    meeting: Meeting | None


def recurrence(fields: Fields, name: str, axis: int) -> Recurrence:
    """Follow a layer's field along one followed axis back to the input.

    A layer without a closed form, such as a flattened one, counts with all its units together.
    """
    terms: list[Term] = []
    meetings: list[Meeting] = []
    found = step(fields, name, axis)
    while found is not None:
        terms += [] if found.term is None else [found.term]
        meetings += [] if found.meeting is None else [found.meeting]
        found = step(fields, found.source.name, axis)
    return Recurrence(name, axis, tuple(reversed(terms)), tuple(reversed(meetings)))


def step(fields: Fields, name: str, axis: int) -> Step | None:
    """The recurrence's step at one layer; None at the input and where a layer reads nothing."""
    network = fields.network
    node = network[name]
    reaches = [_reach(fields, node, read, axis) for read in node.reads if fields.gates or not read.gate]
    if node is network.input or not reaches:
        return None
    binding = max(reaches, key=lambda reach: reach.size)
    size, before = _size(fields, node, axis), _size(fields, binding.source, axis)
    term, window = None, binding.window
    if size != before or (window is not None and window[1] > 1):
        k, s, d = window or (None, None, None)
        term = Term(
            layer=node.name,
            kernel=k,
            stride=s,
            dilation=d,
            positions=binding.positions,
            jump=_jump(fields, binding.source, axis),
            adds=size - before,
            size=size,
        )
    return Step(binding.source, size, term, _meeting(node, reaches, binding))


def _meeting(node: Node, reaches: list[_Reach], binding: _Reach) -> Meeting | None:
    sizes = {binding.source.name: binding.size}
    for reach in reaches:
        sizes[reach.source.name] = max(reach.size, sizes.get(reach.source.name, 0))
    return Meeting(node.name, tuple(sizes.items())) if len(sizes) > 1 else None


def _reach(fields: Fields, node: Node, read: Read, axis: int) -> _Reach:
    source = fields.network[node.inputs[read.source]]
    before = _size(fields, source, axis)
    jump = _jump(fields, source, axis)
    form = fields.form(source.name)[axis]
    place = form.axis if isinstance(form, Moving) else None
    relation = read.relation
    if isinstance(relation, Window) and place in relation.axes and jump is not None:
        i = relation.axes.index(place)
        k, s, d = relation.kernel[i], relation.stride[i], relation.dilation[i]
        adds = int((k - 1) * d * jump)
        return _Reach(source, before + adds, adds, window=(k, s, d))
    if isinstance(relation, Reduce) and jump is not None and set(axes_of(form)) <= set(relation.axes):
        n = form.count if isinstance(form, Parted) else source.shape[place or 0]
        adds = int((n - 1) * jump)
        return _Reach(source, before + adds, adds, positions=n)
    if isinstance(form, Moving) and not isinstance(fields.form(node.name)[axis], Moving):
        return _Reach(source, _size(fields, node, axis), 0, positions=source.shape[form.axis])
    return _Reach(source, before, 0)


def _size(fields: Fields, node: Node, axis: int) -> int:
    """Pixels along the axis that a unit sees."""
    return 1 if node is fields.network.input else fields[node.name].size[axis]


def _jump(fields: Fields, node: Node, axis: int) -> Fraction | None:
    """Input pixels per step along the axis, or along the rows of a map whose rows and columns lie in one axis."""
    form = fields.form(node.name)[axis]
    if isinstance(form, Moving) or (isinstance(form, Parted) and not form.inner):
        return Fraction(form.step, form.period)
    return None
