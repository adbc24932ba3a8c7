"""The figure of `eyeshot compare -o`: the growth of the fields, and beside it the evidence where there is some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eyeshot.report.figures.evidence import ArmResult, evidence
from eyeshot.report.figures.growth import growth
from eyeshot.report.figures.kinds import figure_labels
from eyeshot.report.figures.style import records_of, rendered

if TYPE_CHECKING:
    from eyeshot.report.comparison import Comparison


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
    panels = [growth(comparison.reports, figure_labels(comparison.reports))]
    if not results:
        return rendered([panels], file_format), records_of(panels)
    panels.append(evidence(results))
    content = rendered([panels], file_format, size=(11, 4.6), width_ratios=[1.7, 1])
    return content, records_of(panels)
