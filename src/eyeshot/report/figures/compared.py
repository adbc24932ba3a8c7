"""The figure of `eyeshot compare -o`: the growth of the fields, and beside it the evidence where there is some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eyeshot.analyse.inspection import Inspection
from eyeshot.report.figures.evidence import evidence
from eyeshot.report.figures.growth import growth
from eyeshot.report.figures.kinds import figure_labels
from eyeshot.report.figures.style import records_of, rendered
from eyeshot.studies.scores import ArmScores


def figure(
    reports: Sequence[Inspection], arms: Sequence[ArmScores], file_format: str
) -> tuple[bytes, list[dict[str, Any]]]:
    """The growth of the fields with depth, and beside it the evidence where there is some.

    Args:
        reports: of the designs.
        arms: their scores, in the same order; empty for the growth alone.
        file_format: png, svg or pdf.

    Returns: the file's content, and the data that are drawn, as plain records.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    panels = [growth(reports, figure_labels(reports))]
    if not arms:
        return rendered([panels], file_format), records_of(panels)
    panels.append(evidence(arms))
    content = rendered([panels], file_format, size=(11, 4.6), width_ratios=[1.7, 1])
    return content, records_of(panels)
