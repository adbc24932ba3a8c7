"""One design made as costly as another: its widths scaled until weights, operations or activations agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from eyeshot.analyse.cost import totals
from eyeshot.design.lower import lower, widths_of
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Branches, Conv, Design, Full, Group, Item
from eyeshot.errors import ShapeError, UsageError

TOLERANCE = 0.01
QUANTITIES = ("params", "macs", "activations")
Widths = Mapping[int, int]
"""Widths by the position of their layer in the design's text."""


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
) -> Match:
    """Scale a design's widths until ``quantity`` (params, macs or activations) is within 1 % of ``target``.

    All widths take one factor and are rounded to a ``multiple`` of channels; the last layer with weights keeps its
    width, the number of classes. Where rounding alone stays too coarse, single widths move by a few of its steps.

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
        raise UsageError(f"{name or design}: it has no widths to scale but the last; match by --match none")
    price = partial(_price, design, input_shape, classes, quantity)
    factor = _factor(price, widths, target, multiple)
    chosen = _refined(price, _scaled(widths, factor, multiple), target, multiple)
    cost = price(chosen)
    if cost is None or abs(cost / target - 1) > TOLERANCE:
        nearest = (
            "" if cost is None else f": {_steps(multiple)} more or less steps over it, and the nearest has {cost:,}"
        )
        raise UsageError(
            f"{name or design}: no widths give {target:,} {quantity} within {TOLERANCE:.0%}{nearest}."
            " Match by another quantity, or not at all (--match none)"
        )
    changed = replace_widths(design, chosen)
    changes = dict.fromkeys(f"{old}→{chosen[p]}" for p, old in widths.items() if old != chosen[p])
    gap = f"{100 * (cost / target - 1):+.2f} %".replace("-", "−")
    scaled = f"widths × {factor:.3f} ({', '.join(changes)})" if changes else "widths as they are"
    how = f"{scaled}: {cost:,} {quantity}, {gap} of the first's"
    return Match(design=changed, cost=cost, how=how)


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


def _scaled(widths: Widths, factor: float, multiple: int) -> dict[int, int]:
    return {p: max(1, round(w * factor / multiple)) * multiple for p, w in widths.items()}


def _factor(price: partial[int | None], widths: Widths, target: int, multiple: int) -> float:
    """The factor, by bisection, at which the cost passes the target."""
    low, high = 1e-3, 1e3
    for _ in range(40):
        middle = (low * high) ** 0.5
        cost = price(_scaled(widths, middle, multiple))
        if cost is None or cost >= target:
            high = middle
        else:
            low = middle
    return high


def _refined(price: partial[int | None], widths: dict[int, int], target: int, multiple: int) -> dict[int, int]:
    """Widths moved by single channels, those of one width together first, while that comes nearer."""

    def distance(candidate: Widths) -> float:
        cost = price(candidate)
        return float("inf") if cost is None else abs(cost / target - 1)

    best, gap = widths, distance(widths)
    for _ in range(12):
        if gap <= TOLERANCE / 4:
            break
        together = [{p for p, w in best.items() if w == width} for width in set(best.values())]
        candidates = [
            {p: max(multiple, w + step) if p in moved else w for p, w in best.items()}
            for moved in (*together, *({p} for p in best))
            for step in (multiple, -multiple)
        ]
        nearest = min(candidates, key=distance)
        if distance(nearest) >= gap:
            break
        best, gap = nearest, distance(nearest)
    return best
