"""What goes into a program: shapes as the user gives them, a batch of one before them, and which axes are positions.

Models of Flax and functions have channels last unless sizes or a layout say otherwise, those of Equinox first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    usual = (_SIDE, _SIDE, 3) if channels_last else (3, _SIDE, _SIDE)
    specs = inputs_given(usual if given is None else given, is_either_way=True)
    return [_source(spec, channels_last=channels_last) for spec in specs]


def _source(spec: InputSpec, *, channels_last: bool) -> Source:
    layout = spec.layout
    if not spec.is_laid_out:
        layout = _usual(spec.shape, channels_last=channels_last, is_tokens="int" in (spec.dtype or ""))
    return Source(spec.name, (1, *spec.shape), spec.dtype or "float32", f"N{layout}")


def _usual(shape: Sequence[int], *, channels_last: bool, is_tokens: bool) -> str:
    """Letters of the axes as they usually lie: channels are what alone looks like them, else where most have them."""
    if len(shape) == 1:
        return "T" if is_tokens else "C"
    is_last = channels_last
    if len(shape) > 2 and (shape[0] in _CHANNELS) != (shape[-1] in _CHANNELS):
        is_last = shape[-1] in _CHANNELS
    positions = {1: "T", 2: "HW", 3: "DHW"}.get(len(shape) - 1, "ABDEFGHIJKLMNOPQRSTUVWXYZ"[: len(shape) - 1])
    return f"{positions}C" if is_last else f"C{positions}"
