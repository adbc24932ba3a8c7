"""Figures of a study: its scores, its trials as curves over what they saw, its arms by score and cost."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from eyeshot.errors import UsageError
from eyeshot.report.evidence import evidence
from eyeshot.report.figures.evidence import evidence as scores_panel
from eyeshot.report.figures.evidence import measure as measure_panel
from eyeshot.report.figures.style import Drawing, Panel, colour, line_style, points, shortened, with_prefixes
from eyeshot.report.wording import listed
from eyeshot.shown import quoted
from eyeshot.studies.measured import Measured
from eyeshot.studies.plan import Arm, Plan
from eyeshot.studies.scores import ArmScores
from eyeshot.train.measures import ACCURACY, key_of
from eyeshot.train.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 10
"""Times the smallest cost that the largest is before their axis is logarithmic."""
_ABREAST = 3
"""Panels of a measure's parts in a row."""
_COSTS = {"macs": "MACs per image", "params": "params", "seconds": "seconds per training"}


QUESTIONS = {
    "evidence": "what did training find? MODEL is the folder of a study",
    "curves": "how did a study's designs learn, image by image?",
    "pareto": "which of them score most for least MACs, params and seconds?",
}


def study_figure(kind: str, plan: Plan, records: Sequence[Record], measure: str | None = None) -> Drawing:
    """One kind of figure of a study's trials; the kinds are those of ``QUESTIONS``.

    Args:
        kind: which one.
        plan, records: of the study.
        measure: of the evidence: what was measured beside accuracy, such as "shift"; of those with parts all side by
            side, or one, such as "probes/conv2".

    Raises:
        UsageError: it was not measured, or another kind shows no measure.
    """
    if measure is not None and kind != "evidence":
        raise UsageError(f"{kind} shows accuracy; a measure is shown by evidence")
    if kind == "curves":
        return Drawing(rows=[[curves(records)]])
    found = evidence(records)
    if measure not in (None, ACCURACY):
        return _of_measure(str(measure), found.measures)
    scores = found.arms
    if kind == "evidence":
        return Drawing(rows=[[scores_panel(scores)]])
    planned = {arm.label: arm for arm in plan.arms}
    return pareto([planned[arm.label] for arm in scores], scores)


def _of_measure(asked: str, measures: Sequence[Measured]) -> Drawing:
    """The panels of a measure, or of one part of it, in rows."""
    taken = [each for each in measures if any(arm.mean is not None for arm in each.arms)]
    found = [each for each in taken if asked in (each.name, key_of(each.name, each.part or ""))]
    if not found:
        names = [ACCURACY, *(key_of(each.name, each.part) if each.part else each.name for each in taken)]
        raise UsageError(f"{quoted(asked)} was not measured in this study; there are {listed(names)}")
    panels = [measure_panel(each) for each in found]
    rows = [panels[i : i + _ABREAST] for i in range(0, len(panels), _ABREAST)]
    return Drawing(rows=rows, size=(4.6 * len(rows[0]), 4.4 * len(rows)) if len(panels) > 1 else None)


def curves(records: Sequence[Record]) -> Panel:
    """Test accuracy after each epoch against the images seen: a thin line a seed, a thick one for their mean."""
    trials: dict[str, list[Record]] = {}
    for record in records:
        trials.setdefault(record.recipe.label, []).append(record)
    return Panel(
        size=(7.5, 5),
        records=[
            {
                "panel": "curves", "design": record.recipe.label, "seed": record.recipe.seed, "epoch": score.epoch,
                "images": score.images, "score": score.accuracy, "train loss": score.loss, "test loss": score.test_loss,
            }
            for record in records for score in record.scores
        ],
        draw=lambda axes: _draw_curves(axes, trials),
        caption=[
            "Test accuracy after each epoch against the images seen, repeats counted: thin lines are seeds, thick ones"
            f" the mean over them, of {listed(list(trials))}."
        ],
        legend_below=True,
    )  # fmt: skip


