"""A module's name stands for what the module gives, wherever a layer is named."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor, nn

import eyeshot
from eyeshot.errors import UsageError
from eyeshot.report.ledger import ledger, records
from eyeshot.report.table import Rule


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.act(self.conv(x))


class Net(nn.Module):
    """A stem whose output is changed in place, stages, a module that passes on, one head for two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))
        self.stages = nn.Sequential(nn.Sequential(Block(), Block()), nn.Sequential(nn.MaxPool2d(2), Block()))
        self.drop, self.up = nn.Dropout(), nn.PixelShuffle(2)
        self.head = nn.Sequential(nn.Conv2d(4, 2, 1))

    def forward(self, x: Tensor) -> Any:
        fine = self.stages[0](self.stem(x).relu_())
        coarse = self.drop(self.stages[1](fine))
        return self.head(fine), self.head(coarse), self.up(coarse)


@pytest.fixture(scope="module")
def report() -> Any:
    return eyeshot.inspect(Net(), (3, 32, 32))


@pytest.mark.parametrize(
    ("module", "size", "shape"),
    [
        ("stem", 3, (4, 32, 32)),
        ("stages.0", 7, (4, 32, 32)),
        ("stages.0.1", 7, (4, 32, 32)),
        ("stages.0.0.conv", 5, (4, 32, 32)),
        ("stages.1", 12, (4, 16, 16)),
        ("drop", 12, (4, 16, 16)),
        ("head", 7, (2, 32, 32)),
        ("head#2", 12, (2, 16, 16)),
        ("up", 12, (1, 32, 32)),
    ],
)
def test_what_a_module_gives_sees(module: str, size: int, shape: tuple[int, ...], report: Any) -> None:
    assert report[module].field.size == (size, size)
    assert report[module].out == shape
    assert report.network[module] is report[module].node


def test_what_a_module_gave_is_not_what_was_written_over_it(report: Any) -> None:
    assert report["stem"].op == "conv2d"


@pytest.mark.parametrize(("layer", "size"), [("layer1", 35), ("layer2", 91), ("layer3", 267), ("layer4", 427)])
def test_the_stages_of_resnet50(layer: str, size: int) -> None:
    for model in ("torchvision:resnet50", "resnet50"):
        assert eyeshot.inspect(model, (3, 64, 64))[layer].field.size == (size, size)


def test_blocks_of_a_design_are_modules_too() -> None:
    assert eyeshot.inspect("vgg-d")["block3"].field.size == (44, 44)


def test_a_module_of_several_outputs_names_them() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.a(x), self.b(x)

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pair = Pair()

        def forward(self, x: Tensor) -> Any:
            return self.pair(x)

    report = eyeshot.inspect(Two(), (3, 8, 8))
    with pytest.raises(UsageError, match=r"pair of Two gives 2 outputs, pair\.a, pair\.b: name one of them"):
        report["pair"]


def test_a_list_of_modules_that_is_never_called_names_what_leaves_it(report: Any) -> None:
    with pytest.raises(UsageError, match=r"stages of Net gives 2 outputs, stages\.0\.1\.add, stages\.1\.1\.add"):
        report["stages"]


def test_a_module_that_is_not_there_is_answered_with_near_ones(report: Any) -> None:
    with pytest.raises(UsageError, match=r"has no layer 'stages.2'; did you mean stages\.[01]"):
        report["stages.2"]


def test_effective_fields_and_figures_take_modules(report: Any) -> None:
    assert eyeshot.effective(Net(), "stages.0", input_shape=(3, 32, 32)).layer == "stages.0.1.add"
    assert report.plot("cone", layer="stages.0").records


def test_the_ledger_folds_to_modules_with_what_each_gives() -> None:
    report = eyeshot.inspect(Net(), (3, 32, 32))
    one, two = (records(report, depth=depth) for depth in (1, 2))

    assert [(row["layer"], row["op"], row["field"]) for row in one] == [
        ("stem", "1 layer", "3x3"),
        ("relu", "relu", "3x3"),
        ("stages", "10 layers", "12x12"),
        ("drop", "drop", "12x12"),
        ("head", "2 layers", "7x7"),
        ("up", "3 layers", "12x12"),
    ]
    assert [row["layer"] for row in two] == [
        "stem.0", "stages.0", "stages.1", "drop", "head.0", "head.0#2",
        "up.reshape", "up.permute", "up.pixel_shuffle",
    ]  # fmt: skip
    for rows in (one, two):
        assert sum(row["macs"] for row in rows) == report.totals.macs
        assert sum(row["params"] for row in rows) == report.totals.params


def test_layers_that_only_follow_stay_in_their_module() -> None:
    """A dense block begins with a norm, which is that block's and not the pool's before it."""
    block = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3))
    module = nn.Sequential(nn.Conv2d(3, 4, 3), block)

    assert [row["params"] for row in records(eyeshot.inspect(module, (3, 16, 16)), depth=1)] == [112, 156]


def test_the_rule_of_the_horizon_stands_above_the_module_in_which_it_lies() -> None:
    report = eyeshot.inspect(nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1))), (1, 8, 8))
    rules = [row.text for row in ledger(report, depth=1).rows if isinstance(row, Rule) and row.text]

    assert rules == ["from 0.1 on every unit sees the whole image"]
