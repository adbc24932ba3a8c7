"""What the JSON documents of the commands hold: declared once as types, published as JSON Schemas.

A key that is not declared here is in no document. Keys are stable within a version, the number behind the slash. Ranges
are inclusive, axes in the model's order, and sizes leave the batch out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from eyeshot.errors import UsageError
from eyeshot.shown import quoted

Range = tuple[int, int]
Interval = tuple[float, float]


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a document; what may be missing has a default."""


def _named(name: str, **more: Any) -> Any:
    return msgspec.field(name=name, **more)


class _Input(_Part, kw_only=True):
    name: str
    shape: list[int]
    axes: list[int]


class _Network(_Part, kw_only=True):
    name: str
    source: str
    input: list[int]
    inputs: list[_Input] = []
    outputs: list[str] = []
    rate: float = 0


class _Look(_Part, kw_only=True):
    back: float | None
    ahead: float | None
    back_seconds: float | None = None
    ahead_seconds: float | None = None
    causal: bool


class _Field(_Part, kw_only=True):
    size: list[int]
    stride: list[float | None] | None
    start: list[int | None] | None
    centre: list[float | None] | None
    regular: bool
    is_global: bool = _named("global")
    exact: bool
    phases: list[list[int] | None] = []
    one_sided: list[Any] = []
    look: _Look | None = None


class _Layer(_Part, kw_only=True):
    name: str
    op: str
    inputs: list[str]
    out: list[int]
    kernel: list[int] = []
    stride: list[int] = []
    dilation: list[int] = []
    padding: list[Range] = []
    groups: int = 1
    line: str = ""
    field: _Field
    data_field: _Field
    params: int
    macs: int
    activations: int
    saved_activations: int


class _Totals(_Part, kw_only=True):
    params: int
    macs: int
    activations: int
    mac_activations: int
    peak_activations: int
    saved_activations: int
    saved_exact: bool


class _Note(_Part, kw_only=True):
    layer: str | None
    kind: str
    text: str


class Network(_Part, kw_only=True):
    """``show``: what each layer sees and costs."""

    schema: Literal["eyeshot.network/1"]
    network: _Network
    layers: list[_Layer]
    totals: _Totals
    notes: list[_Note]


class _Footprint(_Part, kw_only=True):
    count: int
    boxes: list[list[Range]]


class Field(_Part, kw_only=True):
    """``field``, and the page's unit: the pixels that one unit sees."""

    schema: Literal["eyeshot.field/1"]
    layer: str
    unit: list[int]
    hull: list[Range] | None
    clipped: list[Range]
    is_global: bool = _named("global")
    exact: bool
    footprint: _Footprint
    data_hull: list[Range] | None = None
    data_clipped: list[Range] = []


class _Term(_Part, kw_only=True):
    layer: str
    kernel: int | None
    stride: int | None
    dilation: int | None
    positions: int | None
    jump: float | None
    adds: int | None
    size: int


class _Size(_Part, kw_only=True):
    layer: str
    size: int


class _Meeting(_Part, kw_only=True):
    layer: str
    inputs: list[_Size]


class _Recurrence(_Part, kw_only=True):
    size: int
    terms: list[_Term]
    meetings: list[_Meeting]
    lost_at: str | None
    one_sided: Any = None


class _Gate(_Part, kw_only=True):
    layer: str
    reads: str


class Why(_Part, kw_only=True):
    """``why``: the sum behind what a layer sees."""

    schema: Literal["eyeshot.why/1"]
    layer: str
    op: str
    field: list[int]
    exact: bool
    axes: list[_Recurrence]
    data_field: list[int]
    data_axes: list[_Recurrence]
    gate: _Gate | None


class _Runs(_Part, kw_only=True):
    images: int
    seeds: int
    weights: str
    inputs: str
    versions: dict[str, str]


class _Map(_Part, kw_only=True):
    start: list[int]
    shape: list[int]
    values: list[float]


class _Box(_Part, kw_only=True):
    box: list[Range]
    holds: float
    share_of_field: float | None


class _Gaussian(_Part, kw_only=True):
    mean: list[float]
    sigma: list[float]
    residual: float


class _Extent(_Part, kw_only=True):
    size: list[int]
    inside: list[int]
    centre: list[float]


class _EffectiveNetwork(_Part, kw_only=True):
    name: str
    source: str
    input: list[int]


class Effective(_Part, kw_only=True):
    """``effective``: how much of what a unit sees it uses."""

    schema: Literal["eyeshot.effective/1"]
    network: _EffectiveNetwork
    layer: str
    source: Literal["density", "paths", "init", "weights"]
    measure: str | None
    unit: list[int] | None
    channel: int | str | None
    gates: bool
    exact: bool
    runs: _Runs
    map: _Map
    profiles: list[list[float]]
    widths: dict[str, list[float]]
    boxes: dict[str, _Box]
    sigma: list[float]
    shift: list[float]
    gaussian: _Gaussian
    field: _Extent
    share_of_field: float | None
    share_of_image: float | None
    share_on_padding: float | None
    intervals: dict[str, Any] | None
    area_ratios: dict[str, float] | None


class _Arm(_Part, kw_only=True):
    label: str
    scores: dict[str, float]
    mean: float
    interval: Interval | None
    seconds: float | None
    images_per_second: float | None
    diverged: list[int]


