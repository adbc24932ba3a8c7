"""What training found: each design's scores over seeds, their mean and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eyeshot.report.figures.style import MARKERS, Panel, colour, points
from eyeshot.report.wording import listed, middle_out
from eyeshot.studies.scores import ArmScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST_LABEL, _LONGEST_PART = 64, 18


def evidence(results: Sequence[ArmScores]) -> Panel:
    """Scores per arm: seeds as points, the mean with its interval beside them."""
    return Panel(
        size=(max(4.5, 1.4 * len(results) + 1), 4.6),
        records=_records(results),
        draw=lambda axes: _draw(axes, results),
        caption=_caption(results),
    )


def _caption(results: Sequence[ArmScores]) -> list[str]:
    scores = [
        f"{result.label} {result.mean:.2f} %" + ("" if result.half_width is None else f" ± {result.half_width:.2f}")
        for result in results
    ]
    return [
        f"Test accuracy: {listed(scores)}; points are seeds, bars the mean and its 95 % interval over"
        f" {max(len(result.scores) for result in results)} seeds, lines join scores of one seed."
    ]


def _draw(axes: Axes, results: Sequence[ArmScores]) -> None:
    for i, result in enumerate(results):
        axes.plot(
            [i - 0.12] * len(result.scores),
            list(result.scores.values()),
            linestyle="",
            marker=MARKERS[i % len(MARKERS)],
            color=colour(i),
            alpha=0.55,
        )
        axes.errorbar(
            [i + 0.08], [result.mean], yerr=None if result.half_width is None else [result.half_width],
            color=colour(i), marker="_", markersize=16, capsize=5, linewidth=1.6,
        )  # fmt: skip
        axes.annotate(
            f"{result.mean:.2f} %", (i + 0.08, result.mean), (12, -3), textcoords="offset points", color=colour(i)
        )
    # Straight lines between the same seed's scores show what pairing gains.
    for (i, a), (j, b) in pairwise(enumerate(results)):
        for seed in sorted(a.scores.keys() & b.scores.keys()):
            axes.plot([i - 0.12, j - 0.12], [a.scores[seed], b.scores[seed]], color="0.8", linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(results)), [_broken(result.label) for result in results])
    axes.set_xlim(-0.5, len(results) - 0.35)
    axes.margins(y=0.15)
    axes.set_ylabel("test accuracy, %")
    seeds = max(len(result.scores) for result in results)
    axes.set_title("What it scores")
    axes.set_xlabel(
        f"points: {seeds} seed{'s' * (seeds > 1)}; bar: mean and its 95 % interval", fontsize=points(9), color="0.35"
    )


def _broken(label: str) -> str:
    """A label in lines of some 14 characters, parted at dashes and blanks, longer parts anywhere."""
    lines = [""]
    for word in middle_out(label, _LONGEST_LABEL).replace("-", "-\n").replace(" ", " \n").split("\n"):
        for part in (word[i : i + _LONGEST_PART] for i in range(0, len(word), _LONGEST_PART)):
            if len(lines[-1]) + len(part) > 14 and lines[-1]:
                lines.append("")
            lines[-1] += part
    return "\n".join(lines).replace("$", r"\$")


def _records(results: Sequence[ArmScores]) -> list[dict[str, Any]]:
    records = []
    for result in results:
        for seed, score in result.scores.items():
            records.append(_record(result.label, f"seed {seed}", score, None))
        records.append(_record(result.label, "mean", result.mean, result.half_width))
    return records


def _record(label: str, at: str, value: float, half_width: float | None) -> dict[str, Any]:
    low, high = (None, None) if half_width is None else (value - half_width, value + half_width)
    return {"panel": "evidence", "design": label, "of": at, "score": value, "low": low, "high": high}
