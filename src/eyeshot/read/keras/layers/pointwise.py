"""Functions of one position, norms, sums of several maps, and what does nothing in use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from eyeshot.errors import ReadError
from eyeshot.network.ops import Arithmetic, Dropout, Norm, Pointwise, Softmax
from eyeshot.read.keras.calls import Call, UnreadError
from eyeshot.read.keras.graph import Table
from eyeshot.read.keras.layers.table import rule
from eyeshot.read.keras.values import Value, as_is
from eyeshot.read.masks import Array, Constant

_NAMES = {"swish": "silu", "hard_sigmoid": "hardsigmoid", "hard_swish": "hardswish", "hard_silu": "hardswish",
          "log_softmax": "log_softmax", "exponential": "exp"}  # fmt: skip
KNOWN = frozenset({
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "sigmoid", "hard_sigmoid",
    "hard_silu", "hard_swish", "tanh", "softplus", "softsign", "mish", "exponential", "log_sigmoid", "hard_tanh",
    "tanh_shrink", "soft_shrink", "hard_shrink", "squareplus", "threshold",
})  # fmt: skip


def activation_in(told: Any) -> tuple[str, dict[str, Any]]:
    """An activation's name and settings: a word, a function or a layer written down."""
    if told is None:
        return "linear", {}
    if isinstance(told, str):
        return told, {}
    config = told.get("config")
    if isinstance(config, str):  # {"class_name": "function", "config": "relu"}
        return config, {}
    return _snake(str(told.get("class_name"))), dict(config or {})


def activated(call: Call, value: Value) -> Value:
    """The activation that a layer does last."""
    return activation(call, value, *activation_in(call.get("activation")))


def activation(call: Call, value: Value, name: str, settings: dict[str, Any]) -> Value:
    """A function of each position, or softmax along an axis."""
    if name == "linear":
        return value
    if name in ("softmax", "log_softmax"):
        axis = settings.get("axis", -1)
        if not isinstance(axis, int):
            raise UnreadError("softmax over several axes")
        return softmax(call, value, axis, is_log=name != "softmax")
    if name == "re_lu":
        name = "relu6" if settings.get("max_value") == 6 else "relu"
    if name not in KNOWN:
        raise UnreadError(f"the activation {name} has no rule")
    return call.same(Pointwise(name=_NAMES.get(name, name)), value)


def softmax(call: Call, x: Value, axis: int = -1, *, is_log: bool = False) -> Value:
    """Softmax of scores, without those that a mask left out."""
    masks, op = call.reader.masks, Softmax(axis=x.lies_at(axis))
    out = call.same(op, Value(masks.scored(call.reads_one, x.step), x.shape, x.order))
    if not is_log:
        masks.weigh(out.step, x.step, op.axis)
    return out


def masked(call: Call, scores: Value, mask: Any) -> Value:
    """Scores without those that a table of numbers leaves out, as Keras' layers take one: 0 or False."""
    numbers = mask.numbers if isinstance(mask, Table) else None
    if numbers is None or numbers.dtype.kind not in "fiub" or numbers.ndim > scores.rank:
        raise UnreadError("it has a mask of the data, or one whose numbers are not known")
    added = np.where(numbers.astype(bool), 0.0, -np.inf)
    out = call.same(Arithmetic(name="add"), scores)
    call.reader.masks.follow(out.step, "add", [scores.step, placed(Table(added.shape, compute=lambda: added), scores)])
    return out


def placed(table: Any, like: Value, *, varies: bool = True) -> Constant:
    """Numbers among the arguments, their axes where those of a tensor lie."""

    def numbers() -> Array | None:
        found = table.numbers if isinstance(table, Table) else np.asarray(table)
        if found is None or found.ndim > like.rank:
            return None
        places = sorted(range(like.rank), key=like.order.__getitem__)
        return np.asarray(found.reshape((1,) * (like.rank - found.ndim) + found.shape).transpose(places))

    return Constant(numbers, varies)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@rule("Activation", "ReLU", "LeakyReLU", "ELU", "ThresholdedReLU", "Softmax")
