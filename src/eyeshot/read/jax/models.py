"""What a user hands over as a model of JAX, as a function of state and inputs that can be traced."""

from __future__ import annotations

from typing import Any

from eyeshot.errors import ReadError
from eyeshot.read.jax.programs import Arguments, Program, of_function


def program_of(model: Any, name: str, arguments: Arguments) -> Program:
    """The function that a model is, to be called with arguments of some shapes.

    Raises:
        ReadError: it is none of those that are read.
    """
    first, *more = model if isinstance(model, tuple) else (model,)
    kinds = {
        ".".join(each.__module__.split(".")[:2]) for each in type(first).__mro__ if each.__name__ == "Module"
    }  # what only wraps a function, as nnx.jit does, is one
    if "flax.linen" in kinds:
        from eyeshot.read.jax.flax_modules import of_linen

        return of_linen(first, more[0] if more else None, arguments)
    if "flax.nnx" in kinds:
        from eyeshot.read.jax.flax_modules import of_nnx

        return of_nnx(first)
    if "equinox._module" in kinds:
        from eyeshot.read.jax.equinox_modules import of_equinox

        return of_equinox(first, more[0] if more else None)
    if callable(first) and not more:
        return of_function(first)
    raise ReadError(
        f"{name} is a {type(first).__name__}; read are functions, modules of Flax and Equinox, and (module, variables)"
    )