class _Difference(_Part, kw_only=True):
    first: str
    second: str
    seeds: list[int]
    mean: float
    interval: Interval | None
    confidence: float
    smallest_visible: float | None
    seen: bool
    broken: bool


class Evidence(_Part, kw_only=True):
    """``compare --scores``: what scores allow one to say."""

    schema: Literal["eyeshot.evidence/1"]
    arms: list[_Arm]
    differences: list[_Difference]
    verdict: str


class _Quantity(_Part, kw_only=True):
    key: str
    name: str
    values: list[float | str | list[float] | None]
    changes: list[float | None]


class _Pair(_Part, kw_only=True):
    role: str
    names: list[str | None]


class Comparison(_Part, kw_only=True):
    """``compare``: designs side by side; with ``--train`` the study's plan and its evidence."""

    schema: Literal["eyeshot.comparison/1"]
    networks: list[Network]
    quantities: list[_Quantity]
    layers: list[_Pair]
    study: dict[str, Any] = {}
    evidence: Evidence | None = None


class _Model(_Part, kw_only=True):
    name: str
    input: str
    params: int
    macs: int
    field_last_conv: int | None
    description: str
    slip: str | None
    notation: str


class Models(_Part, kw_only=True):
    """``models``: the designs that are built in."""

    schema: Literal["eyeshot.models/1"]
    models: list[_Model]


class _Library(_Part, kw_only=True):
    name: str
    version: str | None
    extra: str | None
    enables: str


class _Images(_Part, kw_only=True):
    name: str
    found: str | None
    problem: str | None


class Doctor(_Part, kw_only=True):
    """``doctor``: what is installed, and what it enables."""

    schema: Literal["eyeshot.doctor/1"]
    eyeshot: str
    python: str
    platform: str
    cores: int
    libraries: list[_Library]
    data: list[_Images]


class _Progression(_Part, kw_only=True):
    smallest: int
    multiple: int
    largest: int | None


class _AxisSizes(_Part, kw_only=True):
    fits: list[_Progression]
    whole: list[_Progression]


class _Trial(_Part, kw_only=True):
    input: list[int]
    outputs: dict[str, list[int]]
    unread: list[dict[str, Any]]


class Sizes(_Part, kw_only=True):
    """``sizes``: which input sizes fit, and what comes out."""

    schema: Literal["eyeshot.sizes/1"]
    network: _Network
    asked: list[int]
    fits: bool
    why: str | None
    axes: list[_AxisSizes]
    sizes: list[_Trial]
    tried: int


class _Prevents(_Part, kw_only=True):
    layer: str
    op: str
    why: str
    cure: str


class _Output(_Part, kw_only=True):
    layer: str
    shape: list[int]


class _Memory(_Part, kw_only=True):
    tile: int
    whole: int
    weights: int
    batch: int
    limit: int | None
    fits: bool


class _Tolerance(_Part, kw_only=True):
    asked: float
    predicted: float | None
    measured: float | None


class Tile(_Part, kw_only=True):
    """``tile``: how to run an image piece by piece, and whether that is the same."""

    schema: Literal["eyeshot.tile/1"]
    network: _Network
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


class _Promise(_Part, kw_only=True):
    name: str
    kept: bool
    promised: Any
    has: Any


class _Checked(_Part, kw_only=True):
    model: str
    kept: bool
    promises: list[_Promise]


class Check(_Part, kw_only=True):
    """``check``: promises held or broken."""

    schema: Literal["eyeshot.check/1"]
    checks: list[_Checked]


class _Broken(_Part, kw_only=True):
    wish: str
    asked: Any
    nearest: Any


class Designs(_Part, kw_only=True):
    """``design``: designs that meet wishes."""

    schema: Literal["eyeshot.designs/1"]
    searched: int
    evaluated: int
    complete: bool
    broken: list[_Broken]
    designs: list[dict[str, Any]]


class _Move(_Part, kw_only=True):
    move: str
    does: str
    layers: list[str]
    keeps: str
    changes: str
    exact: bool
    ring: int
    weights: dict[str, str]
    says: list[str]


class _RewrittenNetwork(_Part, kw_only=True):
    name: str
    input: list[int]


class Rewrite(_Part, kw_only=True):
    """``rewrite``: what becomes of a network by moves."""

    schema: Literal["eyeshot.rewrite/1"]
    network: _RewrittenNetwork
    moves: list[_Move]
    announced: dict[str, Any]
    read_back: dict[str, Any]
    exact: bool
    error: dict[str, float] | None
    design: str | None


_KINDS: tuple[type[msgspec.Struct], ...] = (
    Network, Field, Why, Sizes, Effective, Comparison, Evidence, Rewrite, Designs, Check, Tile, Models, Doctor,
)  # fmt: skip
KINDS = {kind.__name__.lower(): kind for kind in _KINDS}
"""The documents by the words behind ``eyeshot.`` in their schemas' names."""


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document, ready for json.dumps.

    Raises:
        UsageError: there is no such document.

    Example:
        >>> schema("field")["title"]
        'eyeshot.field/1'
    """
    kind = KINDS.get(name.lower().removeprefix("eyeshot.").partition("/")[0])
    if kind is None:
        raise UsageError(f"no document is called {quoted(name)}; there are {', '.join(KINDS)}")
    (reference,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    version = definitions[kind.__name__]["properties"]["schema"]["enum"][0]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": version}
    return {**head, **reference, "$defs": definitions}