def _activation(call: Call) -> Value:
    kind = call.layer.kind
    if kind == "Activation":
        return activated(call, call.x)
    if kind == "Softmax" and (call.tables or len(call.inputs) > 1):
        mask = call.kwargs.get("mask", call.args[1] if len(call.args) > 1 else None)
        return activation(call, masked(call, call.x, mask), "softmax", dict(call.layer.config))
    name = {"ReLU": "re_lu", "LeakyReLU": "leaky_relu", "ThresholdedReLU": "threshold"}.get(kind, kind.lower())
    return activation(call, call.x, name, dict(call.layer.config))


@rule("PReLU")
def _prelu(call: Call) -> Value:
    x = call.x
    shared = set(call.get("shared_axes", []))
    count = 1
    for axis, n in enumerate(x.shape[1:], start=1):
        count *= 1 if axis in shared else n
    return call.same(Pointwise(name="prelu"), x, call.reader.params((call.site.path, "slope"), count))


@rule(
    *("Identity", "Masking", "ActivityRegularization", "GaussianNoise", "RandomFlip", "RandomRotation", "RandomZoom"),
    *("RandomContrast", "RandomBrightness", "RandomTranslation", "RandomShear", "RandomColorJitter", "RandomHue"),
    *("RandomSaturation", "RandomSharpness", "RandomGrayscale", "RandomErasing", "AutoContrast", "MixUp", "CutMix"),
)
def _nothing(call: Call) -> Value:
    """What changes images in training only."""
    return call.x


@rule(
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"),
)
def _dropout(call: Call) -> Value:
    return call.same(Dropout(p=float(call.get("rate", 0.5))), call.x)


@rule("Rescaling", "Normalization")
def _rescaled(call: Call) -> Value:
    """Numbers that were measured or written down, the same at every position."""
    return call.same(Pointwise(name=call.layer.kind.lower()), call.x)


@rule("LayerScale", "CustomScaleLayer")
def _scaled(call: Call) -> Value:
    """Of keras.applications: a factor for each channel (ConvNeXt), a sum with a scaled part (Inception)."""
    if len(call.inputs) == 2:
        return merged(call, "add", call.inputs)
    width = call.get("projection_dim")
    if not isinstance(width, int):
        raise UnreadError("it is a layer of somebody's own")
    return call.same(Pointwise(name="scale"), call.x, call.reader.params((call.site.path, "scale"), width))


@rule("BatchNormalization")
def _batch_norm(call: Call) -> Value:
    """With the means and variances that training kept; those two are no weights, as PyTorch counts."""
    x = call.x
    axis = call.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if not isinstance(axis, int):
        raise UnreadError("a batch norm over several axes")
    size = x.shape[axis]
    count = size * (bool(call.get("center", True)) + bool(call.get("scale", True)))
    return call.same(Norm(mode="batch"), x, call.reader.params((call.site.path, "norm"), count))


@rule("LayerNormalization", "RMSNormalization", "UnitNormalization")
def _layer_norm(call: Call) -> Value:
    x, kind = call.x, call.layer.kind
    axis = call.get("axis", -1)
    axes = [axis] if isinstance(axis, int) else list(axis)
    count = 1
    for each in axes:
        count *= x.shape[each]
    count *= {"UnitNormalization": 0, "RMSNormalization": 1}.get(
        kind, bool(call.get("center", True)) + bool(call.get("scale", True))
    )
    mode = {"LayerNormalization": "layer", "RMSNormalization": "rms"}.get(kind, "unit")
    statistics = tuple(sorted(x.lies_at(each) for each in axes))
    return call.same(Norm(mode=mode, statistics=statistics), x, call.reader.params((call.site.path, "norm"), count))


