"""Modules of Flax, NNX and Linen, as functions of their state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jax
from flax import linen, nnx

from eyeshot.read.jax.programs import Arguments, Leaf, Program, flags_of, path_of, struct_of
from eyeshot.read.jax.scopes import calls_noted, watched_by_linen


def of_nnx(module: Any) -> Program:
    """A module of NNX, in evaluation: its parameters become shapes, other state stays as it is."""
    graph, weights, rest = nnx.split(module, nnx.Param, ...)
    structs = jax.tree_util.tree_map(struct_of, weights)
    rest_structs, rest_static = _abstract_only(rest)

    def run(state: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        merged = nnx.merge(graph, state[0], _with_abstract(state[1], rest_static))
        merged.eval()
        with calls_noted(scopes, [(_dotted(path), each) for path, each in nnx.iter_modules(merged)]):
            return merged(*args, **kwargs)

    leaves = [
        Leaf(path_of(path[1:]), struct, path[0].idx == 0)
        for path, struct in jax.tree_util.tree_flatten_with_path((structs, rest_structs))[0]
    ]
    return Program(run, (structs, rest_structs), leaves, flags=flags_of(type(module).__call__))


def _abstract_only(tree: Any) -> tuple[list[Any], tuple[Any, list[Any]]]:
    """Of a tree's leaves those that are shapes already; and all of it, so that they can be put back."""
    leaves, structure = jax.tree_util.tree_flatten(tree)
    abstract = [leaf for leaf in leaves if isinstance(leaf, jax.ShapeDtypeStruct)]
    return abstract, (structure, leaves)


def _with_abstract(given: Sequence[Any], static: tuple[Any, list[Any]]) -> Any:
    structure, leaves = static
    found: Iterator[Any] = iter(given)
    filled = [next(found) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf for leaf in leaves]
    return jax.tree_util.tree_unflatten(structure, filled)


def _dotted(path: Sequence[Any]) -> str:
    return ".".join(map(str, path))


def of_linen(module: Any, variables: Any, arguments: Arguments) -> Program:
    """A module of Linen; without variables their shapes are found as its init would make them."""
    args, kwargs = arguments
    if variables is None and module.scope is not None:
        module, variables = module.unbind()
    flags = flags_of(type(module).__call__)
    rngs = {name: jax.random.key(0) for name in ("params", "dropout")}
    if variables is None:
        variables = jax.eval_shape(lambda inputs: module.init(rngs, *inputs[0], **inputs[1], **flags), (args, kwargs))

    def run(state: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        with linen.intercept_methods(watched_by_linen(scopes)):
            return module.apply(state, *args, rngs=rngs, **kwargs)

    structs = jax.tree_util.tree_map(struct_of, variables)
    return Program(run, structs, _of_collections(structs), flags=flags)


def _of_collections(structs: Any) -> list[Leaf]:
    """Leaves by their paths without the collection, of which params are what training changes."""
    leaves = []
    for path, struct in jax.tree_util.tree_flatten_with_path(structs)[0]:
        collection, _, rest = path_of(path).partition(".")
        leaves.append(Leaf(rest, struct, collection == "params"))
    return leaves
