"""Functions within functions, branches and loops: what constants decide is followed, the rest is a bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eyeshot.network.ops import Pointwise, Unknown
from eyeshot.read.jax.calls import Call, Known, shape_of
from eyeshot.read.jax.primitives.pointwise import ELEMENTWISE, SAME
from eyeshot.read.jax.primitives.table import rule
from eyeshot.read.jax.values import Constant, Value, in_order

_NAMES = {
    "clip": "clamp", "hard_silu": "hardswish", "hard_swish": "hardswish", "hard_sigmoid": "hardsigmoid",
    "hard_tanh": "hardtanh", "log_sigmoid": "logsigmoid", "soft_sign": "softsign", "swish": "silu",
    "true_divide": "div",
}  # fmt: skip
_FILLERS = SAME | {"broadcast_in_dim", "iota", "reshape"}


@rule("jit", "closed_call", "call", "composite", "custom_jvp_call", "custom_vjp_call", "remat2", "custom_lin")
def _function(call: Call) -> Sequence[Known]:
    """What the function does; one that does nothing but compute one position from another is one step."""
    inner = inner_of(call.eqn)
    name = str(call.eqn.params.get("name", "")).lstrip("_")
    data = call.data
    is_one = len(data) == 1 and len(call.shapes) == 1 and data[0].shape == call.out and name.isidentifier()
    is_one = is_one and all(isinstance(each, Value) or each.number is not None for each in call.inputs)
    if is_one and is_pointwise(inner, call.out):
        return [call.same(Pointwise(name=_NAMES.get(name, name)), data[0])]
    return call.reader.run(inner, call.inputs, call)


@rule("custom_linear_solve")
def _linear_solve(call: Call) -> Sequence[Known]:
    """A solution is made by the function given for that, of its own constants and the right-hand sides."""
    lengths, functions = call["const_lengths"], call["jaxprs"]
    before = lengths.matvec + lengths.vecmat
    held = call.inputs[before : before + lengths.solve]
    return call.reader.run(functions.solve, [*held, *call.inputs[sum(lengths) :]], call)


def inner_of(eqn: Any) -> Any:
    """The program within an equation."""
    return next(eqn.params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in eqn.params)


def is_pointwise(program: Any, shape: Sequence[int]) -> bool:
    """Whether a program computes each position from the same position, and numbers that are the same for all."""
    jaxpr = getattr(program, "jaxpr", program)
    if getattr(program, "consts", ()):
        return False
    for eqn in jaxpr.eqns:
        if any(key in eqn.params for key in ("jaxpr", "call_jaxpr", "fun_jaxpr")):
            if not is_pointwise(inner_of(eqn), shape):
                return False
        elif eqn.primitive.name in _FILLERS - SAME:
            if any(shape_of(var.aval) for var in eqn.invars) or eqn.primitive.name == "iota":
                return False
        elif eqn.primitive.name not in ELEMENTWISE | SAME:
            return False
        if any(shape_of(var.aval) not in ((), tuple(shape)) for var in eqn.outvars):
            return False
    return bool(jaxpr.eqns)


@rule("cond")
def _cond(call: Call) -> Sequence[Known]:
    """The branch that a number chooses; else all of them, of which the data take one."""
    which, *inputs = call.inputs
    branches = call["branches"]
    number = which.number if isinstance(which, Constant) else None
    if number is not None:
        index = min(max(int(number), 0), len(branches) - 1)
        return call.reader.run(branches[index], inputs, call)
    each = [call.reader.run(branch, inputs, call) for branch in branches]
    return [_either(call, which, outs) for outs in zip(*each, strict=True)]


def _either(call: Call, which: Known, outs: Sequence[Known]) -> Known:
    values = [call.logical(out).made for out in (which, *outs) if isinstance(out, Value)]
    op = Unknown(name="cond", reason="which of its branches is taken depends on the data")
    weights = [out for out in outs if isinstance(out, Constant)]
    if not values:
        return Constant(outs[0].shape, weights=frozenset[str]().union(*(each.weights for each in weights)))
    return in_order(call.draft(op, list(dict.fromkeys(values)), outs[0].shape, weights))


@rule("while")
def _while(call: Call) -> Sequence[Known]:
    """How often it turns is not told: all of it may depend on all that goes in."""
    reason = "how many turns it takes is decided while it runs"
    return everything(call, Unknown(name="while", reason=reason))


def everything(call: Call, op: Unknown) -> list[Known]:
    """Outputs of which each may read all that goes in."""
    sources = list(dict.fromkeys(call.logical(each).made for each in call.data))
    weights = [each for each in call.inputs if isinstance(each, Constant)]
    return [
        in_order(call.draft(op, sources, shape, weights if number == 0 else ()))
        for number, shape in enumerate(call.shapes)
    ]
