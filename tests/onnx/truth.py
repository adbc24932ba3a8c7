"""What a graph's outputs depend on, by the reference implementation: inputs are changed one element at a time.

What changes depends on the element. What does not change may depend on it where a weight is zero or a maximum hides
it, so that several changes are tried, and what is found is a bound from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from eyeshot.network.graph import Network
from eyeshot.read.onnx import read_model
from tests.oracles.elements import elements_read

Table = npt.NDArray[np.bool_]


def fixed(model: onnx.ModelProto, arrays: Sequence[Any], free: int = 0) -> onnx.ModelProto:
    """The model with all inputs but one made constants of the file."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    names = [value.name for value in copy.graph.input]
    for i, (name, array) in enumerate(zip(names, arrays, strict=False)):
        if i != free:
            copy.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
    return copy


def elements_changed(model: onnx.ModelProto, x: npt.NDArray[Any], others: Sequence[Any] = (), free: int = 0) -> Table:
    """Which elements of the first output (rows) change with which of the input (columns)."""
    run = ReferenceEvaluator(model)
    names = [value.name for value in model.graph.input]
    feeds = dict(zip(names, others, strict=False))
    base = np.asarray(run.run(None, {**feeds, names[free]: x})[0])
    columns = []
    for i in range(x.size):
        column = np.zeros(base.size, bool)
        for change in (1.37, -1.61, 40.0, -40.0) if x.dtype.kind == "f" else (1, 3):
            moved = x.copy()
            moved.reshape(-1)[i] += np.asarray(change).astype(x.dtype)
            out = np.asarray(run.run(None, {**feeds, names[free]: moved})[0])
            # weights that are zero but for rounding move less than that
            column |= (np.abs(out.astype(float) - base.astype(float)) > 1e-5).reshape(-1)
        columns.append(column)
    return np.array(columns).T.reshape(base.size, x.size)


def read_of(model: onnx.ModelProto, name: str = "net") -> Network:
    """The network of a model in memory, as of its file."""
    return read_model(model.SerializeToString(), None, name=name)


def elements_of(network: Network) -> Table:
    """What each element of the first output reads."""
    return elements_read(network, network.outputs[0])
