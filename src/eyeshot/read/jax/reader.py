"""The walk along a program's equations: each primitive's rule drafts steps; one without a rule is a marked bound.

JAX traces the model into a program on shapes alone; nothing is computed. Functions within are walked along where they
are called. What depends on no input stays a constant, whose numbers are found only where positions depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from eyeshot.complaints import complaint, rest
from eyeshot.errors import EyeshotError, ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.ops import Input, Unknown
from eyeshot.read.jax.calls import Call, Known, UnreadError, shape_of
from eyeshot.read.jax.folding import folded
from eyeshot.read.jax.fused import fused
from eyeshot.read.jax.inputs import Source, sources
from eyeshot.read.jax.models import Program, common_owner, has_channels_last, program_of
from eyeshot.read.jax.primitives import RULES
from eyeshot.read.jax.primitives.control import everything
from eyeshot.read.jax.scopes import Scopes
from eyeshot.read.jax.steps import steps_of
from eyeshot.read.jax.values import Constant, Draft, Numbers, Value, constant
from eyeshot.read.naming import nodes_of
from eyeshot.read.notes import bounds, other_inputs
from eyeshot.read.steps import CallSite

MOST_STEPS = 200_000
_UNFORESEEN = (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError, AttributeError,
               AssertionError, StopIteration, NotImplementedError)  # fmt: skip
_FUNCTIONS = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def read_model(model: Any, input_shape: Any = None, *, name: str | None = None) -> Network:
    """The network of a function, or of a module of Flax or Equinox.

    Args:
        model: a function of arrays; a module of Flax NNX, of Linen or of Equinox; a pair of a Linen module and its
            variables, or of an Equinox module and its state.
        input_shape: sizes of inputs, as `eyeshot.read.inputs` has them, without the batch, axes as the model has them;
            224×224×3 unless given, and 3×224×224 for Equinox.
        name: the network's name.

    Fields are of the first input. Modules are read as they are in use: no dropout, batch norms with what they kept.

    Raises:
        ReadError: the model cannot be traced; holds JAX's reason.
        UsageError: what is no input.
        MissingExtraError: JAX is not installed.
    """
    first = model[0] if isinstance(model, tuple) else model
    name = name or str(getattr(first, "__name__", type(first).__name__))
    given = sources(input_shape, channels_last=has_channels_last(model))
    structs = [jax.ShapeDtypeStruct(each.shape, _type(each, name)) for each in given]
    args = tuple(struct for struct, each in zip(structs, given, strict=True) if each.name is None)
    kwargs = {each.name: struct for struct, each in zip(structs, given, strict=True) if each.name is not None}
    try:
        program = program_of(model, name, (args, kwargs))
        scopes = Scopes(has_modules=program.owns)

        def run(inputs: Any, state: Any) -> Any:
            return program.run(state, scopes, inputs[0], {**inputs[1], **program.flags})

        traced = jax.make_jaxpr(run)((args, kwargs), program.state)
    except EyeshotError:
        raise
    except (Exception, SystemExit) as error:
        raise _failure(error, name, given) from error
    ordered = [each for each in given if each.name is None] + [
        next(each for each in given if each.name == key) for key in sorted(kwargs)
    ]
    return Reader(program, scopes, name).network(traced, ordered, given)


def _type(source: Source, name: str) -> Any:
    try:
        return jax.dtypes.canonicalize_dtype(source.dtype)
    except TypeError:
        raise UsageError(f"{name}: {source.dtype} is no type that JAX has") from None


def _failure(error: BaseException, name: str, given: Sequence[Source]) -> ReadError:
    """What JAX, or the user's own code, says; with a hint where numbers were asked of what has none."""
    shown = " and ".join("×".join(map(str, each.shape)) for each in given)
    hint = ""
    is_of_numbers = isinstance(error, jax.errors.ConcretizationTypeError | jax.errors.TracerArrayConversionError)
    if is_of_numbers:
        hint = "; control flow on numbers cannot be traced: decide it outside, or by jax.lax.cond"
    failure = ReadError(f"{name}, traced on {shown}: {complaint(error)}{hint}", lines=rest(error))
    failure.is_of_shapes = isinstance(error, TypeError | ValueError | ZeroDivisionError) and not is_of_numbers
    return failure


def drafts_of(traced: Any) -> tuple[Draft, Draft]:
    """What makes the output of a program of one input, and that input."""
    made = Draft(Input(axes=()), [], shape_of(traced.jaxpr.invars[0].aval), CallSite())
    reader = Reader(Program(lambda: None, None, ()), Scopes(), "")
    (out,) = reader.run(traced, [Value(made, made.shape, tuple(range(len(made.shape))))], None)
    assert isinstance(out, Value)
    return out.made, made


