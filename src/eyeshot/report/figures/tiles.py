"""Tiles on the image, and what a smaller halo costs and saves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eyeshot.report.figures.style import Panel, halo, line_style
from eyeshot.report.wording import times
from eyeshot.tile.grid import AxisTile
from eyeshot.tile.plan import Step, TilePlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CORE, _HALO = "#0072B2", "#E69F00"
_SMALL = 1e-3
_STRIP = 0.16
"""Height of a stream over its length."""


def error_panel(steps: Sequence[Step], label: str) -> Panel:
    """The error next to a seam against the halo, over the output's spread: predicted, and measured where it was."""
    least = next((step for step in steps if step.predicted <= _SMALL), steps[-1])
    return Panel(
        size=(7.5, 3.2),
        records=[_record("error", label, step) for step in steps],
        draw=lambda axes: _error(axes, steps),
        caption=(
            f"Error of tiles of {label} next to a seam against the halo: root mean square, over the output's standard"
            " deviation.",
            f"The exact halo is {steps[-1].halo} px; below {_SMALL:g} is predicted from {least.halo} px on.",
        ),
    )


def work_panel(steps: Sequence[Step], label: str, tile: Sequence[int]) -> Panel:
    """The work of all tiles against the halo, over the whole image's."""
    return Panel(
        size=(7.5, 3.2),
        records=[_record("work", label, step) for step in steps],
        draw=lambda axes: _work(axes, steps, tile),
        caption=(f"MACs of all tiles of {times(tile)} px over the whole image's.",),
    )


def _error(axes: Axes, steps: Sequence[Step]) -> None:
    lines = [("predicted", [(s.halo, s.predicted) for s in steps])]
    measured = [(s.halo, s.measured) for s in steps if s.measured is not None]
    if measured:
        lines.append(("measured", measured))
    for i, (label, points) in enumerate(lines):
        seen = [(x, y) for x, y in points if y > 0]  # none at the exact halo, which has no place on this axis
        axes.plot([x for x, _ in seen], [y for _, y in seen], label=label, markersize=5, **line_style(i))
    axes.set_yscale("log")
    axes.axvline(steps[-1].halo, color="0.45", linewidth=1)
    axes.annotate(
        f"exact: {steps[-1].halo} px", (steps[-1].halo, 0.95), (-5, 0), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="right", va="top", color="0.35", fontsize=9, path_effects=halo(),
    )  # fmt: skip
    axes.set_ylabel("error, of the output's spread")
    axes.set_title("What a smaller halo leaves of the error")
    axes.legend(frameon=False, loc="lower left")


def _work(axes: Axes, steps: Sequence[Step], tile: Sequence[int]) -> None:
    seen = [(step.halo, step.work) for step in steps if step.work is not None]
    axes.plot([x for x, _ in seen], [y for _, y in seen], markersize=5, **line_style(2))
    axes.axhline(1, color="0.45", linewidth=1)
    axes.set_xlim(axes.get_xlim()[0], steps[-1].halo + axes.get_xlim()[1] - (seen[-1][0] if seen else 0))
    axes.set_xlabel("halo, px on each side")
    axes.set_ylabel("MACs, over the whole image's")
    axes.set_title(f"What it costs, in tiles of {times(tile)}")


def tiles_panel(plan: TilePlan, label: str) -> Panel:
    """The image cut into cores, one tile in the middle with its halo; of volumes the last two axes."""
    rows = plan.rows[-2:] if len(plan.rows) > 1 else ((AxisTile(0, 1, 0, 1),), plan.rows[0])
    extent = plan.network.extent[-2:] if len(plan.rows) > 1 else (1, plan.network.extent[0])
    height, width = extent[0] / extent[1] if len(plan.rows) > 1 else _STRIP, 6.0
    return Panel(
        size=(width + 1.0, min(max(width * height, 1.2), 9.0) + 1.2),
        records=_cores(plan, label),
        draw=lambda axes: _tiles(axes, plan, rows, extent),
        caption=(
            f"{label} on {times(plan.network.extent)} px in {plan.tiles:,} tiles of {times(plan.tile)}: each reads its"
            f" tile and delivers its core, {times(plan.core)} in the middle, at {plan.work:.2f} times the MACs.",
        ),
    )


def _tiles(axes: Axes, plan: TilePlan, rows: Sequence[Sequence[AxisTile]], extent: Sequence[int]) -> None:
    from matplotlib.patches import Rectangle

    down, across = rows
    axes.add_patch(Rectangle((0, 0), extent[1], extent[0], facecolor="0.96", edgecolor="0.35", linewidth=1.2))
    for edge in [tile.first for tile in across[1:]]:
        axes.plot([edge, edge], [0, extent[0]], color="0.6", linewidth=0.8)
    for edge in [tile.first for tile in down[1:]]:
        axes.plot([0, extent[1]], [edge, edge], color="0.6", linewidth=0.8)
    y, x = down[len(down) // 2], across[len(across) // 2]
    axes.add_patch(
        Rectangle((x.start, y.start), x.size, y.size, facecolor=_HALO, alpha=0.45, edgecolor="none", label="halo")
    )
    axes.add_patch(
        Rectangle((x.first, y.first), x.end - x.first, y.end - y.first, facecolor=_CORE, edgecolor="none", label="core")
    )
    axes.add_patch(
        Rectangle((x.start, y.start), x.size, y.size, fill=False, edgecolor=_HALO, linewidth=1.6, linestyle="--")
    )
    axes.set_xlim(0, extent[1])
    axes.set_ylim(extent[0], 0)
    axes.set_aspect("equal" if len(plan.rows) > 1 else "auto")
    axes.tick_params(length=3)
    if len(plan.rows) == 1:
        axes.set_yticks([])
    many = f"{times(plan.grid)} = {plan.tiles:,}" if len(plan.grid) > 1 else f"{plan.tiles:,}"
    axes.set_title(f"{many} tiles of {times(plan.tile)}, {plan.work:.2f} times the work")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.08), ncols=2)


def _record(panel: str, label: str, step: Step) -> dict[str, Any]:
    return {
        "panel": panel,
        "design": label,
        "halo": step.halo,
        "predicted": step.predicted,
        "measured": step.measured,
        "work": step.work,
    }


def _cores(plan: TilePlan, label: str) -> list[dict[str, Any]]:
    """Every axis's tiles: what each reads and delivers."""
    return [
        {"panel": "tiles", "design": label, "axis": a, "start": t.start, "size": t.size, "first": t.first, "end": t.end}
        for a, row in enumerate(plan.rows)
        for t in row
    ]
