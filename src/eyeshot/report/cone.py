"""The side view of a network: below a unit, level by level, the units of every earlier layer that it sees.

Along one axis of the image, and along the data path: gates and statistics, which see everything, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eyeshot.analyse.axes import axis_names
from eyeshot.analyse.cone import Placement, Runs, placement, seen
from eyeshot.analyse.field import Fields
from eyeshot.analyse.footprint import centre_unit
from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.landmarks import last_convolution
from eyeshot.analyse.layouts import unit_axes
from eyeshot.errors import UsageError
from eyeshot.report.folded import steps
from eyeshot.report.lanes import Lanes, contracted, lanes
from eyeshot.report.sides import letter
from eyeshot.report.wording import op_words

MOST_WHOLE = 24
"""Levels up to which all are shown; in deeper nets only those that look otherwise than the level below."""
MOST_UNITS = 4
_MOST_WIRES = 200


@dataclass(frozen=True)
class Level:
    """One layer in the side view: where its units lie, which of them each unit drawn sees, which levels it reads."""

    name: str
    what: str
    place: Placement
    seen: tuple[Runs, ...]
    inputs: tuple[int, ...]

    @property
    def looks(self) -> object:
        """What is drawn of it: levels that look alike are drawn alike, wherever their tensors keep their units."""
        return self.place.count, self.place.centre, self.place.step, self.seen


@dataclass(frozen=True)
class Cone:
    """Levels from the input, the first, to the layer of the units, the last.

    Attributes:
        layer: the layer of the units.
        units: their positions, one index per axis.
        axis: the axis of the view.
        levels: input first.
        left_out: number of levels not shown, since they look like the one below them.
        fields: the network's fields along the data path.
        leaves_gates: whether gates or statistics are left out.
    """

    layer: str
    units: tuple[tuple[int, ...], ...]
    axis: int
    levels: tuple[Level, ...]
    left_out: int
    fields: Fields
    leaves_gates: bool

    @property
    def extent(self) -> int:
        """Pixels of the image along the axis."""
        return self.fields.network.extent[self.axis]

    @property
    def along(self) -> str:
        """What the axis is called."""
        return axis_names(len(self.fields.network.extent))[self.axis]

    @property
    def is_exact(self) -> bool:
        """False where the sets are only bounds."""
        return self.layer not in self.fields.bounded

    @property
    def names(self) -> list[str]:
        """What the units are called: by letters where there are several."""
        places = [f"{self.layer}[{','.join(map(str, at))}]" for at in self.units]
        return places if len(places) == 1 else [f"{letter(i)} = {text}" for i, text in enumerate(places)]

    @property
    def notes(self) -> list[str]:
        """What a reader of the picture should know."""
        notes = [] if self.is_exact else ["bounds from above"]
        if self.leaves_gates:
            notes.append("gates and statistics left out")
        if self.left_out:
            notes.append(f"{self.left_out} levels that look like the one below them left out")
        return notes

    @cached_property
    def lanes(self) -> Lanes:
        """The graph of the levels."""
        return lanes([level.inputs for level in self.levels])

    @property
    def is_chain(self) -> bool:
        """Whether every level reads the one before it and no other."""
        return all(level.inputs == ((i - 1,) if i else ()) for i, level in enumerate(self.levels))

    def counts(self, level: Level) -> str:
        """How many of a level's units are seen."""
        units = " and ".join(str(sum(last - first + 1 for first, last in runs)) for runs in level.seen)
        if level.place.axis is None:
            return "no positions"
        bound = "" if self.is_exact else "≤ "
        return f"{bound}{units} of {level.place.count}"

    def wires(self) -> list[tuple[int, int, int, int]]:
        """Each unit seen and each that it reads itself: level and position of the two. None where they are many."""
        readers = [i for i, level in enumerate(self.levels) if level.inputs]
        pairs = sum(self._positions(i) * self._positions(j) for i in readers for j in self.levels[i].inputs)
        if self.left_out or pairs > 16 * _MOST_WIRES:
            return []
        names = [level.name for level in self.levels]
        wires = []
        for i in readers:
            level = self.levels[i]
            units = unit_axes(self.fields.network, level.name)
            if level.place.axis not in units:
                return []
            along, at = units.index(level.place.axis), list(centre_unit(self.fields.network, level.name))
            for position in sorted({p for runs in level.seen for first, last in runs for p in range(first, last + 1)}):
                at[along] = position
                reads = seen(self.fields, level.name, tuple(at), self.axis, until=set(names) - {level.name})
                wires += [
                    (i, position, j, p)
                    for j in level.inputs
                    for first, last in reads.get(names[j], ())
                    for p in range(first, last + 1)
                ]
        return wires if len(wires) <= _MOST_WIRES else []

    def _positions(self, i: int) -> int:
        return sum(last - first + 1 for runs in self.levels[i].seen for first, last in runs)

    def records(self) -> list[dict[str, Any]]:
        """One plain record for every run of units seen, and where it lies in the image."""
        return [
            {
                "panel": "cone",
                "layer": level.name,
                "op": level.what,
                "units": level.place.count,
                "step": level.place.step,
                "seen by": self.names[i],
                "first": first,
                "last": last,
                "first_px": level.place.centre + first * level.place.step,
                "last_px": level.place.centre + last * level.place.step,
            }
            for level in reversed(self.levels)
            for i, runs in enumerate(level.seen)
            for first, last in runs
        ]


