"""What goes into a file's graph: sizes from the file, those that are open from the user; the batch is 1 where open.

Sizes are given with the batch or without it, as for modules. Where nothing was said of an image it is 3×224×224; a row
of samples or tokens that has no length needs one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eyeshot.errors import ReadError, UsageError
from eyeshot.read.inputs import InputSpec, inputs_given
from eyeshot.read.onnx.messages import ValueInfo

_CHANNELS = (1, 3, 4)
_INTEGERS = frozenset({5, 6, 7, 12, 13})
LARGEST = 10**7


@dataclass(frozen=True)
class Source:
    """One input: its shape, the axes whose positions are followed, its number where a scalar was given one."""

    name: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    number: int | None = None


def sources(values: Sequence[ValueInfo], given: Any, model: str) -> tuple[list[Source], list[str]]:
    """The inputs, that which fields are about first, and remarks on what was assumed.

    Raises:
        UsageError: what was given names no input, or has another number of axes.
        ReadError: sizes are open that nothing was said of.
    """
    specs = _by_name(values, [] if given is None else inputs_given(given, is_either_way=True), model)
    sizes: dict[str, int] = {}
    remarks: list[str] = []
    for value in values:
        spec = specs.get(value.name)
        if spec is not None and value.shape:
            sizes.update(_symbols(value.shape, _with_batch(value, spec, model)))
    # what the user named comes first, then rows and maps, then what has no axes to follow
    resolved = [_source(value, specs.get(value.name), sizes, model, remarks) for value in values]
    order = {name: i for i, name in enumerate(specs)}
    resolved.sort(key=lambda source: (order.get(source.name, len(order)), not source.axes))
    first = resolved[0].shape if resolved else ()
    if len(first) > 2 and first[0] > 1:
        remarks.append(f"the file fixes a batch of {first[0]}; costs are of all {first[0]} together")
    return resolved, remarks


def _by_name(values: Sequence[ValueInfo], specs: Sequence[InputSpec], model: str) -> dict[str, InputSpec]:
    names = [value.name for value in values]
    named = {spec.name: spec for spec in specs if spec.name is not None}
    strange = [name for name in named if name not in names]
    unnamed = [spec for spec in specs if spec.name is None]
    free = [name for name in names if name not in named]
    if strange or len(unnamed) > len(free):
        what = repr(strange[0]) if strange else f"{len(specs)} inputs"
        raise UsageError(f"{model}: no input {what}; it has {', '.join(names) or 'none'}")
    pairs = zip(free, unnamed, strict=False)
    return {**dict(pairs), **{str(name): spec for name, spec in named.items()}}


def _with_batch(value: ValueInfo, spec: InputSpec, model: str) -> tuple[int, ...]:
    """The sizes given, batch included; a batch that the file fixes stays."""
    assert value.shape is not None
    rank = len(value.shape)
    if rank == 0 and len(spec.shape) == 1:
        return ()
    if len(spec.shape) == rank:
        shape = spec.shape
    elif len(spec.shape) == rank - 1:
        batch = value.shape[0]
        shape = (batch if isinstance(batch, int) and batch > 0 else 1, *spec.shape)
    else:
        shape = ()
    if shape and not (spec.doubt and _differs(value, shape)):  # the file says what is meant by sizes that fit it
        return shape
    if shape:
        raise UsageError(f"{model}: {spec.doubt}")
    raise UsageError(
        f"{model}: the input {value.name} is {_shown(value.shape)}, {rank} axes with the batch;"
        f" found {'×'.join(map(str, spec.shape))}"
    )


def _differs(value: ValueInfo, shape: Sequence[int]) -> bool:
    """Whether sizes are others than those that the file fixes."""
    return any(isinstance(a, int) and a != b for a, b in zip(value.shape or (), shape, strict=True))


def _symbols(shape: Sequence[int | str | None], sizes: Sequence[int]) -> Mapping[str, int]:
    return {size: n for size, n in zip(shape, sizes, strict=False) if isinstance(size, str)}


def _source(
    value: ValueInfo, spec: InputSpec | None, sizes: Mapping[str, int], model: str, remarks: list[str]
) -> Source:
    if value.shape is None:
        if spec is None:
            raise ReadError(f"{model}: the input {value.name} has no sizes; say them: --input {value.name}=1x3x224x224")
        return Source(value.name, (1, *spec.shape), spec.axes)
    if spec is not None and not value.shape:
        return Source(value.name, (), (), spec.shape[0] if len(spec.shape) == 1 else None)
    if spec is not None:
        shape = _with_batch(value, spec, model)
        if _differs(value, shape):
            remarks.append(f"the file says {_shown(value.shape)} of its input {value.name}; read with other sizes")
    else:
        shape = _completed(value, sizes, model, remarks)
    if not all(0 < n < LARGEST for n in shape):
        raise ReadError(f"{model}: the input {value.name} is {_shown(shape)}; sizes run from 1 to {LARGEST - 1:,}")
    return Source(value.name, shape, _axes(value, spec, shape, remarks))


def _completed(value: ValueInfo, sizes: Mapping[str, int], model: str, remarks: list[str]) -> tuple[int, ...]:
    """Open sizes: what the same symbol stands for elsewhere, a batch of 1, images of 3×224×224."""
    assert value.shape is not None
    shape = [sizes.get(size) if isinstance(size, str) else size for size in value.shape]
    if shape and not shape[0]:
        shape[0] = 1
    if len(shape) == 4 and None in shape:
        is_last = shape[3] in _CHANNELS and shape[1] not in _CHANNELS
        usual = (1, 224, 224, 3) if is_last else (1, 3, 224, 224)
        shape = [usual[i] if n is None else n for i, n in enumerate(shape)]
        remarks.append(f"the file leaves sizes of its input {value.name} open; read with {_shown(shape)}")
    if None in shape:
        example = "x".join("128" if n is None else str(n) for n in shape)
        raise ReadError(
            f"{model}: the input {value.name} is {_shown(value.shape)}, and its open sizes decide what is seen;"
            f" say them: --input {value.name}={example}"
        )
    return tuple(int(n) for n in shape if n is not None)


def _axes(value: ValueInfo, spec: InputSpec | None, shape: Sequence[int], remarks: list[str]) -> tuple[int, ...]:
    """The axes of positions: what the user's layout says, else images and rows as they are usually laid out."""
    rank = len(shape)
    if spec is not None and str(spec) != str(InputSpec(shape=spec.shape, layout=_usual(spec), name=spec.name)):
        letters = spec.layout if len(spec.layout) == rank else "N" + spec.layout
        return tuple(axis for axis, letter in enumerate(letters) if letter not in "CN" and axis)
    if rank == 4 and shape[3] in _CHANNELS and shape[1] not in _CHANNELS and shape[1] > 4:
        remarks.append(f"the input {value.name} is taken to have its channels last; say otherwise with a layout")
        return (1, 2)
    if rank == 3 and shape[2] == 1 < shape[1]:
        remarks.append(f"the input {value.name} is taken to have its one channel last; say otherwise with a layout")
        return (1,)
    if rank > 2:
        return tuple(range(2, rank))
    is_open = value.shape is not None and rank == 2 and not isinstance(value.shape[1], int)
    return (1,) if rank == 2 and (value.dtype in _INTEGERS or is_open) else ()


def _usual(spec: InputSpec) -> str:
    return inputs_given(spec.shape)[0].layout


def _shown(shape: Sequence[int | str | None]) -> str:
    return "×".join("?" if n is None else str(n) for n in shape) or "one number"
