"""What the numbers say, in sentences that are arithmetic only."""

from __future__ import annotations

from eyeshot.network.ops import Conv, Linear
from eyeshot.report.inspection import Layer, Report
from eyeshot.report.wording import field_size, image_share, ordinal, percent, times


def weighted(report: Report) -> list[Layer]:
    """The convolutions and fully connected layers."""
    return [layer for layer in report if isinstance(layer.node.op, Conv | Linear)]


def last_convolution(report: Report) -> Layer | None:
    """The last convolution, if there is one."""
    return next((layer for layer in reversed(report.layers) if isinstance(layer.node.op, Conv)), None)


def horizon(report: Report, *, data: bool = False) -> Layer | None:
    """The first layer from which on every unit sees the whole image.

    Args:
        report: the network's report.
        data: along the data path, gates and statistics left out.
    """
    first = None
    for layer in reversed(report.layers):
        if not (layer.data.field if data else layer.field).is_global:
            break
        first = layer
    return first


def deepest_before(report: Report) -> Layer | None:
    """The layer before the horizon with the largest field: the widest view that still differs between units."""
    end = horizon(report)
    candidates = []
    for layer in report:
        if layer is end:
            break
        if layer.field.stride is not None and layer.op != "flatten":
            candidates.append(layer)
    # The first of those that see most: what only follows it sees the same.
    return max(candidates, key=lambda layer: layer.field.size, default=None)


def macs_before(report: Report, layer: Layer) -> float:
    """Share of the network's MACs that is done before a layer runs."""
    done = 0
    for other in report:
        if other is layer:
            break
        done += other.macs
    return done / report.totals.macs if report.totals.macs else 0.0


def on_one(report: Report) -> str:
    """How far one network sees, and where it sees everything."""
    return " ".join(filter(None, (_on_view(report), _on_horizon(report))))


def _on_view(report: Report) -> str:
    layer, extent = last_convolution(report), report.network.extent
    if layer is None:
        return ""
    share = image_share(layer.field, extent)
    of = f"all of the {times(extent)} input's size" if share == 1 else f"{percent(share)} of the {times(extent)} input"
    return f"The last convolution, {layer.name}, sees {field_size(layer.field)}: {of}."


def _on_horizon(report: Report) -> str:
    end = horizon(report)
    if end is None:
        return "No layer has units that all see the whole image."
    layers = weighted(report)
    index = next((i for i, layer in enumerate(layers, start=1) if layer is end), None)
    place = f", the {ordinal(index)} of {len(layers)} layers with weights" if index else ""
    done = percent(macs_before(report, end))
    return f"Every unit sees the whole image from {end.name} on{place}, after {done} of the MACs."
