"""Resizing, in all of ONNX's coordinate modes."""

from __future__ import annotations

from fractions import Fraction

from eyeshot.errors import ReadError
from eyeshot.network.ops import Resize
from eyeshot.read.onnx.calls import Call
from eyeshot.read.onnx.operators.table import rule
from eyeshot.read.onnx.values import Value

_NAMES = {0: "linear", 1: "linear", 2: "bilinear", 3: "trilinear"}
_PHASES = 1 << 12
"""A step's denominator at most: taps repeat after as many outputs."""


@rule("Upsample")
def _upsample(call: Call) -> Value:
    """Coordinates are i/scale, and the nearest is below."""
    told = call.attribute("scales")
    scales = [float(n) for n in told] if told is not None else [float(n) for n in call.numbers(1).reshape(-1)]
    return resized(call, call.x, scales, None, coordinates="asymmetric", rounding="floor")


@rule("Resize")
def _resize(call: Call) -> Value:
    x = call.x
    rank = len(x.shape)
    if call.opset < 11:
        scales = [float(n) for n in call.numbers(1).reshape(-1)]
        # version 10 does not say; runtimes round up where they make smaller
        rounding = "ceil" if min(scales) < 1 else "floor"
        return resized(call, x, scales, None, coordinates="asymmetric", rounding=rounding)
    told = call.integers("axes")
    axes = [call.axis(a, rank) for a in (range(rank) if told is None else told)]
    sizes = call.whole(3) if call.get(3) is not None and call[3].count else None
    scales = [1.0] * rank
    whole = list(x.shape)
    if sizes is not None:
        _fill_sizes(call, x, axes, sizes, scales, whole)
    else:
        for axis, scale in zip(axes, call.numbers(2).reshape(-1).tolist(), strict=True):
            scales[axis] = float(scale)
    corners = call.numbers(1).reshape(-1).tolist() if call.get(1) is not None and call[1].count else None
    crop = None
    if call.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize" and corners is not None:
        crop = {axis: (corners[i], corners[i + len(axes)]) for i, axis in enumerate(axes)}
    return resized(
        call,
        x,
        scales,
        whole if sizes is not None else None,
        coordinates=call.text("coordinate_transformation_mode", "half_pixel"),
        rounding=call.text("nearest_mode", "round_prefer_floor"),
        crop=crop,
    )


def _fill_sizes(call: Call, x: Value, axes: list[int], sizes: list[int], scales: list[float], whole: list[int]) -> None:
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    ratios = [size / x.shape[axis] for axis, size in zip(axes, sizes, strict=True)]
    shared = {"not_larger": min, "not_smaller": max}.get(policy)
    for axis, size, ratio in zip(axes, sizes, ratios, strict=True):
        scales[axis] = ratio if shared is None else shared(ratios)
        whole[axis] = size if shared is None else int(scales[axis] * x.shape[axis] + 0.5)


def resized(
    call: Call,
    x: Value,
    scales: list[float],
    sizes: list[int] | None,
    *,
    coordinates: str,
    rounding: str,
    crop: dict[int, tuple[float, float]] | None = None,
) -> Value:
    """Interpolation: position i reads around i·step + start, both as exact as fractions of some size are."""
    if len(scales) != len(x.shape) or min(scales) <= 0:
        raise ReadError(f"scales of {scales} for {len(x.shape)} axes")
    shape = sizes or [int(n * scale + 1e-6) for n, scale in zip(x.shape, scales, strict=True)]
    call.reader.check_shape(tuple(shape))
    if 0 in shape or (tuple(shape) == x.shape and not crop):
        return Value(tuple(shape)) if 0 in shape else x
    first = next(a for a, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if n != m or (crop and a in crop))
    steps, starts = [], []
    for axis in range(first, len(shape)):
        n, m = x.shape[axis], shape[axis]
        step = Fraction(n, m) if sizes is not None and abs(scales[axis] - m / n) < 1e-9 else 1 / Fraction(scales[axis])
        step = step.limit_denominator(_PHASES)
        if n == m and scales[axis] == 1 and not (crop and axis in crop):
            step, start = Fraction(1), Fraction(0)
        else:
            step, start = _line(coordinates, step, n, m, scales[axis], crop[axis] if crop and axis in crop else (0, 1))
        steps.append((step.numerator, step.denominator))
        starts.append(start)
    kind = call.text("mode", "nearest")
    is_plain = all(start == Fraction(*step) / 2 - Fraction(1, 2) for step, start in zip(steps, starts, strict=True))
    is_aligned = all(start == 0 for start in starts)
    mode = {"nearest": "nearest", "cubic": "bicubic"}.get(kind, _NAMES.get(min(len(steps), 3), "linear"))
    is_shifted = not (is_plain or is_aligned)
    if kind == "nearest" and is_aligned and rounding == "floor":
        rounding = ""
    elif kind == "nearest" and is_plain and not is_aligned and rounding == "round_prefer_ceil":
        mode, rounding = "nearest-exact", ""
    is_told = is_shifted or (bool(rounding) and kind == "nearest")
    op = Resize(
        mode=mode,
        steps=tuple(steps),
        aligned=is_aligned,
        antialiased=bool(call.integer("antialias", 0)) and kind != "nearest",
        starts=tuple((s.numerator, s.denominator) for s in starts) if is_told else None,
        rounding=rounding if kind == "nearest" else "",
        outside="nothing" if crop is not None else "cut" if call.integer("exclude_outside", 0) else "border",
    )
    if x.step is not None:
        reach = max(4, *(int(8 * a / b) for a, b in steps)) if op.antialiased else 4
        call.reader.spend(sum(reach * (d + m) for (_, d), m in zip(steps, shape[first:], strict=True)))
    return call.record(op, [x], shape)


def _line(
    mode: str, step: Fraction, n: int, m: int, scale: float, crop: tuple[float, float]
) -> tuple[Fraction, Fraction]:
    """Input positions per output position, and where the first output reads."""
    half = Fraction(1, 2)
    if mode in ("half_pixel", "pytorch_half_pixel"):
        if mode == "pytorch_half_pixel" and m <= 1:
            return Fraction(0), Fraction(0)
        return step, step * half - half
    if mode == "half_pixel_symmetric":
        whole = (Fraction(scale) * n).limit_denominator(_PHASES)
        return step, Fraction(n, 2) * (1 - Fraction(m) / whole) + step * half - half
    if mode == "asymmetric":
        return step, Fraction(0)
    if mode == "tf_half_pixel_for_nn":
        return step, step * half
    if mode == "align_corners":
        whole = (Fraction(scale) * n).limit_denominator(_PHASES)  # by scales not rounded
        return (Fraction(n - 1) / (whole - 1) if m > 1 else Fraction(0)), Fraction(0)
    if mode == "tf_crop_and_resize":
        first, last = (Fraction(c).limit_denominator(_PHASES) for c in crop)
        if m > 1:
            return (last - first) * Fraction(n - 1, m - 1), first * (n - 1)
        return Fraction(0), (first + last) / 2 * (n - 1)
    raise ReadError(f"its coordinate_transformation_mode is {mode!r}")
