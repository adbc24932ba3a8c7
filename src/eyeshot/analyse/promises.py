"""Does a network keep what was promised of it: fields, costs, no layers in vain, units that look straight ahead?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eyeshot.analyse.alignment import HALF_A_STEP, shifts
from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.unproductive import unproductive
from eyeshot.errors import UsageError
from eyeshot.shown import quoted

_FIELD = re.compile(r"(>=|<=|=|≥|≤)?\s*(\d{1,9}(?:[x×]\d{1,9})*)")


@dataclass(frozen=True, kw_only=True)
class Promises:
    """What is promised of a network.

    Attributes:
        field: by layers' names what their units see, each such as "163", ">=100" or "<=200x300".
        macs_max, params_max, peak_max: the most that it costs; peak in elements alive at once.
        no_unproductive: no layer only widens a view of the whole image.
        centred: no layer's units look half a step or more beside their places.
    """

    field: Mapping[str, Sequence[str]] = field(default_factory=dict)
    macs_max: int | None = None
    params_max: int | None = None
    peak_max: int | None = None
    no_unproductive: bool = False
    centred: bool = False


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One promise: what it is of, whether it is kept, what was promised, and what is."""

    name: str
    is_kept: bool
    asked: str
    has: str


def kept(inspection: Inspection, promises: Promises) -> list[Promise]:
    """Every promise, and whether it is kept.

    Raises:
        UsageError: there is no such layer, or a promise is none.
    """
    return [*_fields(inspection, promises.field), *_costs(inspection, promises), *_shapes(inspection, promises)]


def _fields(inspection: Inspection, fields: Mapping[str, Sequence[str]]) -> Iterator[Promise]:
    for name, asked in ((name, asked) for name, each in fields.items() for asked in each):
        match = _FIELD.fullmatch(asked.strip())
        if match is None:
            raise UsageError(f"field of {name}: {quoted(asked)} is none; write 163, 163x163, '>=163' or '<=300'")
        layer = inspection[name]
        sizes = [int(size) for size in re.split("[x×]", match[2])]
        seen = layer.field.size
        if len(sizes) not in (1, len(seen)):
            raise UsageError(f"field of {name}: {match[2]} has {len(sizes)} sizes, and the image {len(seen)} axes")
        sign = {">=": "≥", "<=": "≤"}.get(match[1] or "=", match[1] or "=")
        each = list(zip(seen, sizes if len(sizes) > 1 else sizes * len(seen), strict=True))
        fits = {"=": all(a == b for a, b in each), "≥": all(a >= b for a, b in each), "≤": all(a <= b for a, b in each)}
        # a bound from above proves no more than that the field is no larger
        is_proven = layer.field.is_exact or sign == "≤"
        size = "×".join(map(str, seen)) + ("" if layer.field.is_exact else ", a bound from above")
        asked_words = f"{'' if sign == '=' else sign}{match[2].replace('x', '×')}"
        yield Promise(name=f"field of {name}", is_kept=fits[sign] and is_proven, asked=asked_words, has=size)


def _costs(inspection: Inspection, promises: Promises) -> Iterator[Promise]:
    totals = inspection.totals
    for name, most, cost in (
        ("MACs", promises.macs_max, totals.macs),
        ("params", promises.params_max, totals.params),
        ("alive at once", promises.peak_max, totals.peak_activations),
    ):
        if most is not None:
            yield Promise(name=name, is_kept=cost <= most, asked=f"≤{most:,}", has=f"{cost:,}")


def _shapes(inspection: Inspection, promises: Promises) -> Iterator[Promise]:
    if promises.no_unproductive:
        layers = unproductive(inspection)
        names = ", ".join(layer.name for layer in layers[:3]) + (" …" if len(layers) > 3 else "")
        yield Promise(name="unproductive layers", is_kept=not layers, asked="none",
                      has=f"{len(layers)} ({names})" if layers else "none")  # fmt: skip
    if promises.centred:
        worst = max(shifts(inspection), key=lambda shift: shift.most, default=None)
        most = 0.0 if worst is None else worst.most
        has = "0 steps" if worst is None else f"{most:.2f} steps at most, at {worst.layer}"
        yield Promise(name="off-centre", is_kept=most < HALF_A_STEP, asked=f"<{HALF_A_STEP} steps", has=has)
