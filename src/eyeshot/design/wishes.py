"""What to answer where wishes contradict each other: the nearest design, and which wishes it breaks.

One wish is given up at a time, then two together, and so on; of those that leave something, the one that is broken by
the smallest share is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from eyeshot.design.search import Found, Result, Wishes, attainable, search
from eyeshot.design.space import Space
from eyeshot.errors import UsageError

_NEAREST = 8
"""Pairs of field and stride that are tried for costs, the nearest first."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A wish that the nearest design does not meet."""

    wish: str
    asked: str
    nearest: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The designs that meet all wishes, or the nearest one and what it breaks."""

    result: Result
    broken: tuple[Broken, ...] = ()


def answer(space: Space, wishes: Wishes) -> Answer:
    """The designs of a space that meet all wishes; where there are none, the nearest.

    Raises:
        UsageError: no design of the space fits the input.
    """
    result = search(space, wishes)
    if result.designs:
        return Answer(result=result)
    anything = Wishes(field=(1, max(wishes.field[1], 2 * max(space.input_shape[1:]) - 1)))
    pairs = attainable(space, anything)
    names = [name for name in _WISHES if _is_asked(name, wishes)]
    for count in range(1, len(names) + 1):
        nearest = [
            (sum(_gap(name, design, wishes) for name in dropped), design, dropped)
            for dropped in combinations(names, count)
            for design in _without(space, wishes, dropped, pairs)
        ]
        if nearest:
            _, design, dropped = min(nearest, key=lambda each: each[0])
            return Answer(
                result=replace(result, designs=(design,)),
                broken=tuple(_broken(name, design, wishes) for name in dropped),
            )
    low, high = space.layers
    raise UsageError(
        f"no design of {low} to {high} layers fits an input of {'x'.join(map(str, space.input_shape))};"
        " take fewer layers, smaller kernels, or a larger input"
    )


_WISHES = {"field": "field", "stride": "stride", "macs_max": "macs", "params_max": "params"}


def _is_asked(name: str, wishes: Wishes) -> bool:
    return getattr(wishes, name) is not None


def _without(space: Space, wishes: Wishes, dropped: tuple[str, ...], pairs: list[tuple[int, int]]) -> Iterator[Found]:
    """Designs that meet all wishes but some: for those given up the nearest there is."""
    kept = replace(
        wishes,
        macs_max=None if "macs_max" in dropped else wishes.macs_max,
        params_max=None if "params_max" in dropped else wishes.params_max,
    )
    if not {"field", "stride"} & set(dropped):
        yield from search(space, kept).designs
        return
    near = [
        (field, stride)
        for field, stride in pairs
        if ("field" in dropped or wishes.field[0] <= field <= wishes.field[1])
        and ("stride" in dropped or wishes.stride in (None, stride))
    ]
    near.sort(key=lambda pair: _distance(pair[0], wishes.field) + _off(pair[1], wishes.stride))
    for field, stride in near[:_NEAREST]:
        designs = search(space, replace(kept, field=(field, field), stride=stride)).designs
        yield from designs
        if designs:
            return


def _gap(name: str, design: Found, wishes: Wishes) -> float:
    """By which share a design breaks a wish."""
    if name == "field":
        return _distance(design.field, wishes.field)
    if name == "stride":
        return _off(design.stride, wishes.stride)
    return max(0.0, float(getattr(design, _WISHES[name]) / max(getattr(wishes, name), 1)) - 1)


def _distance(field: int, asked: tuple[int, int]) -> float:
    low, high = asked
    return max(0.0, 1 - field / low, field / high - 1)


def _off(stride: int, asked: int | None) -> float:
    return 0.0 if asked is None else max(stride / asked, asked / stride) - 1


def _broken(name: str, design: Found, wishes: Wishes) -> Broken:
    asked = getattr(wishes, name)
    if name == "field":
        low, high = asked
        words = str(low) if low == high else f"{low} to {high}"
    else:
        words = f"{'at most ' * name.endswith('max')}{asked:,}"
    return Broken(wish=_WISHES[name], asked=words, nearest=int(getattr(design, _WISHES[name])))
