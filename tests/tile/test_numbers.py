"""The image's size as a number: networks that compute with it are not called equal, and others are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own usage)
from torch import nn

import eyeshot

SHAPE = (1, 82, 165)


class Net(nn.Module):
    """A convolution, and a function of its map that may use weights, tables and layers."""

    def __init__(self, function: Callable[[Any, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(1, 4, 3, padding=1), function
        self.kernels = nn.ParameterList(nn.Parameter(torch.rand(4, 4, 1, 1)) for _ in range(5))
        self.embedding, self.fc = nn.Embedding(200, 4), nn.Linear(1, 4)
        self.register_buffer("table", torch.rand(300, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, self.conv(x))


def width(x: torch.Tensor) -> int:
    return x.shape[-1]


def set_item(s: Any, x: torch.Tensor) -> torch.Tensor:
    factors = torch.zeros(3, device=x.device)
    factors[0] = width(x)
    return x * factors.sum()


SIZED: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "division": lambda s, x: x / width(x),
    "number of elements": lambda s, x: x / x.numel(),
    "power": lambda s, x: x * width(x) ** -0.5,
    "tensor": lambda s, x: x * torch.tensor(float(width(x))),
    "new tensor": lambda s, x: x * x.new_tensor(width(x)),
    "full": lambda s, x: x * torch.full((1,), float(width(x))),
    "filled like": lambda s, x: x + torch.full_like(x[:, :1], width(x)),
    "mean of a range": lambda s, x: x * torch.arange(width(x)).float().mean(),
    "sum of ones": lambda s, x: x / torch.ones_like(x[:1, :1]).sum((2, 3), keepdim=True),
    "item of a range": lambda s, x: x * torch.arange(width(x)).sum().item(),
    "step of a grid": lambda s, x: x * torch.linspace(0, 1, width(x))[1],
    "array": lambda s, x: x * torch.from_numpy(np.full((1,), width(x), np.float32)),
    "clamp": lambda s, x: x.clamp(max=width(x) / 1000),
    "pad": lambda s, x: F.pad(x, (1, 1, 1, 1), value=width(x)),
    "alpha": lambda s, x: torch.add(x, x, alpha=width(x)),
    "masked fill": lambda s, x: x.masked_fill(x > 0, width(x)),
    "divisor": lambda s, x: F.avg_pool2d(x, 3, 1, 1, divisor_override=width(x)),
    "in place": lambda s, x: x.mul_(width(x)),
    "set item": set_item,
    "a branch by shape": lambda s, x: x * 2 if x.shape[-1] > x.shape[-2] else x * 3,
    "other functions": lambda s, x: torch.relu(x) if width(x) > 50 else torch.tanh(x),
    "a channel": lambda s, x: x[:, width(x) % 4 : width(x) % 4 + 1],
    "rolled channels": lambda s, x: x.roll(width(x) // 9, 1),
    "local response": lambda s, x: F.local_response_norm(x, 2, alpha=width(x)),
    "kernel": lambda s, x: F.conv2d(x, s.kernels[width(x) % 5]),
    "scaled kernel": lambda s, x: F.conv2d(x, s.kernels[0] * width(x)),
    "embedding": lambda s, x: x + s.embedding(torch.tensor(width(x)))[None, :, None, None],
    "layer of the size": lambda s, x: x + s.fc(torch.tensor([width(x) / 100.0]).to(x))[:, None, None],
    "row of a table": lambda s, x: x * s.table[width(x)][:, None, None],
    "a number drawn": lambda s, x: x * torch.rand(1),
    "dropout in use": lambda s, x: F.dropout(x, 0.5, training=True),
}
ALIKE: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "zeros": lambda s, x: x + torch.zeros_like(x),
    "ones": lambda s, x: torch.cat([x, x.new_ones(1, 2, *x.shape[2:])], 1),
    "filled": lambda s, x: x + torch.full((1, 1, 1, 1), 2.0).expand(x.shape),
    "tensor": lambda s, x: x * torch.tensor(3.0),
    "channels": lambda s, x: x + torch.arange(4).to(x)[:, None, None],
    "a row of a table": lambda s, x: x + s.table[3][:, None, None],
    "embedding": lambda s, x: x + s.embedding(torch.tensor(7))[None, :, None, None],
    "weight norm": lambda s, x: F.conv2d(x, s.kernels[0] / s.kernels[0].norm()),
    "filter": lambda s, x: F.conv2d(x, torch.ones(4, 1, 3, 3) / 9, groups=4, padding=1),
    "dropout out of use": lambda s, x: F.dropout(x, 0.5, training=s.training),
}


@pytest.mark.parametrize("name", SIZED)
def test_a_layer_that_computes_with_the_size_is_named(name: str) -> None:
    plan = eyeshot.tile_plan(Net(SIZED[name]), SHAPE)

    assert plan.verdict == "differs"
    assert all(each.layer not in ("input", "conv") for each in plan.prevents), plan.prevents


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("shape", [SHAPE, (1, 4096, 2050)])
def test_constants_that_are_the_same_at_every_size_prevent_nothing(name: str, shape: tuple[int, ...]) -> None:
    plan = eyeshot.tile_plan(Net(ALIKE[name]), shape)

    assert plan.verdict == "equal", plan.prevents


def test_an_axis_whose_size_is_not_used_can_be_cut() -> None:
    plan = eyeshot.tile_plan(Net(SIZED["division"]), (1, 4000, 300))

    assert plan.verdict == "equal"
    assert plan.tile[1] == 300
    assert plan.grid[0] > 1


def test_a_size_that_no_factor_gives_is_told_by_the_resize() -> None:
    net = Net(lambda s, x: F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:]))

    assert [each.layer for each in eyeshot.tile_plan(net, SHAPE).prevents] == ["resize_nearest"]
    assert eyeshot.tile_plan(net, (1, 82, 164)).verdict == "equal"


def _onnx(path: Path, *nodes: Any) -> str:
    """A file of a 3×3 convolution of ones, and what comes after it."""
    from onnx import TensorProto, helper, numpy_helper, save

    constants = {"w": np.ones((1, 1, 3, 3), "f4"), "axis": np.array(3), "zero": np.array(0), "one": np.array(1)}
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Shape", ["c"], ["s"]),
         *(helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in nodes)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 1, "H", "W"))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(numbers, name) for name, numbers in constants.items()],
    )  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return str(path)


@pytest.mark.parametrize(
    ("nodes", "verdict"),
    [
        ([("Gather", ["s", "axis"], "n", {}), ("Range", ["zero", "n", "one"], "r", {}),
          ("Cast", ["r"], "p", {"to": 1}), ("Add", ["c", "p"], "y", {})], "differs"),
        ([("Cast", ["s"], "f", {"to": 1}), ("ReduceProd", ["f"], "p", {"keepdims": 0}),
          ("Div", ["c", "p"], "y", {})], "differs"),
        ([("ConstantOfShape", ["s"], "z", {}), ("Add", ["c", "z"], "y", {})], "equal"),
    ],
    ids=["positions", "a division by the size", "zeros"],
)  # fmt: skip
def test_numbers_that_a_file_makes_of_the_image_s_size_are_found(nodes: Any, verdict: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")

    plan = eyeshot.tile_plan(_onnx(tmp_path / "net.onnx", *nodes), (1, 96, 96), tile=32)

    assert plan.verdict == verdict
    assert [cause.layer for cause in plan.prevents] == ([] if verdict == "equal" else ["y"])
