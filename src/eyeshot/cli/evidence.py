"""How a study is shown on a terminal: its plan, scores per arm with their intervals, differences, a verdict."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from eyeshot.cli.terminal import echo
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import NONE, plain, signed

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.evidence import Evidence
    from eyeshot.studies.scores import ArmScores
    from eyeshot.studies.study import Study

_STRIP = 41
"""Characters of the strip on which scores are drawn."""


def trained(study: Study, terminal: Terminal | None) -> None:
    """Train every arm with every seed, bars on stderr; where there is a terminal to print to, print what is trained."""
    study.check()
    if terminal is not None:
        _print_plan(study, terminal)
        sys.stdout.flush()
    try:
        study.run()
    except KeyboardInterrupt:
        echo(f"eyeshot: what is trained is kept in {study.directory}; the same command goes on from there", err=True)
        raise


def _print_plan(study: Study, terminal: Terminal) -> None:
    plan = study.plan
    terminal.say()
    seeds = f"{len(plan.seeds)} seed" + "s" * (len(plan.seeds) > 1)
    what = f"{plan.data}, {seeds}, {plan.budget.describe()} each; same images in the same order for every design"
    if study.is_finished:
        terminal.say(("read", "strong"), f" from {study.directory}: nothing left to train ({what})")
    else:
        terminal.say(("training", "strong"), f" on {what}")
    terminal.say((study.images, "dim"))
    for doubt in study.doubts:
        terminal.say(("note: ", "warn"), doubt)
    for remark in study.remarks:
        terminal.say((remark, "dim"))


def print_evidence(evidence: Evidence, terminal: Terminal) -> None:
    """Print scores, differences and verdict."""
    terminal.say()
    terminal.table(_scores(evidence))
    if evidence.differences:
        terminal.say()
        terminal.table(_differences(evidence))
    terminal.say()
    for line in evidence.verdict.splitlines():
        terminal.say((line, "strong"))


def _scores(evidence: Evidence) -> Table:
    low, high = _span(evidence)
    table = Table(
        [
            Column(heading="design", is_number=False, style="strong"),
            Column(heading="score, %", style="strong"),
            Column(heading="95 % interval", priority=1),
            Column(heading="s/training", priority=3),
            Column(heading="images/s", priority=4),
            Column(heading=f"● seeds  | mean  ─ interval   {low:.2f} … {high:.2f} %", is_number=False, priority=2),
        ]
    )
    for arm in evidence.arms:
        interval = (
            NONE if not arm.half_width else " … ".join(plain(arm.mean + side * arm.half_width, 2) for side in (-1, 1))
        )
        seconds = f"{arm.seconds:.1f}" if math.isfinite(arm.seconds) else NONE
        speed = f"{arm.images_per_second:,.0f}" if math.isfinite(arm.images_per_second) else NONE
        table.add(arm.label, f"{arm.mean:.2f}", interval, seconds, speed, _strip(arm, low, high))
    return table


def _span(evidence: Evidence) -> tuple[float, float]:
    ends = [score for arm in evidence.arms for score in arm.scores.values()]
    ends += [arm.mean + side * (arm.half_width or 0) for arm in evidence.arms for side in (-1, 1)]
    low, high = max(0.0, min(ends)), min(100.0, max(ends))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _strip(arm: ArmScores, low: float, high: float) -> str:
    """Seeds, mean and interval on one scale for all arms."""

    def place(score: float) -> int:
        share = (score - low) / (high - low)
        return round(min(1.0, max(0.0, share)) * (_STRIP - 1))

    strip = [" "] * _STRIP
    if arm.half_width is not None:
        first, last = place(arm.mean - arm.half_width), place(arm.mean + arm.half_width)
        strip[first : last + 1] = "─" * (last - first + 1)
    strip[place(arm.mean)] = "|"
    for score in arm.scores.values():
        strip[place(score)] = "●"
    return "".join(strip).rstrip()


def _differences(evidence: Evidence) -> Table:
    table = Table(
        [
            Column(heading="paired difference", is_number=False, style="strong"),
            Column(heading="points", style="strong"),
            Column(heading="interval"),
            Column(heading="confidence" if any(each.has_interval for each in evidence.differences) else "", priority=1),
        ]
    )
    for each in evidence.differences:
        interval = (
            f"{signed(each.mean - each.half_width, 2)} … {signed(each.mean + each.half_width, 2)}"
            if each.half_width and each.has_interval
            else NONE
        )
        confidence = f"{100 * each.confidence:.3g} %" if each.has_interval else ""
        points = NONE if each.is_broken else signed(each.mean, 2)
        table.add(f"{each.first} minus {each.second}", points, interval, confidence)
    return table
