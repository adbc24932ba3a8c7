"""Figures for slides and papers: how fields grow with depth, and what training found. The same bytes every time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eyeshot.errors import MissingExtraError
from eyeshot.network.ops import AdaptivePool, Linear, Sliding
from eyeshot.report.inspection import Layer, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyeshot.report.comparison import Comparison

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito 2008: told apart with any colour vision, and by lightness in grey."""
_DASHES = ("-", "--", "-.", ":")
_MARKERS = "osD^vPX"
_MOST_NAMES = 16
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "svg.hashsalt": "eyeshot",
    "svg.fonttype": "path",
}
_NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """One design's scores in percent, one per seed; ``half_width`` of the mean's 95 % interval, in points."""

    label: str
    mean: float
    half_width: float | None
    scores: tuple[float, ...]


def check_installed() -> None:
    """Complain where matplotlib is not installed, before anything long is computed.

    Raises:
        MissingExtraError: it is not.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MissingExtraError("a figure", "matplotlib", "figures")


def figure(
    comparison: Comparison, results: Sequence[ArmResult], file_format: str
) -> tuple[bytes, list[dict[str, Any]]]:
    """The growth of the fields with depth, and beside it the evidence where there is some.

    Args:
        comparison: the designs.
        results: their scores, in the same order; empty for the growth alone.
        file_format: png, svg or pdf.

    Returns: the file's content, and the data that are drawn, as plain records.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_installed()
    curves = [_curve(report) for report in comparison.reports]
    labels = comparison.labels
    with _drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(11 if results else 7.5, 4.6), dpi=160, layout="constrained")
        axes = fig.subplots(1, 2 if results else 1, squeeze=False, width_ratios=[1.7, 1] if results else [1])[0]
        _draw_growth(axes[0], curves, labels, comparison.reports)
        if results:
            _draw_evidence(axes[1], results)
        content = io.BytesIO()
        fig.savefig(content, format=file_format, metadata=_NO_DATE[file_format])
    return content.getvalue(), [*_growth_records(curves, labels), *_evidence_records(results)]


@contextmanager
def _drawing() -> Iterator[None]:
    """Matplotlib with our style alone, whatever the user's own file says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type,unused-ignore]
        yield


def _curve(report: Report) -> list[Layer]:
    """The layers at which the field grows or is sampled, up to the first fully connected one."""
    found = []
    for layer in report:
        if isinstance(layer.node.op, Linear | AdaptivePool):
            break
        if isinstance(layer.node.op, Sliding) and layer.field.stride is not None:
            found.append(layer)
    return found


def _common_axis(curves: list[list[Layer]]) -> list[str]:
    """Names of the layers of all designs in one order: what they share stands at one place."""
    names: list[str] = []
    for curve in curves:
        added = [layer.name for layer in curve]
        merged: list[str] = []
        matcher = SequenceMatcher(a=names, b=added, autojunk=False)
        for kind, a0, a1, b0, b1 in matcher.get_opcodes():
            merged += names[a0:a1] if kind != "insert" else []
            merged += added[b0:b1] if kind in ("insert", "replace") else []
        names = list(dict.fromkeys(merged))
    return names


def _draw_growth(axes: Axes, curves: list[list[Layer]], labels: Sequence[str], reports: Sequence[Report]) -> None:
    names = _common_axis(curves)
    place = {name: i for i, name in enumerate(names)}
    for i, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        xs, ys = [place[layer.name] for layer in curve], [max(layer.field.size) for layer in curve]
        axes.plot(
            xs, ys, label=label, color=_COLOURS[i % 7], linestyle=_DASHES[i % 4], marker=_MARKERS[i % 7], markersize=5
        )
        if xs:
            axes.annotate(
                f"{ys[-1]} px", (xs[-1], ys[-1]), (0, 7), textcoords="offset points", ha="center", color=_COLOURS[i % 7]
            )
    for size in sorted({max(report.network.extent) for report in reports}):
        axes.axhline(size, color="0.45", linewidth=1)
        axes.annotate(f"input, {size} px", (0, size), (-0.5, 3), textcoords="offset points", color="0.35", fontsize=9)
    step = -(-len(names) // _MOST_NAMES)
    axes.set_xticks(range(0, len(names), step), names[::step], rotation=45, ha="right", rotation_mode="anchor")
    axes.set_ylabel("receptive field, px")
    axes.set_ylim(bottom=0)
    axes.margins(y=0.1)
    axes.set_title("What each design sees")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.97))


def _draw_evidence(axes: Axes, results: Sequence[ArmResult]) -> None:
    for i, result in enumerate(results):
        colour = _COLOURS[i % 7]
        axes.plot(
            [i - 0.12] * len(result.scores),
            result.scores,
            linestyle="",
            marker=_MARKERS[i % 7],
            color=colour,
            alpha=0.55,
        )
        axes.errorbar(
            [i + 0.08], [result.mean], yerr=None if result.half_width is None else [result.half_width],
            color=colour, marker="_", markersize=16, capsize=5, linewidth=1.6,
        )  # fmt: skip
        axes.annotate(
            f"{result.mean:.2f} %", (i + 0.08, result.mean), (12, -3), textcoords="offset points", color=colour
        )
    # Straight lines between the same seed's scores show what pairing gains.
    for (i, a), (j, b) in pairwise(enumerate(results)):
        if len(a.scores) == len(b.scores):
            for one, other in zip(a.scores, b.scores, strict=True):
                axes.plot([i - 0.12, j - 0.12], [one, other], color="0.8", linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(results)), [_broken(result.label) for result in results])
    axes.set_xlim(-0.5, len(results) - 0.35)
    axes.margins(y=0.15)
    axes.set_ylabel("test accuracy, %")
    seeds = max(len(result.scores) for result in results)
    axes.set_title("What it scores")
    axes.set_xlabel(
        f"points: {seeds} seed{'s' * (seeds > 1)}; bar: mean and its 95 % interval", fontsize=9, color="0.35"
    )


def _broken(label: str) -> str:
    """A label in lines of some 14 characters, parted at dashes and blanks."""
    lines = [""]
    for part in label.replace("-", "-\n").replace(" ", " \n").split("\n"):
        if len(lines[-1]) + len(part) > 14 and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _growth_records(curves: list[list[Layer]], labels: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "panel": "growth",
            "design": label,
            "at": layer.name,
            "value": max(layer.field.size),
            "low": None,
            "high": None,
        }
        for curve, label in zip(curves, labels, strict=True)
        for layer in curve
    ]


def _evidence_records(results: Sequence[ArmResult]) -> list[dict[str, Any]]:
    records = []
    for result in results:
        for i, score in enumerate(result.scores):
            records.append(_score_record(result.label, f"seed {i}", score, None))
        records.append(_score_record(result.label, "mean", result.mean, result.half_width))
    return records


def _score_record(label: str, at: str, value: float, half_width: float | None) -> dict[str, Any]:
    low, high = (None, None) if half_width is None else (value - half_width, value + half_width)
    return {"panel": "evidence", "design": label, "at": at, "value": value, "low": low, "high": high}
