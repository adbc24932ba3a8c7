"""Lanes of a graph drawn beside rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyeshot.report.lanes import Lanes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_lanes(axes: Axes, lanes: Lanes, *, right: float, pitch: float, down: bool = False) -> float:
    """Draw lanes to the left of ``right``, lane 0 nearest to it, step i at height i.

    Args:
        axes: where.
        lanes: the lanes.
        right: x of lane 0.
        pitch: distance of lanes.
        down: the first step stands at the top: heights count down.

    Returns: the x of the last lane.
    """
    from matplotlib.collections import LineCollection

    def at(lane: int, step: float) -> tuple[float, float]:
        return right - lane * pitch, -step if down else step

    lines = []
    for edge in lanes.edges:
        source, reader = lanes.of[edge.source], lanes.of[edge.reader]
        lines.append([at(source, edge.source), at(edge.lane, edge.reader - 1 + 0.25), at(reader, edge.reader)])
    axes.add_collection(LineCollection(lines, colors="0.55", linewidths=1.0, zorder=1))
    points = [at(lane, step) for step, lane in enumerate(lanes.of)]
    axes.plot([x for x, _ in points], [y for _, y in points], linestyle="", marker="o", markersize=3, color="0.15")
    return right - (lanes.width - 1) * pitch
