"""Designs side by side: the numbers of the founding question and of the 3×3 arithmetic."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import torch

from eyeshot.analyse.landmarks import last_convolution, outgrows
from eyeshot.api import compare, inspect
from eyeshot.api.comparison import Comparison
from eyeshot.cli.options import as_csv_text
from eyeshot.errors import UsageError
from eyeshot.report.figures.compared import drawing
from eyeshot.report.reasons import headline
from eyeshot.report.verdict import on_one, on_several
from tests.report.scored import arm


def _values(comparison: Comparison, key: str) -> tuple[Any, ...]:
    return next(q.values for q in comparison.quantities if q.key == key)


def _change(comparison: Comparison, key: str) -> str:
    return next(q.change_texts[1] for q in comparison.quantities if q.key == key)


@pytest.mark.parametrize(
    ("stack", "single", "field", "weights", "change", "rectifications"),
    [
        ("C3-64 C3-64", "C5-64", (5, 5), (18, 25), "+38.9 %", (2, 1)),
        ("C3-64 C3-64 C3-64", "C7-64", (7, 7), (27, 49), "+81.5 %", (3, 1)),
        ("(C3-64)x4", "C9-64", (9, 9), (36, 81), "+125.0 %", (4, 1)),
    ],
)
def test_a_stack_of_3x3_sees_what_one_large_kernel_sees_for_less(
    stack: str,
    single: str,
    field: tuple[int, int],
    weights: tuple[int, int],
    change: str,
    rectifications: tuple[int, int],
) -> None:
    comparison = compare(stack, single)

    assert _values(comparison, "field_last_conv") == (field, field)
    assert _values(comparison, "kernel_weights_c2") == weights
    assert _change(comparison, "kernel_weights_c2") == change
    assert _values(comparison, "rectifications") == rectifications


def test_three_3x3_use_less_of_their_field_than_one_7x7() -> None:
    widths = _values(compare("C3-64 C3-64 C3-64", "C7-64"), "width_last_conv")

    assert widths == pytest.approx((2**0.5, 2))


def test_the_founding_question_in_numbers() -> None:
    comparison = compare("alexnet", "alexnet-alternating")
    alternating = comparison.reports[1]
    macs = {pair.role: [layer.macs for layer in pair.layers if layer] for pair in comparison.layers}
    beyond = outgrows(alternating)

    assert _values(comparison, "field_last_conv") == ((163, 163), (387, 387))
    assert _values(comparison, "macs_conv") == (665_784_864, 504_541_728)
    assert beyond is not None
    assert (beyond.name, beyond.field.size) == ("pool4", (259, 259))
    assert [alternating[name].out[1] for name in ("conv3", "conv4", "conv5")] == [13, 6, 2]
    assert round(100 * (macs["conv4"][1] / macs["conv4"][0] - 1)) == -79
    assert round(100 * (macs["conv5"][1] / macs["conv5"][0] - 1)) == -98


def test_weights_in_c_squared_are_left_out_where_widths_differ() -> None:
    assert not [q for q in compare("C3-64", "C3-32").quantities if q.key == "kernel_weights_c2"]


def test_long_names_get_letters() -> None:
    assert compare("C3-64 C3-64 C3-64 C3-64 C3-64", "C3").labels == ["A", "B"]
    assert compare("alexnet", "alexnet").labels == ["A", "B"]
    assert compare("alexnet", "vgg-a").labels == ["alexnet", "vgg-a"]


def test_the_document_has_every_network_and_quantity() -> None:
    comparison = compare("alexnet", "vgg-a", "C3 G F10")

    document = json.loads(json.dumps(comparison.to_json(), allow_nan=False))

    assert document["schema"] == "eyeshot.comparison/1"
    assert [network["network"]["name"] for network in document["networks"]] == ["alexnet", "vgg-a", "C3 G F10"]
    assert all(len(q["values"]) == len(q["changes"]) == 3 for q in document["quantities"])
    assert all(q["changes"][0] is None for q in document["quantities"])


def test_rows_are_csv_with_one_column_per_design() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv_text(compare("alexnet", "vgg-a").rows()))))

    params = next(row for row in rows if row["quantity"] == "params")
    assert (params["alexnet"], params["vgg-a"]) == ("60965224", "132863336")
    assert float(params["change of vgg-a"]) == pytest.approx(132863336 / 60965224 - 1)


ARMS = (arm("alexnet", [87.5, 88.0, 88.5], half_width=1.0), arm("alexnet-alternating", [87.0]))


@pytest.mark.parametrize("file_format", ["png", "svg", "pdf"])
def test_a_figure_has_the_same_bytes_each_time_and_its_data_beside_it(file_format: str) -> None:
    comparison = compare("alexnet", "alexnet-alternating")

    drawn = drawing(comparison.reports, ARMS)
    records = drawn.records

    assert drawn.content(file_format) == drawing(comparison.reports, ARMS).content(file_format)
    growth = {(r["design"], r["layer"]): r["field"] for r in records if r["panel"] == "growth"}
    assert growth["alexnet", "conv5"] == 163
    assert growth["alexnet-alternating", "conv5"] == 387
    assert [r["score"] for r in records if r["of"] == "mean"] == [88.0, 87.0]


def _with_gates() -> Any:
    """A convolution, squeeze-excitation, a convolution and squeeze-excitation again."""

    class Gated(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, stride: int) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(4, 4, 3, stride=stride, padding=1)
            self.squeeze = torch.nn.AdaptiveAvgPool2d(1)
            self.fc = torch.nn.Conv2d(4, 4, 1)

        def forward(self, x: Any) -> Any:
            x = self.conv(x)
            return x * self.fc(self.squeeze(x)).sigmoid()

    return torch.nn.Sequential(Gated(2), Gated(1))


def test_the_last_convolution_is_one_that_carries_data() -> None:
    report = inspect(_with_gates(), (4, 64, 64))
    comparison = compare(report.network, "C3s2-4 C3-4", input_shape=(4, 64, 64))

    last = last_convolution(report)

    assert last is not None
    assert last.name.endswith("1.conv")
    assert "along the data path alone, gates and statistics left out, 7×7 in steps of 2." in on_one(report)
    assert _values(comparison, "map_last_conv") == ((32, 32), (32, 32))
    assert _values(comparison, "data_field_last_conv") == ((7, 7), (7, 7))
    assert _values(comparison, "data_stride_last_conv") == ((2, 2), (2, 2))


def test_a_shortcut_that_is_called_last_is_not_the_layer_that_is_meant() -> None:
    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Conv2d(4, 8, 3, 2, 1), torch.nn.Conv2d(8, 8, 3, 1, 1)
            self.shortcut = torch.nn.Conv2d(4, 8, 1, 2)

        def forward(self, x: Any) -> Any:
            return (self.second(self.first(x).relu()) + self.shortcut(x)).relu()

    last = last_convolution(inspect(Block(), (4, 32, 32)))

    assert last is not None
    assert (last.name, last.field.size) == ("second", (7, 7))


class Heads(torch.nn.Module):
    """A head of dilated windows, and an auxiliary one that is called last."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.head, self.auxiliary = torch.nn.Conv2d(4, 2, 3, padding=4, dilation=4), torch.nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Any) -> Any:
        trunk = self.trunk(x)
        return {"out": self.head(trunk), "aux": self.auxiliary(trunk)}


