"""Scores of trained designs as an inline picture: seeds as points, the mean with its intervals, one scale for all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from eyeshot.report.wording import middle_out

_WIDTH, _RIGHT, _ROW, _LETTER = 290, 76, 34, 7.0
"""Pixels for the scale, the means, the height of an arm, and a letter of a name."""
_LONGEST_NAME = 38
_WIDER = "seeds_and_images"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def scores_svg(arms: Sequence[Mapping[str, Any]]) -> str:
    """The arms of a document of schema eyeshot.evidence/2 as a picture."""
    ends = [value for arm in arms for value in (*_scores(arm), *_interval(arm, "seeds"), *_interval(arm, _WIDER))]
    low, high = math.floor(min(ends)), math.ceil(max(ends))
    high = max(high, low + 1)
    height = _ROW * len(arms) + 26
    left = round(14 + _LETTER * min(max(len(str(arm["label"])) for arm in arms), _LONGEST_NAME))
    parts = [*_scale(low, high, _ROW * len(arms))]
    for row, arm in enumerate(arms):
        parts += _arm(arm, row, low, high)
    words = "; ".join(f"{arm['label']} {arm['mean']:.2f} %" for arm in arms)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-left} 0 {left + _WIDTH + _RIGHT} {height}"'
        f' width="{left + _WIDTH + _RIGHT}" role="img" font-size="12" fill="currentColor">'
        f"<title>Test accuracy: {escape(middle_out(words, 400), quote=False)}</title>{''.join(parts)}</svg>"
    )


def _scores(arm: Mapping[str, Any]) -> list[float]:
    return [float(score) for score in arm["scores"].values()]


def _interval(arm: Mapping[str, Any], over: str) -> tuple[float, float]:
    """The ends of an interval; where there is none the mean twice."""
    low, high = arm[over]["interval"] if arm[over] else (arm["mean"], arm["mean"])
    return float(low), float(high)


def _x(value: float, low: float, high: float) -> str:
    return f"{_WIDTH * (value - low) / (high - low):.1f}"


def _scale(low: int, high: int, bottom: int) -> Iterator[str]:
    step = max(1, math.ceil((high - low) / 6))
    for value in range(low, high + 1, step):
        x = _x(value, low, high)
        yield f'<path stroke="currentColor" stroke-opacity=".15" d="M{x} 0V{bottom}"/>'
        yield f'<text x="{x}" y="{bottom + 16}" text-anchor="middle" opacity=".75">{value} %</text>'


def _arm(arm: Mapping[str, Any], row: int, low: float, high: float) -> Iterator[str]:
    y, paint = row * _ROW + _ROW // 2, _COLOURS[row % len(_COLOURS)]
    first, last, farthest, end = (_x(x, low, high) for over in ("seeds", _WIDER) for x in _interval(arm, over))
    mean = _x(arm["mean"], low, high)
    name = escape(middle_out(str(arm["label"]), _LONGEST_NAME), quote=False)
    yield f'<text x="-10" y="{y + 4}" text-anchor="end">{name}</text>'
    if arm[_WIDER]:
        yield f'<path stroke="{paint}" d="M{farthest} {y}H{end}M{farthest} {y - 5}v10M{end} {y - 5}v10"/>'
    yield f'<path stroke="{paint}" stroke-width="3" d="M{first} {y}H{last}M{first} {y - 5}v10M{last} {y - 5}v10"/>'
    yield f'<path stroke="{paint}" stroke-width="3" d="M{mean} {y - 9}v18"/>'
    for score in _scores(arm):
        yield f'<circle cx="{_x(score, low, high)}" cy="{y}" r="3.5" fill="{paint}" fill-opacity=".6"/>'
    yield f'<text x="{_WIDTH + 10}" y="{y + 4}" font-weight="bold">{arm["mean"]:.2f} %</text>'
