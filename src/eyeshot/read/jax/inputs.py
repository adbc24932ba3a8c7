"""What goes into a program: shapes as the user gives them, a batch of one before them, and which axes are positions.

Models of Flax and functions have channels last unless sizes or a layout say otherwise, those of Equinox first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eyeshot.network.relations import Shape
from eyeshot.read.inputs import InputSpec, inputs_given

_CHANNELS = (1, 3, 4)
_SIDE = 224


@dataclass(frozen=True)
class Source:
    """One input: its name or none, its shape with the batch, its type, its layout, N for the batch."""

    name: str | None
    shape: Shape
    dtype: str
    layout: str

    @property
    def order(self) -> tuple[int, ...]:
        """Where each axis lies in the network: channels on axis 1, positions behind, in their order."""
        if "C" not in self.layout or len(self.layout) < 3:
            return tuple(range(len(self.layout)))
        channels = self.layout.index("C")
        return tuple(
            0 if axis == 0 else 1 if axis == channels else axis + (axis < channels) for axis in range(len(self.layout))
        )

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of positions in the network."""
        return tuple(sorted(self.order[axis] for axis, letter in enumerate(self.layout) if letter not in "NC"))


def sources(given: Any, *, channels_last: bool) -> list[Source]:
    """The inputs that a user gave, or an image of 224×224."""
    return [
        Source(spec.name, (1, *spec.shape), spec.dtype or "float32", f"N{spec.layout}")
        for spec in laid_out(given, channels_last=channels_last)
    ]


def laid_out(given: Any, *, channels_last: bool) -> list[InputSpec]:
    """The same as specifications, each with the layout that it is read with."""
    usual = (_SIDE, _SIDE, 3) if channels_last else (3, _SIDE, _SIDE)
    specs = inputs_given(usual if given is None else given, is_either_way=True)
    return [
        spec
        if spec.is_laid_out
        else replace(spec, layout=_usual(spec, channels_last=channels_last), is_laid_out=True, doubt="")
        for spec in specs
    ]


def _usual(spec: InputSpec, *, channels_last: bool) -> str:
    """Letters of the axes as they usually lie: channels are what alone looks like them, else where most have them."""
    shape = spec.shape
    if len(shape) == 1:
        return "T" if "int" in (spec.dtype or "") else "C"
    is_last = channels_last
    if len(shape) > 2 and (shape[0] in _CHANNELS) != (shape[-1] in _CHANNELS):
        is_last = shape[-1] in _CHANNELS
    positions = {1: "T", 2: "HW", 3: "DHW"}.get(len(shape) - 1, "ABDEFGHIJKLMNOPQRSTUVWXYZ"[: len(shape) - 1])
    return f"{positions}C" if is_last else f"C{positions}"
