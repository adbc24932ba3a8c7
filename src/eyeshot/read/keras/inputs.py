"""What goes into a Keras model: sizes from its input layers, those that are open from the user.

Keras says height, width, channels; users of this tool say 3×224×224. Either is taken where only one of them fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eyeshot.errors import ReadError, UsageError
from eyeshot.network.relations import Shape
from eyeshot.read.inputs import inputs_given
from eyeshot.read.keras.graph import Graph, Tensor

_USUAL_SIDE = 224
_LARGEST = 10**7


@dataclass(frozen=True)
class Source:
    """One input: its shape in Keras' order, batch first, and the axes whose positions are followed."""

    tensor: Tensor
    shape: Shape
    axes: tuple[int, ...]


def is_channels_first(graph: Graph) -> bool:
    """Whether the model's layers keep channels first; the first that says so decides."""
    formats = (node.layer.config.get("data_format") for node in graph.nodes.values())
    return next((told for told in formats if told), "channels_last") == "channels_first"


def sources(graph: Graph, given: Any, model: str, *, channels_first: bool) -> tuple[list[Source], list[str]]:
    """The inputs, in the model's order, those that the user named first, and remarks on what was assumed."""
    specs = [] if given is None else inputs_given(given)
    names = [tensor[0] for tensor in graph.inputs]
    named = {spec.name: spec.shape for spec in specs if spec.name is not None}
    free = [spec.shape for spec in specs if spec.name is None]
    unnamed = [name for name in names if name not in named]
    if (strange := [name for name in named if name not in names]) or len(free) > len(unnamed):
        what = repr(strange[0]) if strange else f"{len(specs)} inputs"
        raise UsageError(f"{model}: no input {what}; it has {', '.join(names) or 'none'}")
    sizes = {**dict(zip(unnamed, free, strict=False)), **named}
    remarks: list[str] = []
    found = []
    for tensor in graph.inputs:
        config = graph.nodes[tensor[0], tensor[1]].layer.config if tensor[:2] in graph.nodes else {}
        told = _told(config, tensor[0])
        shape = _sized(told, sizes.get(tensor[0]), tensor[0], model, channels_first, remarks)
        found.append(Source(tensor, (1, *shape), _axes(told, config, channels_first)))
    order = {name: i for i, name in enumerate(sizes)}
    return sorted(found, key=lambda source: order.get(source.tensor[0], len(order))), remarks


def _told(config: Any, name: str) -> tuple[int | None, ...]:
    """What the input layer says, without the batch."""
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list | tuple) or not shape:
        raise ReadError(f"the input {name} has no shape: build the model before it is saved, or begin with an Input")
    if not all(n is None or (isinstance(n, int) and n > 0) for n in shape[1:]) or len(shape) > 6:
        raise ReadError(f"the input {name} is {shape}")
    return tuple(shape[1:])


def _sized(
    told: Sequence[int | None], given: Shape | None, name: str, model: str, first: bool, remarks: list[str]
) -> Shape:
    if given is not None:
        if len(given) == len(told):
            # 3×224×224 for a model of 224×224×3: channels are what only one of both orders fits
            moved = given if first or len(given) < 2 else (*given[1:], given[0])
            for sizes in (moved, given):
                if all(n is None or n == m for n, m in zip(told, sizes, strict=True)):
                    return sizes
        shown = "×".join(map(str, given))
        raise UsageError(f"{model}: the input {name} is {_shown(told)}; found {shown}")
    if None not in told:
        return tuple(n for n in told if n is not None)
    if len(told) == 3:
        channels = 0 if first else 2
        sizes = tuple((3 if a == channels else _USUAL_SIDE) if n is None else n for a, n in enumerate(told))
        remarks.append(f"the model leaves sizes of its input {name} open; read with {_shown(sizes)}")
        return sizes
    example = "x".join("128" if n is None else str(n) for n in told)
    raise ReadError(
        f"the input {name} is {_shown(told)}, and its open sizes decide what is seen; say them: --input {example}"
    )


def _axes(told: Sequence[int | None], config: Any, first: bool) -> tuple[int, ...]:
    """The axes of positions, in Keras' order: all of a map but channels; a row's where it holds numbers of tokens."""
    if len(told) > 1:
        return tuple(range(2, len(told) + 1)) if first else tuple(range(1, len(told)))
    is_row = told[0] is None or "int" in str(config.get("dtype", ""))
    return (1,) if is_row else ()


def _shown(shape: Sequence[int | None]) -> str:
    return "×".join("?" if n is None else str(n) for n in shape)
