"""What operators of ONNX read: element by element against the reference implementation."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

pytest.importorskip("onnx", reason="pip install 'eyeshot[onnx]'")

import numpy as np
import onnx
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from eyeshot.api.report import Report
from eyeshot.read.onnx import read_model
from tests.onnx.truth import elements_changed, elements_of, fixed, read_of

RNG = np.random.default_rng(0)


def model(
    op: str,
    shape: tuple[int, ...],
    constants: dict[str, Any] | None = None,
    opset: int = 20,
    inputs: Any = None,
    **attributes: Any,
) -> onnx.ModelProto:
    """One node on one input, its other inputs constants of the file."""
    held = {name: np.asarray(value) for name, value in (constants or {}).items()}
    node = helper.make_node(op, inputs or ["x", *held], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def weights(*shape: int) -> Any:
    """Weights of which none is near zero."""
    return (RNG.random(shape) + 0.5).astype("f4")


def image(*shape: int) -> Any:
    return (RNG.random(shape) + 0.5).astype("f4")


def assert_read_as_the_reference_says(net: onnx.ModelProto, shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(elements_of(read_of(net)), elements_changed(net, image(*shape)))


@settings(deadline=None, max_examples=40)
@given(
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    before=st.integers(0, 2),
    after=st.integers(0, 2),
    groups=st.sampled_from([1, 2]),
    transposed=st.booleans(),
)
def test_convolutions_of_any_stride_dilation_groups_and_unequal_padding(
    kernel: int, stride: int, dilation: int, before: int, after: int, groups: int, transposed: bool
) -> None:
    reach = dilation * (kernel - 1)
    assume(7 + before + after > reach and (not transposed or 6 * stride + reach + 1 > before + after))
    shape = (1, 2, 7)
    net = model(
        "ConvTranspose" if transposed else "Conv",
        shape,
        {"w": weights(2, 2 // groups, kernel)},
        strides=[stride],
        dilations=[dilation],
        pads=[before, after],
        group=groups,
    )

    assert_read_as_the_reference_says(net, shape)


@settings(deadline=None, max_examples=40)
@given(
    mode=st.sampled_from(["nearest", "linear", "cubic"]),
    coordinates=st.sampled_from(
        [
            "half_pixel",
            "pytorch_half_pixel",
            "align_corners",
            "asymmetric",
            "half_pixel_symmetric",
            "tf_crop_and_resize",
        ]
    ),
    nearest=st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
    size=st.sampled_from([1, 2, 3, 4, 8, 12]),
)
def test_resizing_in_every_mode(mode: str, coordinates: str, nearest: str, size: int) -> None:
    assume(mode != "nearest" or coordinates != "tf_crop_and_resize")  # floats decide which of two is the nearest
    assume(size > 1 or coordinates != "pytorch_half_pixel")  # one position reads at 0 (ONNX's text), or −½ (reference)
    shape = (1, 1, 6)
    net = model(
        "Resize",
        shape,
        {"roi": np.array([0, 0, 0.2, 1, 1, 0.9], "f4"), "sizes": np.array([1, 1, size], "i8")},
        inputs=["x", "roi", "", "sizes"],
        mode=mode,
        coordinate_transformation_mode=coordinates,
        nearest_mode=nearest,
    )

    read, changed = elements_of(read_of(net)), elements_changed(net, image(*shape))

    assert (read >= changed).all()  # a weight of a cubic may be zero
    if mode == "linear":
        assert (read & ~changed).sum() <= 1


@pytest.mark.parametrize("opset", [10, 12, 22])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(("pads", "size"), [([0, 0], 6), ([1, 1], 6), ([0, 0], 7)])
def test_ceil_mode_takes_a_last_window_only_where_it_begins_before_the_padding(
    op: str, opset: int, pads: list[int], size: int
) -> None:
    net = model(op, (1, 1, size), opset=opset, kernel_shape=[2], strides=[3], pads=pads, ceil_mode=1)

    span = size + sum(pads) - 2
    windows = -(-span // 3) + 1
    windows -= (windows - 1) * 3 >= size + pads[0]
    assert read_of(net)["y"].shape == (1, 1, windows)


@pytest.mark.parametrize("opset", [7, 11, 22])
@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 1), (3, 2), (4, 2), (2, 3)])
@pytest.mark.parametrize("size", [6, 7])
def test_auto_pad_makes_as_many_windows_as_strides_and_puts_an_odd_pixel_behind_for_upper(
    opset: int, mode: str, kernel: int, stride: int, size: int
) -> None:
    net = model("Conv", (1, 1, size), {"w": weights(1, 1, kernel)}, opset=opset, strides=[stride], auto_pad=mode)

    read = elements_of(read_of(net))

    if mode == "VALID":
        assert [row.sum() for row in read] == [kernel] * ((size - kernel) // stride + 1)
        return
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    before = total // 2 if mode == "SAME_UPPER" else total - total // 2
    assert len(read) == -(-size // stride)
    assert [int(row.argmax()) for row in read] == [max(i * stride - before, 0) for i in range(len(read))]


def test_automatic_padding_of_a_pool_leaves_nothing_for_ceil_mode_to_round() -> None:
    floor, ceil = (
        model("MaxPool", (1, 1, 7), kernel_shape=[2], strides=[2], auto_pad="VALID", ceil_mode=mode) for mode in (0, 1)
    )

    assert read_of(floor)["y"].shape == read_of(ceil)["y"].shape == (1, 1, 3)


@pytest.mark.parametrize(("opset", "first"), [(7, 1), (11, 0), (22, 0)])
def test_a_transposed_convolution_cuts_an_odd_pixel_off_behind_for_upper_from_version_11_on(
    opset: int, first: int
) -> None:
    """Of 2·3 + 1 − 6 = 1 pixel too many: before up to version 10."""
    net = model("ConvTranspose", (1, 1, 3), {"w": weights(1, 1, 3)}, opset=opset, strides=[2], auto_pad="SAME_UPPER")

    read = elements_of(read_of(net))

    assert len(read) == 6
    assert read[0].tolist() == [True, False, False]
    assert read[1].tolist() == ([True, True, False] if first else [True, False, False])


MOVED: dict[str, tuple[tuple[int, ...], dict[str, Any], dict[str, Any]]] = {
    "Slice": ((1, 2, 7), {"s": np.array([-1]), "e": np.array([-8]), "a": np.array([2]), "d": np.array([-2])}, {}),
    "Pad": ((1, 2, 5), {"p": np.array([0, 0, 2, 0, 0, 1])}, {"mode": "reflect"}),
    "Gather": ((1, 2, 5), {"i": np.array([[4, 0], [-2, 1]])}, {"axis": 2}),
    "GatherElements": ((1, 2, 3), {"i": np.array([[[2, 0], [1, 1]]])}, {"axis": 2}),
    "Transpose": ((1, 2, 5), {}, {"perm": [2, 0, 1]}),
    "DepthToSpace": ((1, 8, 2, 2), {}, {"blocksize": 2, "mode": "CRD"}),
    "SpaceToDepth": ((1, 2, 4, 2), {}, {"blocksize": 2}),
    "Tile": ((1, 2, 3), {"r": np.array([1, 2, 2])}, {}),
    "Expand": ((1, 1, 3), {"s": np.array([2, 2, 3])}, {}),
    "CumSum": ((1, 2, 4), {"a": np.array(2)}, {"exclusive": 1, "reverse": 1}),
    "Trilu": ((1, 3, 4), {}, {"upper": 0}),
    "MatMul": ((1, 2, 3), {"w": weights(3, 4)}, {}),
    "Einsum": ((1, 2, 3), {"w": weights(3, 2, 2)}, {"equation": "bij,jik->bk"}),
    "Col2Im": ((1, 4, 4), {"i": np.array([3, 3]), "b": np.array([2, 2])}, {}),
    "ReduceMean": ((1, 2, 4), {"a": np.array([2])}, {}),
    "ScatterND": ((4, 3), {"i": np.array([[1], [3]]), "u": weights(2, 3)}, {}),
}


@pytest.mark.parametrize("op", MOVED)
def test_what_moves_and_mixes_elements_reads_what_the_reference_reads(op: str) -> None:
    shape, constants, attributes = MOVED[op]

    assert_read_as_the_reference_says(model(op, shape, constants, **attributes), shape)


@pytest.mark.parametrize(
    ("settings", "masks", "behind", "ahead"),
    [
        ({"is_causal": 1}, {}, 4, 0),
        ({"left_window_size": 1, "right_window_size": 0}, {}, 1, 0),
        ({"left_window_size": 1}, {"mask": np.tri(5, k=2, dtype=bool)}, 1, 2),
        ({}, {"mask": np.where(np.tri(5), 0, -np.inf).astype("f4")}, 4, 0),
    ],
    ids=["causal", "a window", "a window and a mask", "a mask that is added"],
)
def test_attention_weighs_what_its_settings_and_mask_leave(
    settings: dict[str, int], masks: dict[str, Any], behind: int, ahead: int
) -> None:
    heads = {"q_num_heads": 2, "kv_num_heads": 2}
    net = model("Attention", (1, 5, 4), masks, 24, ["x", "x", "x", *masks], **heads, **settings)
    report = Report(read_model(net.SerializeToString(), "5x4:TC", name="net"))
    first, last = report.layers[-1].hulls[0]

    assert first.tolist() == [max(0, i - behind) for i in range(5)]
    assert last.tolist() == [min(4, i + ahead) for i in range(5)]
    assert report.is_exact


def test_weights_may_be_initialisers_constants_or_a_shape_alone() -> None:
    """Ten weights and no kernel_shape: 3×3 and a bias."""
    kernel = numpy_helper.from_array(weights(1, 1, 3, 3), "w")
    ways = {
        "constant": [helper.make_node("Constant", [], ["w"], value=kernel)],
        "shape alone": [
            helper.make_node("Constant", [], ["s"], value_ints=[1, 1, 3, 3]),
            helper.make_node("ConstantOfShape", ["s"], ["w"]),
        ],
    }
    for way, nodes in ways.items():
        graph = helper.make_graph(
            [*nodes, helper.make_node("Conv", ["x", "w", "b"], ["y"])],
            way,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, "h", "w"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(weights(1), "b")],
        )
        network = read_of(helper.make_model(graph))

        report = Report(network)
        assert report["y"].field.size == (3, 3)
        assert report.totals.params == 10
        assert network.input.shape == (1, 1, 224, 224)


def test_shapes_that_the_graph_computes_are_folded() -> None:
    """Shape, Gather, Concat, Reshape: the usual way to flatten."""
    graph = helper.make_graph(
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "zero"], ["n"]),
            helper.make_node("Unsqueeze", ["n", "first"], ["row"]),
            helper.make_node("Concat", ["row", "rest"], ["shape"], axis=0),
            helper.make_node("Reshape", ["x", "shape"], ["y"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 4, 4))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(v), k) for k, v in (("zero", 0), ("first", [0]), ("rest", [-1]))],
    )

    assert read_of(helper.make_model(graph))["y"].shape == (1, 32)


_SHAPING = (
    "Conv ConvTranspose MaxPool AveragePool LpPool GlobalAveragePool MaxUnpool Resize Pad Slice Gather GatherND Concat"
    " Split Transpose Reshape Unsqueeze Squeeze Flatten Expand Tile DepthToSpace SpaceToDepth Col2Im GridSample"
    " DeformConv Einsum MatMul Gemm Softmax LayerNormalization InstanceNormalization LSTM Scan If CumSum CenterCropPad"
    " ScatterElements ScatterND ReduceMean ReverseSequence Trilu TopK"
)
BACKEND = frozenset(_SHAPING.split(" "))


@pytest.mark.slow
def test_single_operator_cases_of_the_onnx_package_read_no_less_than_changes() -> None:
    """What changes is a bound from below: maxima and weights of zero hide what is read."""
    from onnx.backend.test.loader import load_model_tests

    missed, tried = [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = load_model_tests(kind="node")
    for case in cases:
        nodes = case.model.graph.node
        inputs = case.data_sets[0][0]
        if len(nodes) != 1 or nodes[0].op_type not in BACKEND or not isinstance(inputs[0], np.ndarray):
            continue
        x = inputs[0]
        if x.dtype.kind != "f" or not 0 < x.size <= 400 or not all(isinstance(a, np.ndarray) for a in inputs):
            continue
        network = read_of(net := fixed(case.model, inputs), case.name)
        if not network.outputs:
            continue
        tried += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            changed = elements_changed(net, (RNG.random(x.shape) + 0.5).astype(x.dtype), inputs)
        if (changed & ~elements_of(network)).any():
            missed.append(case.name)
    assert tried > 150
    assert not missed
