"""What the numbers say, in sentences that are arithmetic only."""

from __future__ import annotations

from eyeshot.analyse.data_path import data_path
from eyeshot.network.ops import Conv, Linear
from eyeshot.report.inspection import Layer, Report
from eyeshot.report.wording import field_size, field_stride, image_share, listed, ordinal, percent, relative, times


def weighted(report: Report) -> list[Layer]:
    """The convolutions and fully connected layers."""
    return [layer for layer in report if isinstance(layer.node.op, Conv | Linear)]


def last_convolution(report: Report) -> Layer | None:
    """The last convolution that carries data, not one that only computes gates; None where there is none."""
    carrying = data_path(report.network)
    found = (layer for layer in reversed(report.layers) if isinstance(layer.node.op, Conv) and layer.name in carrying)
    return next(found, None)


def along_data(layer: Layer) -> str:
    """What a layer sees along the data path, to follow what it sees in all; empty where that is the same."""
    field, data = layer.field, layer.data.field
    if field == data:
        return ""
    steps = f" in steps of {field_stride(data)}" if data.stride not in (None, field.stride) else ""
    return f"; along the data path alone, gates and statistics left out, {field_size(data)}{steps}"


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
    of = f"{'no less than the whole' if share == 1 else f'{percent(share)} of the'} {_input(extent)}"
    return f"The last convolution, {layer.name}, sees {field_size(layer.field)}: {of}{along_data(layer)}."


def _input(extent: tuple[int, ...]) -> str:
    return f"{times(extent)} input" if len(extent) > 1 else f"input of {extent[0]} positions"


def _on_horizon(report: Report) -> str:
    end = horizon(report)
    if end is None:
        return "No layer has units that all see the whole image."
    layers = weighted(report)
    index = next((i for i, layer in enumerate(layers, start=1) if layer is end), None)
    place = f", the {ordinal(index)} of {len(layers)} layers with weights" if index else ""
    done = percent(macs_before(report, end))
    sees = "sees" if end.field.is_exact else "may see"
    return f"Every unit {sees} the whole image from {end.name} on{place}, after {done} of the MACs."


def on_several(reports: list[Report], labels: list[str]) -> list[str]:
    """What each further design sees and costs against the first, and where the field of any outgrows its input."""
    first, name = reports[0], labels[0]
    others = list(zip(reports[1:], labels[1:], strict=True))
    views = [_on_views(first, report, name, label) for report, label in others]
    costs = [_on_costs(first, report, name, label) for report, label in others]
    return [sentence for sentence in (*views, *_on_outgrowing(reports, labels), *costs) if sentence]


def _on_views(first: Report, other: Report, name: str, label: str) -> str:
    a, b = last_convolution(first), last_convolution(other)
    if a is None or b is None:
        return ""
    if a.field.size == b.field.size:
        text = f"At their last convolutions {name} and {label} see the same {field_size(a.field)}"
    else:
        text = f"At its last convolution {label} sees {field_size(b.field)} px where {name} sees {field_size(a.field)}"
    ends = horizon(first), horizon(other)
    places = [
        f"{who} from {end.name} on" if end else f"{who} nowhere" for who, end in zip((name, label), ends, strict=True)
    ]
    if ends == (None, None):
        return f"{text}; in neither does every unit see the whole image."
    if ends[0] and ends[1] and ends[0].name == ends[1].name:
        places = [f"both from {ends[0].name} on"]
    sees = "sees" if all(end is None or end.field.is_exact for end in ends) else "may see"
    return f"{text}; every unit {sees} the whole image in {', in '.join(places)}."


def _on_costs(first: Report, other: Report, name: str, label: str) -> str:
    parts = []
    for word, a, b in (
        ("params", first.totals.params, other.totals.params),
        ("MACs", first.totals.macs, other.totals.macs),
        ("activations", first.totals.activations, other.totals.activations),
    ):
        parts.append(_in_words(relative(b, a), word) if a else f"{b:,} {word}")
    return f"Against {name}, {label} has {listed(parts)}."


def _in_words(change: str, what: str) -> str:
    if change == "=":
        return f"as many {what}"
    if change.startswith("×"):
        return f"{change[1:]} times the {what}"
    return f"{change[1:]} {'more' if change.startswith('+') else 'fewer'} {what}"


def outgrows(report: Report) -> Layer | None:
    """The first layer whose field is at least as large as the image along every axis."""
    extent = report.network.extent
    for layer in report:
        if layer.field.stride is not None and all(s >= n for s, n in zip(layer.field.size, extent, strict=True)):
            return layer
    return None


def _on_outgrowing(reports: list[Report], labels: list[str]) -> list[str]:
    """A sentence for every design that outgrows its input; none where the horizons say as much of all of them."""
    found = [(r, label, layer) for r, label in zip(reports, labels, strict=True) if (layer := outgrows(r))]
    if all(layer is horizon(report) for report, _, layer in found):
        return []
    return [
        f"In {label} the field outgrows the {_input(report.network.extent)} at {layer.name},"
        f" which sees {field_size(layer.field)}."
        for report, label, layer in found
    ]
