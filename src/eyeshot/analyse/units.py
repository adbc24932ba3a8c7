"""Where on the image does each unit of a layer have its field, and which one is the middle one?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property

from eyeshot.analyse.field import Fields, UnitHull
from eyeshot.analyse.layouts import unit_axes
from eyeshot.errors import UsageError

At = tuple[int, ...]
"""A unit's index along each of the axes along which units lie; empty where one field is that of all."""


class Units:
    """The units of one layer."""

    def __init__(self, fields: Fields, name: str) -> None:
        self.network, self.name = fields.network, name
        self.node = fields.network[name]
        self.axes = unit_axes(fields.network, name)
        self.sizes = tuple(self.node.shape[axis] for axis in self.axes)
        self._fields = fields
        self._seen: dict[tuple[At, bool], UnitHull] = {}

    @property
    def count(self) -> int:
        """Number of units."""
        return math.prod(self.sizes)

    def __iter__(self) -> Iterator[At]:
        return itertools.product(*map(range, self.sizes))

    def check(self, at: At) -> None:
        """Complain of a unit that the layer does not have.

        Raises:
            UsageError: it does not.
        """
        has = f"{self.name} of {self.network.name} has {'×'.join(map(str, self.sizes)) or 'one'}"
        if len(at) != len(self.sizes):
            told = f"{len(self.sizes)} indices, such as {','.join(map(str, self.centre))}" if self.sizes else "no index"
            raise UsageError(f"{has} unit{'s' * (self.count > 1)}; --unit takes {told}, found {','.join(map(str, at))}")
        if any(not 0 <= i < n for i, n in zip(at, self.sizes, strict=True)):
            raise UsageError(f"{has} units, counted from 0; there is none at {','.join(map(str, at))}")

    @cached_property
    def centre(self) -> At:
        """The middle unit; of tokens the one whose own patch lies nearest the middle of the image."""
        middle = tuple(n // 2 for n in self.sizes)
        if len(self.axes) == len(self.network.axes) or not self.axes:
            return middle
        # a class token and 14×14 are 197 in a row: number 98 lies in row 6 at the right border, so the image is asked
        target = [(n - 1) / 2 for n in self.network.extent]
        here = [(at, self.field_centre(at)) for at in self]
        known = [(at, centre) for at, centre in here if centre is not None]
        # behind a mean over all tokens all have one centre, and none is nearer
        if len({centre for _, centre in known}) < 2:
            return middle
        # Ties go to the later unit, as n // 2 does for maps.
        return min(reversed(known), key=lambda pair: math.dist(pair[1], target))[0]

    def index(self, at: At) -> dict[int, int]:
        """The unit as an index along the tensor's axes."""
        return dict(zip(self.axes, at, strict=True))

    def field_centre(self, at: At) -> tuple[float, ...] | None:
        """Centre of a unit's field along the data path, in pixels of an endless image; None if it has none."""
        ends = self._unit(at, gates=False).unclipped
        if any(last < first for first, last in ends):
            return None
        return tuple((first + last) / 2 for first, last in ends)

    def hull(self, at: At, *, gates: bool = True) -> tuple[tuple[int, int], ...]:
        """Per axis of the image the first and last pixel inside it that a unit sees; last < first for nothing."""
        return self._unit(at, gates=gates).clipped

    def reference(self, at: At) -> tuple[int, ...] | None:
        """The pixel that maps of several units are aligned by: the field's centre, rounded down."""
        centre = self.field_centre(at)
        return None if centre is None else tuple(math.floor(c) for c in centre)

    def _unit(self, at: At, *, gates: bool) -> UnitHull:
        key = at, gates
        if key not in self._seen:
            view = self._fields if gates else self._fields.data
            self._seen[key] = view.unit(self.name, at or (0,) * len(self.network.axes))
        return self._seen[key]
