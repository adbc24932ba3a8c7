"""Files that other projects ship in their packages: shown, and their fields held to what onnxruntime computes.

Weights are drawn anew, all positive, so that nothing cancels. A line of the input is made 10³⁰ times as large, which
still shows where 27 layers have shared it out; whatever changes then reads that line. Gates may be wide open before and
after: what a layer reads through them alone may show or not.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

from eyeshot.api.report import Report
from eyeshot.cli import main
from eyeshot.read.onnx import read_file, read_model

pytestmark = pytest.mark.slow  # packages of 110 MB, `make onnx-files`; each file takes half a minute

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Shipped:
    """A file in a package, the size at which it is run, further inputs, and the size of a piece of a layer's name."""

    package: str
    path: str
    shape: tuple[int, ...]
    further: tuple[str, ...] = ()
    also: tuple[tuple[str, Any], ...] = ()
    axes: tuple[int, ...] = (2, 3)

    @property
    def file(self) -> Path:
        found = importlib.util.find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            pytest.skip(f"{self.package} is not installed: make onnx-files")
        return Path(found.submodule_search_locations[0]) / self.path


STATE = ("state", np.zeros((2, 1, 128), "f4"))
FILES = {
    "an OCR detector, which segments": Shipped(
        "rapidocr_onnxruntime", "models/ch_PP-OCRv4_det_infer.onnx", (1, 3, 96, 64)
    ),
    "an OCR recogniser": Shipped("rapidocr_onnxruntime", "models/ch_PP-OCRv4_rec_infer.onnx", (1, 3, 48, 96)),
    "an OCR classifier": Shipped(
        "rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx", (1, 3, 48, 192)
    ),
    "a recogniser with an LSTM": Shipped("ddddocr", "common.onnx", (1, 1, 64, 96)),
    "a quantised recogniser": Shipped("ddddocr", "common_old.onnx", (1, 1, 64, 96)),
    "a detector with focus slices": Shipped("ddddocr", "common_det.onnx", (1, 3, 416, 416)),
    "YOLOv8": Shipped("nudenet", "320n.onnx", (1, 3, 96, 96)),
    "a speech detector with an If": Shipped(
        "silero_vad", "data/silero_vad.onnx", (1, 512), ("state=2x1x128", "sr=16000"),
        (STATE, ("sr", np.array(16000))), (1,),
    ),
    "a speech detector without": Shipped(
        "silero_vad", "data/silero_vad_16k_op15.onnx", (1, 512), ("state=2x1x128", "sr=16000"),
        (STATE, ("sr", np.array(16000))), (1,),
    ),
    "a transcriber of music": Shipped("basic_pitch", "saved_models/icassp_2022/nmp.onnx", (1, 43844, 1), axes=(1,)),
}  # fmt: skip
HELD = (
    "an OCR detector, which segments", "an OCR recogniser", "an OCR classifier", "a recogniser with an LSTM",
    "a detector with focus slices", "YOLOv8", "a speech detector without",
)  # fmt: skip
"""Those whose layers are compared one by one; the others move numbers about at sizes of their own."""


def sizes(file: Shipped) -> list[str]:
    """The words of `--input`."""
    return [
        f"{first_input(onnx.load(file.file, load_external_data=False))}={'x'.join(map(str, file.shape))}",
        *file.further,
    ]


