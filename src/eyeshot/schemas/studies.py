"""Several designs side by side, and what training said of them."""

from __future__ import annotations

from typing import Any, Literal

from eyeshot.schemas.parts import Interval, Part
from eyeshot.schemas.views import Network


class _Arm(Part, kw_only=True):
    label: str
    scores: dict[str, float]
    mean: float
    interval: Interval | None
    seconds: float | None
    images_per_second: float | None
    diverged: list[int]


class _Difference(Part, kw_only=True):
    first: str
    second: str
    seeds: list[int]
    mean: float
    interval: Interval | None
    confidence: float
    smallest_visible: float | None
    seen: bool
    broken: bool


class Evidence(Part, kw_only=True):
    """``study show`` and ``compare --scores``: what scores allow one to say."""

    schema: Literal["eyeshot.evidence/1"]
    arms: list[_Arm]
    differences: list[_Difference]
    verdict: str


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
    study: dict[str, Any] = {}
    evidence: Evidence | None = None
