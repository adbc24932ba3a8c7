"""Plans of tiles, and what was run by them."""

from __future__ import annotations

from typing import Any, Literal

from eyeshot.schemas.parts import Part, Range, ReadNetwork


class _Prevents(Part, kw_only=True):
    layer: str
    op: str
    why: str
    cure: str


class _Output(Part, kw_only=True):
    layer: str
    shape: list[int]


class _Memory(Part, kw_only=True):
    tile: int
    whole: int
    weights: int
    batch: int
    limit: int | None
    fits: bool


class _Tolerance(Part, kw_only=True):
    asked: float
    predicted: float | None
    measured: float | None


class Tile(Part, kw_only=True):
    """``tile``: how to run an image piece by piece, and whether that is the same."""

    schema: Literal["eyeshot.tile/1"]
    network: ReadNetwork
    layer: str
    layers: list[str]
    verdict: Literal["equal", "tolerance", "differs"]
    prevents: list[_Prevents]
    halo: list[Range]
    exact_halo: list[Range]
    lattice: list[int]
    tile: list[int]
    core: list[int]
    offset: list[int]
    grid: list[int]
    tiles: int
    smallest: list[int]
    output_per_input: list[str | None]
    outputs: list[_Output]
    work: float
    memory: _Memory
    tolerance: _Tolerance | None
    runner: dict[str, Any] = {}


class _Split(Part, kw_only=True):
    layer: str
    patches: list[int]
    side: list[int]
    overlap: list[int]
    extra: float
    extra_in_all: float
    peak: int
    whole: int


class Split(Part, kw_only=True):
    """``tile --split-after``: the first layers by patches."""

    schema: Literal["eyeshot.split/1"]
    splits: list[_Split]
    best: _Split | None = None


class _TiledRun(Part, kw_only=True):
    input: str
    output: str
    difference: float | None
    plan: Tile


class Tiled(Part, kw_only=True):
    """``tile --run``: the files that were run in tiles."""

    schema: Literal["eyeshot.tiled/1"]
    runs: list[_TiledRun]
