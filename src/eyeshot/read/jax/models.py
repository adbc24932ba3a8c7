"""What a user hands over as a model of JAX, as a function of weights and inputs that can be traced.

A plain function, a module of Flax (NNX, or Linen with its variables or without) or of Equinox. Weights become shapes:
none is computed, and where a model has them in memory they are not read.
"""

from __future__ import annotations

import functools
import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eyeshot.errors import MissingExtraError, ReadError

_FLAGS = {"train": False, "training": False, "is_training": False, "deterministic": True, "inference": True}
"""Arguments by which models are told that they are in use, not in training."""
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]
"""What a model is called with, as shapes: in order, and by name."""
_FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)


def is_jax_model(model: Any) -> bool:
    """Whether an object is a module of Flax or Equinox, one with its variables, or a function; told without imports."""
    first = model[0] if isinstance(model, tuple) and model else model
    return bool(_libraries(first) & {"flax", "equinox", "jax", "jaxlib"}) or isinstance(model, _FUNCTIONS)


def has_channels_last(model: Any) -> bool:
    """Whether models of its kind usually have channels last: all but Equinox's."""
    return "equinox" not in _libraries(model[0] if isinstance(model, tuple) else model)


def _libraries(model: Any) -> set[str]:
    return {each.__module__.partition(".")[0] for each in type(model).__mro__}


@dataclass(frozen=True)
class Leaf:
    """An array of a model's state: its path, its shape and type, whether training changes it."""

    path: str
    struct: Any
    is_weight: bool


@dataclass(frozen=True)
class Program:
    """A model as a function: ``run(state, scopes, args, kwargs)``, its state as a tree of shapes with ``leaves``.

    Calls of modules are noted in scopes. ``owns`` says that all of its weights are among the leaves, so that other
    constants are none; ``flags`` are the arguments that tell it that it is in use.
    """

    run: Callable[..., Any]
    state: Any
    leaves: Sequence[Leaf]
    owns: bool = True
    flags: Mapping[str, Any] = field(default_factory=dict)


def program_of(model: Any, name: str, arguments: Arguments) -> Program:
    """The function that a model is, to be called with arguments of some shapes.

    Raises:
        MissingExtraError: JAX is not installed.
        ReadError: it is none of those that are read.
    """
    try:
        import jax  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtraError(f"reading {name}, a function", "jax", "jax") from None
    first, *more = model if isinstance(model, tuple) else (model,)
    kinds = _libraries(first)
    if any(each.__module__.startswith("flax.linen") for each in type(first).__mro__):
        return _of_linen(first, more[0] if more else None, arguments)
    if "flax" in kinds:
        return _of_nnx(first)
    if "equinox" in kinds:
        return _of_equinox(first, more[0] if more else None)
    if callable(first) and not more:
        return _of_function(first)
    raise ReadError(
        f"{name} is a {type(first).__name__}; read are functions, modules of Flax and Equinox, and (module, variables)"
    )


def flags_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Of the arguments that tell training from use those that a function takes, said for use."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {flag: value for flag, value in _FLAGS.items() if flag in parameters}


# --- functions --------------------------------------------------------------------------------------------------------


def _of_function(function: Any) -> Program:
    """A function; arrays among what a partial one was given are its state."""
    import jax

    held: tuple[Any, Any] = ((), {})
    inner = function
    if isinstance(function, functools.partial):
        held, inner = (function.args, function.keywords), function.func
    arrays, static = _parted(held)

    def run(state: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        first, named = _joined(state, static)
        return inner(*first, *args, **{**named, **kwargs})

    flags = {flag: value for flag, value in flags_of(inner).items() if flag not in held[1]}
    leaves = [
        # without what is the function's own: which argument it is
        Leaf(_path(path[2:] or path[1:]), struct, _is_float(struct))
        for path, struct in jax.tree_util.tree_flatten_with_path(arrays)[0]
    ]
    return Program(run, arrays, leaves, owns=False, flags=flags)


def _parted(tree: Any) -> tuple[Any, Any]:
    """A tree's arrays as shapes, and the rest of it."""
    import jax

    leaves, structure = jax.tree_util.tree_flatten(tree)
    arrays = [_struct(leaf) if _is_array(leaf) else None for leaf in leaves]
    rest = [None if _is_array(leaf) else leaf for leaf in leaves]
    return jax.tree_util.tree_unflatten(structure, arrays), (structure, rest)


def _joined(arrays: Any, static: tuple[Any, list[Any]]) -> Any:
    import jax

    structure, rest = static
    found = iter(jax.tree_util.tree_leaves(arrays))
    # a leaf that is None is no leaf, so that arrays and the rest take turns
    return jax.tree_util.tree_unflatten(structure, [next(found) if each is None else each for each in rest])


def _is_array(leaf: Any) -> bool:
    import jax
    import numpy as np

    return isinstance(leaf, jax.Array | np.ndarray | jax.ShapeDtypeStruct)


def _struct(leaf: Any) -> Any:
    import jax

    return jax.ShapeDtypeStruct(leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype, allow_extended_dtype=True))


def _is_float(struct: Any) -> bool:
    import jax

    return bool(jax.numpy.issubdtype(struct.dtype, jax.numpy.inexact))


def _path(keys: Sequence[Any]) -> str:
    """A leaf's place in a tree, as a person writes it: layers.0.kernel."""
    parts = [str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in keys]
    return ".".join(part for part in parts if part != "value")


