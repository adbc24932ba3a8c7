"""Files from strangers: cut off, changed, of impossible sizes, calling themselves. One clear error, little memory."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="pip install 'eyeshot[onnx]'")

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from eyeshot.api.report import Report
from eyeshot.errors import EyeshotError, ReadError
from eyeshot.read.onnx import read_file, read_model
from scripts.fuzz_onnx import changed, failure


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
        assert failure(data[:end]) is None


def test_changed_files_raise_nothing_but_errors_of_eyeshot() -> None:
    dice, data = random.Random(0), small()

    assert [why for _ in range(3000) if (why := failure(changed(data, dice)))] == []


@pytest.mark.slow
def test_a_corpus_of_all_operators_changed_at_random_raises_nothing_but_errors_of_eyeshot() -> None:
    from scripts.fuzz_onnx import samples

    dice, files = random.Random(1), samples()

    assert [why for _ in range(50_000) if (why := failure(changed(dice.choice(files), dice)))] == []


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
    "nothing that makes its input": chain(helper.make_node("Relu", ["z"], ["y"])),
    "a stride of nothing": chain(helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[0, 0])),
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
