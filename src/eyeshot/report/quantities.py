"""The quantities by which designs are compared, each with its text and its change against the first design."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eyeshot.analyse.cost import rectifications
from eyeshot.analyse.density import width
from eyeshot.analyse.inspection import Inspection, Layer, View
from eyeshot.analyse.landmarks import CONVOLUTIONS, deepest_before, horizon, last_convolution, macs_before, weighted
from eyeshot.network.ops import Conv, Linear
from eyeshot.report.wording import (
    NONE,
    field_size,
    field_stride,
    image_share,
    percent,
    relative,
    short,
    signed,
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
        change: how people read a change: percent, times, difference (with its unit), points, or not at all.
    """

    key: str
    name: str
    group: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    changes: tuple[float | None, ...]
    change: str

    @property
    def change_texts(self) -> tuple[str, ...]:
        """The changes as people read them; empty for the first."""
        return ("", *(self._change(value) for value in self.values[1:]))

    def _change(self, value: Any) -> str:
        first, value = _number(self.values[0]), _number(value)
        if first is None or value is None or self.change == "none":
            return ""
        if value == first:
            return "="
        if self.change == "points":
            return f"{signed(100 * (value - first), 1)} points"
        if self.change == "times":
            factor = f"×{value / first:.4g}" if first else ""
            return "=" if factor == "×1" else factor
        if self.change == "percent":
            return relative(value, first)
        return f"{signed(value - first, 0)}{self.change.removeprefix('difference')}"


def _number(value: Any) -> float | None:
    """A value that can be compared: itself, or a size that is the same along all axes."""
    if isinstance(value, tuple):
        value = value[0] if len(set(value)) == 1 else None
    return value if isinstance(value, int | float) else None


def quantities(reports: Sequence[Inspection]) -> list[Quantity]:
    """What the designs see, then what they cost."""
    candidates = [*_sees(reports), *_costs(reports), *_counts(reports)]
    by_key = {quantity.key: quantity for quantity in candidates}
    return [quantity for quantity in candidates if _says_something(quantity, by_key)]


def _says_something(quantity: Quantity, by_key: dict[str, Quantity]) -> bool:
    """Not what no design has, nor a total's parts where one of them is all of it."""
    if not any(quantity.values):
        return False
    total = by_key.get(quantity.key.removesuffix("_conv").removesuffix("_fc"))
    return total is None or total is quantity or quantity.values != total.values


def _quantity(
    key: str,
    name: str,
    group: str,
    values: Sequence[Any],
    text: Callable[[Any], str],
    change: str,
    texts: Sequence[str] = (),
) -> Quantity:
    shown = tuple(texts) or tuple(NONE if value is None else text(value) for value in values)
    first, *others = map(_number, values)
    changes = [None, *(n / first - 1 if n is not None and first else None for n in others)]
    return Quantity(
        key=key,
        name=name,
        group=group,
        values=tuple(values),
        texts=shown,
        changes=tuple(changes),
        change=change,
    )


def _named(layer: Layer | None, text: str) -> str:
    return NONE if layer is None else f"{text} ({layer.name})"


def _sees(reports: Sequence[Inspection]) -> list[Quantity]:
    last = [last_convolution(report) for report in reports]
    deepest = [deepest_before(report) for report in reports]
    # Some units see less than all, though their fields would reach beyond the image on both sides of the middle one.
    within = [
        () if layer is None else tuple(map(min, layer.field.size, report.network.extent))
        for report, layer in zip(reports, deepest, strict=True)
    ]
    ends = [horizon(report) for report in reports]
    sigma = [_width(layer) for layer in last]
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
            "difference px",
            [_named(layer, field_size(layer.field) if layer else "") for layer in last],
        ),
        _quantity("share_last_conv", "  of the image", "sees", shares, percent, "points"),
        _quantity(
            "stride_last_conv",
            "  in steps of, px",
            "sees",
            [None if layer is None else _stride(layer) for layer in last],
            times,
            "times",
            [NONE if layer is None else field_stride(layer.field) for layer in last],
        ),
        _quantity(
            "map_last_conv",
            "  on a map of",
            "sees",
            [None if layer is None else layer.out[1:] for layer in last],
            times,
            "none",
        ),
        *_along_data(last),
        _quantity("width_last_conv", "  uses, σ in px", "sees", sigma, lambda v: f"{v:.3f}", "times"),
        _quantity(
            "field_deepest",
            "sees most, short of all",
            "sees",
            [None if layer is None else size for layer, size in zip(deepest, within, strict=True)],
            times,
            "difference px",
            [
                _named(layer, ("" if layer is None or layer.field.is_exact else "≤") + times(size))
                for layer, size in zip(deepest, within, strict=True)
            ],
        ),
        _quantity(
            "sees_all_from",
            "every unit sees all from",
            "sees",
            [None if e is None else e.name for e in ends],
            str,
            "none",
        ),
        _quantity("sees_all_after", "  after, of the MACs", "sees", before, percent, "points"),
    ]


