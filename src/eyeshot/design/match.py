"""One design made as costly as another: its widths scaled until weights, operations or activations agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from eyeshot.analyse.cost import totals
from eyeshot.design.fitting import TOLERANCE, fitted, off
from eyeshot.design.lower import lower, widths_of
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Branches, Conv, Design, Full, Group, Item
from eyeshot.errors import ShapeError, UsageError

QUANTITIES = ("params", "macs", "activations")
Widths = Mapping[int, int]
"""Widths by the position of their layer in the design's text."""
UNMATCHED = "--match none"
"""How one types that costs need not agree."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """A design with scaled widths: what it costs now, and how that came about."""

    design: Design
    cost: int
    how: str


def match(
    design: Design,
    input_shape: tuple[int, ...],
    classes: int,
    *,
    quantity: str,
    target: int,
    name: str = "",
    multiple: int = 1,
    unmatched: str = UNMATCHED,
) -> Match:
    """Scale a design's widths until ``quantity`` (params, macs or activations) is within 1 % of ``target``.

    All widths take one factor and are rounded to a ``multiple`` of channels; the last layer with weights keeps its
    width, the number of classes. Where rounding alone stays too coarse, single widths move by a few of its steps.
    ``unmatched`` is what is advised where no widths will do.

    Raises:
        UsageError: if no widths come within 1 %.

    Example:
        >>> found = match(parse("C3-16 P2 F10"), (1, 28, 28), 10, quantity="macs", target=200_000)
        >>> str(found.design), found.cost
        ('C3-22 P2 F10', 198352)
    """
    if quantity not in QUANTITIES:
        raise UsageError(f"designs are matched by {listed_or(QUANTITIES)}, not {quantity}")
    if multiple < 1:
        raise UsageError(f"widths are multiples of 1 or more, not of {multiple}")
    design = with_all_widths(design, input_shape, classes)
    fixed = _last_weighted(design.items)
    widths = {p: w for p, w in _widths(design.items) if p != fixed}
    if not widths:
        raise UsageError(f"{name or design}: it has no widths to scale but the last; say {unmatched}")
    price = partial(_price, design, input_shape, classes, quantity)
    chosen, factor = fitted(price, widths, target, multiple)
    cost = price(chosen)
    if cost is None or off(cost, target) > TOLERANCE:
        nearest = (
            "" if cost is None else f": {_steps(multiple)} more or less steps over it, and the nearest has {cost:,}"
        )
        raise UsageError(
            f"{name or design}: no widths give {target:,} {quantity} within {TOLERANCE:.0%}{nearest}."
            f" Match by another quantity, or not at all ({unmatched})"
        )
    changed = replace_widths(design, chosen)
    changes = dict.fromkeys(f"{old}→{chosen[p]}" for p, old in widths.items() if old != chosen[p])
    scaled = f"widths × {factor:.3f} ({', '.join(changes)})" if changes else "widths as they are"
    return Match(design=changed, cost=cost, how=f"{scaled}: {cost_words(cost, quantity, target)}")


def cost_words(cost: int, quantity: str, target: int) -> str:
    """What a matched network costs, and by how much it misses."""
    gap = f"{100 * (cost / target - 1):+.2f} %".replace("-", "−")
    return f"{cost:,} {quantity}, {gap} of the first's"


def replace_widths(design: Design, widths: Widths) -> Design:
    """The design with other widths at some positions."""
    items = tuple(_replaced(item, widths) for item in design.items)
    return parse(str(Design(items, "")))


def with_all_widths(design: Design, input_shape: tuple[int, ...], classes: int) -> Design:
    """The design with the widths written out that it leaves to the defaults."""
    choices = widths_of(design, input_shape, classes)
    for position, widths in choices.items():
        if len(widths) > 1:
            raise UsageError(
                f"{design}: the layer at character {position + 1} repeats with different widths"
                f" ({', '.join(map(str, sorted(widths)))}); write them out to match designs"
            )
    return replace_widths(design, {position: min(widths) for position, widths in choices.items()})


def _widths(items: tuple[Item, ...]) -> Iterator[tuple[int, int]]:
    for item in items:
        if isinstance(item, Conv | Full) and item.width is not None and not _is_depthwise(item):
            yield item.position, item.width
        elif isinstance(item, Group):
            yield from _widths(item.items)
        elif isinstance(item, Branches):
            for branch in item.branches:
                yield from _widths(branch)


def _is_depthwise(item: Item) -> bool:
    return isinstance(item, Conv) and item.groups == 0


def _last_weighted(items: tuple[Item, ...]) -> int | None:
    positions = [position for position, _ in _widths(items)]
    return positions[-1] if positions else None


def _replaced(item: Item, widths: Widths) -> Item:
    if isinstance(item, Conv | Full):
        return replace(item, width=widths.get(item.position, item.width)) if not _is_depthwise(item) else item
    if isinstance(item, Group):
        return replace(item, items=tuple(_replaced(inner, widths) for inner in item.items))
    if isinstance(item, Branches):
        branches = tuple(tuple(_replaced(inner, widths) for inner in branch) for branch in item.branches)
        return replace(item, branches=branches)
    return item


def _price(design: Design, input_shape: tuple[int, ...], classes: int, quantity: str, widths: Widths) -> int | None:
    """What the design costs with other widths; None where they do not fit together."""
    try:
        changed = replace_widths(design, widths)
        network = lower(changed, input_shape, name="", source="match", classes=classes)
    except ShapeError:
        return None
    return int(getattr(totals(network), quantity))


def _steps(multiple: int) -> str:
    return "one channel" if multiple == 1 else f"{multiple} channels"


def listed_or(words: Sequence[str]) -> str:
    """Words from which one is to be chosen."""
    return f"{', '.join(words[:-1])} or {words[-1]}"
