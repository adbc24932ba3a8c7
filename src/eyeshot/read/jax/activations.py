"""Activations in parts, known by their form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from eyeshot.network.ops import Arithmetic, Input, Pointwise
from eyeshot.read.jax.values import Constant, Draft

_LAST = ("mul", "div", "add")


@dataclass(frozen=True)
class Form:
    """A function of one position, by what makes its output, and its input."""

    name: str
    out: Draft
    x: Draft


def activation(draft: Draft, forms: Callable[[], Iterable[Form]]) -> bool:
    """Make an activation of what ends one of some forms, which are made when first needed; whether it does."""
    if not isinstance(draft.op, Arithmetic) or draft.op.name not in _LAST:
        return False
    made = [_now(each).op for each in draft.operands if isinstance(each, Draft)]
    if not any(isinstance(op, Arithmetic | Pointwise) for op in made):
        return False
    for form in forms():
        held: dict[Draft, Draft] = {}
        if _is_alike(form.out, draft, held) and held[form.x].shape == draft.shape:
            x = held[form.x]
            draft.op, draft.inputs, draft.operands = Pointwise(name=form.name), [x], (x,)
            return True
    return False


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
