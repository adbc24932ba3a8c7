"""What was measured beside accuracy, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from eyeshot.report.claims import sureness
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import NONE, decimals, plain, signed

if TYPE_CHECKING:
    from eyeshot.studies.measured import Measured
    from eyeshot.studies.scores import Interval


def measures_table(measures: Sequence[Measured]) -> Table:
    """A line for each measure and arm: its mean over the seeds, and by how much the first arm has more."""
    pairs = [pair for measured in measures for pair in measured.differences]
    table = Table([
        Column(heading="measure", is_number=False, style="strong"),
        Column(heading="design", is_number=False, style="strong"),
        Column(heading="mean", style="strong"),
        Column(heading="other seeds"),
    ])  # fmt: skip
    if pairs:
        told = [each.seeds for measured in measures for each in measured.differences if each.seeds]
        confidence = f", {sureness(told[0].confidence)}" if told else ""
        columns = (
            Column(heading=f"{pairs[0].first} minus it", style="strong"),
            Column(heading=f"other seeds{confidence}"),
        )
        table.columns = [*table.columns, *columns]
    for measured in measures:
        shown = measured.measure
        apart = {each.second: each for each in measured.differences}

        def cells(
            mean: float | None,
            interval: Interval | None,
            number: Callable[[float, int], str],
            times: float = shown.times,
            most: int = shown.digits,
        ) -> tuple[str, str]:
            digits = decimals(times * (mean or 0.0), most)
            ends = [number(times * end, digits) for end in (interval.low, interval.high)] if interval else []
            return NONE if mean is None else number(times * mean, digits), " … ".join(ends) or NONE

        for number, arm in enumerate(measured.arms):
            pair = apart.get(arm.label)
            difference = ("", "") if pair is None else cells(pair.mean, pair.seeds, signed)
            what = " ".join(filter(None, (measured.name, measured.part)))
            name = "" if number else f"{what}, {shown.unit}"
            table.add(name, arm.label, *cells(arm.mean, arm.seeds, plain), *(difference if pairs else ()))
    return table
