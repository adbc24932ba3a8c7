"""ONNX files changed as bytes and as messages: each is a network with its numbers, or one clear message.

What is changed: the single-operator cases of the onnx package, and small nets as both exporters of PyTorch write them;
now and then the package's `light` copies of real nets. One file in eight is written otherwise and means the same, and
must be read as the same network.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from eyeshot.network.graph import Network
from eyeshot.read.onnx import read_model
from eyeshot.read.onnx.operators import RULES
from scripts.stress.damage import damaged
from scripts.stress.exports import exported
from scripts.stress.limits import bounded, in_memory
from scripts.stress.messages import changed
from scripts.stress.told import shown, without_names, wrong

WHAT = "ONNX files, changed"
EVERY = 1
_SMALL, _LARGE = 12_000, 200_000
"""Bytes of a file that most runs change, and of one that few do."""
_WORDS = ("", "x", "y", "axis", "axes", "pads", "SAME_UPPER", "linear", "constant", "NCHW->NHWC", "bij,bjk->bik")


@dataclass
class Sample:
    """A file that is changed, and what it is read as."""

    data: bytes

    @cached_property
    def model(self) -> onnx.ModelProto:
        """The file as messages."""
        return onnx.ModelProto.FromString(self.data)

    @cached_property
    def words(self) -> list[str]:
        """Names in the file, and what else may stand for them."""
        graph = self.model.graph
        names = [name for node in graph.node for name in (*node.input, *node.output, node.op_type)]
        return [*names * 2, *(op for _, op in RULES), *_WORDS]

    @cached_property
    def told(self) -> Any:
        """What it is read as."""
        return without_names(lambda: read(self.data))


@contextmanager
def tried() -> Iterator[Callable[[Random], str | None]]:
    """The samples, and a place for files that are shown."""
    files = samples()
    small = [file for file in files if len(file.data) <= _SMALL]
    large = [file for file in files if len(file.data) > _SMALL]
    with in_memory() as name, bounded() as within:
        path = Path(name) / "net.onnx"

        def run(draw: Random) -> str | None:
            sample = draw.choice(large if draw.random() < 0.001 else small)
            way = draw.random()
            if way < 0.125:
                other = otherwise(sample.model, draw)
                is_same = without_names(lambda: read(other)) == sample.told
                return within(lambda: None if is_same else "the same model is read as another")
            data = mangled(sample.data, draw) if way < 0.5 else None
            if data is None:
                data = rewritten(sample, draw, small)
            if draw.random() < 0.01:
                path.write_bytes(data)
                return within(lambda: shown(path))
            return within(lambda: wrong(lambda: read(data)))

        yield run


def read(data: bytes) -> Network:
    """The network of a file's bytes."""
    return read_model(data, None, name="net.onnx")


def samples() -> list[Sample]:
    """Cases and light nets of the onnx package, and exports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = [case for kind in ("node", "simple") for case in load_model_tests(kind=kind)]
    files = [case.model.SerializeToString() for case in cases if case.model is not None]
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for kind in ("light", "pytorch-operator", "pytorch-converted"):
        files += [path.read_bytes() for path in sorted((folder / kind).rglob("*.onnx"))]
    return [Sample(data) for data in [*exported("onnx").values(), *files] if len(data) <= _LARGE]


def rewritten(sample: Sample, draw: Random, others: Sequence[Sample]) -> bytes:
    """A file after one to four changes of its messages, pieces of others among them."""
    model = onnx.ModelProto()
    model.CopyFrom(sample.model)
    changed(model, draw, [draw.choice(others).model for _ in range(2)], sample.words)
    return model.SerializeToString()


def mangled(data: bytes, draw: Random) -> bytes:
    """A file after one to four changes of its bytes; a number may become as large as its bytes allow."""
    for _ in range(draw.choice((1, 1, 2, 4))):
        if draw.random() < 0.2 and len(data) > 12:
            at = draw.randrange(len(data) - 10)
            length = draw.randint(1, 9)
            data = data[:at] + b"\xff" * length + b"\x7f" + data[at + length + 1 :]
        else:
            data = damaged(data, draw)
    return data


# --- files that mean the same -----------------------------------------------------------------------------------------


def otherwise(model: onnx.ModelProto, draw: Random) -> bytes:
    """The same model with other names, its constants elsewhere or as other fields, its fields in another order."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    if draw.random() < 0.5:
        _rename(other.graph, f"{draw.choice(('t', 'a.b/', '层'))}")
    for tensor in other.graph.initializer:
        if draw.random() < 0.5 and tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.INT64):
            numbers = numpy_helper.to_array(tensor).reshape(-1).tolist()
            tensor.ClearField("raw_data")
            is_float = tensor.data_type == onnx.TensorProto.FLOAT
            (tensor.float_data if is_float else tensor.int64_data)[:] = numbers
    if draw.random() < 0.5:
        _as_nodes(other.graph, draw)
    other.doc_string = "again"
    return _shuffled(other, draw)


def _rename(graph: onnx.GraphProto, mark: str) -> None:
    """Give all tensors other names, those of the graphs within too, which may read them."""
    for tensors in (graph.initializer, graph.input, graph.output, graph.value_info):
        for tensor in tensors:
            tensor.name = mark + tensor.name
    for sparse in graph.sparse_initializer:
        sparse.values.name = mark + sparse.values.name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [mark + name if name else "" for name in names]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                _rename(inner, mark)


def _as_nodes(graph: onnx.GraphProto, draw: Random) -> None:
    """Write constants as nodes, where they are no defaults of inputs."""
    inputs = {value.name for value in graph.input}
    moved = [tensor for tensor in graph.initializer if tensor.name not in inputs and draw.random() < 0.7]
    kept = [tensor for tensor in graph.initializer if all(tensor is not each for each in moved)]
    nodes = [onnx.helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in moved]
    nodes += list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def _shuffled(model: onnx.ModelProto, draw: Random) -> bytes:
    """The message's fields, and its graph's, in any order: that of a field's own elements counts, no other."""
    graph = b"".join(_pieces(model.graph, draw))
    rest = onnx.ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    length, size = bytearray(), len(graph)
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    pieces = [*_pieces(rest, draw), b"\x3a" + bytes(length) + bytes([size]) + graph]
    draw.shuffle(pieces)
    return b"".join(pieces)


def _pieces(message: Any, draw: Random) -> Sequence[bytes]:
    """Each field written alone."""
    pieces = []
    for field, value in message.ListFields():
        alone = type(message)()
        if field.is_repeated:
            getattr(alone, field.name).extend(value)
        elif field.message_type is not None:
            getattr(alone, field.name).CopyFrom(value)
        else:
            setattr(alone, field.name, value)
        pieces.append(alone.SerializeToString())
    draw.shuffle(pieces)
    return pieces
