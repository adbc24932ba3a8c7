"""Models of JAX: functions, modules of Flax and Equinox. JAX traces them on shapes; nothing is computed.

    models      what a user hands over, as a function of state and inputs
    scopes      which module an equation belongs to          inputs      what goes in
    reader      the walk along the program                   primitives  one rule per primitive, one file per family
    values      what is known of an array                    folding     tables of numbers that positions depend on
    fused       biases, norms, softmax put together again    steps       what all readers record
"""

from __future__ import annotations

from typing import Any

from eyeshot.network.graph import Network
from eyeshot.read.jax.models import is_jax_model

__all__ = ["is_jax_model", "read_model"]


def read_model(model: Any, input_shape: Any = None, *, name: str | None = None) -> Network:
    """The network of a model of JAX (see ``eyeshot.read.jax.reader``), which is imported when the first is read.

    Raises:
        MissingExtraError: JAX is not installed.
    """
    from eyeshot.errors import MissingExtraError

    try:
        import jax  # noqa: F401 - whether it is there
    except ImportError:
        raise MissingExtraError(f"reading {name or 'a function'}", "jax", "jax") from None
    from eyeshot.read.jax.reader import read_model as read

    return read(model, input_shape, name=name)
