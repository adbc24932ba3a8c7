"""One model at many sizes of its image: a tile is the same network on a smaller input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from eyeshot.design.named import network_named
from eyeshot.errors import ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.relations import Shape
from eyeshot.read.inputs import InputSpec, inputs_given
from eyeshot.read.module_names import is_module_name

Reader = Callable[[Any], Network]


class Family:
    """A model, read on images of the sizes asked for.

    Args:
        model: a name, notation, a Network or a torch.nn.Module.
        input_shape: the whole image, as for ``eyeshot.inspect``.
        args, kwargs: what a module's forward takes besides the image.

    Attributes:
        whole: the network on the whole image.
    """

    def __init__(
        self, model: Any, input_shape: Any, *, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> None:
        self._read = _with_more(model, input_shape, args, kwargs) if args or kwargs else _reader(model)
        self.whole = model if isinstance(model, Network) and input_shape is None else self._read(input_shape)
        if not self.whole.axes:
            raise UsageError(f"{self.whole.name}: its input has no axes of positions, so there is nothing to cut")
        given = None if input_shape is None else inputs_given(input_shape)
        self.specs: list[InputSpec] = inputs_given(self.whole.input.shape[1:]) if given is None else given
        self._known: dict[Shape, Network] = {self.whole.extent: self.whole}

    def at(self, sizes: Sequence[int]) -> Network:
        """The network on an image of other sizes along the followed axes.

        Raises:
            ReadError: the model takes no such image.
        """
        key = tuple(sizes)
        if key not in self._known:
            self._known[key] = self._read([self._resized(spec, key) for spec in self.specs])
        return self._known[key]

    def accepts(self, sizes: Sequence[int]) -> bool:
        """Whether the model can be read on such an image."""
        try:
            self.at(sizes)
        except (ReadError, UsageError):
            return False
        return True

    def _resized(self, spec: InputSpec, sizes: Shape) -> InputSpec:
        axes = self.whole.axes
        if len(spec.shape) < max(axes) or any(
            spec.shape[axis - 1] != n for axis, n in zip(axes, self.whole.extent, strict=True)
        ):
            return spec
        shape = list(spec.shape)
        for axis, n in zip(axes, sizes, strict=True):
            shape[axis - 1] = n
        return replace(spec, shape=tuple(shape))


def _with_more(model: Any, input_shape: Any, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> Reader:
    """A module whose forward takes more than the image: maps of the image's size are of the tile's on a tile."""
    import inspect

    import torch

    from eyeshot.read.torch import read_module

    parameter = next(model.parameters(), None)
    dtype = None if parameter is None else parameter.dtype
    whole = inputs_given(input_shape)[0]

    def cut(value: Any, shape: Shape) -> Any:
        if isinstance(value, torch.Tensor) and value.shape[2:] == whole.shape[1:]:
            return torch.empty((1, *value.shape[1:2], *shape[1:]), dtype=value.dtype, device="meta")
        return value

    def read(shape: Any) -> Network:
        sizes = inputs_given(shape)[0].shape
        image = torch.empty((1, *sizes), dtype=dtype, device="meta")
        names = list(inspect.signature(model.forward).parameters)
        values = (image, *(cut(value, sizes) for value in args))
        example = dict(zip(names, values, strict=False)) | {k: cut(v, sizes) for k, v in (kwargs or {}).items()}
        return read_module(model, name=type(model).__name__, source="torch", example=example)

    return read


def _reader(model: Any) -> Reader:
    if isinstance(model, str) and not is_module_name(model):
        return lambda shape: network_named(model, shape)
    name = source = model if isinstance(model, str) else "torch"
    if isinstance(model, Network):
        from eyeshot.build.torch import build

        name, source, model = model.name, model.source, build(model)
    elif isinstance(model, str):
        from eyeshot.read.loading import load_module

        model = load_module(model)
    else:
        name = type(model).__name__
    from eyeshot.read.torch import read_module

    return lambda shape: read_module(model, shape, name=name, source=source)
