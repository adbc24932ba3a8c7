"""What each output of a network sees: the maps of detectors, pyramids and segmenters, with step, start and centre."""

from __future__ import annotations

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import has_gates
from eyeshot.report.looking import place_cell, size_cell, stride_cell
from eyeshot.report.table import Column, Table
from eyeshot.report.wording import times


def outputs(report: Inspection) -> list[Layer]:
    """The layers that make the network's outputs, in the order in which it returns them."""
    names = report.network.outputs or (report.network.output.name,)
    known = {layer.name: layer for layer in report}
    return [known[name] for name in names if name in known]


def mapped_outputs(report: Inspection) -> list[Layer]:
    """Those whose units lie over places of the image, as a classifier's do not."""
    return [layer for layer in outputs(report) if layer.data.field.stride is not None]


def outputs_table(report: Inspection, rate: float | None = None) -> Table | None:
    """A line for each output, in seconds where a rate is given; None where there is only one, and that is no map."""
    ends = outputs(report)
    if len(ends) < 2 and not mapped_outputs(report):
        return None
    gates = has_gates(report)
    table = Table(
        [
            Column(heading="output", is_number=False, style="strong"),
            Column(heading="map", priority=1),
            Column(heading="sees", style="strong"),
            Column(heading="data path" if gates else "", priority=5),
            Column(heading="stride", priority=4),
            Column(heading="start", priority=2),
            Column(heading="centre", priority=3),
        ]
    )
    for layer in ends:
        field = layer.data.field
        table.add(
            layer.name,
            times(layer.out),
            size_cell(layer.field, rate),
            size_cell(field, rate) if gates else "",
            stride_cell(field, rate),
            place_cell(field.start, rate),
            place_cell(field.centre, rate),
        )
    return table
