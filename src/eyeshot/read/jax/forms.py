"""Activations that JAX writes out in parts where they are called, as JAX's own functions make them of an input."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax

from eyeshot.network.ops import Input
from eyeshot.read.jax.activations import Form
from eyeshot.read.jax.calls import shape_of
from eyeshot.read.jax.scopes import Scopes
from eyeshot.read.jax.values import Draft, Value, in_order
from eyeshot.read.jax.walk import Walk
from eyeshot.read.steps import CallSite


@cache
def forms() -> tuple[Form, ...]:
    """Activations by name."""
    nn = jax.nn
    functions: tuple[tuple[str, Any], ...] = (
        ("gelu", lambda x: nn.gelu(x, approximate=True)),
        ("gelu", lambda x: nn.gelu(x, approximate=False)),
        ("silu", lambda x: x * nn.sigmoid(x)),
        ("mish", lambda x: x * jax.numpy.tanh(nn.softplus(x))),
        ("hardswish", lambda x: x * nn.relu6(x + 3) / 6),
    )
    return tuple(_form(name, function) for name, function in functions)


def _form(name: str, function: Any) -> Form:
    traced = jax.make_jaxpr(function)(jax.ShapeDtypeStruct((2,), "float32"))
    made = Draft(Input(axes=()), [], shape_of(traced.jaxpr.invars[0].aval), CallSite())
    (out,) = Walk(Scopes(), name).run(traced, [in_order(made)], None)
    assert isinstance(out, Value)
    return Form(name, out.made, made)
