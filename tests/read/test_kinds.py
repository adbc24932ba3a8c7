"""Modules of every kind are read: scripted, exported, traced, lazy, quantised, checkpointed; outputs of every shape.

And a real forward pass where control flow depends on values.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from eyeshot import inspect
from eyeshot.errors import ReadError, UsageError


def plain() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2))


def quietly(make: Any, *args: Any) -> Any:
    """PyTorch warns that some of these ways are on their way out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(*args)


KINDS = {
    "scripted": lambda: quietly(torch.jit.script, plain()),
    "traced": lambda: quietly(torch.jit.trace, plain(), torch.rand(1, 3, 32, 32)),
    "exported": lambda: torch.export.export(plain(), (torch.rand(1, 3, 32, 32),)),
    "exported, as a module": lambda: torch.export.export(plain(), (torch.rand(1, 3, 32, 32),)).module(),
    "symbolically traced": lambda: torch.fx.symbolic_trace(plain()),
    "with a scripted part": lambda: nn.Sequential(*plain()[:2], quietly(torch.jit.script, plain()[2])),
    "lazy": lambda: nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.LazyConv2d(8, 3, stride=2)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_of_any_kind_is_read_like_the_plain_one(kind: str) -> None:
    expected = inspect(plain(), (3, 32, 32))

    report = inspect(KINDS[kind](), (3, 32, 32))

    assert report.is_exact
    assert [layer.op for layer in report] == [layer.op for layer in expected]
    assert [layer.field for layer in report] == [layer.field for layer in expected]
    assert [layer.params for layer in report] == [layer.params for layer in expected]
    assert [report.layers[i].name for i in (0, 2)] == ["0", "2"]


def test_an_exported_program_knows_its_own_input() -> None:
    report = inspect(torch.export.export(plain(), (torch.rand(1, 3, 20, 24),)))

    assert report.network.extent == (20, 24)


def test_a_lazy_module_stays_lazy() -> None:
    module = KINDS["lazy"]()

    inspect(module, (3, 32, 32))

    assert isinstance(module[0], nn.LazyConv2d)
    assert nn.parameter.is_lazy(module[0].weight)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_blocks_are_read_through(reentrant: bool) -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = plain()

        def forward(self, x: torch.Tensor) -> Any:
            return checkpoint(self.body, x, use_reentrant=reentrant)

    assert inspect(Checkpointed(), (3, 32, 32))["body.2"].field.size == (5, 5)


def test_quantised_layers_are_read_in_a_real_pass_with_their_packed_weights() -> None:
    def quantised() -> nn.Module:
        from torch.ao.quantization import DeQuantStub, QuantStub, convert, get_default_qconfig, prepare

        module = nn.Sequential(
            QuantStub(), *plain(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4), DeQuantStub()
        ).eval()
        module.qconfig = get_default_qconfig("fbgemm")  # type: ignore[assignment]
        prepare(module, inplace=True)
        module(torch.rand(1, 3, 32, 32))
        return convert(module)

    report = quietly(lambda: inspect(quietly(quantised), (3, 32, 32)))

    assert report.is_exact
    assert "real forward pass on random numbers" in report.notes[0].text
    assert [layer.op for layer in report if layer.params] == ["conv2d", "conv2d", "linear"]
    assert report.totals.params == sum(p.numel() for p in nn.Sequential(*plain(), nn.Linear(8, 4)).parameters())
    assert [layer.field.size for layer in report if layer.op == "conv2d"] == [(3, 3), (5, 5)]


class ByValue(nn.Module):
    """Goes deeper where the image is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.first(x)
        return self.second(y) if x.mean() > 0.6 else y


def test_where_values_decide_an_example_shows_the_way() -> None:
    dark, bright = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)

    assert "second" not in inspect(ByValue(), example=dark).network
    report = inspect(ByValue(), example=bright)

    assert report["second"].field.size == (7, 7)
    assert report.is_exact
    assert "the example's numbers" in report.notes[0].text
    assert "other inputs may take other paths" in report.notes[0].text


def test_a_real_pass_is_the_same_every_time_and_leaves_the_module_as_it_was() -> None:
    module = ByValue().train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}

    first, second = inspect(module, (1, 16, 16)), inspect(module, (1, 16, 16))

    assert first.network == second.network
    assert module.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


def test_an_example_and_a_shape_together_are_refused() -> None:
    with pytest.raises(UsageError, match="either input_shape or example"):
        inspect(ByValue(), (1, 16, 16), example=torch.zeros(1, 1, 16, 16))
    with pytest.raises(UsageError, match="holds no tensor"):
        inspect(ByValue(), example=3)


def test_an_example_says_more_than_shapes() -> None:
    class Scaled(nn.Module):
        def forward(self, x: torch.Tensor, *, size: int, mask: torch.Tensor) -> torch.Tensor:
            return functional.max_pool2d(x, size) * mask

    report = inspect(Scaled(), example={"x": torch.zeros(1, 1, 9, 9), "size": 3, "mask": torch.ones(1, 1, 3, 3)})

    assert report["max_pool2d"].field.size == (3, 3)
    assert [node.name for node in report.network.inputs] == ["x", "mask"]


@dataclass
class Found:
    boxes: torch.Tensor
    more: dict[str, Any]


class Many(nn.Module):
    """Gives a dataclass of a tensor and a dictionary of lists."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3)

    def forward(self, x: torch.Tensor) -> Found:
        y = self.body(x)
        return Found(y.sigmoid(), {"deep": [y.relu(), (y + 1,)], "none": None})


def test_outputs_of_any_shape_are_named() -> None:
    assert inspect(Many(), (3, 8, 8)).network.outputs == ("sigmoid", "relu", "add")


def test_an_error_of_the_user_s_own_keeps_what_was_read_before() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(9, 8, 3))

    with pytest.raises(ReadError, match=r"in 2 \(Conv2d with a weight of 8×9×3×3\), which got 1×8×30×30") as caught:
        inspect(module, (3, 32, 32))

    partial = inspect(caught.value.partial)
    assert [layer.name for layer in partial] == ["0", "1"]
    assert not partial.is_exact


def test_lines_of_code_are_the_user_s_own() -> None:
    report = inspect(ByValue(), (1, 16, 16), lines=True)

    path, _, number = report["first"].node.line.rpartition(":")
    assert path == __file__
    assert "self.first(x)" in Path(path).read_text().splitlines()[int(number) - 1]
    assert inspect(ByValue(), (1, 16, 16))["first"].node.line == ""