def test_of_several_heads_the_widest_is_meant_and_all_are_told() -> None:
    report = inspect(Heads(), (3, 32, 32))
    last = last_convolution(report)

    assert last is not None
    assert (last.name, last.field.size) == ("head", (11, 11))
    assert "Of the outputs head sees 11×11 and auxiliary sees 5×5." in on_one(report)


def test_why_says_what_a_layer_behind_gates_sees_along_the_data_path() -> None:
    layer = last_convolution(inspect(_with_gates(), (4, 64, 64)))

    assert layer is not None
    assert headline(layer).startswith("sees 7×7 pixels of 64×64 along the data path, in steps of 2; with gates")


def test_without_gates_the_data_path_has_no_row() -> None:
    assert not [q for q in compare("alexnet", "vgg-a").quantities if q.key.startswith("data_")]


def test_every_design_that_outgrows_its_input_is_said_to() -> None:
    comparison = compare("vgg-a", "alexnet-28-alternating", "alexnet-28", input_shape=(1, 64, 64))

    said = [s for s in on_several(comparison.reports, comparison.labels) if "outgrows" in s]

    assert said == [
        "In vgg-a the field outgrows the 64×64 input at block4.pool2, which sees 70×70.",
        "In alexnet-28-alternating the field outgrows the 64×64 input at pool4, which sees 67×67.",
    ]


def test_one_design_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="compare needs two designs or more"):
        Comparison([inspect("alexnet")])


def test_a_comparison_s_repr_names_its_designs() -> None:
    assert repr(compare("alexnet", "resnet18")) == "<Comparison alexnet, resnet18>"


def test_designs_of_long_names_are_called_by_letters() -> None:
    assert compare("alexnet-28", "alexnet-28-alternating").labels == ["alexnet-28", "alexnet-28-alternating"]
    assert compare("C3-64 C3-64 C3-64 C3-64 C3-64", "C9-64").labels == ["A", "B"]


def test_transposed_convolutions_are_layers_with_weights_and_convolutions() -> None:
    """Ronneberger et al. 2015 count theirs among the 23 convolutional layers of the U-Net."""
    layers = torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ConvTranspose2d(8, 4, 2, 2), torch.nn.Linear(8, 2)
    net = torch.nn.Sequential(*layers)
    comparison = compare(net, net, input_shape=(3, 8, 8))

    assert _values(comparison, "weighted_layers") == (3, 3)
    assert _values(comparison, "params_conv") == (224 + 132,) * 2
    assert _values(comparison, "params_fc") == (18,) * 2
    assert [pair.role for pair in comparison.layers] == ["0", "1", "2"]


def test_what_was_read_is_compared_as_it_is_and_at_its_own_size_only() -> None:
    report = inspect("C3-8 P2 C3-16", (3, 32, 32))

    comparison = compare(report, report.network, "C5-8 P2")

    assert [each.network for each in comparison.reports][:2] == [report.network, report.network]
    assert comparison.reports[0].network is report.network
    assert inspect(report, "3x32x32").network is report.network
    with pytest.raises(UsageError, match="was read at 3x32x32, and 3x64x64 is asked for; give what it was read from"):
        compare(report, "C5-8 P2", input_shape=(3, 64, 64))
