"""Designs side by side: the numbers of the founding question and of the 3×3 arithmetic."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from eyeshot.api import compare
from eyeshot.cli.options import as_csv_text
from eyeshot.report.comparison import Comparison
from eyeshot.report.figures import ArmResult, figure
from eyeshot.report.verdict import outgrows


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


RESULTS = (
    ArmResult(label="alexnet", mean=88.0, half_width=1.0, scores=(87.5, 88.0, 88.5)),
    ArmResult(label="alexnet-alternating", mean=87.0, half_width=None, scores=(87.0,)),
)


@pytest.mark.parametrize("file_format", ["png", "svg", "pdf"])
def test_a_figure_has_the_same_bytes_each_time_and_its_data_beside_it(file_format: str) -> None:
    comparison = compare("alexnet", "alexnet-alternating")

    first, records = figure(comparison, RESULTS, file_format)
    second, _ = figure(comparison, RESULTS, file_format)

    assert first == second
    growth = {(r["design"], r["at"]): r["value"] for r in records if r["panel"] == "growth"}
    assert growth["alexnet", "conv5"] == 163
    assert growth["alexnet-alternating", "conv5"] == 387
    assert [r["value"] for r in records if r["at"] == "mean"] == [88.0, 87.0]
