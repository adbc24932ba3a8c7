"""Which units of a layer are measured, what they are held against, and how their maps are put together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eyeshot.analyse.axes import check_positions
from eyeshot.analyse.field import Fields
from eyeshot.analyse.spread import Frame
from eyeshot.analyse.units import At, Units
from eyeshot.errors import UsageError

Floats = npt.NDArray[np.float64]


class Target:
    """The units of a layer that are measured.

    Attributes:
        single: the one unit; None where all are averaged.
        units: the units measured; those of all whose field has a centre to align by.
        field_size: pixels that a unit sees on an endless image; ``gates`` as well as the data path where asked for.
        frame: what the map is held against; for all units together with the field's centre at 0, or at ½.
    """

    def __init__(self, fields: Fields, layer: str, unit: At | str, *, gates: bool) -> None:
        network = fields.network
        check_positions(network)
        if layer == network.input.name:
            raise UsageError(f"{layer!r} is the input of {network.name}, not a layer (eyeshot show lists those)")
        self.name = f"{layer} of {network.name}"
        self.of = Units(fields, layer)
        view = fields if gates else fields.data
        field = view[layer]
        self.field_size, self.is_exact = field.size, field.is_exact
        self.single = self._single(unit)
        if self.single is None:
            self.units = [at for at in self.of if self.of.reference(at) is not None]
            if not self.units:
                raise UsageError(f"{self.name}: its units have no place on the image to align them by; give one unit")
            centre = self.of.field_centre(self.units[0])
            assert centre is not None
            self.frame = Frame(tuple(c % 1 for c in centre), self._covered(gates), network.extent)
        else:
            self.units = [self.single]
            hull = self.of.hull(self.single, gates=gates)
            centre = self.of.field_centre(self.single) or tuple((first + last) / 2 for first, last in hull)
            self.frame = Frame(centre, tuple(max(last - first + 1, 0) for first, last in hull), network.extent)
            if field.one_sided is not None:  # what lies on that side is all there is, however large the image
                sizes = zip(field.one_sided, field.size, self.frame.field, strict=True)
                self.field_size = tuple(n if side is None else inside for side, n, inside in sizes)

    def _single(self, unit: At | str) -> At | None:
        if unit == "all":
            return None
        if unit == "centre":
            return self.of.centre
        if isinstance(unit, str):
            raise UsageError(f"--unit takes centre, all or the unit's indices; found {unit!r}")
        self.of.check(tuple(unit))
        return tuple(unit)

    def _covered(self, gates: bool) -> tuple[int, ...]:
        """Pixels per axis that the fields of all units cover, inside the image and then aligned."""
        low, high = [0] * len(self.of.network.extent), [0] * len(self.of.network.extent)
        for at in self.units:
            for a, ((first, last), origin) in enumerate(
                zip(self.of.hull(at, gates=gates), self.origin(at), strict=True)
            ):
                low[a], high[a] = min(low[a], first - origin), max(high[a], last - origin)
        return tuple(b - a + 1 for a, b in zip(low, high, strict=True))

    def origin(self, at: At) -> tuple[int, ...]:
        """The pixel that becomes 0 in the map."""
        if self.single is not None:
            return (0,) * len(self.frame.extent)
        reference = self.of.reference(at)
        assert reference is not None
        return reference


class Aligned:
    """The sum of maps, each moved so that its unit's origin comes to 0."""

    def __init__(self, target: Target) -> None:
        self.target = target
        extent = target.frame.extent
        origins = [target.origin(at) for at in target.units]
        self.low = tuple(-max(origin[a] for origin in origins) for a in range(len(extent)))
        high = tuple(n - min(origin[a] for origin in origins) for a, n in enumerate(extent))
        self.sum = np.zeros([b - a for a, b in zip(self.low, high, strict=True)])

    def add(self, at: At, start: tuple[int, ...], values: Floats) -> None:
        """Add the map of one unit, which begins at a pixel of the image."""
        origin = self.target.origin(at)
        place = tuple(
            slice(s - o - low, s - o - low + n)
            for s, o, low, n in zip(start, origin, self.low, values.shape, strict=True)
        )
        self.sum[place] += values

    def cut(self) -> tuple[tuple[int, ...], Floats]:
        """Start and values of the sum, cut to the box that is not zero.

        Raises:
            UsageError: all is zero.
        """
        return cut(self.low, self.sum, self.target.name)


def cut(start: tuple[int, ...], values: Floats, name: str) -> tuple[tuple[int, ...], Floats]:
    """A map cut to the box that is not zero; ``name`` says whose it is.

    Raises:
        UsageError: all is zero.
    """
    if not values.any():
        raise UsageError(f"{name}: nothing of the image reaches this unit, so there is nothing to measure")
    box = []
    for axis in range(values.ndim):
        filled = np.flatnonzero(values.any(axis=tuple(a for a in range(values.ndim) if a != axis)))
        box.append(slice(int(filled[0]), int(filled[-1]) + 1))
    first = tuple(o + s.start for o, s in zip(start, box, strict=True))
    return first, np.ascontiguousarray(values[tuple(box)])
