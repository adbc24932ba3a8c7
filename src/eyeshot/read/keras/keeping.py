"""A model is left as it was: what hangs on its layers is written down before they are called, and put back after."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_KINDS: tuple[type, ...] = (OrderedDict, dict, list, set)
"""Containers that a call may change; Keras' own are subclasses, whose methods would track what is put back."""


@contextmanager
def kept(model: Any, is_followed: Callable[[Any], bool]) -> Iterator[None]:
    """Attributes of a model and of the objects in it that are followed, and containers among them, put back at the end.

    So building is undone, and nodes of Keras' graph, and what a layer's code writes to itself; numbers of variables are
    not touched here.
    """
    attributes: list[tuple[dict[str, Any], dict[str, Any]]] = []
    containers: list[tuple[type, Any, Any]] = []
    seen: set[int] = set()
    waiting: list[Any] = [model]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        kind = next((kind for kind in _KINDS if isinstance(each, kind)), None)
        if kind is not None:
            seen.add(id(each))
            containers.append((kind, each, kind(each)))
            waiting += each.values() if isinstance(each, dict) else each
        elif isinstance(each, tuple):
            seen.add(id(each))
            waiting += each
        elif is_followed(each):
            seen.add(id(each))
            here = vars(each)
            attributes.append((here, dict(here)))
            waiting += here.values()
    try:
        yield
    finally:
        for here, before in attributes:
            if not _is_same(here, before):
                here.clear()
                here.update(before)
        for kind, container, before in containers:
            if not _is_same(container, before):
                kind.clear(container)  # type: ignore[attr-defined]
                (list.extend if kind is list else kind.update)(container, before)  # type: ignore[attr-defined]


def _is_same(now: Any, before: Any) -> bool:
    if len(now) != len(before):
        return False
    if isinstance(now, dict):
        return all(a == b and now[a] is before[b] for a, b in zip(now, before, strict=True))
    return all(a is b for a, b in zip(now, before, strict=True))