# --- Flax -------------------------------------------------------------------------------------------------------------


def _of_nnx(module: Any) -> Program:
    """A module of NNX, in evaluation: its parameters become shapes, other state stays as it is."""
    import jax
    from flax import nnx

    graph, weights, rest = nnx.split(module, nnx.Param, ...)
    structs = jax.tree_util.tree_map(_struct, weights)
    rest_structs, rest_static = _abstract_only(rest)

    def run(state: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        from eyeshot.read.jax.scopes import calls_noted

        merged = nnx.merge(graph, state[0], _with_abstract(state[1], rest_static))
        merged.eval()
        with calls_noted(scopes, [(_dotted(path), each) for path, each in nnx.iter_modules(merged)]):
            return merged(*args, **kwargs)

    leaves = [
        Leaf(_path(path[1:]), struct, path[0].idx == 0)
        for path, struct in jax.tree_util.tree_flatten_with_path((structs, rest_structs))[0]
    ]
    return Program(run, (structs, rest_structs), leaves, flags=flags_of(type(module).__call__))


def _abstract_only(tree: Any) -> tuple[list[Any], tuple[Any, list[Any]]]:
    """Of a tree's leaves those that are shapes already; and all of it, so that they can be put back."""
    import jax

    leaves, structure = jax.tree_util.tree_flatten(tree)
    abstract = [leaf for leaf in leaves if isinstance(leaf, jax.ShapeDtypeStruct)]
    return abstract, (structure, leaves)


def _with_abstract(given: Sequence[Any], static: tuple[Any, list[Any]]) -> Any:
    import jax

    structure, leaves = static
    found: Iterator[Any] = iter(given)
    filled = [next(found) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf for leaf in leaves]
    return jax.tree_util.tree_unflatten(structure, filled)


def _dotted(path: Sequence[Any]) -> str:
    return ".".join(map(str, path))


def _of_linen(module: Any, variables: Any, arguments: Arguments) -> Program:
    """A module of Linen; without variables their shapes are found as its init would make them."""
    import jax
    from flax import linen

    args, kwargs = arguments
    if variables is None and module.scope is not None:
        module, variables = module.unbind()
    flags = flags_of(type(module).__call__)
    rngs = {name: jax.random.key(0) for name in ("params", "dropout")}
    if variables is None:
        variables = jax.eval_shape(lambda inputs: module.init(rngs, *inputs[0], **inputs[1], **flags), (args, kwargs))

    def run(state: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        from eyeshot.read.jax.scopes import watched_by_linen

        with linen.intercept_methods(watched_by_linen(scopes)):
            return module.apply(state, *args, rngs=rngs, **kwargs)

    structs = jax.tree_util.tree_map(_struct, variables)
    return Program(run, structs, _of_collections(structs), flags=flags)


def _of_collections(structs: Any) -> list[Leaf]:
    """Leaves by their paths without the collection, of which params are what training changes."""
    import jax

    leaves = []
    for path, struct in jax.tree_util.tree_flatten_with_path(structs)[0]:
        collection, _, rest = _path(path).partition(".")
        leaves.append(Leaf(rest, struct, collection == "params"))
    return leaves


# --- Equinox ----------------------------------------------------------------------------------------------------------


def _of_equinox(module: Any, state: Any) -> Program:
    """A module of Equinox, which takes one example: it is mapped over the batch, as its users do."""
    import equinox
    import jax

    arrays, static = equinox.partition((equinox.nn.inference_mode(module), state), _is_array)
    structs = jax.tree_util.tree_map(_struct, arrays)
    flags = {flag: value for flag, value in flags_of(type(module).__call__).items() if flag != "inference"}

    def run(given: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        from eyeshot.read.jax.scopes import calls_noted

        whole, held = equinox.combine(given, static)

        def of_one(*inputs: Any) -> Any:
            return whole(*inputs, **flags) if held is None else whole(*inputs, held, **flags)[0]

        positional = [*args, *(each for name, each in kwargs.items() if name not in flags)]
        with calls_noted(scopes, _modules_in(whole)):
            return jax.vmap(of_one, axis_name="batch")(*positional)

    leaves = [
        Leaf(_path(path[1:]), struct, path[0].idx == 0 and _is_float(struct))
        for path, struct in jax.tree_util.tree_flatten_with_path(structs)[0]
    ]
    return Program(run, structs, leaves, flags=flags)


def _modules_in(module: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The modules within a module, by their paths."""
    import equinox

    if isinstance(module, equinox.Module):
        yield path, module
        items: Any = ((name, getattr(module, name, None)) for name in getattr(module, "__dataclass_fields__", ()))
    elif isinstance(module, Mapping):
        items = module.items()
    elif isinstance(module, list | tuple):
        items = enumerate(module)
    else:
        return
    for name, each in items:
        yield from _modules_in(each, f"{path}.{name}" if path else str(name))


def common_owner(paths: Iterable[str]) -> str:
    """The module that weights belong to, by their paths; nothing where it has no name."""
    owners = [re.sub(r"\[\d+\]$", "", path).split(".")[:-1] for path in paths]
    parts = []
    for level in zip(*owners, strict=False):
        if len(set(level)) > 1:
            break
        parts.append(level[0])
    owner = ".".join(parts)
    return owner if re.search(r"[A-Za-z]", owner) else ""
