"""Models with code of a person's own, in memory: called on shapes, read as the same model written functionally."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import eyeshot
from eyeshot.errors import ReadError
from eyeshot.read.keras import read_model
from tests.keras.models import Channels, keras
from tests.oracles.elements import elements_poisoned, elements_read

L, ops = keras.layers, keras.ops
SHAPE = (12, 10, 3)


@pytest.fixture(autouse=True)
def _single() -> Any:
    """Other tests of Keras count in float64."""
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy(policy)
    keras.config.set_floatx("float64")


class Block(L.Layer):  # type: ignore[misc]
    """A residual block."""

    def __init__(self, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = L.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)
        self.norms = [L.BatchNormalization(), L.BatchNormalization()]
        self.conv2 = L.Conv2D(width, 3, padding="same", use_bias=False)
        self.down = L.Conv2D(width, 1, strides=stride, use_bias=False) if stride > 1 else None

    def call(self, x: Any, training: bool = False) -> Any:
        y = ops.relu(self.norms[0](self.conv1(x), training=training))
        y = self.norms[1](self.conv2(y), training=training)
        self.last = y  # a layer's code may keep what it likes
        return ops.relu(y + (x if self.down is None else self.down(x)))


class Net(keras.Model):  # type: ignore[misc]
    """A stem, two blocks, a head that is a model of its own."""

    def __init__(self) -> None:
        super().__init__(name="net")
        self.stem = L.Conv2D(4, 3, padding="same")
        self.blocks = [Block(4), Block(8, 2)]
        self.head = keras.Sequential([L.GlobalAveragePooling2D(name="mean"), L.Dense(2, name="dense")])

    def call(self, x: Any) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def functional() -> Any:
    """The same, written functionally."""

    def block(x: Any, width: int, stride: int) -> Any:
        y = L.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(x)
        y = ops.relu(L.BatchNormalization()(y))
        y = L.BatchNormalization()(L.Conv2D(width, 3, padding="same", use_bias=False)(y))
        return ops.relu(y + (x if stride == 1 else L.Conv2D(width, 1, strides=stride, use_bias=False)(x)))

    x = keras.Input(SHAPE)
    deep = block(block(L.Conv2D(4, 3, padding="same")(x), 4, 1), 8, 2)
    return keras.Model(x, L.Dense(2)(L.GlobalAveragePooling2D()(deep)))


def told(report: Any) -> list[Any]:
    """What is said of each layer, whatever it is called."""
    layers = [(layer.op, layer.field, layer.data.field, layer.cost.params, layer.cost.macs) for layer in report]
    return sorted(layers, key=str)


def called_on_nothing() -> Any:
    return Net()


def called_once() -> Any:
    net = Net()
    net(np.zeros((1, 8, 8, 3)))  # another size than it is asked about
    return net


@pytest.mark.parametrize("make", [called_on_nothing, called_once])
def test_a_subclassed_network_is_the_functional_one(make: Any) -> None:
    ours = eyeshot.inspect(make(), "3x12x10")

    assert ours.is_exact
    assert told(ours) == told(eyeshot.inspect(functional()))
    assert {"stem", "blocks.0.conv1", "blocks.1.norms.0", "head.dense"} <= {layer.name for layer in ours}
    assert set(ours.network.module_outputs) >= {"blocks.0", "blocks.1", "head"}


def state(model: Any) -> list[Any]:
    layers = [model, *model._flatten_layers(include_self=False)]
    return [
        (dict(vars(layer)), list(layer._inbound_nodes), list(layer._outbound_nodes), layer.built, len(layer.weights))
        for layer in layers
    ]


@pytest.mark.parametrize("make", [called_on_nothing, called_once])
def test_a_model_is_as_it_was(make: Any) -> None:
    model, x = make(), np.random.default_rng(0).normal(size=(1, 12, 10, 3))
    expected = model(x) if model.built else None
    before, name = state(model), L.Dense(1).name

    eyeshot.inspect(model, "3x12x10")

    after = state(model)
    assert [rest for _, *rest in after] == [rest for _, *rest in before]
    for (now, *_), (then, *_) in zip(after, before, strict=True):
        assert now.keys() == then.keys()
        assert all(now[key] is then[key] for key in then)
    if expected is not None:
        np.testing.assert_array_equal(torch.as_tensor(model(x)).detach(), torch.as_tensor(expected).detach())
    number = int(name.rpartition("_")[2] if "_" in name else 0)
    assert L.Dense(1).name == f"dense_{number + 1}"  # names of layers made later count on as before
    assert keras.Layer.__call__.__module__.startswith("keras")


class Mixed(L.Layer):  # type: ignore[misc]
    """Functions of keras.ops, and a weight of its own."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), name="scale", initializer="ones")
        self.token = self.add_weight(shape=(1, 2), name="token", initializer="ones")
        self.kernel = self.add_weight(shape=(3, 1, 2 * shape[-1], 2), name="kernel", initializer="ones")

    def call(self, x: Any) -> Any:
        x = ops.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)))
        left, right = ops.split(x[:, :, ::2], 2, axis=2)
        wide = ops.concatenate([self.scale * left, ops.swapaxes(ops.swapaxes(right, 1, 2), 1, 2)], axis=-1)
        deep = ops.max_pool(ops.conv(wide, self.kernel, padding="same"), 2, padding="same")
        rows = ops.reshape(deep, (ops.shape(deep)[0], -1, 2))
        token = ops.broadcast_to(ops.reshape(self.token, (1, 1, 2)), (rows.shape[0], 1, 2))
        return ops.concatenate([rows, token, rows], axis=1)[:, 1:]


