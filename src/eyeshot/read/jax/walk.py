"""The walk along a program's equations: each primitive's rule drafts steps; one without a rule is a marked bound.

Functions within are walked along where they are called. What depends on no input stays a constant, whose numbers are
found only where positions depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import Unknown
from eyeshot.read.jax.calls import Call, Known, UnreadError, shape_of
from eyeshot.read.jax.folding import folded
from eyeshot.read.jax.lines import line_of
from eyeshot.read.jax.primitives import RULES
from eyeshot.read.jax.primitives.control import everything
from eyeshot.read.jax.programs import Leaf, common_owner
from eyeshot.read.jax.scopes import Scopes
from eyeshot.read.jax.values import MOST_NUMBERS, Constant, Draft, Value, constant
from eyeshot.read.masks import Masks, is_mask
from eyeshot.read.steps import CallSite

MOST_STEPS = 200_000
_UNFORESEEN = (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError, AttributeError,
               AssertionError, StopIteration, NotImplementedError)  # fmt: skip
_FUNCTIONS = ("jaxpr", "call_jaxpr", "fun_jaxpr")


class Walk:
    """Drafts of the steps of one program, recorded where its equations are met."""

    def __init__(self, scopes: Scopes, name: str, *, owns_weights: bool = True, with_lines: bool = False) -> None:
        """``owns_weights``: all weights are among the leaves of the state, so that other constants are none."""
        self.scopes, self.name, self.owns_weights, self.with_lines = scopes, name, owns_weights, with_lines
        self.drafts: list[Draft] = []
        self.sizes: dict[str, int] = {}
        self.masks = Masks()
        self.functions: list[str] = []
        self.emptied = ""
        self._consts: dict[int, tuple[Any, Constant]] = {}
        self._owner = ("", "", CallSite())

    def leaf(self, leaf: Leaf) -> Constant:
        """An array of the model's state."""
        shape, path = shape_of(leaf.struct), leaf.path
        while path in self.sizes:  # state of another kind may have the same path
            path += "'"
        self.sizes[path] = math.prod(shape) if leaf.is_weight else 0
        return Constant(shape, weights=frozenset({path}))

    def _constant(self, held: Any) -> Constant:
        """An array within a program: its numbers, or weights of a function that closes over them."""
        if id(held) in self._consts:
            return self._consts[id(held)][1]
        shape = shape_of(held)
        is_float = hasattr(held, "dtype") and jax.numpy.issubdtype(held.dtype, jax.numpy.inexact)
        if is_float and not self.owns_weights and math.prod(shape) > 1 and not _is_mask(held):
            key = f"const{len(self._consts)}"
            self.sizes[key] = math.prod(shape)
            found = Constant(shape, weights=frozenset({key}))
        elif hasattr(held, "dtype") and jax.dtypes.issubdtype(held.dtype, jax.dtypes.extended):
            found = Constant(shape, lambda: held)
        else:
            found = Constant(shape, lambda: np.asarray(held)) if shape else constant(held)
        self._consts[id(held)] = (held, found)  # held, so that its identity stays its own
        return found

    # --- what rules need ----------------------------------------------------------------------------------------------

    def add(self, draft: Draft) -> None:
        """Append a draft, under the module that owns its weights where it is called elsewhere."""
        if len(self.drafts) >= MOST_STEPS:
            raise ReadError(f"{self.name} has more than {MOST_STEPS:,} steps")
        if draft.weights:
            draft.place = self._place(draft)
        self.drafts.append(draft)

    def _place(self, draft: Draft) -> CallSite:
        owner, path = common_owner(draft.weights), draft.place.path
        turn = min(draft.weights).rpartition("[")[2] if min(draft.weights).endswith("]") else ""
        if not owner or (not turn and (path == owner or path.startswith(f"{owner}."))):
            return draft.place
        if self._owner[:2] != (owner, turn):  # another turn of a scan over layers is another call
            self._owner = (owner, turn, CallSite(owner, is_leaf=True))
        return self._owner[2]

    def parts_of(self, weights: frozenset[str], turn: int, count: int) -> frozenset[str]:
        """One turn's part of weights that are scanned over."""
        parts = {f"{path}[{turn}]": self.sizes.get(path, 0) // count for path in weights}
        self.sizes.update(parts)
        return frozenset(parts)

    # --- the walk -----------------------------------------------------------------------------------------------------

    def run(self, program: Any, inputs: Sequence[Known], call: Call | None) -> list[Known]:
        """Walk along a program that is called; what it gives."""
        jaxpr = getattr(program, "jaxpr", program)
        known: dict[Any, Known] = dict(zip(jaxpr.invars, inputs, strict=True))
        known.update(zip(jaxpr.constvars, map(self._constant, getattr(program, "consts", ())), strict=True))
        name = "" if call is None else str(call.eqn.params.get("name", ""))
        self.functions.append(name)
        for eqn in jaxpr.eqns:
            operands = [self._operand(var, known) for var in eqn.invars]
            for var, value in zip(eqn.outvars, self._outputs(eqn, operands, call), strict=True):
                known[var] = value
        self.functions.pop()
        return [self._operand(var, known) for var in jaxpr.outvars]

    def _operand(self, var: Any, known: Mapping[Any, Known]) -> Known:
        if not hasattr(var, "val"):
            return known[var]
        return self._constant(var.val) if shape_of(var.aval) else constant(var.val)

    def _outputs(self, eqn: Any, operands: Sequence[Known], around: Call | None) -> Sequence[Known]:
        is_function = any(key in eqn.params for key in _FUNCTIONS) and eqn.primitive.name in RULES
        if not any(isinstance(each, Value) for each in operands) and not (is_function and eqn.primitive.name != "scan"):
            return folded(eqn, [each for each in operands if isinstance(each, Constant)])
        if eqn.outvars and all(0 in shape_of(var.aval) for var in eqn.outvars):
            shape = shape_of(eqn.outvars[0].aval)
            self.emptied = self.emptied or f"{eqn.primitive.name} gives nothing ({'×'.join(map(str, shape))})"
            return [Constant(shape_of(var.aval)) for var in eqn.outvars]
        stack = "/".join(filter(None, (around.stack if around else "", str(eqn.source_info.name_stack))))
        line = (line_of(eqn) or (around.line if around else "")) if self.with_lines else ""
        call = Call(self, eqn, operands, self.scopes.site(stack), stack=stack, line=line)
        function = RULES.get(eqn.primitive.name)
        before = len(self.drafts)
        try:
            if function is None:
                raise UnreadError("it has no rule")
            result = function(call)
        except UnreadError as error:
            del self.drafts[before:]
            return everything(call, Unknown(name=call.name, reason=str(error)))
        except _UNFORESEEN as error:
            del self.drafts[before:]
            reason = f"its rule does not fit ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
            return everything(call, Unknown(name=call.name, reason=reason))
        return [result] if isinstance(result, Value | Constant) else result


def _is_mask(held: Any) -> bool:
    """Whether an array holds numbers as low as no weight is, as masks of attention do."""
    is_looked_at = math.prod(shape_of(held)) <= MOST_NUMBERS and jax.numpy.issubdtype(held.dtype, jax.numpy.floating)
    return is_looked_at and is_mask(np.asarray(held).astype("f4"))
