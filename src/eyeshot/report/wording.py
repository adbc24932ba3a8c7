"""How numbers and ops are written for people: 227×227, 665.8 M, −79.1 %, conv 11×11/4."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from fractions import Fraction

from eyeshot.analyse.cost import Totals
from eyeshot.analyse.field import Field
from eyeshot.network.ops import (
    AdaptivePool,
    Aggregate,
    Conv,
    Linear,
    LocalResponseNorm,
    Norm,
    Op,
    Pool,
    Sliding,
)

NONE = "–"
"""Stands where there is no number."""


def times(sizes: Iterable[object]) -> str:
    """Sizes side by side.

    >>> times((13, 13))
    '13×13'
    """
    return "×".join(map(str, sizes))


def axis_letters(count: int) -> tuple[str, ...]:
    """What columns of programs call the axes of an image.

    >>> axis_letters(2)
    ('y', 'x')
    """
    return ("z", "y", "x")[3 - count :]


def short(value: float) -> str:
    """Four significant digits and a unit prefix.

    >>> short(665_784_864), short(12_800), short(512)
    ('665.8 M', '12.80 k', '512')
    """
    if value < 1000:
        return f"{value:,}"
    for power, prefix in ((3, "k"), (6, "M"), (9, "G"), (12, "T"), (15, "P")):
        scaled = value / 10**power
        if float(f"{scaled:.4g}") < 1000:
            return f"{scaled:.{3 - math.floor(math.log10(float(f'{scaled:.4g}')))}f} {prefix}"
    return f"{value:.3e}"


def percent(share: float) -> str:
    """A share of 1 with one decimal; not rounded to 0 or 100 unless it is.

    >>> percent(0.51561), percent(0.99999), percent(1), percent(1e-5)
    ('51.6 %', '>99.9 %', '100 %', '<0.1 %')
    """
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f} %"


def relative(value: float, reference: float) -> str:
    """The change against a reference in percent, never rounded to all of it; empty where the reference is nothing.

    >>> relative(25, 18), relative(21, 100), relative(5, 5), relative(1, 9999), relative(0, 9999)
    ('+38.9 %', '−79.0 %', '=', '−>99.9 %', '−100.0 %')
    """
    if value == reference:
        return "="
    if not reference:
        return ""
    change = 100 * (value / reference - 1)
    if abs(change) >= 1000:
        return f"×{value / reference:.3g}" if value / reference < 1000 else f"×{value / reference:,.0f}"
    if abs(change) < 0.05:
        return "+<0.1 %" if change > 0 else "−<0.1 %"
    if -100 < change < -99.95:
        return "−>99.9 %"
    return signed(change, 1) + " %"


def signed(value: float, decimals: int) -> str:
    """A number with its sign, the minus being a minus.

    >>> signed(-0.21, 1)
    '−0.2'
    """
    return f"{value:+.{decimals}f}".replace("-", "−")


def plain(value: float, decimals: int) -> str:
    """A number whose minus, where it has one, is a minus.

    >>> plain(-0.21, 1), plain(0.21, 1)
    ('−0.2', '0.2')
    """
    return f"{value:.{decimals}f}".replace("-", "−")


def decimals(value: float, most: int) -> int:
    """Those that a number and its interval are told with: ``most`` below 1, two at most from there on.

    >>> decimals(0.0312, 4), decimals(30.0904, 4), decimals(30.0904, 1)
    (4, 2, 1)
    """
    return most if abs(value) < 1 else min(most, 2)


def memory_words(totals: Totals) -> str:
    """What is written, alive and kept, in elements of one image."""
    at_least = "" if totals.is_saved_exact else "at least "
    return (
        f"activations {short(totals.activations)}, {short(totals.mac_activations)} of layers with MACs; alive at once"
        f" {short(totals.peak_activations)}, a planner's minimum; kept for training"
        f" {at_least}{short(totals.saved_activations)} (elements, one image)"
    )


def field_size(field: Field) -> str:
    """What a layer's units see; a bound is marked, and a unit that sees nothing shows a dash."""
    if not all(field.size):
        return NONE
    sides = field.one_sided or (None,) * len(field.size)
    sizes = (n if side is None else f"all {side}" for n, side in zip(field.size, sides, strict=True))
    return ("" if field.is_exact else "≤") + times(sizes)


