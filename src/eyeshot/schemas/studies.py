"""Several designs side by side, and what training said of them."""

from __future__ import annotations

from typing import Any, Literal

from eyeshot.schemas.parts import Interval, Part
from eyeshot.schemas.views import Network


class _Interval(Part, kw_only=True):
    interval: Interval
    confidence: float


class _Spread(Part, kw_only=True):
    seeds: float
    images: float | None
    both: float | None


class _Noise(Part, kw_only=True):
    share: float
    interval: _Interval
    deviation: float
    images: int


class _Power(Part, kw_only=True):
    visible: float
    points: float
    seeds: int | None
    images: int | None
    together: tuple[int, int] | None


class _Arm(Part, kw_only=True):
    label: str
    scores: dict[str, float]
    scored: str = "test accuracy"
    unit: str = "%"
    mean: float
    seeds: _Interval | None
    seeds_and_images: _Interval | None
    spread: _Spread | None
    noise: _Noise | None = None
    seconds: float | None
    images_per_second: float | None
    diverged: list[int]
    fallen: list[int]
    chance: float | None
    at_chance: bool
    saturated: bool
    skewed: bool


class _Difference(Part, kw_only=True):
    first: str
    second: str
    paired: list[int]
    left_out: list[int]
    images: int | None
    mean: float
    seeds: _Interval | None
    seeds_and_images: _Interval | None
    seen: bool
    power: _Power | None
    spread: _Spread | None
    broken: bool
    identical: bool


class _Shown(Part, kw_only=True):
    unit: str
    times: float
    digits: int


class _MeasuredArm(Part, kw_only=True):
    label: str
    values: dict[str, float]
    mean: float | None
    seeds: _Interval | None


class _MeasuredDifference(Part, kw_only=True):
    first: str
    second: str
    paired: list[int]
    mean: float | None
    seeds: _Interval | None


class _Measured(Part, kw_only=True):
    name: str
    part: str | None = None
    says: str
    repeatable: bool
    shown: _Shown
    arms: list[_MeasuredArm]
    differences: list[_MeasuredDifference]


class Evidence(Part, kw_only=True):
    """``study show`` and ``compare --scores``: what scores allow one to say."""

    schema: Literal["eyeshot.evidence/2"]
    arms: list[_Arm]
    differences: list[_Difference]
    verdict: str
    measures: list[_Measured] = []


class _Trial(Part, kw_only=True):
    arm: str
    seed: int
    state: Literal["done", "begun", "waiting"]
    score: float | None


class Status(Part, kw_only=True):
    """``study status``: how far the trainings of a study are."""

    schema: Literal["eyeshot.status/1"]
    directory: str
    at_work: bool
    done: int
    begun: int
    waiting: int
    trials: list[_Trial]


class _Quantity(Part, kw_only=True):
    key: str
    name: str
    values: list[float | str | list[float] | None]
    changes: list[float | None]


class _Pair(Part, kw_only=True):
    role: str
    names: list[str | None]


class Comparison(Part, kw_only=True):
    """``compare``: designs side by side; with ``--train`` the study's plan and its evidence."""

    schema: Literal["eyeshot.comparison/1"]
    networks: list[Network]
    quantities: list[_Quantity]
    layers: list[_Pair]
    remarks: list[str] = []
    study: dict[str, Any] = {}
    evidence: Evidence | None = None
