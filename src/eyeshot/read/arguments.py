"""What a module's forward is called with: made from shapes, or from an example."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._pytree import keystr, tree_leaves_with_path, tree_map

from eyeshot.errors import ReadError, UsageError
from eyeshot.read.inputs import DEFAULT_INPUT, InputSpec, inputs_given
from eyeshot.read.state import floating_type
from eyeshot.shown import counted


@dataclass(frozen=True)
class Arguments:
    """What forward is called with, and the specs of the tensors among it."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    specs: tuple[tuple[InputSpec, torch.Tensor], ...]
    is_given: bool

    def without_numbers(self) -> Arguments:
        """The same on tensors without memory."""
        twins = {
            # empty_like is written in Python for such tensors, and imports much
            id(tensor): torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
            for _, tensor in self.specs
        }
        return self.filled(twins)

    def with_numbers(self, device: torch.device) -> Arguments:
        """The same on numbers: those given, else made up, the same ones every time."""
        generator = torch.Generator().manual_seed(0)
        twins = {
            id(tensor): tensor.to(device) if tensor.device.type != "meta" else _made_up(tensor, generator).to(device)
            for _, tensor in self.specs
        }
        return self.filled(twins)

    def filled(self, twins: Mapping[int, torch.Tensor]) -> Arguments:
        """The same with other tensors, given by the identities of those that they stand for."""
        args, kwargs = tree_map(lambda value: twins.get(id(value), value), (self.args, dict(self.kwargs)))
        return Arguments(args, kwargs, tuple((spec, twins[id(t)]) for spec, t in self.specs), self.is_given)


def arguments_for(module: torch.nn.Module, name: str, input_shape: Any, example: Any) -> Arguments:
    """The arguments that a user's shapes or example stand for.

    Raises:
        UsageError: what is no input.
        ReadError: forward takes other inputs than these.
    """
    if example is not None:
        return _of_example(example)
    specs = inputs_given(DEFAULT_INPUT if input_shape is None else input_shape)
    _check_signature(module, name, specs)
    tensors = [(spec, torch.empty((1, *spec.shape), dtype=_type(spec, module), device="meta")) for spec in specs]
    args = tuple(tensor for spec, tensor in tensors if spec.name is None)
    kwargs = {spec.name: tensor for spec, tensor in tensors if spec.name is not None}
    return Arguments(args, kwargs, tuple(tensors), is_given=False)


def _of_example(example: Any) -> Arguments:
    """An example as arguments: a tensor, a tuple of them, a dictionary, or (tuple, dictionary) as programs have."""
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    if isinstance(example, Mapping):
        kwargs = example
    elif isinstance(example, Sequence) and len(example) == 2 and isinstance(example[1], dict):
        args, kwargs = tuple(example[0]), example[1]
    else:
        args = tuple(example) if isinstance(example, Sequence) else (example,)
    named: list[tuple[str | None, Any]] = [(None, value) for value in args] + list(kwargs.items())
    specs = [
        (next(iter(inputs_given({key: shape} if key else [shape]))), value)
        for key, value in _tensors_named(named)
        if (shape := tuple(value.shape[1:]) or (1,))
    ]
    if not specs:
        raise UsageError("the example holds no tensor; give what forward is called with, batch axis included")
    return Arguments(args, kwargs, tuple(specs), is_given=True)


def _tensors_named(named: Sequence[tuple[str | None, Any]]) -> Iterator[tuple[str | None, torch.Tensor]]:
    """The tensors in arguments, each once, also in lists and dictionaries in them, by the way that leads to them."""
    known: set[int] = set()
    for key, value in named:
        for path, leaf in tree_leaves_with_path(value):
            if isinstance(leaf, torch.Tensor) and id(leaf) not in known:
                known.add(id(leaf))
                yield f"{key or ''}{keystr(path)}" or None, leaf


def _type(spec: InputSpec, module: torch.nn.Module) -> torch.dtype:
    if spec.dtype is None:
        return floating_type(module)
    dtype = getattr(torch, spec.dtype, None)
    if not isinstance(dtype, torch.dtype):
        raise UsageError(f"PyTorch has no type {spec.dtype!r}")
    return dtype


def _made_up(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if like.dtype.is_floating_point or like.dtype.is_complex:
        return torch.rand(like.shape, generator=generator).to(like.dtype)
    return torch.randint(0, 2, tuple(like.shape), generator=generator).to(like.dtype)


def _check_signature(module: torch.nn.Module, name: str, specs: Sequence[InputSpec]) -> None:
    """Complain where forward needs other inputs than were given."""
    try:
        parameters = inspect.signature(module.forward).parameters
    except (TypeError, ValueError):
        return
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    strange = [spec.name for spec in specs if spec.name is not None and spec.name not in parameters]
    if strange and not takes_any:
        raise ReadError(
            f"{name}: {type(module).__name__}.forward has no input {strange[0]!r}; it has {', '.join(parameters)}"
        )
    required = [p.name for p in parameters.values() if p.default is p.empty and p.kind in kinds]
    shapes = {spec.name: str(spec) for spec in specs if spec.name is not None}
    unnamed = [spec for spec in specs if spec.name is None]
    free = [each for each in required if each not in shapes]
    if len(free) <= len(unnamed):
        return
    shapes |= {each: f"{each}={spec}" for each, spec in zip(free, unnamed, strict=False)}
    absent = [each for each in required if each not in shapes]
    wanted = " ".join(f"--input {shapes.get(each, f'{each}={_USUAL}')}" for each in required)
    raise ReadError(
        f"{name}: {type(module).__name__}.forward needs {counted(len(required), 'input')} ({', '.join(required)});"
        f" no shape was given for {' and '.join(absent)}: say the shape of each, as in {wanted}, or in Python"
        f" input_shape={{'{required[0]}': (3, 224, 224){', …' if len(required) > 1 else ''}}}"
    )


_USUAL = "x".join(map(str, DEFAULT_INPUT))
