"""Modules of Flax NNX, Flax Linen and Equinox, and functions: names, weights, modes, and what cannot be read."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eyeshot
from eyeshot.errors import MissingExtraError, ReadError, UsageError
from eyeshot.network.graph import Network
from eyeshot.read.torch import read_module
from tests.jax.models import as_network_has, elements_read, jax, poisoned
from tests.jax.resnets import LinenResNet, ResNet

nnx = pytest.importorskip("flax.nnx")
linen = pytest.importorskip("flax.linen")
eqx = pytest.importorskip("equinox")
jnp = jax.numpy
KEY = jax.random.key(0)


# --- names, weights, modes --------------------------------------------------------------------------------------------


class Parts(nnx.Module):  # type: ignore[misc]
    """What is folded, what is called twice, what is in a list."""

    def __init__(self, rngs: Any) -> None:
        self.embed = nnx.Conv(3, 4, (2, 2), strides=2, rngs=rngs)
        self.blocks = nnx.List([nnx.Linear(4, 4, rngs=rngs) for _ in range(2)])
        self.norm = nnx.LayerNorm(4, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(2, 4, decode=False, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.embed(x)
        x = x.reshape(x.shape[0], -1, 4)
        for block in self.blocks:
            x = x + self.attention(self.norm(nnx.gelu(block(x))))
        return self.drop(x)


def test_layers_have_the_modules_names_and_weights_are_counted_once() -> None:
    module = nnx.eval_shape(lambda: Parts(nnx.Rngs(0)))
    network = eyeshot.inspect(module, "8x8x3").network
    weights = jax.tree_util.tree_leaves(nnx.state(module, nnx.Param))

    named = {node.name: node.op.kind for node in network}
    assert [named[name] for name in ("embed", "blocks.0", "blocks.1", "norm", "norm#2", "attention.query")] == [
        "conv2d", "linear", "linear", "layer_norm", "layer_norm", "linear",
    ]  # fmt: skip
    assert named["gelu"] == "gelu"
    assert "dropout" not in named.values()
    assert sum(node.params for node in network) == sum(leaf.size for leaf in weights)
    assert "softmax" in set(named.values())


def test_a_module_is_left_as_it_was() -> None:
    module = nnx.eval_shape(lambda: Parts(nnx.Rngs(0)))
    before = {kind: kind.__dict__.get("__call__") for kind in (Parts, nnx.Linear, nnx.Conv)}
    eyeshot.inspect(module, "8x8x3")

    assert {kind: kind.__dict__.get("__call__") for kind in before} == before
    assert module.drop.deterministic is False


def test_linen_modules_come_alone_with_variables_or_bound() -> None:
    module = LinenResNet()
    variables = jax.eval_shape(module.init, KEY, jnp.zeros((1, 40, 40, 3)))
    reports = [eyeshot.inspect(each, "40x40x3") for each in (module, (module, variables), module.bind(variables))]

    assert reports[0].network.nodes == reports[1].network.nodes == reports[2].network.nodes


class Layer(linen.Module):  # type: ignore[misc]
    @linen.compact
    def __call__(self, x: Any, _: None) -> Any:
        return linen.relu(linen.Dense(4)(x)), None


class Deep(linen.Module):  # type: ignore[misc]
    """Three layers, whose weights are stacked and scanned over."""

    @linen.compact
    def __call__(self, x: Any) -> Any:
        stack = linen.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
        return stack(name="stack")(x, None)[0]


def test_layers_that_are_scanned_over_are_calls_of_one_each_with_its_weights() -> None:
    report = eyeshot.inspect(Deep(), "5x4")
    layers = [(layer.name, layer.params, layer.macs) for layer in report if layer.params]

    assert layers == [("stack.Dense_0" + call, 20, 80) for call in ("", "#2", "#3")]


def net(x: Any, params: dict[str, Any]) -> Any:
    x = jax.lax.conv_general_dilated(x, params["stem"]["w"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(x + params["stem"]["b"]).mean((1, 2)) @ params["head"]["w"]


PARAMS = {"stem": {"w": np.ones((3, 3, 3, 4), "f4"), "b": np.ones(4, "f4")}, "head": {"w": np.ones((4, 10), "f4")}}


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (functools.partial(net, params=PARAMS), ["stem", "relu", "mean", "head"]),
        (lambda x: net(x, jax.tree_util.tree_map(jnp.asarray, PARAMS)), ["conv1", "relu1", "mean1", "fc2"]),
    ],
    ids=["a partial function", "closed over"],
)
def test_a_functions_layers_have_the_names_of_its_weights_or_are_numbered(function: Any, names: list[str]) -> None:
    report = eyeshot.inspect(function, "9x9x3")

    assert [layer.name for layer in report] == names
    assert [layer.params for layer in report if layer.macs] == [112, 40]


def test_named_scopes_are_a_functions_names() -> None:
    def function(x: Any) -> Any:
        with jax.named_scope("stem"):
            x = jax.nn.relu(x @ np.ones((3, 3), "f4"))
        with jax.named_scope("head"):
            return x @ np.ones((3, 2), "f4")

    assert [layer.name for layer in eyeshot.inspect(function, "5x3")] == ["stem", "stem.relu", "head"]


def test_inputs_are_named_by_arguments_and_fields_are_of_the_first() -> None:
    def function(left: Any, right: Any) -> Any:
        return jnp.cumsum(right, 1) + left

    network = eyeshot.inspect(function, {"right": (5, 2), "left": (5, 2)}).network
    assert [node.name for node in network.inputs] == ["right", "left"]
    assert "fields are of the input right" in network.notes[0].text


def test_tokens_are_looked_up() -> None:
    class Words(nnx.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.embed = nnx.Embed(50, 8, rngs=nnx.Rngs(0))
            self.rnn = nnx.RNN(nnx.GRUCell(8, 6, rngs=nnx.Rngs(0)))

        def __call__(self, tokens: Any) -> Any:
            return self.rnn(self.embed(tokens))

    words = nnx.eval_shape(Words)
    report = eyeshot.inspect(words, "12:T:int32")
    weights = jax.tree_util.tree_leaves(nnx.state(words.rnn, nnx.Param))

    assert report["embed"].params == 400
    assert report["rnn.cell"].params == sum(leaf.size for leaf in weights)
    assert report["rnn.cell"].macs == 12 * (8 * 18 + 6 * 18)
    assert report["rnn.cell"].field.one_sided


# --- what cannot be read ----------------------------------------------------------------------------------------------


def net_of_maps(x: Any) -> Any:
    kernel = np.ones((5, 5, 3, 3), "f4")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def test_each_layer_has_the_line_that_called_it() -> None:
    report = eyeshot.inspect(nnx.eval_shape(lambda: ResNet(nnx.Rngs(0))), "40x40x3", lines=True)

    assert all("resnets.py:" in layer.node.line for layer in report)


def test_what_needs_a_module_of_pytorch_says_so() -> None:
    model = LinenResNet()
    assert eyeshot.effective(model, "stem", input_shape="40x40x3").to_json()["source"] == "density"
    with pytest.raises(UsageError, match="has no gradients to measure"):
        eyeshot.effective(model, "stem", source="init", input_shape="40x40x3")
    with pytest.raises(ReadError, match=r"gradients need; fields, costs and .* path density do not"):
        read_module(model, name="net", source="net")
    with pytest.raises(UsageError, match="give the shape"):
        eyeshot.inspect(LinenResNet(), example=np.zeros((1, 40, 40, 3)))


SOURCE = """
import jax, jax.numpy as jnp

