"""What the numbers say, in sentences that are arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence

from eyeshot.analyse.inspection import Inspection, Layer
from eyeshot.analyse.landmarks import horizon, last_convolution, last_convolutions, macs_before, outgrows, weighted
from eyeshot.report.outputs import mapped_outputs
from eyeshot.report.sides import layers_aligned
from eyeshot.report.wording import (
    field_pixels,
    field_size,
    field_stride,
    image_share,
    listed,
    ordinal,
    percent,
    relative,
    times,
)


def along_data(layer: Layer) -> str:
    """What a layer sees along the data path, to follow what it sees in all; empty where that is the same."""
    field, data = layer.field, layer.data.field
    if field == data:
        return ""
    steps = f" in steps of {field_stride(data)}" if data.stride not in (None, field.stride) else ""
    return f"; along the data path alone, gates and statistics left out, {field_size(data)}{steps}"


def on_one(report: Inspection) -> str:
    """How far one network sees, and where it sees everything."""
    return " ".join(filter(None, (_on_view(report), _on_outputs(report), _on_horizon(report))))


def _on_view(report: Inspection) -> str:
    """What the outputs see that lie over places of the image, or, of a network that has none, its last convolution."""
    ends = mapped_outputs(report)
    if len(ends) == 1:
        return f"The output, {ends[0].name}, sees {_in_image(ends[0])}{along_data(ends[0])}."
    if ends:
        told = [f"{layer.name} sees {field_size(layer.field)}" for layer in ends[:_MOST_OUTPUTS]]
        more = [f"{len(ends) - _MOST_OUTPUTS} more see as the table says"] if len(ends) > _MOST_OUTPUTS else []
        return f"Of the outputs {listed([*told, *more])}."
    layer = last_convolution(report)
    if layer is None:
        return ""
    return f"The last convolution, {layer.name}, sees {_in_image(layer)}{along_data(layer)}."


def _in_image(layer: Layer) -> str:
    extent = layer.fields.network.extent
    if layer.field.one_sided is not None:
        return field_pixels(layer.field)
    share = image_share(layer.field, extent)
    of = "no less than the whole" if share == 1 else f"{percent(share)} of the"
    return f"{field_size(layer.field)}: {of} {_input(extent)}"


_MOST_OUTPUTS = 8


def _on_outputs(report: Inspection) -> str:
    """What the last convolution before each further output sees, of several that lie over no places."""
    if mapped_outputs(report):
        return ""
    first, ends = last_convolution(report), last_convolutions(report)
    others = [(name, layer) for name, layer in ends.items() if layer is not first]
    if not others:
        return ""
    told = listed([f"{layer.name}, before {name}, sees {field_size(layer.field)}" for name, layer in others])
    return f"Of the other outputs {told}."


def _input(extent: tuple[int, ...]) -> str:
    return f"{times(extent)} input" if len(extent) > 1 else f"input of {extent[0]} positions"


def _on_horizon(report: Inspection) -> str:
    end = horizon(report)
    if end is None:
        return "No layer has units that all see the whole image."
    layers = weighted(report)
    index = next((i for i, layer in enumerate(layers, start=1) if layer is end), None)
    place = f", the {ordinal(index)} of {len(layers)} layers with weights" if index else ""
    done = percent(macs_before(report, end))
    sees = "sees" if end.field.is_exact else "may see"
    return f"Every unit {sees} the whole image from {end.name} on{place}, after {done} of the MACs."


def on_several(reports: Sequence[Inspection], labels: Sequence[str]) -> list[str]:
    """What each further design sees and costs against the first, and where the field of any outgrows its input."""
    first, name = reports[0], labels[0]
    others = list(zip(reports[1:], labels[1:], strict=True))
    views = [_on_views(first, report, name, label) for report, label in others]
    costs = [_on_costs(first, report, name, label) for report, label in others]
    likenesses = [_on_likeness(first, report, name, label) for report, label in others]
    return [sentence for sentence in (*likenesses, *views, *_on_outgrowing(reports, labels), *costs) if sentence]


def _on_likeness(first: Inspection, other: Inspection, name: str, label: str) -> str:
    """Whether a file is what it is compared to, or at which layer they part; nothing of designs that are to differ."""
    if not {"onnx", "keras", "jax"} & {first.network.source, other.network.source}:
        return ""
    pairs = layers_aligned([first, other])
    for pair in pairs:
        a, b = pair.layers
        if a is None or b is None:
            return f"{name} and {label} part at {pair.role}, which only {label if a is None else name} has."
        for what, x, y in (
            ("gives", times(a.out), times(b.out)),
            ("sees", field_size(a.field), field_size(b.field)),
            ("sees along the data path", field_size(a.data.field), field_size(b.data.field)),
            ("has MACs", f"{a.macs:,}", f"{b.macs:,}"),
        ):
            if x != y:
                return f"{name} and {label} part at {pair.role}, which {what} {x} in {name} and {y} in {label}."
    count = len(pairs)
    layers = f"{count} layer{'s' * (count > 1)} with weights"
    return f"Layer by layer {name} and {label} are alike: the same fields, maps and MACs in {layers}."


def _on_views(first: Inspection, other: Inspection, name: str, label: str) -> str:
    a, b = last_convolution(first), last_convolution(other)
    if a is None or b is None:
        return ""
    if (a.field.size, a.field.one_sided) == (b.field.size, b.field.one_sided):
        text = f"At their last convolutions {name} and {label} see the same {field_size(a.field)}"
    else:
        seen = field_pixels(b.field, "px")
        text = f"At its last convolution {label} sees {seen} where {name} sees {field_size(a.field)}"
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


def _on_costs(first: Inspection, other: Inspection, name: str, label: str) -> str:
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


def _on_outgrowing(reports: Sequence[Inspection], labels: Sequence[str]) -> list[str]:
    """A sentence for every design that outgrows its input; none where the horizons say as much of all of them."""
    outgrowing = [(r, label, layer) for r, label in zip(reports, labels, strict=True) if (layer := outgrows(r))]
    if all(layer is horizon(report) for report, _, layer in outgrowing):
        return []
    return [
        f"In {label} the field outgrows the {_input(report.network.extent)} at {layer.name},"
        f" which sees {field_size(layer.field)}."
        for report, label, layer in outgrowing
    ]
