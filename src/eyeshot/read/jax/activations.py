"""Activations that JAX writes out in parts where they are called: known by their form, which JAX itself shows."""

from __future__ import annotations

import math
from functools import cache

from eyeshot.network.ops import Arithmetic, Input, Pointwise
from eyeshot.read.jax.values import Constant, Draft

_LAST = ("mul", "div", "add")


def activation(draft: Draft) -> bool:
    """Make an activation of what ends one; whether it does."""
    if not isinstance(draft.op, Arithmetic) or draft.op.name not in _LAST:
        return False
    if not any(isinstance(each, Draft) and isinstance(_now(each).op, Arithmetic | Pointwise) for each in draft.operands):
        return False
    for name, form, x in _forms():
        held: dict[Draft, Draft] = {}
        if _is_alike(form, draft, held) and held[x].shape == draft.shape:
            draft.op, draft.inputs, draft.operands = Pointwise(name=name), [held[x]], (held[x],)
            return True
    return False


@cache
def _forms() -> tuple[tuple[str, Draft, Draft], ...]:
    """Activations by name, as what JAX's own functions make of an input."""
    import jax

    nn = jax.nn
    functions = (
        ("gelu", lambda x: nn.gelu(x, approximate=True)),
        ("gelu", lambda x: nn.gelu(x, approximate=False)),
        ("silu", lambda x: x * nn.sigmoid(x)),
        ("mish", lambda x: x * jax.numpy.tanh(nn.softplus(x))),
        ("hardswish", lambda x: x * nn.relu6(x + 3) / 6),
    )
    return tuple((name, *_form(function)) for name, function in functions)


def _form(function: object) -> tuple[Draft, Draft]:
    import jax

    from eyeshot.read.jax.reader import drafts_of

    return drafts_of(jax.make_jaxpr(function)(jax.ShapeDtypeStruct((2,), "float32")))


def _now(draft: Draft) -> Draft:
    while draft.instead is not None:
        draft = draft.instead
    return draft


def _is_alike(form: Draft, draft: Draft, held: dict[Draft, Draft]) -> bool:
    """Whether a draft is made as a form is, of one draft in place of its input; factors and summands in any order."""
    draft = _now(draft)
    if form in held:
        return held[form] is draft
    if isinstance(form.op, Input):
        held[form] = draft
        return True
    if not isinstance(form.op, Arithmetic | Pointwise) or type(form.op) is not type(draft.op):
        return False
    if form.op.kind != draft.op.kind or len(form.operands) != len(draft.operands):
        return False
    orders = [draft.operands]
    if form.op.kind in ("mul", "add"):
        orders.append(draft.operands[::-1])
    for operands in orders:
        tried = dict(held)
        if all(_operand_is_alike(a, b, tried) for a, b in zip(form.operands, operands, strict=True)):
            held.update(tried)
            held[form] = draft
            return True
    return False


def _operand_is_alike(form: Draft | Constant, operand: Draft | Constant, held: dict[Draft, Draft]) -> bool:
    if isinstance(form, Draft):
        return isinstance(operand, Draft) and _is_alike(form, operand, held)
    if not isinstance(operand, Constant):
        return False
    a, b = form.number, operand.number
    return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-2)
