"""The quantities by which designs are compared, each with its text and its change against the first design."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eyeshot.analyse.cost import rectifications
from eyeshot.analyse.density import widths
from eyeshot.network.ops import Conv, Linear
from eyeshot.report.inspection import Layer, Report
from eyeshot.report.verdict import deepest_before, horizon, last_convolution, macs_before, weighted
from eyeshot.report.wording import (
    NONE,
    field_size,
    field_stride,
    image_share,
    percent,
    relative,
    short,
    times,
)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One quantity of several designs.

    Attributes:
        key: its name for programs.
        name: its name for people, unit included.
        group: sees, costs or counts.
        values: one per design; None where a design has none.
        texts: the values as people read them.
        changes: value / first value − 1; None for the first and where there is nothing to compare.
    """

    key: str
    name: str
    group: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    changes: tuple[float | None, ...]

    @property
    def change_texts(self) -> tuple[str, ...]:
        """The changes as people read them; empty for the first."""
        first = self.values[0]
        return tuple(
            "" if change is None else "=" if value == first else relative(1 + change, 1)
            for value, change in zip(self.values, self.changes, strict=True)
        )


def quantities(reports: Sequence[Report]) -> list[Quantity]:
    """What the designs see, then what they cost."""
    return [*_sees(reports), *_costs(reports), *_counts(reports)]


def _quantity(
    key: str, name: str, group: str, values: Sequence[Any], text: Callable[[Any], str], texts: Sequence[str] = ()
) -> Quantity:
    shown = tuple(texts) or tuple(NONE if value is None else text(value) for value in values)
    numbers = [value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value for value in values]
    first = numbers[0]
    changes = [None] + [
        n / first - 1 if isinstance(n, int | float) and isinstance(first, int | float) and first else None
        for n in numbers[1:]
    ]
    return Quantity(key=key, name=name, group=group, values=tuple(values), texts=shown, changes=tuple(changes))


def _named(layer: Layer | None, text: str) -> str:
    return NONE if layer is None else f"{text} ({layer.name})"


def _sees(reports: Sequence[Report]) -> list[Quantity]:
    last = [last_convolution(report) for report in reports]
    deepest = [deepest_before(report) for report in reports]
    ends = [horizon(report) for report in reports]
    sigma = [_width(report, layer) for report, layer in zip(reports, last, strict=True)]
    shares = [
        None if layer is None else image_share(layer.field, report.network.extent)
        for report, layer in zip(reports, last, strict=True)
    ]
    before = [None if e is None else macs_before(r, e) for r, e in zip(reports, ends, strict=True)]
    return [
        _quantity(
            "field_last_conv",
            "last convolution sees, px",
            "sees",
            [None if layer is None else layer.field.size for layer in last],
            times,
            [_named(layer, field_size(layer.field) if layer else "") for layer in last],
        ),
        _quantity("share_last_conv", "  of the image", "sees", shares, percent),
        _quantity(
            "stride_last_conv",
            "  in steps of, px",
            "sees",
            [None if layer is None else _stride(layer) for layer in last],
            times,
            [NONE if layer is None else field_stride(layer.field) for layer in last],
        ),
        _quantity(
            "map_last_conv",
            "  on a map of",
            "sees",
            [None if layer is None else layer.out[1:] for layer in last],
            times,
        ),
        _quantity("width_last_conv", "  uses, σ of path density, px", "sees", sigma, lambda v: f"{v:.3f}"),
        _quantity(
            "field_deepest",
            "sees most before it sees all",
            "sees",
            [None if layer is None else layer.field.size for layer in deepest],
            times,
            [_named(layer, field_size(layer.field) if layer else "") for layer in deepest],
        ),
        _quantity(
            "sees_all_from",
            "every unit sees all from",
            "sees",
            [None if e is None else e.name for e in ends],
            str,
        ),
        _quantity("sees_all_after", "  after this share of the MACs", "sees", before, percent),
    ]


def _stride(layer: Layer) -> Any:
    stride = layer.field.stride
    return None if stride is None else tuple(s if s is None or isinstance(s, int) else float(s) for s in stride)


def _width(report: Report, layer: Layer | None) -> float | None:
    """The largest width over the axes, in pixels."""
    found = None if layer is None else widths(report.network)[layer.name]
    return max(found) if found else None


def _costs(reports: Sequence[Report]) -> list[Quantity]:
    def parted(kind: type, cost: str) -> list[int]:
        return [
            sum(getattr(layer, cost) for layer in report if isinstance(layer.node.op, kind))
            for report in reports
        ]

    def counted(key: str, name: str, values: Sequence[int]) -> Quantity:
        return _quantity(key, name, "costs", values, short)

    totals = [report.totals for report in reports]
    return [
        *_kernel_weights(reports),
        counted("params", "params", [t.params for t in totals]),
        counted("params_conv", "  in convolutions", parted(Conv, "params")),
        counted("params_fc", "  fully connected", parted(Linear, "params")),
        counted("macs", "MACs", [t.macs for t in totals]),
        counted("macs_conv", "  in convolutions", parted(Conv, "macs")),
        counted("macs_fc", "  fully connected", parted(Linear, "macs")),
        counted("activations", "activations", [t.activations for t in totals]),
        counted("peak_activations", "  alive at once, at most", [t.peak_activations for t in totals]),
    ]


def _kernel_weights(reports: Sequence[Report]) -> list[Quantity]:
    """Σ k² of the kernels where all convolutions of all designs have one width C: their weights in C².

    Taken from the notation alone, as if each convolution had C channels in as well as out, so that the channels of
    the image do not blur what kernels cost.
    """
    layers = [layer for report in reports for layer in report if isinstance(layer.node.op, Conv)]
    ops = [layer.node.op for layer in layers]
    if len({layer.node.shape[1] for layer in layers}) != 1 or any(op.groups > 1 for op in ops if isinstance(op, Conv)):
        return []
    sums = []
    for report in reports:
        found = [layer.node.op for layer in report if isinstance(layer.node.op, Conv)]
        if not found:
            return []
        sums.append(sum(_area(op) for op in found))
    return [_quantity("kernel_weights_c2", "kernel weights, C channels throughout", "costs", sums, lambda n: f"{n}C²")]


def _area(op: Conv) -> int:
    area = 1
    for k in op.kernel:
        area *= k
    return area


def _counts(reports: Sequence[Report]) -> list[Quantity]:
    return [
        _quantity("weighted_layers", "layers with weights", "counts", [len(weighted(r)) for r in reports], str),
        _quantity("rectifications", "rectifications", "counts", [rectifications(r.network) for r in reports], str),
    ]
