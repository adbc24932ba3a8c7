"""How the middle unit's use is spread over what it sees, as an inline picture: a bar for every pixel along one axis."""

from __future__ import annotations

from html import escape

from eyeshot.analyse.footprint import centre_unit
from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.landmarks import last_convolution
from eyeshot.analyse.layouts import unit_axes
from eyeshot.analyse.pull import path_counts
from eyeshot.errors import UsageError
from eyeshot.report.wording import middle_out

_BAR, _GAP, _HIGH, _WORDS = 34, 6, 110, 20
"""Pixels: of a bar and between bars, the height of a bar that holds 30 %, and for words above and below."""
_TOP_SHARE = 0.3
_MOST_BARS = 21


def uses_svg(report: Inspection) -> str:
    """The last convolution's middle unit: its path density along the image's last axis.

    Raises:
        UsageError: there is no convolution, or it sees more pixels than there is room for bars.
    """
    layer = last_convolution(report)
    if layer is None:
        raise UsageError(f"{report.network.name} has no convolution")
    at = centre_unit(report.network, layer.name)
    index = dict(zip(unit_axes(report.network, layer.name), at, strict=True))
    counts = path_counts(report.network, layer.name, index, is_shared=True)
    if counts is None or counts.values.shape[-1] > _MOST_BARS:
        raise UsageError(f"{layer.name} of {report.network.name} sees nothing, or more than {_MOST_BARS} pixels")
    values = counts.values.reshape(-1, counts.values.shape[-1]).sum(0)
    shares = (values / values.sum()).tolist()
    width, top = len(shares) * (_BAR + _GAP) - _GAP, _HIGH * (1 - max(shares) / _TOP_SHARE)
    name = escape(middle_out(f"{layer.name} of {report.network.name}", 100), quote=False)
    title = f"<title>How {name} uses what it sees, by columns</title>"
    box = f"0 {top:.0f} {width} {_HIGH + 2 * _WORDS - top:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{width}"'
        f' role="img" font-size="12" fill="currentColor">{title}{"".join(map(_bar, range(len(shares)), shares))}'
        f'<path stroke="currentColor" stroke-opacity=".4" d="M0 {_HIGH + _WORDS}H{width}"/></svg>'
    )


def _bar(i: int, share: float) -> str:
    x, high = i * (_BAR + _GAP), _HIGH * share / _TOP_SHARE
    middle, base = x + _BAR / 2, _HIGH + _WORDS
    return (
        f'<rect x="{x}" y="{base - high:.1f}" width="{_BAR}" height="{high:.1f}" fill="#0072B2"/>'
        f'<text x="{middle}" y="{base - high - 5:.1f}" text-anchor="middle">{100 * share:.0f} %</text>'
    )
