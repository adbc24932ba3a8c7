"""What training found: each design's scores over seeds, their mean, and a bar for other seeds.

A thin bar beyond it is for other images too, where it is known which were right.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eyeshot.report.figures.style import MARKERS, Panel, colour, points
from eyeshot.report.wording import listed, middle_out
from eyeshot.studies.scores import ArmScores, Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST_LABEL, _LONGEST_PART = 64, 18


def evidence(results: Sequence[ArmScores]) -> Panel:
    """Scores per arm: seeds as points, the mean with its intervals beside them."""
    return Panel(
        size=(max(4.5, 1.4 * len(results) + 1), 4.6),
        records=_records(results),
        draw=lambda axes: _draw(axes, results),
        caption=_caption(results),
    )


def _caption(results: Sequence[ArmScores]) -> list[str]:
    scores = [
        f"{result.label} {result.told(result.mean)}"
        + ("" if result.seeds is None else f" ± {result.seeds.half_width:.2f}")
        for result in results
    ]
    thin = ", thin ones those over other images too" if _has_images(results) else ""
    return [
        f"{results[0].scored.capitalize()}: {listed(scores)}; points are seeds, bars the mean and its 95 % interval"
        f" over {max(len(result.scores) for result in results)} seeds{thin}, lines join scores of one seed."
    ]


def _has_images(results: Sequence[ArmScores]) -> bool:
    return any(result.seeds_and_images for result in results)


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
        for interval, width in ((result.seeds_and_images, 1.0), (result.seeds, 3.2)):
            if interval is not None:
                axes.plot([i + 0.08] * 2, [interval.low, interval.high], color=colour(i), linewidth=width)
        axes.plot([i + 0.08], [result.mean], color=colour(i), marker="_", markersize=16, linestyle="")
        axes.annotate(
            result.told(result.mean), (i + 0.08, result.mean), (12, -3), textcoords="offset points", color=colour(i)
        )
    # Straight lines between the same seed's scores show what pairing gains.
    for (i, a), (j, b) in pairwise(enumerate(results)):
        for seed in sorted(a.scores.keys() & b.scores.keys()):
            axes.plot([i - 0.12, j - 0.12], [a.scores[seed], b.scores[seed]], color="0.8", linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(results)), [_broken(result.label) for result in results])
    axes.set_xlim(-0.5, len(results) - 0.35)
    axes.margins(y=0.15)
    axes.set_ylabel(", ".join(filter(None, (results[0].scored, results[0].unit))))
    seeds = max(len(result.scores) for result in results)
    axes.set_title("What it scores")
    bars = (
        "thick: other seeds, thin: other images too" if _has_images(results) else "bar: mean and its 95 % interval over"
    )
    axes.set_xlabel(f"points: {seeds} seed{'s' * (seeds > 1)}; {bars}", fontsize=points(9), color="0.35")


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
        records.append(_record(result.label, "mean", result.mean, result.seeds))
        if result.seeds_and_images is not None:
            records.append(_record(result.label, "mean, other images", result.mean, result.seeds_and_images))
    return records


def _record(label: str, at: str, value: float, interval: Interval | None) -> dict[str, Any]:
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"panel": "evidence", "design": label, "of": at, "score": value, "low": low, "high": high}
