"""What is seen, used and costs: of one network, of one layer, and of what there is to ask about."""

from __future__ import annotations

from typing import Any, Literal

from eyeshot.schemas.parts import NamedNetwork, Note, Part, Range, ReadNetwork, named


class _Look(Part, kw_only=True):
    back: float | None
    ahead: float | None
    back_seconds: float | None = None
    ahead_seconds: float | None = None
    causal: bool


class _Field(Part, kw_only=True):
    size: list[int]
    stride: list[float | None] | None
    start: list[int | None] | None
    centre: list[float | None] | None
    regular: bool
    is_global: bool = named("global")
    exact: bool
    phases: list[list[int] | None] = []
    one_sided: list[Any] = []
    look: _Look | None = None


class _Layer(Part, kw_only=True):
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


class _Totals(Part, kw_only=True):
    params: int
    macs: int
    activations: int
    mac_activations: int
    peak_activations: int
    saved_activations: int
    saved_exact: bool


class Network(Part, kw_only=True):
    """``show``: what each layer sees and costs."""

    schema: Literal["eyeshot.network/1"]
    network: ReadNetwork
    layers: list[_Layer]
    totals: _Totals
    notes: list[Note]


class _Footprint(Part, kw_only=True):
    count: int
    boxes: list[list[Range]]


class Field(Part, kw_only=True):
    """``field``, and the page's unit: the pixels that one unit sees."""

    schema: Literal["eyeshot.field/1"]
    layer: str
    unit: list[int]
    hull: list[Range] | None
    clipped: list[Range]
    is_global: bool = named("global")
    exact: bool
    footprint: _Footprint
    data_hull: list[Range] | None = None
    data_clipped: list[Range] = []


class _Term(Part, kw_only=True):
    layer: str
    kernel: int | None
    stride: int | None
    dilation: int | None
    positions: int | None
    jump: float | None
    adds: int | None
    size: int


class _Size(Part, kw_only=True):
    layer: str
    size: int


class _Meeting(Part, kw_only=True):
    layer: str
    inputs: list[_Size]


class _Recurrence(Part, kw_only=True):
    size: int
    terms: list[_Term]
    meetings: list[_Meeting]
    lost_at: str | None
    one_sided: Any = None


class _Gate(Part, kw_only=True):
    layer: str
    reads: str


class Why(Part, kw_only=True):
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


class _Runs(Part, kw_only=True):
    images: int
    seeds: int
    weights: str
    inputs: str
    versions: dict[str, str]


class _Map(Part, kw_only=True):
    start: list[int]
    shape: list[int]
    values: list[float]


class _Box(Part, kw_only=True):
    box: list[Range]
    holds: float
    share_of_field: float | None


class _Gaussian(Part, kw_only=True):
    mean: list[float]
    sigma: list[float]
    residual: float


class _Extent(Part, kw_only=True):
    size: list[int]
    inside: list[int]
    centre: list[float]


class Effective(Part, kw_only=True):
    """``effective``: how much of what a unit sees it uses."""

    schema: Literal["eyeshot.effective/1"]
    network: NamedNetwork
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


class _Model(Part, kw_only=True):
    name: str
    input: str
    params: int
    macs: int
    field_last_conv: int | None
    description: str
    slip: str | None
    notation: str


class Models(Part, kw_only=True):
    """``models``: the designs that are built in."""

    schema: Literal["eyeshot.models/1"]
    models: list[_Model]


class _Library(Part, kw_only=True):
    name: str
    version: str | None
    extra: str | None
    enables: str


class _Images(Part, kw_only=True):
    name: str
    found: str | None
    problem: str | None


class Doctor(Part, kw_only=True):
    """``doctor``: what is installed, and what it enables."""

    schema: Literal["eyeshot.doctor/1"]
    eyeshot: str
    python: str
    platform: str
    cores: int
    libraries: list[_Library]
    data: list[_Images]


class _Progression(Part, kw_only=True):
    smallest: int
    multiple: int
    largest: int | None


class _AxisSizes(Part, kw_only=True):
    fits: list[_Progression]
    whole: list[_Progression]
    found_by: Literal["arithmetic", "trials"]


class _Trial(Part, kw_only=True):
    input: list[int]
    outputs: dict[str, list[int]]
    unread: list[dict[str, Any]]


class Sizes(Part, kw_only=True):
    """``sizes``: which input sizes fit, and what comes out."""

    schema: Literal["eyeshot.sizes/1"]
    network: ReadNetwork
    asked: list[int]
    fits: bool
    why: str | None
    axes: list[_AxisSizes]
    sizes: list[_Trial]
    tried: int
