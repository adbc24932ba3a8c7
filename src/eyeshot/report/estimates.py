"""What a study will take, as a table and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eyeshot.report.table import Column, Table
from eyeshot.report.tiles import size
from eyeshot.report.wording import NONE, listed, short
from eyeshot.studies.estimate import Estimate
from eyeshot.studies.plan import Arm


def estimates_table(arms: Sequence[Arm], found: Sequence[Estimate]) -> Table:
    """A row for each arm."""
    table = Table(
        [
            Column(heading="design", is_number=False, style="strong"),
            Column(heading="params", priority=2),
            Column(heading="MACs", priority=2),
            Column(heading="images"),
            Column(heading="s/training", style="strong"),
            Column(heading="s/tests", priority=1),
            Column(heading="memory", style="strong"),
        ]
    )
    for arm, each in zip(arms, found, strict=True):
        table.add(
            arm.label,
            short(arm.params),
            short(arm.macs),
            f"{each.images:,}",
            f"{each.seconds:.1f}",
            f"{each.test_seconds:.1f}",
            NONE if each.memory is None else size(each.memory),
        )
    return table


def estimates_words(
    found: Sequence[Estimate], left: Mapping[str, int], at_once: int, measures: Sequence[str] = ()
) -> str:
    """How long it will last in all.

    Args:
        found: one an arm.
        left: trainings of each arm that are not done.
        at_once: how many go side by side.
        measures: what is measured beside accuracy, which is not rehearsed.
    """
    count = sum(left.values())
    if not count:
        return "Nothing is left to train."
    seconds = sum(left[each.label] * (each.seconds + each.test_seconds) for each in found) / at_once
    most = max((each.memory or 0 for each in found), default=0)
    memory = f", {size(at_once * most)} of memory at most" if most else ""
    beside = f", and measuring {listed(measures)} comes on top" if measures else ""
    return (
        f"{count} trainings, {at_once} at once: about {_duration(seconds)}{memory}. Measured on a few steps of each,"
        f" alone on this machine as it is now; those side by side may slow each other down{beside}."
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
