"""What training found: each design's scores, or what was measured of it, over seeds, their mean, a bar for other seeds.

A thin bar beyond it is for other images too, where it is known which were right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eyeshot.report.figures.style import MARKERS, Panel, colour, points
from eyeshot.report.wording import decimals, listed, middle_out, plain
from eyeshot.studies.scores import ArmScores, Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyeshot.studies.measured import Measured, MeasuredArm

_LONGEST_LABEL, _LONGEST_PART = 64, 18


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is drawn of one design: numbers by seed, their mean and its intervals, in the unit that people read."""

    label: str
    values: Mapping[int, float]
    mean: float
    seeds: Interval | None
    seeds_and_images: Interval | None = None
    what: str
    unit: str
    digits: int = 2

    def told(self, value: float) -> str:
        """A number as figure and caption have it."""
        return f"{plain(value, decimals(value, self.digits))} {self.unit}".rstrip()


def evidence(results: Sequence[ArmScores]) -> Panel:
    """Scores per arm: seeds as points, the mean with its intervals beside them."""
    return panel([_scored(each) for each in results], "What it scores")


def measure(measured: Measured) -> Panel:
    """One measure, or one part of it, of each arm that has it, in the same way."""
    columns = [_measured(measured, arm) for arm in measured.arms]
    what = " ".join(filter(None, (measured.name, measured.part)))
    return panel([each for each in columns if each is not None], capitalised(what), measured.measure.says)


def _scored(arm: ArmScores) -> Column:
    return Column(
        label=arm.label,
        values=arm.scores,
        mean=arm.mean,
        seeds=arm.seeds,
        seeds_and_images=arm.seeds_and_images,
        what=arm.scored,
        unit=arm.unit,
    )


def _measured(measured: Measured, arm: MeasuredArm) -> Column | None:
    if arm.mean is None:
        return None
    shown = measured.measure
    over = arm.seeds
    return Column(
        label=arm.label,
        values={seed: shown.times * value for seed, value in arm.values.items()},
        mean=shown.times * arm.mean,
        seeds=over and Interval(low=shown.times * over.low, high=shown.times * over.high, confidence=over.confidence),
        what=" ".join(filter(None, (measured.name, measured.part))),
        unit=shown.unit,
        digits=shown.digits,
    )


def panel(columns: Sequence[Column], title: str, says: str = "") -> Panel:
    """Columns side by side; ``says`` tells what their numbers are."""
    return Panel(
        size=(max(4.5, 1.4 * len(columns) + 1), 4.6),
        records=_records(columns),
        draw=lambda axes: _draw(axes, columns, title),
        caption=_caption(columns, says),
    )


def _caption(columns: Sequence[Column], says: str) -> list[str]:
    numbers = [
        f"{column.label} {column.told(column.mean)}"
        + ("" if column.seeds is None else f" ± {plain(column.seeds.half_width, 2)}")
        for column in columns
    ]
    thin = ", thin ones those over other images too" if _has_images(columns) else ""
    return [
        f"{capitalised(columns[0].what)}: {listed(numbers)}; points are seeds, bars the mean and its 95 % interval"
        f" over {max(len(column.values) for column in columns)} seeds{thin}, lines join scores of one seed."
        + (f" {capitalised(says)}." if says else "")
    ]


def capitalised(text: str) -> str:
    """As it begins a sentence or a title."""
    return text[:1].upper() + text[1:]


def _has_images(columns: Sequence[Column]) -> bool:
    return any(column.seeds_and_images for column in columns)


def _draw(axes: Axes, columns: Sequence[Column], title: str) -> None:
    for i, column in enumerate(columns):
        axes.plot(
            [i - 0.12] * len(column.values),
            list(column.values.values()),
            linestyle="",
            marker=MARKERS[i % len(MARKERS)],
            color=colour(i),
            alpha=0.55,
        )
        for interval, width in ((column.seeds_and_images, 1.0), (column.seeds, 3.2)):
            if interval is not None:
                axes.plot([i + 0.08] * 2, [interval.low, interval.high], color=colour(i), linewidth=width)
        axes.plot([i + 0.08], [column.mean], color=colour(i), marker="_", markersize=16, linestyle="")
        axes.annotate(
            column.told(column.mean), (i + 0.08, column.mean), (12, -3), textcoords="offset points", color=colour(i)
        )
    # Straight lines between the same seed's numbers show what pairing gains.
    for (i, a), (j, b) in pairwise(enumerate(columns)):
        for seed in sorted(a.values.keys() & b.values.keys()):
            axes.plot([i - 0.12, j - 0.12], [a.values[seed], b.values[seed]], color="0.8", linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(columns)), [_broken(column.label) for column in columns])
    axes.set_xlim(-0.5, len(columns) - 0.35)
    axes.margins(y=0.15)
    axes.set_ylabel(", ".join(filter(None, (columns[0].what, columns[0].unit))))
    seeds = max(len(column.values) for column in columns)
    axes.set_title(title)
    bars = (
        "thick: other seeds, thin: other images too"
        if _has_images(columns)
        else "bar: mean, 95 % interval, other seeds"
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


def _records(columns: Sequence[Column]) -> list[dict[str, Any]]:
    records = []
    for column in columns:
        for seed, value in column.values.items():
            records.append(_record(column, f"seed {seed}", value, None))
        records.append(_record(column, "mean", column.mean, column.seeds))
        if column.seeds_and_images is not None:
            records.append(_record(column, "mean, other images", column.mean, column.seeds_and_images))
    return records


def _record(column: Column, at: str, value: float, interval: Interval | None) -> dict[str, Any]:
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"panel": "evidence", "design": column.label, "of": at, "score": value, "low": low, "high": high}