def first_input(model: onnx.ModelProto) -> str:
    """The name of the input that fields are about."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return next(value.name for value in model.graph.input if value.name not in constants)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_a_package_ships_is_shown(name: str) -> None:
    file = FILES[name]
    words = [word for size in sizes(file) for word in ("--input", size)]

    result = CliRunner().invoke(main, ["show", str(file.file), *words])

    assert result.exit_code == 0, result.output[-500:]
    assert "left out:" not in result.output


@pytest.mark.parametrize("name", HELD)
def test_layers_of_a_shipped_file_see_what_onnxruntime_shows(name: str) -> None:
    file = FILES[name]
    model = positive(onnx.load(file.file))
    ends = chosen(model, file)
    changed = lines_changed(model, ends, file)
    told = 0
    for end in ends:
        del model.graph.output[:]
        model.graph.output.append(onnx.ValueInfoProto(name=end))
        network = read_model(model.SerializeToString(), sizes(file), name=name)
        layer = Report(network)[network.outputs[0]]
        for seen, (first, last), (least_first, least_last) in zip(
            changed[end], layer.hulls, layer.data.hulls, strict=True
        ):
            shown_first, shown_last = seen.argmax(1), seen.shape[1] - 1 - seen[:, ::-1].argmax(1)
            assert seen.any(1).all(), end
            for least, found, most in ((-least_first, -shown_first, -first), (least_last, shown_last, last)):
                assert ((least <= found) & (found <= most)).all(), (end, least, found, most)
            told += int(((first == least_first) & (last == least_last) & (last - first + 1 < seen.shape[1])).sum())
    assert told >= 5  # units whose field is a part of the input, and the same along every path: those are equal


def test_an_if_on_a_rate_is_the_branch_of_that_rate() -> None:
    """The same detector, of both rates and of one."""
    both = FILES["a speech detector with an If"]
    one = Path(both.file).with_name("silero_vad_16k_op15.onnx")
    words = sizes(both)

    branch, alone = (Report(read_file(path, words)) for path in (both.file, one))
    other = Report(read_file(both.file, ["input=1x256", *words[1:-1], "sr=8000"]))

    def told(report: Report) -> list[Any]:
        return [(layer.op, layer.out, layer.field, layer.macs) for layer in report if layer.op == "conv1d"]

    assert told(branch) == told(alone) != told(other)
    assert len(told(branch)) == 6
    assert branch.totals.macs == alone.totals.macs


def positive(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with weights drawn anew, each output a mean of its inputs; constants that are no weights stay."""
    draw = np.random.default_rng(0)
    weights: dict[str, int] = {}
    for node in all_nodes(model.graph):
        if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "BatchNormalization"):
            weights |= {name: place for place, name in enumerate(node.input) if place and name}
    for tensor in (*model.graph.initializer, *constants(model.graph)):
        if tensor.name in weights and tensor.data_type == onnx.TensorProto.FLOAT:
            shape = tuple(tensor.dims)
            drawn = draw.uniform(0.5, 1.5, shape)
            drawn /= max(np.prod(shape[1:]), 1) if len(shape) > 1 else 10 if weights[tensor.name] > 2 else 1
            tensor.CopyFrom(numpy_helper.from_array(drawn.astype("f4"), tensor.name))
    return model


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Nodes of a graph and of those within."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from all_nodes(attribute.g)


def constants(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Tensors of nodes that hold one, under the names of what they give."""
    for node in all_nodes(graph):
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            node.attribute[0].t.name = node.output[0]
            yield node.attribute[0].t


def chosen(model: onnx.ModelProto, file: Shipped) -> list[str]:
    """Up to twelve maps in the order in which they are made, from the first to the last."""
    kinds = ("Conv", "ConvTranspose", "Resize", "Concat", "MaxPool")
    names = [node.output[0] for node in model.graph.node if node.op_type in kinds]
    run = outputs_of(model, names, file)
    maps = [name for name, array in zip(names, run(np.ones(file.shape, "f4")), strict=True)
            if array.ndim == len(file.axes) + 2 and min(array.shape[2:]) > 1]  # fmt: skip
    return [maps[i] for i in sorted({round(i) for i in np.linspace(0, len(maps) - 1, 12)})]


def outputs_of(model: onnx.ModelProto, names: list[str], file: Shipped) -> Callable[[Array], list[Array]]:
    """What gives these tensors of the model for an input."""
    import onnxruntime

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    run = onnxruntime.InferenceSession(copy.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda x: run.run(names, {first_input(model): x, **dict(file.also)})


def lines_changed(model: onnx.ModelProto, ends: list[str], file: Shipped) -> dict[str, list[Array]]:
    """For each map and axis: which positions along it (rows) change with which line of the input (columns)."""
    run = outputs_of(model, ends, file)
    x = np.random.default_rng(1).uniform(0.5, 1.5, file.shape).astype("f4")
    base = run(x)
    found: dict[str, list[Array]] = {end: [] for end in ends}
    for axis, along in enumerate(file.axes, start=2):
        columns: dict[str, list[Array]] = {end: [] for end in ends}
        for line in range(file.shape[along]):
            moved = x.copy()
            np.moveaxis(moved, along, 0)[line] *= 1e30
            with np.errstate(all="ignore"):
                for end, before, after in zip(ends, base, run(moved), strict=True):
                    differs = ~(np.abs(after - before) <= 1e-4 * np.abs(before))
                    columns[end].append(np.moveaxis(differs, axis, 0).reshape(differs.shape[axis], -1).any(1))
        for end in ends:
            found[end].append(np.array(columns[end]).T)
    return found