def _along_data(last: Sequence[Layer | None]) -> list[Quantity]:
    """What the last convolutions see without gates and statistics, where that is something else for one of them."""
    if all(layer is None or layer.field == layer.data.field for layer in last):
        return []
    return [
        _quantity(
            "data_field_last_conv",
            "  data path alone, px",
            "sees",
            [None if layer is None else layer.data.field.size for layer in last],
            times,
            "difference px",
            [NONE if layer is None else field_size(layer.data.field) for layer in last],
        ),
        _quantity(
            "data_stride_last_conv",
            "  data path alone, in steps of",
            "sees",
            [None if layer is None else _stride(layer.data) for layer in last],
            times,
            "times",
            [NONE if layer is None else field_stride(layer.data.field) for layer in last],
        ),
    ]


def _stride(layer: View) -> Any:
    stride = layer.field.stride
    return None if stride is None else tuple(s if s is None or isinstance(s, int) else float(s) for s in stride)


def _width(layer: Layer | None) -> float | None:
    """The largest width over the axes, in pixels."""
    widths = None if layer is None else width(layer.fields, layer.name)
    return max(widths) if widths else None


def _costs(reports: Sequence[Inspection]) -> list[Quantity]:
    def parted(kinds: tuple[type, ...], cost: str) -> list[int]:
        return [sum(getattr(layer, cost) for layer in report if isinstance(layer.node.op, kinds)) for report in reports]

    def counted(key: str, name: str, values: Sequence[int]) -> Quantity:
        return _quantity(key, name, "costs", values, short, "percent")

    totals = [report.totals for report in reports]
    return [
        *_kernel_weights(reports),
        counted("params", "params", [t.params for t in totals]),
        counted("params_conv", "  in convolutions", parted(CONVOLUTIONS, "params")),
        counted("params_fc", "  fully connected", parted((Linear,), "params")),
        counted("macs", "MACs", [t.macs for t in totals]),
        counted("macs_conv", "  in convolutions", parted(CONVOLUTIONS, "macs")),
        counted("macs_fc", "  fully connected", parted((Linear,), "macs")),
        counted("activations", "activations", [t.activations for t in totals]),
        counted("mac_activations", "  of layers with MACs", [t.mac_activations for t in totals]),
        counted("peak_activations", "  alive at once, at least", [t.peak_activations for t in totals]),
        counted("saved_activations", "  kept for training", [t.saved_activations for t in totals]),
    ]


def _kernel_weights(reports: Sequence[Inspection]) -> list[Quantity]:
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
        convs = [layer.node.op for layer in report if isinstance(layer.node.op, Conv)]
        if not convs:
            return []
        sums.append(sum(_area(op) for op in convs))
    return [
        _quantity("kernel_weights_c2", "kernel weights, C in and out", "costs", sums, lambda n: f"{n}C²", "percent")
    ]


def _area(op: Conv) -> int:
    area = 1
    for k in op.kernel:
        area *= k
    return area


def _counts(reports: Sequence[Inspection]) -> list[Quantity]:
    return [
        _quantity(
            "weighted_layers", "layers with weights", "counts", [len(weighted(r)) for r in reports], str, "difference"
        ),
        _quantity(
            "rectifications",
            "rectifications",
            "counts",
            [rectifications(r.network) for r in reports],
            str,
            "difference",
        ),
    ]
