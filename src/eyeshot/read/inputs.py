"""What goes into a module: shapes, which axes carry positions, types; as people write them.

3x224x224             channels and sizes, the batch left out
224x224x3:HWC         a layout: C for channels, any other letter for an axis of positions
128:T:int64           a type: token numbers along one axis
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eyeshot.errors import UsageError
from eyeshot.shown import quoted

_TYPES = re.compile(r"(?:u?int|float|bfloat|complex)\d+|bool")
_LARGEST = 10**7
DEFAULT_INPUT = (3, 224, 224)


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """One input: ``shape`` without the batch, ``layout`` one letter per axis; ``dtype`` None for the module's own.

    ``is_laid_out`` tells that the layout was given; ``doubt`` what is to be said where channels must come first and the
    sizes look as if they did not.
    """

    shape: tuple[int, ...]
    layout: str
    dtype: str | None = None
    name: str | None = None
    is_laid_out: bool = field(default=False, compare=False)
    doubt: str = field(default="", compare=False)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of positions, counted with the batch axis."""
        return tuple(axis for axis, letter in enumerate(self.layout, start=1) if letter != "C")

    @property
    def positions(self) -> tuple[int, ...]:
        """The sizes along the axes of positions."""
        return tuple(self.shape[axis - 1] for axis in self.axes)

    def of(self, positions: tuple[int, ...]) -> InputSpec:
        """The same input with other sizes along the axes of positions."""
        sizes = dict(zip(self.axes, positions, strict=True))
        return replace(self, shape=tuple(sizes.get(axis, n) for axis, n in enumerate(self.shape, start=1)))

    def without_batch(self) -> InputSpec:
        """The same input with its first axis, the batch, left out."""
        return replace(self, shape=self.shape[1:], layout=_channels_first(len(self.shape) - 1))

    def __str__(self) -> str:
        """As a person writes it."""
        layout = "" if self.layout == _channels_first(len(self.shape)) else f":{self.layout}"
        dtype = f":{self.dtype}" if self.dtype else ""
        return f"{f'{self.name}=' if self.name else ''}{'x'.join(map(str, self.shape))}{layout}{dtype}"

    @property
    def is_plain(self) -> bool:
        """Whether channels come first, and nothing else was said."""
        return str(self) == "x".join(map(str, self.shape)) and not self.doubt


def inputs_given(inputs: Any, *, is_either_way: bool = False) -> list[InputSpec]:
    """The inputs that a user gave: one shape, a text, several of them, or a dictionary by the names of arguments.

    ``is_either_way`` takes channels that are last without a layout that says so.

    Raises:
        UsageError: what is no input, and what one looks like.
    """
    if isinstance(inputs, Mapping):
        specs = [replace(_one(value), name=str(name)) for name, value in inputs.items()]
    elif isinstance(inputs, Sequence) and not isinstance(inputs, str) and inputs and not _is_number(inputs[0]):
        specs = [_one(value) for value in inputs]
    else:
        specs = [_one(inputs)]
    for spec in specs:
        if spec.doubt and not is_either_way:
            raise UsageError(spec.doubt)
    return specs


def shape_given(inputs: Any, model: str) -> tuple[int, ...]:
    """The one shape, channels first, that a design or a file takes.

    Raises:
        UsageError: several inputs, a layout or a type were given.
    """
    specs = inputs_given(inputs)
    if len(specs) > 1 or not specs[0].is_plain:
        specified = ", ".join(map(str, specs))
        raise UsageError(f"{model} takes one input, channels first, such as 3x224x224; found {specified}")
    return specs[0].shape


def _one(shape_or_text: Any) -> InputSpec:
    if isinstance(shape_or_text, InputSpec):
        return shape_or_text
    if isinstance(shape_or_text, str):
        return parse_input(shape_or_text, is_either_way=True)
    try:
        shape = tuple(operator.index(n) for n in shape_or_text)
    except TypeError:
        shape = ()
    if not shape or not all(0 < n < _LARGEST for n in shape):
        raise UsageError(f"an input shape is whole numbers from 1 on, such as (3, 224, 224); found {shape_or_text!r}")
    return InputSpec(shape=shape, layout=_channels_first(len(shape)))


