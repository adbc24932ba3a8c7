"""What captions say of designs: what goes in, how far they see, what they cost."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.analyse.inspection import Inspection
from eyeshot.report.verdict import on_one
from eyeshot.report.wording import short, times


def facts(reports: Sequence[Inspection], labels: Sequence[str]) -> list[str]:
    """A sentence or three for each design, all of it arithmetic."""
    return [f"{label}: {_fact(report)}" for report, label in zip(reports, labels, strict=True)]


def _fact(report: Inspection) -> str:
    totals = report.totals
    costs = f"{short(totals.macs)} MACs and {short(totals.params)} params"
    return f"input {times(report.network.input.shape[1:])}, {costs}. {on_one(report)}"
