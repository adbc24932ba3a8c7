"""Which objects are models of JAX, told without importing it."""

from __future__ import annotations

import functools
import types
from typing import Any

_FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)


def is_jax_model(model: Any) -> bool:
    """Whether an object is a module of Flax or Equinox, one with its variables, or a function."""
    first = model[0] if isinstance(model, tuple) and model else model
    return bool(libraries_of(first) & {"flax", "equinox", "jax", "jaxlib"}) or isinstance(model, _FUNCTIONS)


def has_channels_last(model: Any) -> bool:
    """Whether models of its kind usually have channels last: all but Equinox's."""
    return "equinox" not in libraries_of(model[0] if isinstance(model, tuple) else model)


def libraries_of(model: Any) -> set[str]:
    """The packages that an object's classes are of."""
    return {each.__module__.partition(".")[0] for each in type(model).__mro__}
