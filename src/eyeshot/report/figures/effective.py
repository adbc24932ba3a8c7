"""Figures of effective fields: the map on its field, profiles along an axis, and shares of the field by depth.

Heat is cividis, even in lightness, so that grey shows the same; lines differ in dashes as well as in colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeshot.analyse.axes import axis_names
from eyeshot.errors import UsageError
from eyeshot.report.effective import EffectiveField
from eyeshot.report.effective_text import sentence, source
from eyeshot.report.figures.depth import depth, draw_depth
from eyeshot.report.figures.style import HEAT, Drawing, Panel, line_style, points, shortened, whole_steps, width_of
from eyeshot.report.wording import beginning, percent, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BOXES = {50: ("black", "solid"), 95: ("white", "dashed")}
"""Colour and line of the box that holds so many percent."""
_SEEN = "#D55E00"
_LETTERS_AN_INCH = 11
"""Of the words below a map, so that they are no wider than it."""
_COLOURS = (
    "Colour: the share of each pixel against the largest, by its square root; solid and dashed: the boxes that hold"
    " half and 95 %; orange: what is seen inside the image; grey: nothing."
)


def maps_beside(results: Sequence[EffectiveField], labels: Sequence[str | None]) -> Drawing:
    """Maps in a row, on one scale: a colour is the same share, a length the same number of pixels."""
    peak = max(float(np.abs(result.map).max()) for result in results) if len(results) > 1 else None
    span = [max(ends) for ends in zip(*(_span(result) for result in results), strict=True)]
    panels = [
        map_panel(result, label, peak=peak, span=None if len(results) == 1 else (span[0], span[1]))
        for result, label in zip(results, labels, strict=True)
    ]
    return Drawing(rows=[panels], size=None if len(panels) == 1 else (5.4 * len(panels), 5.6))


def _span(result: EffectiveField) -> tuple[float, ...]:
    """Pixels that a map shows along each axis."""
    if result.origin.unit is not None:
        return tuple(map(float, result.frame.extent))
    margin = 0.04 * max(result.frame.field)
    return tuple(high - low + 2 * margin for low, high in _seen(result))


def map_panel(
    result: EffectiveField,
    label: str | None = None,
    *,
    peak: float | None = None,
    span: tuple[float, float] | None = None,
) -> Panel:
    """The map as heat, each pixel's share against the largest; outside the field shaded; boxes that hold 50 and 95 %.

    Args:
        result: what is drawn.
        label: its title; layer and network unless given.
        peak: the share that is brightest; its own largest unless given.
        span: pixels shown along rows and columns; the image, or the field, unless given.

    Raises:
        UsageError: the map has not two axes.
    """
    if result.map.ndim != 2:
        raise UsageError(f"{result.layer} of {result.network}: a map needs two axes, this has {result.map.ndim}")
    records = [
        {"panel": "map", "label": label or result.layer, "y": y, "x": x, "share": float(value)}
        for (y, x), value in _placed(result)
    ]
    return Panel(
        size=(5.4, 5.0),
        records=records,
        draw=lambda axes: _draw_map(axes, result, label, peak, span),
        caption=[_said(result), _COLOURS if peak is None else _COLOURS.replace("largest", "largest of all")],
    )


def _placed(result: EffectiveField) -> list[tuple[tuple[int, int], float]]:
    top, left = result.start
    return [((top + i, left + j), float(v)) for (i, j), v in np.ndenumerate(result.map)]


def _said(result: EffectiveField) -> str:
    return f"{''.join(text for text, _ in sentence(result))} {beginning(source(result))}."


def _seen(result: EffectiveField) -> list[tuple[float, float]]:
    """The ends of what the unit sees inside the image per axis, at the outer edges of its pixels; of all, aligned."""
    is_one = result.origin.unit is not None
    size = result.field_size if is_one else result.frame.field
    ends = [(c - n / 2, c + n / 2) for c, n in zip(result.frame.centre, size, strict=True)]
    if not is_one:
        return ends
    return [
        (max(low, -0.5), min(high, extent - 0.5)) for (low, high), extent in zip(ends, result.frame.extent, strict=True)
    ]


def _draw_map(
    axes: Axes, result: EffectiveField, label: str | None, peak: float | None, span: tuple[float, float] | None
) -> None:
    values = np.abs(result.map)
    (top, left), (height, width) = result.start, values.shape
    extent = (left - 0.5, left + width - 0.5, top + height - 0.5, top - 0.5)
    axes.set_facecolor("0.82")
    # What holds nothing is as grey as what lies outside: the darkest heat would say that it is seen.
    heat = np.ma.masked_equal(np.sqrt(values / (peak or values.max())), 0)
    image = axes.imshow(heat, cmap=HEAT, extent=extent, vmin=0, vmax=1, interpolation="none")
    (low, high), (first, last) = _seen(result)
    _outlined(axes, ((low, high), (first, last)), edgecolor=_SEEN, linewidth=2.4)
    for share, (colour, line) in _BOXES.items():
        ends = [(a - 0.5, b + 0.5) for a, b in result.boxes[share].ranges]
        _outlined(axes, ends, edgecolor=colour, linewidth=1.2, linestyle=line)
    if result.origin.unit is not None:
        axes.set_xlim(-0.5, result.frame.extent[1] - 0.5)
        axes.set_ylim(result.frame.extent[0] - 0.5, -0.5)
    else:
        margin = 0.04 * max(result.frame.field)
        axes.set_xlim(first - margin, last + margin)
        axes.set_ylim(high + margin, low - margin)
    if span is not None:
        _widened(axes, span)
    axes.set_title(label or f"{result.layer} of {shortened(result.network)}")
    is_one = result.origin.unit is not None
    where = f"px of {times(result.frame.extent)}" if is_one else "px from the field's centre"
    axes.set_xlabel(_broken(axes, f"{where}; {_boxes_told(result)}"), fontsize=points(8.5), color="0.3")
    whole_steps(axes.xaxis)
    whole_steps(axes.yaxis)
    for side in axes.spines.values():
        side.set_visible(False)
    beside = axes.inset_axes((1.04, 0.1, 0.05, 0.8))  # as high as the map, whatever room there is
    bar = axes.figure.colorbar(image, cax=beside, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["0", "¼", "1"], fontsize=points(8.5))
    bar.set_label(f"use of a pixel, against the largest{' of all' * (peak is not None)}", fontsize=points(8.5))


def _widened(axes: Axes, span: tuple[float, float]) -> None:
    """Show so many pixels, around what is shown."""
    for length, ends, show in (
        (span[0], axes.get_ylim(), axes.set_ylim),
        (span[1], axes.get_xlim(), axes.set_xlim),
    ):
        middle, half = sum(ends) / 2, length / 2
        show(middle - half, middle + half) if ends[0] < ends[1] else show(middle + half, middle - half)


def _broken(axes: Axes, words: str) -> str:
    """Words in lines that are no wider than the axes."""
    lines = [""]
    for part in words.replace(", 95", "; 95").split("; "):
        if lines[-1] and len(lines[-1]) + len(part) > _LETTERS_AN_INCH * width_of(axes):
            lines.append("")
        lines[-1] += f"{'; ' * bool(lines[-1])}{part}"
    return "\n".join(lines)


def _outlined(axes: Axes, ends: Sequence[tuple[float, float]], **style: Any) -> None:
    """A box between the outer edges of its first and last pixels, of rows and columns."""
    from matplotlib.patches import Rectangle

    (top, bottom), (left, right) = ends
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, clip_on=False, **style))


def _boxes_told(result: EffectiveField) -> str:
    half, most = (times(result.boxes[share].size) for share in _BOXES)
    return f"half in {half} (solid), 95 % in {most} (dashed); orange: sees {_seen_words(result)}; grey: nothing"


def _seen_words(result: EffectiveField, axis: int | None = None) -> str:
    """What it sees inside the image, and of what, where that is more."""
    which = slice(None) if axis is None else slice(axis, axis + 1)
    inside, whole = times(result.frame.field[which]), times(result.field_size[which])
    return f"{whole} px" if inside == whole or result.origin.unit is None else f"{inside} of {whole} px"


def profile_panel(
    results: Sequence[EffectiveField], labels: Sequence[str], *, axis: int = 0, title: str | None = None
) -> Panel:
    """Shares of the mass along one axis, against the theoretical field, around the field's centre.

    Results with one label are drawn alike, such as several seeds of one network.
    """
    first = results[0]
    name_of_axis = axis_names(first.map.ndim)[axis]
    records = [
        {"panel": "profile", "label": label, "axis": name_of_axis, "at": float(x), "share": float(y)}
        for result, label in zip(results, labels, strict=True)
        for x, y in zip(*_profile(result, axis), strict=True)
    ]
    name = title or f"{first.layer} of {first.network}"
    return Panel(
        size=(5.4, 3.6),
        records=records,
        draw=lambda axes: _draw_profiles(axes, results, labels, axis, name),
        caption=[f"Shares of the mass along {name_of_axis}, from the field's centre.", *map(_said, results)],
        legend_below=len(set(labels)) > 1,
    )


def _profile(result: EffectiveField, axis: int) -> tuple[Any, Any]:
    profile = result.profile(axis)
    return result.start[axis] + np.arange(len(profile)) - result.frame.centre[axis], profile


def _draw_profiles(axes: Axes, results: Sequence[EffectiveField], labels: Sequence[str], axis: int, title: str) -> None:
    top = max(float(result.profile(axis).max()) for result in results)
    for i, label in enumerate(dict.fromkeys(labels)):
        alike = [result for result, its_label in zip(results, labels, strict=True) if its_label == label]
        style = line_style(i) | {"marker": "", "linewidth": 1.6 if len(alike) == 1 else 0.9}
        for j, result in enumerate(alike):
            axes.plot(*_profile(result, axis), **style, label=None if j else label)
        _draw_seen(axes, alike[0], axis, height=top * (1.1 + 0.13 * i), colour=style["color"])
    axes.set_ylim(0, top * (1.2 + 0.13 * len(dict.fromkeys(labels))))
    axes.set_ylabel("share of the mass")
    axes.set_xlabel(f"{axis_names(results[0].map.ndim)[axis]}, px from the field's centre", fontsize=points(9))
    whole_steps(axes.xaxis)
    axes.set_title(title)


def _draw_seen(axes: Axes, result: EffectiveField, axis: int, *, height: float, colour: str) -> None:
    """What is seen, as a line of its own above the profiles."""
    low, high = (end - result.frame.centre[axis] for end in _seen(result)[axis])
    axes.plot([low, high], [height, height], color=colour, linewidth=1.2, marker="|", markersize=7)
    axes.annotate(
        f"sees {_seen_words(result, axis)}", ((low + high) / 2, height), (0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=points(8.5), color=colour,
    )  # fmt: skip


def ratio_panel(curves: Sequence[Sequence[EffectiveField]], labels: Sequence[str]) -> Panel:
    """For each network the 95 % width as a share of the field's side, layer by layer."""
    records = [
        {"panel": "ratio", "label": label, "at": result.layer, "value": value, "low": low, "high": high}
        for curve, label in zip(curves, labels, strict=True)
        for result in curve
        for value, low, high in [_ratio(result)]
    ]
    return Panel(
        size=(7.2, 4.2),
        records=records,
        draw=lambda axes: _draw_ratio(axes, curves, labels),
        caption=[
            "The width that holds 95 % of the use, of the side of the field, layer by layer.",
            *map(_on_ends, curves, labels),
        ],
        legend_below=len(labels) > 1,
    )


