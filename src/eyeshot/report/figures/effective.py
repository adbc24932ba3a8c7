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
from eyeshot.report.figures.style import HEAT, Panel, line_style, shortened
from eyeshot.report.wording import times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BOXES = {50: ("black", "solid"), 95: ("white", "dashed")}
"""Colour and line of the box that holds so many percent."""


def map_panel(result: EffectiveField, label: str | None = None) -> Panel:
    """The map as heat, each pixel's share against the largest; outside the field shaded; boxes that hold 50 and 95 %.

    Raises:
        UsageError: the map has not two axes.
    """
    if result.map.ndim != 2:
        raise UsageError(f"{result.layer} of {result.network}: a map needs two axes, this has {result.map.ndim}")
    records = [
        {"panel": "map", "label": label or result.layer, "y": y, "x": x, "share": float(value)}
        for (y, x), value in _placed(result)
    ]
    return Panel(size=(5.4, 5.0), records=records, draw=lambda axes: _draw_map(axes, result, label))


def _placed(result: EffectiveField) -> list[tuple[tuple[int, int], float]]:
    top, left = result.start
    return [((top + i, left + j), float(v)) for (i, j), v in np.ndenumerate(result.map)]


def _draw_map(axes: Axes, result: EffectiveField, label: str | None) -> None:
    values = np.abs(result.map)
    (top, left), (height, width) = result.start, values.shape
    extent = (left - 0.5, left + width - 0.5, top + height - 0.5, top - 0.5)
    axes.set_facecolor("0.82")
    image = axes.imshow(np.sqrt(values / values.max()), cmap=HEAT, extent=extent, vmin=0, vmax=1, interpolation="none")
    for share, (colour, line) in _BOXES.items():
        _outlined(axes, result.boxes[share].ranges, edgecolor=colour, linewidth=1.2, linestyle=line)
    centre = result.frame.centre
    size = result.field_size if result.origin.unit is not None else result.frame.field
    sides = [(c - n / 2, c + n / 2) for c, n in zip(centre, size, strict=True)]
    seen = [(low + 0.5, high - 0.5) for low, high in sides]
    _outlined(axes, seen, edgecolor="#D55E00", linewidth=1.4)
    if result.origin.unit is not None:
        axes.set_xlim(-0.5, result.frame.extent[1] - 0.5)
        axes.set_ylim(result.frame.extent[0] - 0.5, -0.5)
    else:
        margin = 0.04 * max(size)
        axes.set_xlim(sides[1][0] - margin, sides[1][1] + margin)
        axes.set_ylim(sides[0][1] + margin, sides[0][0] - margin)
    axes.set_title(label or f"{result.layer} of {result.network}")
    axes.set_xlabel(_caption(result), fontsize=8.5, color="0.3")
    for side in axes.spines.values():
        side.set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["0", "¼", "1"])
    bar.set_label("share of the mass, against the largest", fontsize=8.5)


def _outlined(axes: Axes, ranges: Sequence[tuple[float, float]], **style: Any) -> None:
    """A box around whole pixels, from the first to the last of rows and columns."""
    from matplotlib.patches import Rectangle

    (top, bottom), (left, right) = ranges
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), right - left + 1, bottom - top + 1, fill=False, **style))


def _caption(result: EffectiveField) -> str:
    half, most = (times(result.boxes[share].size) for share in _BOXES)
    where = "px from the field's centre" if result.origin.unit is None else f"px of {times(result.frame.extent)}"
    return (
        f"{where}; {result.origin.source}: half in {half} (solid), 95 % in {most} (dashed)\n"
        f"orange: what it sees, {times(result.field_size)}"
    )


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
    return Panel(size=(5.4, 3.4), records=records, draw=lambda axes: _draw_profiles(axes, results, labels, axis, name))


def _profile(result: EffectiveField, axis: int) -> tuple[Any, Any]:
    profile = result.profile(axis)
    return result.start[axis] + np.arange(len(profile)) - result.frame.centre[axis], profile


def _draw_profiles(axes: Axes, results: Sequence[EffectiveField], labels: Sequence[str], axis: int, title: str) -> None:
    reach = max(result.field_size[axis] for result in results) / 2
    axes.axvspan(-reach, reach, color="0.93", zorder=0)
    for i, label in enumerate(dict.fromkeys(labels)):
        alike = [result for result, its_label in zip(results, labels, strict=True) if its_label == label]
        style = line_style(i) | {"marker": "", "linewidth": 1.6 if len(alike) == 1 else 0.9}
        for j, result in enumerate(alike):
            axes.plot(*_profile(result, axis), **style, label=None if j else label)
    axes.annotate(
        f"what it sees, {round(2 * reach)} px", (0, 1), (0, -4), xycoords="axes fraction", textcoords="offset points",
        va="top", fontsize=8.5, color="0.35",
    )  # fmt: skip
    # Room above for the legend.
    axes.set_ylim(0, 1.35 * max(float(result.profile(axis).max()) for result in results))
    axes.set_ylabel("share of the mass")
    axes.set_xlabel(f"{axis_names(results[0].map.ndim)[axis]}, px from the field's centre", fontsize=9)
    axes.set_title(title)
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def ratio_panel(curves: Sequence[Sequence[EffectiveField]], labels: Sequence[str]) -> Panel:
    """For each network the 95 % width as a share of the field's side, layer by layer."""
    records = [
        {"panel": "ratio", "label": label, "at": result.layer, "value": value, "low": low, "high": high}
        for curve, label in zip(curves, labels, strict=True)
        for result in curve
        for value, low, high in [_ratio(result)]
    ]
    return Panel(size=(7.2, 4.2), records=records, draw=lambda axes: _draw_ratio(axes, curves, labels))


def _ratio(result: EffectiveField) -> tuple[float, float | None, float | None]:
    """The share along the axis on which it is largest, with its interval."""
    shares = [w / n for w, n in zip(result.widths[95], result.frame.field, strict=True)]
    axis = int(np.argmax(shares))
    if result.intervals is None:
        return shares[axis], None, None
    low, high = (end / result.frame.field[axis] for end in result.intervals.ends["width_95"][axis])
    return shares[axis], low, high


def _draw_ratio(axes: Axes, curves: Sequence[Sequence[EffectiveField]], labels: Sequence[str]) -> None:
    for i, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        ratios = [_ratio(result) for result in curve]
        style, xs = line_style(i), range(len(curve))
        axes.plot(xs, [100 * value for value, _, _ in ratios], **style, markersize=5, label=label)
        ends = [(100 * low, 100 * high) for _, low, high in ratios if low is not None and high is not None]
        if len(ends) == len(ratios):
            lows, highs = zip(*ends, strict=True)
            axes.fill_between(xs, lows, highs, color=style["color"], alpha=0.15, linewidth=0)
    longest = max(curves, key=len)
    step = -(-len(longest) // 16)
    names = [shortened(result.layer) for result in longest[::step]]
    axes.set_xticks(range(0, len(longest), step), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_ylim(0, 105)
    axes.set_ylabel("95 % of the use, of the field's side, %")
    axes.set_title("How much of what it sees each layer uses")
    axes.legend(frameon=False)
