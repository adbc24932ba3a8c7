"""How a study is shown on a terminal: its plan, scores per arm with both intervals, differences, a verdict."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from eyeshot.cli.terminal import echo
from eyeshot.report.claims import sureness
from eyeshot.report.measures import measures_table
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import NONE, plain, signed

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.evidence import Evidence
    from eyeshot.studies.scores import ArmScores, Interval
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
    what = plan.words
    if study.is_finished:
        terminal.say(("read", "strong"), f" from {study.directory}: nothing left to train ({what})")
    else:
        terminal.say(("training", "strong"), f" on {what}")
        if study.artefacts is not None:
            terminal.say((f"what has ended and lies at {study.artefacts.url} is taken from there, not trained", "dim"))
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
    if evidence.measures:
        terminal.say()
        terminal.table(measures_table(evidence.measures))
        for name, measure in {measured.name: measured.measure for measured in evidence.measures}.items():
            terminal.say((f"{name}: {measure.says}", "dim"))
    terminal.say()
    for line in evidence.verdict.splitlines():
        terminal.say((line, "strong"))


def _scores(evidence: Evidence) -> Table:
    low, high = _span(evidence)
    unit = evidence.arms[0].unit
    is_timed = any(math.isfinite(arm.seconds) for arm in evidence.arms)
    has_images = any(arm.seeds_and_images for arm in evidence.arms)
    strip = "● seeds  | mean  ━ other seeds" + (" ─ and images" if has_images else "")
    table = Table(
        [
            Column(heading="design", is_number=False, style="strong"),
            Column(heading=", ".join(filter(None, ("score", unit))), style="strong"),
            *_interval_columns(has_images),
            *([Column(heading="s/training", priority=4), Column(heading="images/s", priority=5)] if is_timed else []),
            Column(heading=f"{strip}  {plain(low, 2)} … {plain(high, 2)} {unit}".rstrip(), is_number=False, priority=3),
        ]
    )
    for arm in evidence.arms:
        times = [
            f"{value:,.{digits}f}" if math.isfinite(value) else NONE
            for value, digits in ((arm.seconds, 1), (arm.images_per_second, 0))
        ]
        intervals = _intervals((arm.seeds, arm.seeds_and_images), has_images, lambda end: plain(end, 2))
        table.add(arm.label, plain(arm.mean, 2), *intervals, *(times if is_timed else []), _strip(arm, low, high))
    return table


def _interval_columns(has_images: bool) -> list[Column]:
    """At other seeds on these images; where that is known at other seeds on other images, by which claims hold."""
    if not has_images:
        return [Column(heading="other seeds")]
    return [Column(heading="other seeds", priority=1), Column(heading="and images")]


def _intervals(
    intervals: tuple[Interval | None, Interval | None], has_images: bool, number: Callable[[float], str]
) -> list[str]:
    cells = [NONE if each is None else f"{number(each.low)} … {number(each.high)}" for each in intervals]
    return cells if has_images else cells[:1]


def _span(evidence: Evidence) -> tuple[float, float]:
    ends = [score for arm in evidence.arms for score in arm.scores.values()]
    ends += [end for arm in evidence.arms for each in _drawn(arm) for end in (each.low, each.high)]
    low, high = min(ends), max(ends)
    if evidence.arms[0].unit:
        low, high = max(0.0, low), min(100.0, high)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _drawn(arm: ArmScores) -> list[Interval]:
    """An arm's intervals, the widest first, so that the next is drawn over it."""
    return [each for each in (arm.seeds_and_images, arm.seeds) if each is not None]


def _strip(arm: ArmScores, low: float, high: float) -> str:
    """Seeds, mean and intervals on one scale for all arms."""

    def place(score: float) -> int:
        share = (score - low) / (high - low)
        return round(min(1.0, max(0.0, share)) * (_STRIP - 1))

    strip = [" "] * _STRIP
    for interval in _drawn(arm):
        first, last = place(interval.low), place(interval.high)
        strip[first : last + 1] = ("━" if interval is arm.seeds else "─") * (last - first + 1)
    strip[place(arm.mean)] = "|"
    for score in arm.scores.values():
        strip[place(score)] = "●"
    return "".join(strip).rstrip()


def _differences(evidence: Evidence) -> Table:
    told = [each for each in evidence.differences if each.widest is not None]
    has_images = any(each.seeds_and_images for each in told)
    table = Table(
        [
            Column(heading="paired difference", is_number=False, style="strong"),
            Column(heading="points", style="strong"),
            *_interval_columns(has_images),
            Column(heading="confidence" if told else "", priority=2),
        ]
    )
    for each in evidence.differences:
        known = (None, None) if each.is_broken else (each.seeds, each.seeds_and_images)
        intervals = _intervals(known, has_images, lambda end: signed(end, 2))
        confidence = sureness(each.widest.confidence) if each.widest else ""
        points = NONE if each.is_broken else signed(each.mean, 2)
        table.add(f"{each.first} minus {each.second}", points, *intervals, confidence)
    return table