def _on_ends(curve: Sequence[EffectiveField], label: str) -> str:
    first, last = curve[0], curve[-1]
    ends = f"{percent(_ratio(first)[0])} at {first.layer}, {percent(_ratio(last)[0])} at {last.layer}"
    return f"{label}: {ends} ({last.origin.source})."


def _ratio(result: EffectiveField) -> tuple[float, float | None, float | None]:
    """The share along the axis on which it is largest, with its interval."""
    shares = [w / n for w, n in zip(result.widths[95], result.frame.field, strict=True)]
    axis = int(np.argmax(shares))
    if result.intervals is None:
        return shares[axis], None, None
    low, high = (end / result.frame.field[axis] for end in result.intervals.ends["width_95"][axis])
    return shares[axis], low, high


def _draw_ratio(axes: Axes, curves: Sequence[Sequence[EffectiveField]], labels: Sequence[str]) -> None:
    layers = depth([[result.layer for result in curve] for curve in curves])
    for i, (curve, xs, label) in enumerate(zip(curves, layers.places, labels, strict=True)):
        ratios = [_ratio(result) for result in curve]
        style = line_style(i)
        axes.plot(xs, [100 * value for value, _, _ in ratios], **style, markersize=5, label=label)
        ends = [(100 * low, 100 * high) for _, low, high in ratios if low is not None and high is not None]
        if len(ends) == len(ratios):
            lows, highs = zip(*ends, strict=True)
            axes.fill_between(xs, lows, highs, color=style["color"], alpha=0.15, linewidth=0)
    draw_depth(axes, layers, "layers measured, from the input on")
    axes.set_ylim(0, 105)
    axes.set_ylabel("95 % of the use, of the field's side, %")
    axes.set_title("How much of what it sees each layer uses")
