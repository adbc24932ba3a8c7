"""Which module a program's equations belong to: while it is traced, each call of a module is a scope with a number.

JAX notes in every equation the scopes around it. Flax's Linen makes scopes of its own and lets others watch; modules of
NNX and Equinox do not, so their classes' calls are wrapped for as long as the tracing lasts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax

from eyeshot.read.steps import CallSite

Modules = Iterable[tuple[str, Any]]
"""Modules by their paths."""
_MARK = re.compile(r"@(\d+)")
_NAME = re.compile(r"[A-Za-z_][\w\-]*")
_TRANSFORMED = re.compile(r"(?:vmap|jvp|transpose|jit|rematted_computation|checkpoint)\((.*)\)")


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module: its place, and the class of the module."""

    site: CallSite
    kind: str


class Scopes:
    """The calls of modules that a tracing met, in order; a model without modules is known by its user's own scopes."""

    def __init__(self, *, has_modules: bool = False) -> None:
        self.has_modules = has_modules
        self.calls: list[ModuleCall] = []
        self.named: dict[CallSite, str] = {}
        self._inside: list[object] = []
        self._last = CallSite()

    @contextmanager
    def within(self, path: str, module: Any, *, is_leaf: bool) -> Iterator[None]:
        """A call of a module; one of its class's base, made by itself, is the same call."""
        if self._inside and self._inside[-1] is module:
            yield
            return
        site = CallSite(path, is_leaf)
        self.named[site] = _class_of(module)
        self.calls.append(ModuleCall(site, self.named[site]))
        self._inside.append(module)
        try:
            with jax.named_scope(f"@{len(self.calls) - 1}"):
                yield
        finally:
            self._inside.pop()

    def site(self, stack: str) -> CallSite:
        """The place of an equation, by the scopes around it: a module's call, or the user's own names."""
        marks = [int(number) for number in _MARK.findall(stack)]
        if marks and marks[-1] < len(self.calls):
            return self.calls[marks[-1]].site
        parts = [] if self.has_modules else map(_plain, stack.split("/"))
        path = ".".join(part for part in parts if _NAME.fullmatch(part))
        if path != self._last.path:
            self._last = CallSite(path, is_leaf=bool(path))
        return self._last


def _plain(part: str) -> str:
    """A scope's name without the transformations of JAX around it."""
    while (match := _TRANSFORMED.fullmatch(part)) is not None:
        part = match[1]
    return part


def _class_of(module: Any) -> str:
    """The class of a library's module; nothing of the user's own, whatever it is called."""
    kind = type(module)
    return kind.__name__ if kind.__module__.partition(".")[0] in ("flax", "equinox") else ""


@contextmanager
def calls_noted(scopes: Scopes, modules: Modules) -> Iterator[None]:
    """While this lasts a call of each module is a scope."""
    paths = {id(module): (path, module) for path, module in modules if path and _call_of(type(module)) is not None}
    inner = {path.rpartition(".")[0] for path, _ in paths.values()}
    originals: list[tuple[type, Any]] = []
    try:
        for kind in {type(module) for _, module in paths.values()}:
            call = _call_of(kind)
            originals.append((kind, vars(kind).get("__call__")))
            setattr(kind, "__call__", _wrapped(call, kind, scopes, paths, inner))  # noqa: B010 - no method of type's own
        yield
    finally:
        for kind, original in originals:
            if original is None:
                delattr(kind, "__call__")
            else:
                setattr(kind, "__call__", original)  # noqa: B010 - as above


def _call_of(kind: type) -> Any:
    """What runs when a module is called; None of a class whose objects are not (classes themselves always are)."""
    return next((vars(each)["__call__"] for each in kind.__mro__ if "__call__" in vars(each)), None)


def _wrapped(
    call: Any, kind: type, scopes: Scopes, paths: dict[int, tuple[str, Any]], inner: set[str]
) -> Callable[..., Any]:
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - it stands in for one
        path, module = paths.get(id(self), ("", None))
        if module is not self:
            return call.__get__(self, kind)(*args, **kwargs)
        with scopes.within(path, self, is_leaf=path not in inner):
            return call.__get__(self, kind)(*args, **kwargs)

    return __call__


def watched_by_linen(scopes: Scopes) -> Callable[..., Any]:
    """What Linen is to run around each method of a module."""

    def around(method: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
        path = ".".join(context.module.path)
        if context.method_name != "__call__" or not path:
            return method(*args, **kwargs)
        has_inner = bool(getattr(context.module, "_state", None) and context.module._state.children)
        with scopes.within(path, context.module, is_leaf=not has_inner):
            return method(*args, **kwargs)

    return around
