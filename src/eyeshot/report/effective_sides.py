"""What units of several networks use, side by side: one table, one document, and who uses how much more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from eyeshot.analyse.axes import axis_names
from eyeshot.errors import UsageError
from eyeshot.report.effective import EffectiveField
from eyeshot.report.sides import LONGEST_LABEL, letter
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import percent, relative, times

SCHEMA = "eyeshot.effective-sides/1"


def called(results: Sequence[EffectiveField]) -> list[str]:
    """What results are called: by their networks, or by letters where a name is long or occurs twice."""
    names = [result.network for result in results]
    if max(map(len, names)) <= LONGEST_LABEL and max(Counter(names).values()) == 1:
        return names
    return [letter(i) for i in range(len(names))]


def figure_labels(results: Sequence[EffectiveField]) -> list[str]:
    """What legends call results: their names, led by letters where those are long or alike, with layers that differ."""
    from eyeshot.report.figures.style import shortened

    names = [shortened(result.network, 36) for result in results]
    if len({result.layer for result in results}) > 1:
        names = [f"{name}, {result.layer}" for name, result in zip(names, results, strict=True)]
    if len(results) == 1 or called(results) == [result.network for result in results]:
        return names
    return [f"{letter(i)}: {name}" for i, name in enumerate(names)]


def check_axes(results: Sequence[EffectiveField]) -> None:
    """Complain of fields that cannot stand side by side.

    Raises:
        UsageError: their inputs have not as many axes.
    """
    axes = sorted({result.map.ndim for result in results})
    if len(axes) > 1:
        raise UsageError(f"side by side stand fields of as many axes; these have {' and '.join(map(str, axes))}")


def document(results: Sequence[EffectiveField]) -> dict[str, Any]:
    """The document of one, or that of schema eyeshot.effective-sides/1, with those of several."""
    if len(results) == 1:
        return results[0].to_json()
    return {"schema": SCHEMA, "fields": [result.to_json() for result in results]}


def records(results: Sequence[EffectiveField]) -> list[dict[str, Any]]:
    """The maps as records, each with its network's name where there are several."""
    if len(results) == 1:
        return results[0].to_records()
    names = called(results)
    return [
        {"design": name, "network": result.network, "layer": result.layer, **record}
        for name, result in zip(names, results, strict=True)
        for record in result.to_records()
    ]


def table(results: Sequence[EffectiveField], names: Sequence[str]) -> Table:
    """Boxes, widths and σ of each, with intervals where there are some; the change of widths against the first."""
    check_axes(results)
    columns = [Column(heading="", is_number=False)]
    for i, (name, result) in enumerate(zip(names, results, strict=True)):
        # Intervals leave before changes, those before designs, and the last design before the second.
        columns.append(Column(heading=name, style="strong", priority=max(i - 1, 0)))
        columns.append(Column(heading="95 % interval" if result.intervals else "", priority=200 + i, style="dim"))
        columns.append(Column(heading="change" if i else "", priority=100 + i, style="dim"))
    sides = Table(columns)
    _add(sides, "layer", [result.layer for result in results])
    for share in (50, 95):
        _add(sides, f"{share} % of the use in, px", [times(result.boxes[share].size) for result in results])
    sides.rule()
    for axis, name in enumerate(axis_names(results[0].map.ndim)):
        for label, key, decimals in (("95 % in", "width_95", 1), ("σ", "sigma", 3)):
            _measured(sides, f"{label} along {name}, px", results, key, axis, decimals)
    sides.rule()
    _add(sides, "sees inside the image, px", [times(result.frame.field) for result in results])
    _add(sides, "95 % of the use in so much of it", [percent(each.share_of(each.boxes[95])) for each in results])
    return sides


def _add(sides: Table, label: str, values: Sequence[str]) -> None:
    sides.add(label, *(cell for value in values for cell in (value, "", "")))


def _measured(sides: Table, label: str, results: Sequence[EffectiveField], key: str, axis: int, decimals: int) -> None:
    values = [result.measures[key][axis] for result in results]
    cells = [label]
    for result, value in zip(results, values, strict=True):
        ends = None if result.intervals is None else result.intervals.ends.get(key)
        interval = "" if ends is None else " … ".join(f"{end:.{decimals}f}" for end in ends[axis])
        cells += [f"{value:.{decimals}f}", interval, "" if result is results[0] else relative(value, values[0])]
    sides.add(*cells)


def sentences(results: Sequence[EffectiveField], names: Sequence[str]) -> Iterator[str]:
    """How much wider or narrower than the first each other's use is, and whether that could be chance."""
    first = results[0]
    for result, name in zip(results[1:], names[1:], strict=True):
        change = _wide(result) / _wide(first)
        words = "as wide as" if abs(change - 1) < 0.0005 else f"{change:.3g} times as wide as"
        yield f"What {name} uses is {words} what {names[0]} uses (σ over all axes){_apart(first, result)}."


def _wide(result: EffectiveField) -> float:
    sigma = [max(float(value), 1e-12) for value in result.measures["sigma"]]
    return float(prod(sigma) ** (1 / len(sigma)))


def _apart(first: EffectiveField, other: EffectiveField) -> str:
    if first.intervals is None or other.intervals is None:
        return ""
    pairs = list(zip(first.intervals.ends["sigma"], other.intervals.ends["sigma"], strict=True))
    is_apart = any(a[1] < b[0] or b[1] < a[0] for a, b in pairs)
    return "; the 95 % intervals of σ " + ("are apart" if is_apart else "overlap")