def test_functions_read_as_they_run() -> None:
    keras.config.set_dtype_policy("float64")
    x = keras.Input((5, 6, 2))
    model = keras.Model(x, Mixed(name="mixed")(x))
    for weight in model.weights:
        weight.assign(np.random.default_rng(1).uniform(0.1, 1.0, weight.shape))

    network = read_model(model)

    run = Channels(model, network)
    assert not network.notes
    np.testing.assert_array_equal(
        elements_read(network, network.outputs[0]), elements_poisoned(run, network.input.shape)
    )
    assert sum(node.params for node in network) == 2 + 2 + 3 * 4 * 2


class Twice(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.block = Block(3)

    def call(self, x: Any) -> Any:
        return self.block(self.block(x))


def test_a_block_called_twice_keeps_its_name_and_is_counted_once() -> None:
    network = read_model(Twice(), "3x12x10")
    convolutions = {node.name: node.params for node in network if node.op.kind == "conv2d"}
    assert convolutions == {"block.conv1": 81, "block.conv2": 81, "block.conv1#2": 0, "block.conv2#2": 0}
    assert {"block", "block#2"} <= set(network.modules)


class Odd(keras.Model):  # type: ignore[misc]
    """One that does what it is told in its call."""

    def __init__(self, does: Any) -> None:
        super().__init__()
        self.does = does

    def call(self, x: Any) -> Any:
        return self.does(x)


@pytest.mark.parametrize(
    ("does", "complaint"),
    [
        (lambda x: x if ops.max(x) > 0 else -x, "control flow on values"),
        (lambda x: ops.cond(ops.max(x) > 0, lambda: x, lambda: -x), r"control flow on values \(keras.ops' Cond\)"),
        (lambda x: torch.relu(x), "functions of the backend"),
        (lambda x: L.Dense(3)(x) / nothing, "NameError"),  # type: ignore[name-defined]  # noqa: F821
    ],
    ids=["if", "cond", "a function of the backend", "a mistake"],
)
def test_what_cannot_be_followed_is_said(does: Any, complaint: str) -> None:
    with pytest.raises(ReadError, match=complaint):
        eyeshot.inspect(Odd(does), "3x8x8")


def test_a_function_without_a_rule_is_a_marked_bound() -> None:
    report = eyeshot.inspect(Odd(lambda x: ops.relu(ops.roll(x, 1, axis=1))), "3x8x8")
    assert not report.is_exact
    assert any("roll" in note.text.lower() for note in report.notes)


class Mixer(L.Layer):  # type: ignore[misc]
    """A convolution and a dense layer, of which Keras asks the sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.dense = L.Conv1D(4, 3), L.Dense(2)

    def build(self, shape: Any) -> None:
        self.conv.build(shape)
        self.dense.build((*shape[:-1], 4))

    def call(self, x: Any) -> Any:
        return ops.relu(self.dense(self.conv(x)))

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], shape[1] - 2, 2)


def at_each_time(layer: Any) -> Any:
    x = keras.Input((3, 8, 2))
    return keras.Model(x, L.TimeDistributed(layer)(x))


def as_lambda(function: Any) -> Any:
    x = keras.Input((8, 2))
    return keras.Model(x, L.Conv1D(2, 3)(L.Lambda(function, name="mine")(x)))


@pytest.mark.parametrize(
    ("own", "twin"),
    [
        (lambda: at_each_time(Mixer()), lambda: at_each_time(keras.Sequential([
            L.Conv1D(4, 3), L.Dense(2), L.ReLU()
        ]))),
        (lambda: as_lambda(lambda x: x[:, 1:] * 2), lambda: keras.Sequential([
            keras.Input((8, 2)), L.Cropping1D((1, 0)), L.Rescaling(2.0), L.Conv1D(2, 3)
        ])),
        (lambda: of_cells(L.GRUCell(3), L.SimpleRNNCell(4)), lambda: keras.Sequential([
            keras.Input((7, 2)), L.GRU(3, return_sequences=True), L.SimpleRNN(4)
        ])),
    ],
    ids=["at each time", "a Lambda of keras.ops", "cells"],
)  # fmt: skip
def test_code_within_keras_own_layers_is_read_as_what_it_stands_for(own: Any, twin: Any) -> None:
    reports = [eyeshot.inspect(make()) for make in (own, twin)]
    seen = [[hull.tolist() for pair in report.layers[-1].hulls for hull in pair] for report in reports]

    assert seen[0] == seen[1]
    assert [report.totals.params for report in reports] == [reports[1].totals.params] * 2
    assert [report.totals.macs for report in reports] == [reports[1].totals.macs] * 2
    assert all(report.is_exact for report in reports)


def of_cells(*cells: Any) -> Any:
    x = keras.Input((7, 2))
    return keras.Model(x, L.RNN(list(cells))(x))


def test_a_lambda_of_other_than_keras_ops_is_a_bound_of_the_size_that_keras_tells() -> None:
    report = eyeshot.inspect(as_lambda(lambda x: torch.sin(x)))

    assert next(note.text for note in report.notes).startswith("the op Lambda: its function is not made of keras.ops")
    assert report["mine.Lambda"].out == (8, 2)


def test_nothing_says_what_an_uncalled_model_takes() -> None:
    with pytest.raises(ReadError, match="call it once"):
        eyeshot.inspect(Net())


def test_other_threads_are_left_alone() -> None:
    made: list[Any] = []

    def beside(x: Any) -> Any:
        thread = threading.Thread(target=lambda: made.append(L.Dense(2)(keras.Input((3,)))))
        thread.start()
        thread.join()
        return x * 2

    assert len(read_model(Odd(beside), "3x8x8").nodes) == 2
    assert made[0]._keras_history.operation.units == 2


@pytest.mark.filterwarnings("ignore")
def test_a_file_of_a_subclassed_model_is_refused(tmp_path: Path) -> None:
    called_once().save(tmp_path / "net.keras")
    with pytest.raises(ReadError, match="says nothing of layers"):
        eyeshot.inspect(str(tmp_path / "net.keras"))
