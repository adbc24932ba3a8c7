"""Promises, advice, moves, wishes."""

from __future__ import annotations

from typing import Any, Literal

from eyeshot.schemas.parts import NamedNetwork, Part, Range


class _Promise(Part, kw_only=True):
    name: str
    kept: bool
    promised: Any
    has: Any


class _Checked(Part, kw_only=True):
    model: str
    kept: bool
    promises: list[_Promise]


class Check(Part, kw_only=True):
    """``check``: promises held or broken."""

    schema: Literal["eyeshot.check/1"]
    checks: list[_Checked]


class _Effect(Part, kw_only=True):
    move: str
    field: tuple[list[int], list[int]]
    params: tuple[int, int]
    macs: tuple[int, int]
    peak_activations: tuple[int, int]
    command: str | None


class _Trained(Part, kw_only=True):
    finding: str
    says: str
    mean: float
    unit: str
    interval: tuple[float, float] | None
    confidence: float
    verdict: str


class _Finding(Part, kw_only=True):
    kind: str
    layers: list[str]
    says: str
    evidence: dict[str, Any]
    cure: str | None
    published: list[_Trained] = []
    moves: list[_Effect]


class _LastMap(Part, kw_only=True):
    layer: str
    stride: float | None
    field: int | None
    used: float | None


class _Missed(Part, kw_only=True):
    layer: str
    below_stride: float
    beyond_used: float | None
    beyond_field: float


class _Objects(Part, kw_only=True):
    smallest: float
    largest: float
    count: int | None
    missed: list[_Missed]
    sizes: list[dict[str, Any]]


class Advice(Part, kw_only=True):
    """``advise``: what is wrong with a network for its image and objects."""

    schema: Literal["eyeshot.advice/1"]
    network: NamedNetwork
    exact: bool
    outputs: list[_LastMap]
    objects: _Objects | None
    left_out: dict[str, int]
    findings: list[_Finding]


class _Broken(Part, kw_only=True):
    wish: str
    asked: Any
    nearest: Any


class Designs(Part, kw_only=True):
    """``design``: designs that meet wishes."""

    schema: Literal["eyeshot.designs/1"]
    searched: int
    evaluated: int
    complete: bool
    broken: list[_Broken]
    designs: list[dict[str, Any]]


class _Move(Part, kw_only=True):
    move: str
    does: str
    layers: list[str]
    keeps: str
    changes: str
    exact: bool
    ring: int
    weights: dict[str, str]
    says: list[str]


class _RewrittenNetwork(Part, kw_only=True):
    name: str
    input: list[int]


class Rewrite(Part, kw_only=True):
    """``rewrite``: what becomes of a network by moves."""

    schema: Literal["eyeshot.rewrite/1"]
    network: _RewrittenNetwork
    moves: list[_Move]
    announced: dict[str, Any]
    read_back: dict[str, Any]
    peak_activations: Range
    exact: bool
    error: dict[str, float] | None
    design: str | None


class _MoveKind(Part, kw_only=True):
    name: str
    does: str
    keeps: str
    changes: str
    words: dict[str, str]


class Moves(Part, kw_only=True):
    """``rewrite --list``: the moves that there are."""

    schema: Literal["eyeshot.moves/1"]
    moves: list[_MoveKind]
