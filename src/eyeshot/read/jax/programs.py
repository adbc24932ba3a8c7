"""A model as a function of its state and of inputs, which can be traced: what is known of it, and a plain function's.

State is weights and the like. It becomes shapes: no weight is computed, and none that is in memory is read.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

_FLAGS = {"train": False, "training": False, "is_training": False, "deterministic": True, "inference": True}
"""Arguments by which models are told that they are in use, not in training."""
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]
"""What a model is called with, as shapes: in order, and by name."""


@dataclass(frozen=True)
class Leaf:
    """An array of a model's state: its path, its shape and type, whether training changes it."""

    path: str
    struct: Any
    is_weight: bool


@dataclass(frozen=True)
class Program:
    """A model as a function: ``run(state, scopes, args, kwargs)``, its state as a tree of shapes with ``leaves``.

    Calls of modules are noted in scopes. ``owns`` says that all of its weights are among the leaves, so that other
    constants are none; ``flags`` are the arguments that tell it that it is in use.
    """

    run: Callable[..., Any]
    state: Any
    leaves: Sequence[Leaf]
    owns: bool = True
    flags: Mapping[str, Any] = field(default_factory=dict)


def flags_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Of the arguments that tell training from use those that a function takes, said for use."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {flag: value for flag, value in _FLAGS.items() if flag in parameters}


def common_owner(paths: Iterable[str]) -> str:
    """The module that weights belong to, by their paths; nothing where it has no name."""
    owners = [re.sub(r"\[\d+\]$", "", path).split(".")[:-1] for path in paths]
    parts = []
    for level in zip(*owners, strict=False):
        if len(set(level)) > 1:
            break
        parts.append(level[0])
    owner = ".".join(parts)
    return owner if re.search(r"[A-Za-z]", owner) else ""


# --- functions --------------------------------------------------------------------------------------------------------


def of_function(function: Any) -> Program:
    """A function; arrays among what a partial one was given are its state."""
    held: tuple[Any, Any] = ((), {})
    inner = function
    if isinstance(function, functools.partial):
        held, inner = (function.args, function.keywords), function.func
    arrays, static = _parted(held)

    def run(state: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        first, named = _joined(state, static)
        return inner(*first, *args, **{**named, **kwargs})

    flags = {flag: value for flag, value in flags_of(inner).items() if flag not in held[1]}
    leaves = [
        # without what is the function's own: which argument it is
        Leaf(path_of(path[2:] or path[1:]), struct, is_float(struct))
        for path, struct in jax.tree_util.tree_flatten_with_path(arrays)[0]
    ]
    return Program(run, arrays, leaves, owns=False, flags=flags)


def _parted(tree: Any) -> tuple[Any, Any]:
    """A tree's state as shapes, and the rest of it."""
    leaves, structure = jax.tree_util.tree_flatten(tree)
    arrays = [struct_of(leaf) if is_state(leaf) else None for leaf in leaves]
    rest = [None if is_state(leaf) else leaf for leaf in leaves]
    return jax.tree_util.tree_unflatten(structure, arrays), (structure, rest)


def _joined(arrays: Any, static: tuple[Any, list[Any]]) -> Any:
    structure, rest = static
    found = iter(jax.tree_util.tree_leaves(arrays))
    # a leaf that is None is no leaf, so that arrays and the rest take turns
    return jax.tree_util.tree_unflatten(structure, [next(found) if each is None else each for each in rest])


def is_state(leaf: Any) -> bool:
    """Whether a leaf is an array of fractions, or the shape of an array; tables of whole numbers stay as they are."""
    return isinstance(leaf, jax.ShapeDtypeStruct) or (isinstance(leaf, jax.Array | np.ndarray) and is_float(leaf))


def struct_of(leaf: Any) -> Any:
    """An array's shape and type."""
    return jax.ShapeDtypeStruct(leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype, allow_extended_dtype=True))


def is_float(struct: Any) -> bool:
    """Whether it holds fractions, as weights do."""
    return bool(jax.numpy.issubdtype(struct.dtype, jax.numpy.inexact))


def path_of(keys: Sequence[Any]) -> str:
    """A leaf's place in a tree, as a person writes it: layers.0.kernel."""
    parts = [str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in keys]
    return ".".join(part for part in parts if part != "value")