class Reader:
    """One program, walked along."""

    def __init__(self, program: Program, scopes: Scopes, name: str) -> None:
        self.program, self.scopes, self.name = program, scopes, name
        self.drafts: list[Draft] = []
        self.sizes: dict[str, int] = {}
        self.silent: dict[Draft, Numbers] = {}
        self.functions: list[str] = []
        self._consts: dict[int, tuple[Any, Constant]] = {}
        self._owners: CallSite = CallSite()

    def network(self, traced: Any, ordered: Sequence[Source], given: Sequence[Source]) -> Network:
        """The network of a traced program, whose first inputs are the model's, and the others its state."""
        values: dict[Source, Value] = {}
        for each in given:  # that which the user named first is what fields are about
            values[each] = self._input(each, is_first=not values)
        inputs = [values[each] for each in ordered]
        count = len(inputs)
        state = [self._leaf(leaf) for leaf in self.program.leaves]
        if len(traced.jaxpr.invars) != count + len(state):
            raise ReadError(f"{self.name}: its state has {len(traced.jaxpr.invars) - count} arrays, not {len(state)}")
        root = Call(self, None, [], CallSite())
        outs = self.run(traced, [*inputs, *state], None)
        results = [root.whole(out).made for out in outs if isinstance(out, Value)]
        if not results:
            raise ReadError(f"{self.name}: its outputs do not depend on its input, so there is nothing to see")
        drafts, results = fused(self.drafts, results, self.scopes.named, self.silent)
        record = steps_of(drafts, self.sizes)
        names = {
            record.of[value.made]: (each.name or f"input{i}" if len(given) > 1 else "input")
            for i, (each, value) in enumerate(values.items(), start=1)
        }
        nodes = nodes_of(record, names)
        notes = [*other_inputs(names), *bounds(nodes.values())]
        return Network(
            name=self.name,
            source="jax",
            nodes=tuple(nodes.values()),
            notes=tuple(notes),
            outputs=tuple(dict.fromkeys(nodes[record.of[result]].name for result in results)),
        )

    def _input(self, source: Source, *, is_first: bool) -> Value:
        order = source.order
        places = sorted(range(len(order)), key=order.__getitem__)
        shape = tuple(source.shape[axis] for axis in places)
        made = Draft(Input(axes=source.axes if is_first else ()), [], shape, CallSite())
        self.drafts.append(made)
        return Value(made, source.shape, order)

    def _leaf(self, leaf: Any) -> Constant:
        shape = shape_of(leaf.struct)
        if leaf.is_weight:
            self.sizes[leaf.path] = math.prod(shape)
        else:
            self.sizes.setdefault(leaf.path, 0)
        return Constant(shape, weights=frozenset({leaf.path}))

    def _constant(self, held: Any) -> Constant:
        """An array within a program: its numbers, or weights of a function that closes over them."""
        if id(held) in self._consts:
            return self._consts[id(held)][1]
        shape = shape_of(held)
        is_float = hasattr(held, "dtype") and jax.numpy.issubdtype(held.dtype, jax.numpy.inexact)
        if is_float and not self.program.owns and math.prod(shape) > 1:
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

    def add(self, draft: Draft, eqn: Any) -> None:
        """Append a draft, under the module that owns its weights where it is called elsewhere."""
        if len(self.drafts) >= MOST_STEPS:
            raise ReadError(f"{self.name} has more than {MOST_STEPS:,} steps")
        if draft.weights:
            draft.place = self._place(draft)
        self.drafts.append(draft)

    def _place(self, draft: Draft) -> CallSite:
        owner = common_owner(draft.weights)
        path = draft.place.path
        if not owner or path == owner or path.startswith(f"{owner}."):
            return draft.place
        if self._owners.path != owner:
            self._owners = CallSite(owner, is_leaf=True)
        return self._owners

    def parts_of(self, weights: frozenset[str], turn: int, count: int) -> frozenset[str]:
        """One turn's part of weights that are scanned over."""
        parts = {f"{path}[{turn}]": self.sizes.get(path, 0) // count for path in weights}
        self.sizes.update(parts)
        return frozenset(parts)

    def note_silent(self, draft: Draft, elements: Numbers) -> None:
        """Note the elements that a mask filled with what weighs nothing in a softmax."""
        if bool(elements.any()):
            before = self.silent.get(draft)
            self.silent[draft] = elements if before is None else before | elements

    # --- the walk -----------------------------------------------------------------------------------------------------

    def run(self, program: Any, inputs: Sequence[Known], call: Call | None) -> list[Known]:
        """Walk along a program that is called; what it gives."""
        jaxpr = getattr(program, "jaxpr", program)
        known: dict[Any, Known] = dict(zip(jaxpr.invars, inputs, strict=True))
        known.update(zip(jaxpr.constvars, map(self._constant, getattr(program, "consts", ())), strict=True))
        around = "" if call is None else call.stack
        name = "" if call is None else str(call.eqn.params.get("name", ""))
        self.functions.append(name)
        for eqn in jaxpr.eqns:
            operands = [self._operand(var, known) for var in eqn.invars]
            for var, value in zip(eqn.outvars, self._outputs(eqn, operands, around), strict=True):
                known[var] = value
        self.functions.pop()
        return [self._operand(var, known) for var in jaxpr.outvars]

    def _operand(self, var: Any, known: Mapping[Any, Known]) -> Known:
        if not hasattr(var, "val"):
            return known[var]
        return self._constant(var.val) if shape_of(var.aval) else constant(var.val)

    def _outputs(self, eqn: Any, operands: Sequence[Known], around: str) -> Sequence[Known]:
        is_function = any(key in eqn.params for key in _FUNCTIONS) and eqn.primitive.name in RULES
        if not any(isinstance(each, Value) for each in operands) and not (is_function and eqn.primitive.name != "scan"):
            return folded(eqn, [each for each in operands if isinstance(each, Constant)])
        stack = "/".join(filter(None, (around, str(eqn.source_info.name_stack))))
        call = Call(self, eqn, operands, self.scopes.site(stack), stack)
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
