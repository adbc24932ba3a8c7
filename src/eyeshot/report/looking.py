"""How far back and ahead of its own position a unit of a sequence sees, in words, positions and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from eyeshot.analyse.field import Field
from eyeshot.analyse.inspection import Inspection, Layer, Unit
from eyeshot.errors import UsageError
from eyeshot.report.table import Column
from eyeshot.report.wording import NONE, field_size, field_stride, number, once

if TYPE_CHECKING:
    from eyeshot.analyse.lookahead import Look


def check_rate(report: Inspection, rate: float | None) -> None:
    """Complain of positions a second for what is no sequence.

    Raises:
        UsageError: says what the input is.
    """
    axes = len(report.network.axes)
    if rate is not None and axes != 1:
        raise UsageError(f"--rate is for sequences, such as --input 1x16000; this input has {axes} axes of positions")


def is_sequence(report: Inspection) -> bool:
    """Whether a network runs along one axis, so that units look back and ahead."""
    return len(report.network.axes) == 1


def columns(report: Inspection, *, with_centre: bool) -> list[Column]:
    """Start and centre where they were asked for; back and ahead of sequences."""
    headings = ("start", "centre") * with_centre + ("back", "ahead") * is_sequence(report)
    return [Column(heading=heading, priority=1) for heading in headings]


def cells(report: Inspection, layer: Layer, *, with_centre: bool, rate: float | None) -> list[str]:
    """What stands in those columns."""
    field = layer.data.field
    places = [place_cell(field.start, rate), place_cell(field.centre, rate)] if with_centre else []
    return [*places, *(look_cells(layer, rate) if is_sequence(report) else ())]


def values(layer: Layer, *, with_centre: bool, rate: float | None) -> dict[str, float | str | None]:
    """The same unrounded, for CSV; in positions, and in seconds too where their rate is known."""
    field = layer.data.field
    told: dict[str, float | str | None] = {}
    if with_centre:
        told = {"start": _joined(field.start), "centre": _joined(field.centre)}
    if layer.look is not None:
        told |= layer.look.to_dict(rate)
    elif len(layer.fields.network.axes) == 1:
        from eyeshot.analyse.lookahead import Look

        told |= dict.fromkeys(Look(back=None, ahead=None).to_dict(rate))
    return told


def _joined(places: Sequence[float | None] | None) -> str:
    return "" if places is None else "x".join("" if n is None else f"{n:g}" for n in places)


def place_cell(places: Sequence[float | None] | None, rate: float | None = None) -> str:
    """A place of the input, once where all axes agree, or when it is."""
    return NONE if places is None else once([NONE if n is None else length(n, rate) for n in places])


def size_cell(field: Field, rate: float | None = None) -> str:
    """What a unit sees, or how long that lasts."""
    if rate is None or field.one_sided is not None or not all(field.size):
        return field_size(field)
    return ("" if field.is_exact else "≤") + length(field.size[0], rate)


def stride_cell(field: Field, rate: float | None = None) -> str:
    """Input positions a step, or how long a step lasts."""
    if rate is None or field.stride is None or field.stride[0] is None:
        return field_stride(field)
    return length(field.stride[0], rate)


def look_cells(layer: Layer, rate: float | None = None) -> tuple[str, str]:
    """What stands below back and ahead; the latter says where a layer is causal."""
    if layer.look is None:
        return NONE, NONE
    bound = "" if layer.field.is_exact else "≤"
    back, ahead = (
        f"all {side}" if far is None else bound + length(far, rate)
        for far, side in ((layer.look.back, "before"), (layer.look.ahead, "after"))
    )
    return back, ahead + ", causal" * (layer.look.ahead == 0)


def length(positions: Fraction | float, rate: float | None = None) -> str:
    """Positions, or how long they last.

    >>> length(17), length(Fraction(1, 2)), length(199.5, 16000), length(31440, 16000), length(1, 16000)
    ('17', '0.5', '12.47 ms', '1.965 s', '62.5 µs')
    """
    if rate is None:
        return number(float(positions))
    seconds = float(positions) / rate
    scale, unit = (1, "s") if abs(seconds) >= 1 else (1e3, "ms") if abs(seconds) >= 1e-3 or not seconds else (1e6, "µs")
    return f"{seconds * scale:.4g} {unit}".replace("-", "−")


def causal_sentence(ends: Sequence[Layer], rate: float | None = None) -> str:
    """Whether the outputs of a network on sequences are causal, and how far they look; empty for other networks."""
    told = [(layer, layer.look) for layer in ends if layer.look is not None]
    if not told:
        return ""
    if all(look.is_causal for _, look in told):
        return "Causal: no output sees past its own position."
    layer, look = max(told, key=lambda pair: float("inf") if pair[1].ahead is None else pair[1].ahead)
    return f"Not causal: {layer.name} looks {look_words(look, rate)} its own position."


def unit_sentence(unit: Unit, rate: float | None = None) -> str:
    """How far one unit of a sequence sees from where it stands; empty for other networks."""
    if unit.look is None:
        return ""
    own, look = unit.look
    when = "" if rate is None else f" ({length(own, rate)})"
    causal = " It is causal." if look.is_causal else ""
    return f"Its own position is {length(own)}{when}: it looks {look_words(look, rate)} it.{causal}"


def look_words(look: Look, rate: float | None = None) -> str:
    """How far a layer looks, to be followed by what it looks from.

    >>> from eyeshot.analyse.lookahead import Look
    >>> look_words(Look(back=Fraction(122), ahead=Fraction(17))), look_words(Look(back=None, ahead=Fraction(0)))
    ('17 ahead and 122 back of', '0 ahead and all before')
    """
    ahead = "to the end" if look.ahead is None else f"{length(look.ahead, rate)} ahead"
    return f"{ahead} and " + ("all before" if look.back is None else f"{length(look.back, rate)} back of")