def field_pixels(field: Field, unit: str = "pixels") -> str:
    """The same in a sentence: 3×3 pixels; of a sequence all before it; else 7×3 pixels at most, all before×3."""
    if field.one_sided is None or not all(field.size):
        return f"{field_size(field)} {unit}"
    if len(field.size) == 1:
        return f"{field_size(field)} it"
    return f"{times(field.size)} {unit} at most, {field_size(field)}"


def field_stride(field: Field) -> str:
    """Input pixels per step, once where all axes agree."""
    if field.stride is None:
        return NONE
    steps = [NONE if step is None else _step(step) for step in field.stride]
    return steps[0] if len(set(steps)) == 1 else times(steps)


def once(texts: Sequence[str]) -> str:
    """Positions per axis, once where all axes agree.

    >>> once(["−3", "−3"]), once(["−1", "−3"])
    ('−3', '−1, −3')
    """
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def number(value: float) -> str:
    """A position with no more decimals than it has.

    >>> number(-3), number(17.5)
    ('−3', '17.5')
    """
    return f"{value:g}".replace("-", "−") if abs(value) < 1e5 else f"{value:.1f}".rstrip("0").rstrip(".")


def _step(step: int | Fraction) -> str:
    return str(step) if isinstance(step, int) or step.denominator < 100 else f"{float(step):.3g}"


def image_share(field: Field, extent: Sequence[int]) -> float:
    """Share of the image inside the field of a unit that has it whole before it."""
    seen = math.prod(min(size, n) for size, n in zip(field.size, extent, strict=True))
    return seen / math.prod(extent)


def middle_out(text: str, most: int) -> str:
    """A text with its middle left out where it is longer than ``most``, signs that cannot be shown replaced.

    >>> middle_out("features.denseblock4.denselayer32.conv2", 28)
    'features.dense…layer32.conv2'
    """
    if len(text) > most:
        text = f"{text[: most // 2]}…{text[-(most - most // 2 - 1) :]}"
    return "".join(c if c.isprintable() else "�" for c in text)


def beginning(text: str) -> str:
    """A text as a sentence begins; the rest keeps its capitals.

    >>> beginning("activations of layers with MACs")
    'Activations of layers with MACs'
    """
    return text[:1].upper() + text[1:]


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 4th …

    >>> ordinal(1), ordinal(12), ordinal(23)
    ('1st', '12th', '23rd')
    """
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Items in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def line_of_code(line: str) -> str:
    """A line of code, its file told from the working directory on where it lies in that."""
    path, _, number = line.rpartition(":")
    here = os.getcwd() + os.sep
    return f"{path.removeprefix(here)}:{number}" if line else ""


def op_words(op: Op) -> str:
    """An op with what matters of it, in the shortest usual form.

    >>> op_words(Conv(kernel=(5, 5), stride=(1, 1), dilation=(1, 1), padding=((2, 2), (2, 2)), groups=2))
    'conv 5×5 g2'
    """
    if isinstance(op, Conv):
        return "conv " + _window(op) + (f" g{op.groups}" if op.groups > 1 else "")
    if isinstance(op, Pool):
        return f"{op.mode} pool " + _window(op)
    if isinstance(op, AdaptivePool):
        return f"global {op.mode} pool" if set(op.size) == {1} else f"{op.mode} pool to {times(op.size)}"
    if isinstance(op, Linear):
        return "fc"
    if isinstance(op, Aggregate):
        return f"{op.name} over axes {','.join(map(str, op.axes))}"
    return op_name(op)


def op_name(op: Op) -> str:
    """An op's short name, as it is appended to the layer before it: relu, bn, lrn, drop."""
    if isinstance(op, Norm) and op.mode == "batch":
        return "bn"
    if isinstance(op, LocalResponseNorm):
        return "lrn"
    return {"dropout": "drop"}.get(op.kind, op.kind.replace("_", " "))


def _window(op: Sliding) -> str:
    text = times(op.kernel)
    if set(op.stride) != {1}:
        text += "/" + (str(op.stride[0]) if len(set(op.stride)) == 1 else times(op.stride))
    if set(op.dilation) != {1}:
        text += " d" + (str(op.dilation[0]) if len(set(op.dilation)) == 1 else times(op.dilation))
    return text