def make_net(width=4):
    kernel = jnp.ones((3, 3, 3, width))
    def forward(x):
        x = jax.lax.conv_general_dilated(x, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return jax.nn.relu(x)
    return forward

whole = jax.jit(make_net())

def itself(x):
    return x if x.sum() > 0 else -x
"""


def test_a_file_makes_it_or_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    reports = [eyeshot.inspect(f"{path}:{name}", "32x32x3") for name in ("make_net", "make_net?width=4", "whole")]

    assert reports[0].network.nodes == reports[1].network.nodes
    assert [layer.op for layer in reports[2]] == ["conv2d", "relu"]
    with pytest.raises(ReadError, match=r"needs x.*name jax.jit\(itself\)"):
        eyeshot.inspect(f"{path}:itself", "32x32x3")


def test_without_jax_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)  # which an import takes for a module that is not there
    with pytest.raises(MissingExtraError, match=r"pip install 'eyeshot\[jax\]'") as refused:
        eyeshot.inspect(lambda x: x, "8x8x3")
    assert refused.value.exit_code == 5


def on_values(x: Any) -> Any:
    return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("function", "size", "complaint"),
    [
        (on_values, "8x8x3", r"TracerBoolConversionError.*decide it outside, or by jax.lax.cond"),
        (lambda x: x @ np.ones((4, 4), "f4"), "8x8x3", r"1×8×8×3.*dot_general"),
        (lambda x, y: x, "8x8x3", "missing 1 required positional argument: 'y'"),
        (lambda x: 1 / 0, "8x8x3", r"test_modules.py:\d+: ZeroDivisionError"),
        (lambda x: jnp.ones(3), "8x8x3", "do not depend on its input"),
        (lambda x: net_of_maps(x), "2x2x3", r"conv_general_dilated gives nothing \(1×0×0×3\)"),
    ],
    ids=["values", "shapes", "arguments", "its own error", "no dependence", "an empty map"],
)
def test_what_cannot_be_traced_is_said_in_jaxs_words(function: Any, size: str, complaint: str) -> None:
    with pytest.raises(ReadError, match=complaint):
        eyeshot.inspect(function, size)


def test_a_type_that_jax_has_not_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match="float12"):
        eyeshot.inspect(lambda x: x, "8:T:float12")


def test_channels_are_taken_at_either_end_where_one_fits() -> None:
    convolution = linen.Conv(8, (3, 3))
    reports = [eyeshot.inspect(convolution, size) for size in ("3x40x30", "40x30x3", (40, 30, 3), "40x30x3:HWC")]

    assert {report.network.input.shape for report in reports} == {(1, 3, 40, 30)}


def test_sizes_that_fit_are_found(tmp_path: Path) -> None:
    def halved(x: Any) -> Any:
        return x.reshape(1, x.shape[1] // 2, 2, *x.shape[2:]) * 2

    assert eyeshot.sizes(halved, "8x8x3").axes[0].fits[0].step == 2
    with pytest.raises(ReadError, match=r"it takes --input 10x\d+x3:HWC"):
        eyeshot.inspect(halved, "9x9x3")


# --- elements ---------------------------------------------------------------------------------------------------------


class Tiny(nnx.Module):  # type: ignore[misc]
    """A convolution, a group norm, a pool and a shortcut, small enough to be tried element by element."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.conv = nnx.Conv(2, 4, (3, 2), rngs=rngs)
        self.norm = nnx.GroupNorm(4, num_groups=2, rngs=rngs)
        self.up = nnx.ConvTranspose(4, 2, (2, 2), strides=(2, 2), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.avg_pool(self.norm(self.conv(x)), (2, 2), (2, 2))
        return self.up(y) + x


def assert_elements_are_the_modules(function: Any, model: Any, text: str, shape: tuple[int, ...]) -> Network:
    network = eyeshot.inspect(model, text).network
    truth = as_network_has(poisoned(function, shape), network, text)
    read = elements_read(network, network.outputs[0])
    out = network[network.outputs[0]].shape
    if len(out) > 2 and text.endswith("C"):  # the network has channels first
        read = np.moveaxis(read.reshape(*out, -1), 1, -2).reshape(read.shape)
    np.testing.assert_array_equal(read, truth)
    return network


def test_each_element_of_a_module_reads_what_the_module_says() -> None:
    graph, state = nnx.split(nnx.eval_shape(Tiny))
    module = nnx.merge(graph, jax.tree_util.tree_map(lambda leaf: np.ones(leaf.shape, leaf.dtype), state))
    assert_elements_are_the_modules(module, module, "4x2x2:HWC", (1, 4, 2, 2))
