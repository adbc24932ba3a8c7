"""The figure of `eyeshot compare -o`: the growth of the fields, and beside it the evidence where there is some."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.analyse.inspection import Inspection
from eyeshot.report.figures.evidence import evidence
from eyeshot.report.figures.growth import growth
from eyeshot.report.figures.kinds import figure_labels
from eyeshot.report.figures.style import Drawing
from eyeshot.studies.scores import ArmScores


def drawing(reports: Sequence[Inspection], arms: Sequence[ArmScores]) -> Drawing:
    """The growth of the fields with depth, and beside it the evidence where there is some.

    Args:
        reports: of the designs.
        arms: their scores, in the same order; empty for the growth alone.
    """
    growing = growth(reports, figure_labels(reports))
    if not arms:
        return Drawing(rows=[[growing]])
    return Drawing(rows=[[growing, evidence(arms)]], size=(11, 4.6), width_ratios=[1.7, 1])
