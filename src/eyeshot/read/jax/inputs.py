"""What goes into a program: shapes as the user gives them, a batch of one before them, and which axes are positions.

Models of Flax and functions have channels last unless sizes or a layout say otherwise, those of Equinox first.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def sources(specs: Sequence[InputSpec]) -> list[Source]:
    """Inputs that are laid out, with a batch of one."""
    return [Source(spec.name, (1, *spec.shape), spec.dtype or "float32", f"N{spec.layout}") for spec in specs]


def laid_out(given: Any, *, channels_last: bool) -> list[InputSpec]:
    """The inputs that a user gave, or an image of 224×224, each with the layout that it usually has."""
    usual = (_SIDE, _SIDE, 3) if channels_last else (3, _SIDE, _SIDE)
    specs = inputs_given(usual if given is None else given, is_either_way=True)
    return [
        spec if spec.is_laid_out else _with(spec, spec.shape, _usual(spec, channels_last=channels_last))
        for spec in specs
    ]


def turned(given: Any, *, channels_last: bool) -> list[InputSpec] | None:
    """The same with channels moved to the other end, where a user did not say where they lie: 3×224×224 as 224×224×3.

    None where nothing can be moved.
    """
    if given is None:
        return None
    specs = inputs_given(given, is_either_way=True)
    usual = laid_out(given, channels_last=channels_last)
    moved = [
        new if old.is_laid_out or len(new.shape) < 3 else _with_channels_moved(new)
        for old, new in zip(specs, usual, strict=True)
    ]
    return None if [spec.shape for spec in moved] == [spec.shape for spec in usual] else moved


def _with_channels_moved(spec: InputSpec) -> InputSpec:
    if spec.layout.startswith("C"):
        return _with(spec, (*spec.shape[1:], spec.shape[0]), f"{spec.layout[1:]}C")
    return _with(spec, (spec.shape[-1], *spec.shape[:-1]), f"C{spec.layout[:-1]}")


def _with(spec: InputSpec, shape: Sequence[int], layout: str) -> InputSpec:
    return replace(spec, shape=tuple(shape), layout=layout, is_laid_out=True, doubt="")


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
