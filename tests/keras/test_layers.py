"""Every element of what a layer makes reads what the layer itself, run by PyTorch, says it reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eyeshot
from tests.keras.models import assert_read_as_it_runs, keras

L = keras.layers
MAP, LINE, SOLID = (6, 5, 2), (7, 2), (4, 3, 5, 1)

LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "conv1d": (lambda: L.Conv1D(3, 3), LINE),
    "conv1d, causal": (lambda: L.Conv1D(3, 3, padding="causal", dilation_rate=2), LINE),
    "conv2d, same": (lambda: L.Conv2D(3, 3, padding="same"), MAP),
    "conv2d, same at a stride: the larger half of the padding behind": (
        lambda: L.Conv2D(4, (3, 2), strides=2, padding="same"), MAP,
    ),
    "conv2d, an even kernel": (lambda: L.Conv2D(3, 4, padding="same"), MAP),
    "conv2d, dilated": (lambda: L.Conv2D(2, 2, dilation_rate=(2, 3), padding="same"), MAP),
    "conv2d, groups": (lambda: L.Conv2D(4, 3, groups=2), MAP),
    "conv3d": (lambda: L.Conv3D(2, 2, strides=(2, 1, 2), padding="same"), SOLID),
    "depthwise": (lambda: L.DepthwiseConv2D(3, depth_multiplier=2), MAP),
    "separable": (lambda: L.SeparableConv2D(3, 3, padding="same"), MAP),
    "transposed": (lambda: L.Conv2DTranspose(3, 3), MAP),
    "transposed, strided": (lambda: L.Conv2DTranspose(3, 3, strides=2), (3, 3, 2)),
    "transposed, same": (lambda: L.Conv2DTranspose(3, 4, strides=2, padding="same"), (3, 3, 2)),
    "max pool": (lambda: L.MaxPooling2D(), MAP),
    "max pool, same": (lambda: L.MaxPooling2D(3, strides=2, padding="same"), MAP),
    "average pool": (lambda: L.AveragePooling1D(3, strides=1), LINE),
    "global pool": (lambda: L.GlobalAveragePooling2D(), MAP),
    "global pool, axes kept": (lambda: L.GlobalMaxPooling2D(keepdims=True), MAP),
    "zero padding": (lambda: L.ZeroPadding2D(((1, 0), (2, 1))), MAP),
    "cropping": (lambda: L.Cropping2D(((1, 0), (2, 1))), MAP),
    "cropping a row": (lambda: L.Cropping1D((2, 1)), LINE),
    "upsampling": (lambda: L.UpSampling2D((2, 3)), (3, 3, 1)),
    "upsampling a row": (lambda: L.UpSampling1D(3), LINE),
    "batch norm": (lambda: L.BatchNormalization(), MAP),
    "layer norm": (lambda: L.LayerNormalization(), MAP),
    "group norm": (lambda: L.GroupNormalization(2), (3, 2, 4)),
    "rms norm": (lambda: L.RMSNormalization(), LINE),
    "dense on a map": (lambda: L.Dense(3), (3, 4, 2)),
    "einsum": (lambda: L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"), LINE),
    "einsum, weights of each position": (lambda: L.EinsumDense("abc,bcd->abd", output_shape=(7, 3)), LINE),
    "einsum, all features": (lambda: L.EinsumDense("...x,xy->...y", output_shape=3, bias_axes="y"), LINE),
    "softmax": (lambda: L.Softmax(axis=1), LINE),
    "prelu": (lambda: L.PReLU(shared_axes=[1, 2]), MAP),
    "flatten": (lambda: L.Flatten(), (2, 3, 2)),
    "reshape": (lambda: L.Reshape((5, -1)), MAP),
    "permute": (lambda: L.Permute((3, 1, 2)), MAP),
    "gru": (lambda: L.GRU(3, return_sequences=True), LINE),
    "lstm, its end": (lambda: L.LSTM(2), LINE),
    "rnn from behind": (lambda: L.SimpleRNN(2, return_sequences=True, go_backwards=True), LINE),
    "both ways": (lambda: L.Bidirectional(L.LSTM(2, return_sequences=True)), (5, 2)),
    "both ends": (lambda: L.Bidirectional(L.GRU(2), merge_mode="sum"), (5, 2)),
    "the same layer at each time": (lambda: L.TimeDistributed(L.Conv1D(2, 3)), (3, 5, 2)),
    "dropout": (lambda: L.Dropout(0.5), LINE),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_each_element_reads_what_the_layer_says(name: str) -> None:
    make, shape = LAYERS[name]
    layer = make()
    assert_read_as_it_runs(layer, shape)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_resizing_reads_as_it_runs(factor: int) -> None:
    assert_read_as_it_runs(L.Resizing(6 * factor, 5, interpolation="nearest"), (6, 5, 1))


def test_a_bilinear_upsampling_reads_where_its_gradient_is() -> None:
    """At the border a neighbour has weight 0, which NaN does not respect."""
    assert_read_as_it_runs(L.UpSampling2D(2, interpolation="bilinear"), (3, 4, 1), by_gradient=True)


def of_unet(x: Any) -> Any:
    down = L.Conv2D(2, 3, padding="same", activation="relu")(x)
    deep = L.Conv2D(3, 3, padding="same")(L.MaxPooling2D()(down))
    up = L.Conv2DTranspose(2, 2, strides=2)(deep)
    return L.Conv2D(1, 1)(L.Concatenate()([up, down]))


def of_gates(x: Any) -> Any:
    gate = L.Dense(2, activation="sigmoid")(L.Reshape((1, 1, 2))(L.GlobalAveragePooling2D()(x)))
    return L.Multiply()([x, gate]) + L.Conv2D(2, 3, padding="same")(x)


def of_attention(x: Any) -> Any:
    return L.Add()([x, L.MultiHeadAttention(2, 3)(x, x)])


def of_functions(x: Any) -> Any:
    ops = keras.ops
    rows = ops.reshape(x, (-1, 4, 6))
    mixed = ops.matmul(rows, ops.transpose(rows, (0, 2, 1)))
    side = ops.expand_dims(ops.max(mixed, axis=2), -1)
    return ops.concatenate([ops.relu(mixed), 1 - mixed * 2], axis=1) / ops.concatenate([side, ops.square(side)], axis=1)


def of_einsums(x: Any) -> Any:
    ops = keras.ops
    scores = ops.einsum("btc,bsc->bts", x, x)
    return ops.einsum("bts,bsc->btc", scores, x) + ops.einsum("btc,cd->btd", x, np.ones((2, 2)))


def of_one_layer_twice(x: Any) -> Any:
    conv = L.Conv1D(2, 3, name="shared")
    return conv(conv(x))


def of_a_model_within(x: Any) -> Any:
    inner = keras.Sequential([keras.Input((6, 5, 2)), L.Conv2D(3, 3), L.ReLU()], name="backbone")
    return L.Conv2D(1, 2)(inner(x))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (of_functions, (4, 3, 2)),
        (of_einsums, (4, 2)),
        (of_unet, (6, 4, 1)),
        (of_gates, (4, 3, 2)),
        (of_one_layer_twice, LINE),
        (of_a_model_within, MAP),
    ],
    ids=[
        "functions of keras.ops",
        "products over labels",
        "a U-Net",
        "a gate",
        "a layer called twice",
        "a model within",
    ],
)
def test_each_element_reads_what_the_model_says(build: Any, shape: tuple[int, ...]) -> None:
    assert_read_as_it_runs(build, shape)


def test_attention_reads_all_rows() -> None:
    network = assert_read_as_it_runs(of_attention, (4, 2))
    assert [node.op.kind for node in network].count("matmul") == 2


@pytest.mark.parametrize("is_causal", [False, True])
def test_attention_under_a_mask_of_numbers_weighs_what_it_leaves(is_causal: bool) -> None:
    x = keras.Input((5, 4))
    band = np.abs(np.subtract.outer(np.arange(5), np.arange(5))) < 2
    attention = L.MultiHeadAttention(2, 4)(x, x, attention_mask=band[None], use_causal_mask=is_causal)
    report = eyeshot.inspect(keras.Model(x, attention), "5x4:TC")
    first, last = report.layers[-1].hulls[0]

    assert report.is_exact
    assert first.tolist() == [0, 0, 1, 2, 3]
    assert last.tolist() == ([0, 1, 2, 3, 4] if is_causal else [1, 2, 3, 4, 4])


def test_a_recurrence_under_a_mask_of_the_data_sees_nothing_ahead() -> None:
    x = keras.Input((6,), dtype="int32")
    report = eyeshot.inspect(keras.Model(x, L.LSTM(3, return_sequences=True)(L.Embedding(9, 4, mask_zero=True)(x))))

    assert report.layers[-1].hulls[0][1].tolist() == list(range(6))
    assert report.is_exact


def test_a_layer_keeps_its_name_and_is_counted_once() -> None:
    network = assert_read_as_it_runs(of_one_layer_twice, LINE)
    assert [node.name for node in network][1:] == ["shared", "shared#2"]
    assert [node.params for node in network][1:] == [14, 0]


def test_a_model_within_is_a_module() -> None:
    network = assert_read_as_it_runs(of_a_model_within, MAP)
    assert network["backbone"].op.kind == "relu"
    assert "backbone" in network.module_outputs
