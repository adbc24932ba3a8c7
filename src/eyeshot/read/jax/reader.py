"""From a model of JAX to a network: traced on shapes alone, its program walked along, its steps named.

JAX's own tracing makes the program; nothing is computed, and weights are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from eyeshot.complaints import complaint, rest
from eyeshot.errors import EyeshotError, ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.network.ops import Input
from eyeshot.read.inputs import InputSpec
from eyeshot.read.jax.calls import Call
from eyeshot.read.jax.forms import forms
from eyeshot.read.jax.fused import fused
from eyeshot.read.jax.inputs import Source, sources
from eyeshot.read.jax.models import program_of
from eyeshot.read.jax.programs import Program
from eyeshot.read.jax.scopes import Scopes
from eyeshot.read.jax.steps import steps_of
from eyeshot.read.jax.values import Draft, Value
from eyeshot.read.jax.walk import Walk
from eyeshot.read.naming import nodes_of
from eyeshot.read.notes import bounds, other_inputs
from eyeshot.read.steps import CallSite


def read_model(model: Any, specs: Sequence[InputSpec], *, name: str | None = None, with_lines: bool = False) -> Network:
    """The network of a function, or of a module of Flax or Equinox.

    Args:
        model: a function of arrays; a module of Flax NNX, of Linen or of Equinox; a pair of a Linen module and its
            variables, or of an Equinox module and its state.
        specs: what goes in, laid out; fields are of the first.
        name: the network's name.
        with_lines: keep the line of code of each layer.

    Modules are read as they are in use: no dropout, batch norms with what they kept.

    Raises:
        ReadError: the model cannot be traced; holds JAX's reason.
        UsageError: what is no input.
    """
    first = model[0] if isinstance(model, tuple) else model
    name = name or str(getattr(first, "__name__", type(first).__name__))
    given = sources(specs)
    structs = {each: jax.ShapeDtypeStruct(each.shape, _type(each, name)) for each in given}
    args = tuple(struct for each, struct in structs.items() if each.name is None)
    kwargs = {each.name: struct for each, struct in structs.items() if each.name is not None}
    try:
        program = program_of(model, name, (args, kwargs))
        scopes = Scopes(has_modules=program.owns)
        traced = _traced(program, scopes, args, kwargs)
    except EyeshotError:
        raise
    except (Exception, SystemExit) as error:
        raise _failure(error, name, given) from error
    # a program's inputs are those in order, then those by name, as JAX sorts them; then the state
    named = sorted((each for each in given if each.name is not None), key=lambda each: str(each.name))
    walk = Walk(scopes, name, owns_weights=program.owns, with_lines=with_lines)
    inputs = {each: _input(each, is_first=each is given[0]) for each in given}
    walk.drafts += [value.made for value in inputs.values()]
    ordered = [inputs[each] for each in (*(each for each in given if each.name is None), *named)]
    outs = walk.run(traced, [*ordered, *(walk.leaf(leaf) for leaf in program.leaves)], None)
    root = Call(walk, None, [], CallSite())
    results = [root.whole(out).made for out in outs if isinstance(out, Value)]
    if not results and walk.emptied:
        empty = ReadError(f"{name}: {walk.emptied}; give a larger input")
        empty.is_of_shapes = True
        raise empty
    if not results:
        raise ReadError(f"{name}: its outputs do not depend on its input, so there is nothing to see")
    return _network(walk, inputs, results)


def _traced(program: Program, scopes: Scopes, args: tuple[Any, ...], kwargs: Mapping[Any, Any]) -> Any:
    def run(inputs: Any, state: Any) -> Any:
        return program.run(state, scopes, inputs[0], {**inputs[1], **program.flags})

    return jax.make_jaxpr(run)((args, dict(kwargs)), program.state)


def _type(source: Source, name: str) -> Any:
    try:
        return jax.dtypes.canonicalize_dtype(source.dtype)
    except TypeError:
        raise UsageError(f"{name}: {source.dtype} is no type that JAX has") from None


def _failure(error: BaseException, name: str, given: Sequence[Source]) -> ReadError:
    """What JAX, or the user's own code, says; with a hint where numbers were asked of what has none."""
    shown = " and ".join("×".join(map(str, each.shape)) for each in given)
    is_of_numbers = isinstance(error, jax.errors.ConcretizationTypeError | jax.errors.TracerArrayConversionError)
    hint = "; control flow on numbers cannot be traced: decide it outside, or by jax.lax.cond" if is_of_numbers else ""
    lines = [line for line in rest(error) if "while tracing the function" not in line]  # which is one of ours
    failure = ReadError(f"{name}, traced on {shown}: {complaint(error)}{hint}", lines=lines)
    failure.is_of_shapes = isinstance(error, TypeError | ValueError | ZeroDivisionError) and not is_of_numbers
    return failure


def _input(source: Source, *, is_first: bool) -> Value:
    """An input, its channels on axis 1; fields are about the first."""
    order = source.order
    places = sorted(range(len(order)), key=order.__getitem__)
    op = Input(axes=source.axes if is_first else ())
    return Value(Draft(op, [], tuple(source.shape[axis] for axis in places), CallSite()), source.shape, order)


def _network(walk: Walk, inputs: Mapping[Source, Value], results: list[Draft]) -> Network:
    drafts, results = fused(walk.drafts, results, walk.scopes.named, walk.masks, forms)
    record = steps_of(drafts, walk.sizes)
    several = len(inputs) > 1
    names = {
        record.of[value.made]: (each.name or f"input{i}") if several else "input"
        for i, (each, value) in enumerate(inputs.items(), start=1)
    }
    nodes = nodes_of(record, names)
    return Network(
        name=walk.name,
        source="jax",
        nodes=tuple(nodes.values()),
        notes=(*other_inputs(names), *bounds(nodes.values())),
        outputs=tuple(dict.fromkeys(nodes[record.of[result]].name for result in results)),
    )
