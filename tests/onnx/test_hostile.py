"""Files from strangers: cut off, changed, of impossible sizes, calling themselves. One clear error, little memory."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="pip install 'eyeshot[onnx]'")

import numpy as np
import onnx
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from eyeshot.api.report import Report
from eyeshot.cli import main
from eyeshot.errors import EyeshotError, ReadError
from eyeshot.read.onnx import read_file, read_model
from scripts.stress.messages import changed
from scripts.stress.onnx_files import mangled, read
from scripts.stress.told import wrong


def chain(
    *nodes: onnx.NodeProto, constants: tuple[onnx.TensorProto, ...] = (), shape: tuple[int, ...] = (1, 2, 8, 8)
) -> bytes:
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(constants),
    )
    data: bytes = helper.make_model(graph).SerializeToString()
    return data


def small() -> bytes:
    return chain(
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
        constants=(numpy_helper.from_array(np.ones((2, 2, 3, 3), "f4"), "w"),),
    )


def test_a_file_that_is_cut_off_anywhere_is_one_error_or_a_network() -> None:
    data = small()

    for end in range(len(data)):
        assert wrong(lambda end=end: read(data[:end])) is None  # type: ignore[misc]


def test_changed_files_are_networks_or_one_clear_error() -> None:
    """`make stress` tries a million, of all operators."""
    draw, data = random.Random(0), small()

    for _ in range(1000):
        model = onnx.ModelProto.FromString(data)
        changed(model, draw, [model], ["x", "w", "a", "b", "y", "Conv", "axis"])
        for other in (mangled(data, draw), model.SerializeToString()):
            assert wrong(lambda other=other: read(other)) is None, other  # type: ignore[misc]


def test_numbers_that_fit_no_input_are_told_with_the_node(tmp_path: Path) -> None:
    """Found by the stress: each got through to an analysis."""
    unpool = chain(
        helper.make_node("Shape", ["x"], ["n"]),
        helper.make_node("Reshape", ["x", "rows"], ["i"]),
        helper.make_node("MaxUnpool", ["x", "i"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
        constants=(numpy_helper.from_array(np.array([1, 128]), "rows"),),
    )
    gather = chain(
        helper.make_node("Tile", ["x", "r"], ["i"]),
        helper.make_node("GatherElements", ["x", "i"], ["y"], axis=1),
        constants=(numpy_helper.from_array(np.array([1, 1, 2, 2]), "r"),),
    )

    with pytest.raises(ReadError, match=r"net\.onnx: y \(max_unpool2d\) of .* does not fit its input i of 1×128"):
        read(unpool)
    with pytest.raises(ReadError, match=r"y \(GatherElements\) .*its indices have more positions than its input"):
        read(gather)


def test_what_lies_behind_an_unknown_operator_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(
        chain(
            helper.make_node("Conv", ["x", "w"], ["a"]),
            helper.make_node("Riddle", ["a"], ["y"], domain="strange"),
            constants=(numpy_helper.from_array(np.ones((2, 2, 3, 3), "f4"), "w"),),
        )
    )

    result = CliRunner().invoke(main, ["show", str(path)])

    assert result.exit_code == 4
    assert "left out: y (Riddle)" in result.stdout
    assert "totals are at least" in result.stderr


def _number(n: int, name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(n, bool if name == "on" else "i8"), name)


def endless(depth: int = 5) -> onnx.NodeProto:
    """A loop whose body is a loop, and so on; the last one's body is empty."""
    infos = [helper.make_tensor_value_info(n, kind, ()) for n, kind in (("i", 7), ("on", 9))]
    state = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    nodes = [endless(depth - 1)] if depth else []
    body = helper.make_graph(nodes, "body", [*infos, state], [infos[1], state])
    return helper.make_node("Loop", ["n", "on", "x"], ["y"], body=body)


HUGE = 1 << 40
IMPOSSIBLE = {
    "a kernel of a million": chain(
        helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[1 << 20] * 2, pads=[1 << 20] * 4)
    ),
    "padding beyond all bounds": chain(helper.make_node("Pad", ["x"], ["y"], pads=[0, 0, 1 << 30, 0, 0, 0, 0, 0])),
    "an input of 10¹² pixels": chain(helper.make_node("Relu", ["x"], ["y"]), shape=(1, 1, HUGE, HUGE)),
    "a table that repeats itself": chain(
        helper.make_node("Tile", ["x", "r"], ["y"]),
        constants=(numpy_helper.from_array(np.array([1, 1, 1 << 30, 1]), "r"),),
    ),
    "a table that repeats itself as often as outputs may be long": chain(
        helper.make_node("Tile", ["x", "r"], ["y"]),
        constants=(numpy_helper.from_array(np.array([1, 1, 1 << 20, 1]), "r"),),
    ),
    "nothing that makes its input": chain(helper.make_node("Relu", ["z"], ["y"])),
    "a stride of nothing": chain(helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[0, 0])),
    "two thousand million parts": chain(helper.make_node("Split", ["x"], ["y"], num_outputs=(1 << 31) - 1, axis=2)),
    "a scan of as many inputs": chain(
        helper.make_node("Scan", ["x"], ["y"], num_scan_inputs=(1 << 31) - 1, body=helper.make_graph([], "b", [], []))
    ),
    "loops within loops that do nothing": chain(endless(), constants=(_number(1 << 40, "n"), _number(1, "on"))),
    "the same axis twice": chain(
        helper.make_node("Unsqueeze", ["x", "axes"], ["y"]),
        constants=(numpy_helper.from_array(np.array([0, 0]), "axes"),),
    ),
    "a triangle of a row": chain(helper.make_node("Trilu", ["x"], ["y"]), shape=(3000,)),
    "channels of a row": chain(helper.make_node("LRN", ["x"], ["y"], size=3), shape=(8,)),
    "a norm of a number": chain(
        helper.make_node("InstanceNormalization", ["x", "w", "w"], ["y"]), constants=(_number(1, "w"),), shape=()
    ),
    "a word for a number": chain(helper.make_node("Concat", ["x", "x"], ["y"], axis="one")),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_sizes_are_not_believed(what: str) -> None:
    tracemalloc.start()
    with pytest.raises(ReadError):
        read_model(IMPOSSIBLE[what], None, name="net.onnx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 30e6


def test_functions_that_call_themselves_end() -> None:
    function = helper.make_function(
        "here", "Again", ["a"], ["b"], [helper.make_node("Again", ["a"], ["b"], domain="here")],
        [helper.make_opsetid("here", 1)],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Again", ["x"], ["y"], domain="here")],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, functions=[function])

    with pytest.raises(ReadError, match="does one call itself"):
        read_model(model.SerializeToString(), None, name="net.onnx")


def test_external_data_are_never_opened_and_their_sizes_count(tmp_path: Path) -> None:
    """Weights beside the file are not needed: 2·2·3·3 of them."""
    weight = numpy_helper.from_array(np.ones((2, 2, 3, 3), "f4"), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    path = tmp_path / "net.onnx"
    path.write_bytes(chain(helper.make_node("Conv", ["x", "w"], ["y"]), constants=(weight,)))

    report = Report(read_file(path))

    assert report.totals.params == 36
    assert report["y"].field.size == (3, 3)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04K\x01.", b"\xff" * 64, b"\x3a\xff\xff\xff\xff\x7f"])
def test_other_kinds_of_files_are_told_from_onnx(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(data)

    with pytest.raises(EyeshotError, match=r"other\.onnx"):
        read_file(path)