def cone(
    report: Inspection, layer: str | None = None, units: Sequence[tuple[int, ...]] = (), axis: int | None = None
) -> Cone:
    """The side view below units of one layer.

    Args:
        report: the network's report.
        layer: the last convolution unless given.
        units: one index per axis each; the middle one unless given.
        axis: of the image; the last, its columns, unless given.

    Raises:
        UsageError: there is no such layer, unit or axis.
    """
    network = report.network
    name = _default_layer(report) if layer is None else report[layer].name
    if axis is None:
        axis = len(network.axes) - 1
    if not 0 <= axis < len(network.axes):
        raise UsageError(f"{network.name}: its input has {len(network.axes)} axes, counted from 0; there is no {axis}")
    if len(units) > MOST_UNITS:
        raise UsageError(f"a side view takes {MOST_UNITS} units at most, found {len(units)}")
    fields = report[name].data.fields
    chosen = tuple(units) or (centre_unit(network, name),)
    sets = [seen(fields, name, at, axis) for at in chosen]
    steps_down = _levels(report, name)
    levels = [
        Level(node, what, placement(fields, node, axis), tuple(runs.get(node, ()) for runs in sets), ())
        for node, what in steps_down
        if any(runs.get(node) for runs in sets)
    ]
    if levels[0].name != network.input.name:
        raise UsageError(f"{name} of {network.name} sees nothing of the image, so there is nothing to draw")
    shown = levels if len(levels) <= MOST_WHOLE else _that_differ(levels)
    reads = contracted(network, [level.name for level in shown], gates=False)
    shown = [
        Level(level.name, level.what, level.place, level.seen, inputs)
        for level, inputs in zip(shown, reads, strict=True)
    ]
    return Cone(name, chosen, axis, tuple(shown), len(levels) - len(shown), fields, fields is not report[name].fields)


def _default_layer(report: Inspection) -> str:
    last = last_convolution(report) or (report.layers[-1] if report.layers else None)
    if last is None:
        raise UsageError(f"{report.network.name} has no layers")
    return last.name


def _levels(report: Inspection, name: str) -> list[tuple[str, str]]:
    """The input and the ledger's steps down to a layer, by name and in words."""
    named = [(report.network.input.name, "input")]
    for step in steps(report):
        members = [layer.name for layer in step.layers]
        if name in members:
            # A layer that only follows stands for its step.
            return [*named, (name, op_words(report[name].node.op))]
        named.append((step.name, op_words(step.shown.node.op)))
    return named


def _that_differ(levels: Sequence[Level]) -> list[Level]:
    """The levels that look otherwise than the next below them, and the one of the units."""
    kept = [levels[0]]
    for level in levels[1:]:
        if level is levels[-1] or level.looks != kept[-1].looks:
            kept.append(level)
    return kept