def parse_input(text: str, *, is_either_way: bool = False) -> InputSpec:
    """Read one input as a person writes it: ``[name=]SIZES[:LAYOUT][:TYPE]``.

    ``is_either_way`` notes as a doubt, rather than refuses, what looks like an image in another order.

    Example:
        >>> parse_input("224x224x3:HWC").axes
        (1, 2)
    """
    name, _, rest = text.rpartition("=")
    sizes, *more = rest.split(":")
    parts = sizes.lower().replace("×", "x").split("x")
    large = [part for part in parts if part.isdecimal() and (len(part) >= 20 or int(part) >= _LARGEST)]
    if large:
        raise UsageError(f"{quoted(text)}: {quoted(large[0])} is more than the {_LARGEST - 1:,} positions of an axis")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(
            f"{quoted(text)} is no input; write channels and sizes, such as 3x224x224,"
            " and a layout where channels do not come first, such as 224x224x3:HWC"
        )
    spec = InputSpec(shape=tuple(map(int, parts)), layout=_channels_first(len(parts)), name=name or None)
    for word in more:
        if _TYPES.fullmatch(word):
            spec = replace(spec, dtype=word)
        elif word.isalpha() and word.isupper() and len(word) == len(parts) and word.count("C") <= 1:
            spec = replace(spec, layout=word, is_laid_out=True)
        else:
            raise UsageError(
                f"{quoted(text)}: {quoted(word)} is neither a type, such as int64, nor a layout, one capital letter"
                f" for each of {len(parts)} axes with C for channels, such as {'HWDTABEFG'[: len(parts) - 1]}C"
            )
    if spec.is_laid_out:
        return spec
    spec = replace(spec, doubt=_doubt(spec))
    if spec.doubt and not is_either_way:
        raise UsageError(spec.doubt)
    return spec


def _doubt(spec: InputSpec) -> str:
    """What is to be said of an image written as other tools take it, which would be read as another kind of input.

    It says what it looks like, what to give, and the layout that makes it what it would be read as.
    """
    sizes = spec.shape
    meant: list[str] = []
    if len(sizes) == 2 and min(sizes) >= _SIDE and (sizes[0] == sizes[1] or min(sizes) >= 200):
        looks, meant = "an image without its channels", [_spelled(3, *sizes), f"{_spelled(1, *sizes)} if it is grey"]
    elif len(sizes) == 3 and sizes[2] in (1, 3, 4) and min(sizes[:2]) >= _SIDE:
        looks = "an image with its channels last"
        meant = [_spelled(sizes[2], *sizes[:2]), f"{_spelled(*sizes)}:HWC for a module that takes it so"]
    elif (len(sizes) == 4 and sizes[1] == 3 and min(sizes[2:]) >= _SIDE) or (len(sizes) > 4 and sizes[0] == 1):
        looks, meant = "a batch of images", [_spelled(*sizes[1:])]
    if not meant:
        return ""
    name = f"{spec.name}=" if spec.name else ""
    return (
        f"{_spelled(*sizes)!r} looks like {looks}: give --input {name}{', or '.join(meant)}"
        f" (what it says, {spec.layout}, is taken where the layout is given: {_spelled(*sizes)}:{spec.layout})"
    )


_SIDE = 24
"""Pixels along a side from which on sizes are an image's rather than channels or a short axis."""


def _spelled(*sizes: int) -> str:
    return "x".join(map(str, sizes))


def _channels_first(rank: int) -> str:
    return "C" + {1: "L", 2: "HW", 3: "DHW"}.get(rank - 1, "ABDEFGHIJKLMNOPQRSTUVWXYZ"[: rank - 1])


def _is_number(value: Any) -> bool:
    return hasattr(value, "__index__")