@rule("GroupNormalization")
def _group_norm(call: Call) -> Value:
    axis = call.get("axis", -1)
    x = call.x
    if axis not in (-1, x.rank - 1) and not (call.has_channels_first or axis == 1):
        raise UnreadError(f"groups along axis {axis}")
    order = (0, *range(2, x.rank), 1) if axis in (-1, x.rank - 1) and x.rank > 2 else tuple(range(x.rank))
    x = call.ordered(x, order)
    channels = x.step.shape[1]
    groups = channels if call.get("groups", 32) == -1 else call.whole("groups", 32)
    if channels % groups:
        raise ReadError(f"{channels} channels do not fit {groups} groups")
    count = channels * (bool(call.get("center", True)) + bool(call.get("scale", True)))
    op = Norm(mode="group", statistics=tuple(range(1, x.rank)), groups=groups)
    return call.same(op, x, call.reader.params((call.site.path, "norm"), count))


@rule("SpectralNormalization", "WeightNorm")
def _wrapped(call: Call) -> Value:
    """The layer inside, whose weights are divided by a number."""
    from eyeshot.read.keras.layers.layout import within

    return within(call, call.get("layer"), call.inputs)


@rule("Embedding")
def _embedding(call: Call) -> Value:
    x = call.logical(call.x)
    count = call.whole("input_dim") * call.whole("output_dim")
    column = call.reshaped(x, (*x.shape, 1), "unsqueeze")
    params = call.reader.params((call.site.path, "table"), count)
    op = Pointwise(name="embedding")
    return as_is(call.step(op, [column.step], (*x.shape, call.whole("output_dim")), params))


_MERGES = {"Add": "add", "Subtract": "sub", "Multiply": "mul", "Average": "mean", "Maximum": "maximum",
           "Minimum": "minimum"}  # fmt: skip


@rule(*_MERGES)
def _merge(call: Call) -> Value:
    """Position by position; a layer and an operation of keras.ops are called alike."""
    if call.layer.module.startswith("keras.src.ops") or "ops" in call.layer.module.split("."):
        return by_operation(call, _MERGES[call.layer.kind])
    return merged(call, _MERGES[call.layer.kind], call.inputs)


def by_operation(call: Call, name: str) -> Value:
    """Two tensors, or a tensor and a number; a table of numbers is known of a call in memory only."""
    if len(call.inputs) > 1:
        return merged(call, name, call.inputs)
    x, operands = call.x, list(call.args) or list(call.kwargs.values())
    tables = [table.shape for table in call.tables if len(table.shape) <= x.rank]
    varies = sorted({x.order[a - len(shape)] for shape in tables for a, n in enumerate(shape) if n > 1})
    op = Arithmetic(name=name, varies=tuple(varies)) if varies else Pointwise(name=name)
    out = call.same(op, x, call.weights())
    given = [x.step if each is x else placed(each, x, varies=bool(varies)) for each in operands]
    call.reader.masks.follow(out.step, name, given)
    return out


def merged(call: Call, name: str, values: Sequence[Value]) -> Value:
    """Several tensors position by position, in the order of the first that is largest; sizes of one are spread."""
    if len(values) < 2:
        return values[0]
    rank = max(value.rank for value in values)
    shape = tuple(
        max(value.shape[axis - rank] for value in values if value.rank >= rank - axis) for axis in range(rank)
    )
    for value in values:
        if any(n not in (1, m) for n, m in zip(value.shape[::-1], shape[::-1], strict=False)):
            raise ReadError(" and ".join("×".join(map(str, v.shape)) for v in values) + " do not fit each other")
    first = next((value for value in values if value.shape == shape), values[0])
    if any(value.rank != rank for value in values):
        steps = [call.logical(value).step for value in values]
        return as_is(call.step(Arithmetic(name=name), steps, shape))
    steps = [call.ordered(value, first.order).step for value in values]
    unique = list(dict.fromkeys(steps))
    places = sorted(range(rank), key=first.order.__getitem__)
    step = call.step(Arithmetic(name=name), unique, [shape[axis] for axis in places])
    call.reader.masks.follow(step, name, steps)
    return Value(step, shape, first.order)