def _draw_curves(axes: Axes, trials: dict[str, list[Record]]) -> None:
    for i, (label, records) in enumerate(trials.items()):
        lines = [[(score.images, score.accuracy) for score in record.scores] for record in records]
        for line in lines:
            axes.plot(*zip(*line, strict=True), color=colour(i), linewidth=0.7, alpha=0.45)
        # Under a budget in seconds, or once one diverged, seeds are tested at other images: they have no mean there.
        met = [[images for images, _ in line] for line in lines]
        if all(each == met[0] for each in met):
            means = [fmean(line[k][1] for line in lines) for k in range(len(met[0]))]
            axes.plot(met[0], means, **line_style(i), linewidth=2, markersize=5, label=shortened(label, 40))
        else:
            axes.plot([], [], **line_style(i), label=shortened(label, 40))
    with_prefixes(axes)
    axes.set_xlabel("images seen")
    axes.set_ylabel("test accuracy, %")
    axes.set_title("How it learns")


def pareto(arms: Sequence[Arm], scores: Sequence[ArmScores]) -> Drawing:
    """Mean scores with both intervals against MACs, params and seconds, each beside the next.

    A line joins the designs of which no other has a mean as high for as little.

    Args:
        arms: as planned; their ``params`` are 0 where that is not known any more.
        scores: in the same order.
    """
    kinds = [kind for kind in _COSTS if all(_cost(kind, *pair) for pair in zip(arms, scores, strict=True))]
    panels = [_pareto_panel(kind, arms, scores) for kind in kinds]
    return Drawing(rows=[panels], size=(4.2 * len(panels), 4.4))


def _cost(kind: str, arm: Arm, scores: ArmScores) -> float:
    return scores.seconds if kind == "seconds" else float(getattr(arm, kind))


def _pareto_panel(kind: str, arms: Sequence[Arm], scores: Sequence[ArmScores]) -> Panel:
    costs = [_cost(kind, *pair) for pair in zip(arms, scores, strict=True)]
    means = [each.mean for each in scores]
    best = [
        not any(_beats(other, each) for other in zip(costs, means, strict=True))
        for each in zip(costs, means, strict=True)
    ]
    records = [
        {
            "panel": "pareto",
            "design": each.label,
            "cost": kind,
            "at": cost,
            "score": each.mean,
            **_ends(each),
            "pareto": is_best,
        }
        for each, cost, is_best in zip(scores, costs, best, strict=True)
    ]
    unbeaten = listed([each.label for each, is_best in zip(scores, best, strict=True) if is_best])
    return Panel(
        size=(5, 4.4),
        records=records,
        draw=lambda axes: _draw_pareto(axes, kind, records),
        caption=[
            f"Mean test accuracy against {_COSTS[kind]}: no other mean is as high for as little as that of {unbeaten}."
            + (
                " Thick bars are 95 % intervals over other seeds, thin ones over other images too."
                * (kind == "seconds")
            )
        ],
        legend_below=True,
    )


def _beats(other: tuple[float, float], one: tuple[float, float]) -> bool:
    return other[0] <= one[0] and other[1] >= one[1] and other != one


def _ends(arm: ArmScores) -> dict[str, float | None]:
    """The intervals' ends, by columns."""
    return {
        f"{end} over {name}": None if interval is None else getattr(interval, end)
        for name, interval in (("seeds", arm.seeds), ("seeds and images", arm.seeds_and_images))
        for end in ("low", "high")
    }


def _draw_pareto(axes: Axes, kind: str, records: Sequence[dict[str, Any]]) -> None:
    line = sorted((record["at"], record["score"]) for record in records if record["pareto"])
    axes.plot(*zip(*line, strict=True), color="0.5", linewidth=1.2, drawstyle="steps-post", zorder=1)
    for i, record in enumerate(records):
        for name, width in (("seeds and images", 1.0), ("seeds", 3.2)):
            if record[f"low over {name}"] is not None:
                ends = [record[f"low over {name}"], record[f"high over {name}"]]
                axes.plot([record["at"]] * 2, ends, color=colour(i), linewidth=width)
        axes.plot(
            record["at"], record["score"], linestyle="", marker=line_style(i)["marker"], color=colour(i), markersize=8,
            markerfacecolor=colour(i) if record["pareto"] else "white", label=shortened(record["design"], 40),
        )  # fmt: skip
    axes.margins(x=0.2)
    costs = [record["at"] for record in records]
    if max(costs) > _WIDE * min(costs):
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=5)
    with_prefixes(axes)
    axes.set_xlabel(_COSTS[kind])
    axes.set_ylabel("test accuracy, %")
    axes.set_title(f"What it pays, by {kind if kind != 'macs' else 'MACs'}")
    axes.text(
        0.99, 0.02, "filled: no other mean as high for as little", transform=axes.transAxes, ha="right",
        fontsize=points(8), color="0.35",
    )  # fmt: skip
