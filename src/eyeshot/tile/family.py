"""One model at many sizes of its image: a tile is the same network on a smaller input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eyeshot.design.named import network_named
from eyeshot.errors import ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.ops import Input
from eyeshot.network.relations import Shape
from eyeshot.read.foreign import check_module
from eyeshot.read.inputs import InputSpec, inputs_given
from eyeshot.read.module_names import is_module_name


class Family:
    """A model, read on images of the sizes asked for.

    Args:
        model: a name, notation, a Network or a torch.nn.Module.
        input_shape: the whole image, as for ``eyeshot.inspect``.
        args, kwargs: what a module's forward takes besides the image.

    Attributes:
        whole: the network on the whole image.
        module: what is read; None for designs.
    """

    def __init__(
        self, model: Any, input_shape: Any, *, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> None:
        self._args, self._kwargs = tuple(args), dict(kwargs or {})
        self.name, self.source, self.module = _named(model)
        self.specs: list[InputSpec] = [] if input_shape is None else inputs_given(input_shape)
        is_read = isinstance(model, Network) and input_shape is None
        self.whole = model if is_read else self._read(self.specs or None)
        if not self.whole.axes:
            raise UsageError(f"{self.whole.name}: its input has no axes of positions, so there is nothing to cut")
        self.specs = self.specs or inputs_given(self.whole.input.shape[1:])
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

    def of_images(self, sizes: Sequence[int], images: int) -> Network:
        """The network on several images at once, which is followed from image to image instead of along its axes.

        Raises:
            ReadError: the model takes one at a time.
        """
        specs = [self._resized(spec, tuple(sizes)) for spec in self.specs]
        read = self._read(specs, images)
        nodes = (replace(n, op=Input(axes=(0,))) if n is read.input else n for n in read)
        return replace(read, nodes=tuple(nodes))

    def accepts(self, sizes: Sequence[int]) -> bool:
        """Whether the model can be read on such an image."""
        try:
            self.at(sizes)
        except (ReadError, UsageError):
            return False
        return True

    def held(self, sizes: Sequence[int]) -> int | None:
        """Bytes that the module holds at once on such an image, as PyTorch runs it; None where nothing tells."""
        if self.module is None:
            return None
        from eyeshot.read.arguments import arguments_for
        from eyeshot.tile.eager import peak

        module, specs = self.module, [self._resized(spec, tuple(sizes)) for spec in self.specs]
        example = self._example(specs) if self._args or self._kwargs else None
        arguments = arguments_for(module, self.name, None if example else specs, example).without_numbers()
        inputs = [tensor for _, tensor in arguments.specs]
        return peak(module, lambda: module(*arguments.args, **arguments.kwargs), inputs)

    @property
    def element_size(self) -> int:
        """Bytes of an element of the module's floating type."""
        from eyeshot.read.state import floating_type

        return int(floating_type(self.module).itemsize)

    def _read(self, specs: Any, images: int = 1) -> Network:
        if self.module is None:
            if self.name.lower().endswith(".onnx"):
                from eyeshot.read.onnx import read_file

                return read_file(self.name, specs, with_constants=True)
            return network_named(self.name, specs)
        from eyeshot.read.torch import read_module

        example = self._example(specs, images) if self._args or self._kwargs or images > 1 else None
        shape = None if example else specs
        return read_module(self.module, shape, name=self.name, source=self.source, example=example, with_constants=True)

    def _example(self, specs: Sequence[InputSpec], images: int = 1) -> dict[str, Any]:
        """What forward is called with by the names of its arguments: maps of the image's size are of the tile's."""
        import inspect

        import torch

        from eyeshot.read.state import floating_type

        whole, shape = self.specs[0].shape, specs[0].shape

        def cut(value: Any) -> Any:
            if isinstance(value, torch.Tensor) and value.shape[2:] == whole[1:]:
                return torch.empty((images, *value.shape[1:2], *shape[1:]), dtype=value.dtype, device="meta")
            return value

        image = torch.empty((images, *shape), dtype=floating_type(self.module), device="meta")
        names = inspect.signature(self.module.forward).parameters
        example = dict(zip(names, (image, *map(cut, self._args)), strict=False))
        return example | {key: cut(value) for key, value in self._kwargs.items()}

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


def _named(model: Any) -> tuple[str, str, Any]:
    """A model's name and source, and the module that is read, which designs have none of."""
    if isinstance(model, str) and not is_module_name(model):
        return model, "", None
    if isinstance(model, Network):
        from eyeshot.build.torch import build

        return model.name, model.source, build(model)
    if isinstance(model, str):
        from eyeshot.read.loading import load_module

        module = load_module(model)
        check_module(module, model)
        return model, model, module
    check_module(model)
    return type(model).__name__, "torch", getattr(model, "_orig_mod", model)
