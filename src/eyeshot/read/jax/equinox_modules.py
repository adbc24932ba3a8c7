"""Modules of Equinox, as functions of their state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import equinox
import jax

from eyeshot.read.jax.programs import Leaf, Program, flags_of, is_float, is_state, path_of, struct_of
from eyeshot.read.jax.scopes import calls_noted


def of_equinox(module: Any, state: Any) -> Program:
    """A module of Equinox, which takes one example: it is mapped over the batch, as its users do."""
    arrays, static = equinox.partition((equinox.nn.inference_mode(module), state), is_state)
    structs = jax.tree_util.tree_map(struct_of, arrays)
    flags = {flag: value for flag, value in flags_of(type(module).__call__).items() if flag != "inference"}

    def run(given: Any, scopes: Any, args: Any, kwargs: Any) -> Any:
        whole, held = equinox.combine(given, static)

        def of_one(*inputs: Any) -> Any:
            return whole(*inputs, **flags) if held is None else whole(*inputs, held, **flags)[0]

        positional = [*args, *(each for name, each in kwargs.items() if name not in flags)]
        with calls_noted(scopes, _modules_in(whole)):
            return jax.vmap(of_one, axis_name="batch")(*positional)

    leaves = [
        Leaf(path_of(path[1:]), struct, path[0].idx == 0 and is_float(struct))
        for path, struct in jax.tree_util.tree_flatten_with_path(structs)[0]
    ]
    return Program(run, structs, leaves, flags=flags)


def _modules_in(module: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The modules within a module, by their paths."""
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
