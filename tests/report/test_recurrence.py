"""The reasons of a field add up to the field, along the data path and with gates, on paper and in documents."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from eyeshot.analyse.inspection import Layer
from eyeshot.analyse.recurrence import recurrence
from eyeshot.api import inspect
from eyeshot.api.report import Report
from eyeshot.cli.terminal import Terminal
from eyeshot.cli.why import print_reasons
from eyeshot.design.syntax import Design
from eyeshot.design.zoo import entries
from eyeshot.read.torch import read_module
from eyeshot.report.reasons import to_json
from eyeshot.view.document import design as page_document
from tests.oracles.designs import designs
from tests.oracles.programs import Program, programs
from tests.oracles.test_random_networks import network_of


def assert_every_sum_ends_at_its_field(report: Report) -> None:
    for layer in report:
        document = json.loads(json.dumps(to_json(layer)))
        shown = layer.to_dict()
        assert_sums(document["axes"], shown["field"]["size"], layer)
        assert_sums(document["data_axes"], shown["data_field"]["size"], layer)
        assert printed(report, layer) >= expected(document), layer


def assert_sums(axes: list[dict[str, Any]], sizes: list[int], layer: Layer) -> None:
    assert [axis["size"] for axis in axes] == sizes, layer
    for axis in axes:
        if axis["lost_at"] is None and axis["size"]:
            assert 1 + sum(term["adds"] for term in axis["terms"]) == axis["size"], layer
            assert [1, *(t["size"] for t in axis["terms"])][-1] == axis["size"], layer
        else:
            assert axis["terms"] == [], layer


def expected(document: dict[str, Any]) -> set[int]:
    """Numbers that must be printed: what is seen along the data path, and with gates where that is more."""
    return {n for n in (*document["field"], *document["data_field"]) if n}


def printed(report: Report, layer: Layer) -> set[int]:
    """The numbers at which the printed sums end, each of them the sum of what is printed above it."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    print_reasons(report, layer, Terminal(stream, colour=False))
    stream.seek(0)
    ends, total = set[int](), 1
    for line in stream.read().splitlines():
        if adds := re.search(r"  ([+−]) (?:\(.* = )?([\d,]+) +([\d,]+)$", line):
            total += int(adds[2].replace(",", "")) * (1 if adds[1] == "+" else -1)
            assert total == int(adds[3].replace(",", "")), line
        elif line.startswith("sum "):
            assert total == int(line.split()[-1].replace(",", "")), line
            ends.add(total)
            total = 1
        elif lost := re.search(r"no sum makes the number; the widest of them inside the image sees ([\d,]+)$", line):
            ends.add(int(lost[1].replace(",", "")))
    return ends


class WindowsThenAll(nn.Module):
    """Attention of four tokens by four, split over two heads and put back, and then of all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.qkv = nn.Conv2d(3, 8, 16, 16), nn.Linear(8, 24)
        self.all = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(image).permute(0, 2, 3, 1)
        (_, height, width, channels) = tokens.shape
        windows = tokens.view(-1, height // 2, 2, width // 2, 2, channels).transpose(2, 3).reshape(-1, 4, channels)
        together = self.qkv(windows).reshape(-1, 4, 3, 2, 4).permute(2, 0, 3, 1, 4).reshape(3, -1, 4, 4).unbind(0)
        q, k, v = (each.reshape(-1, 2, 4, 4) for each in together)
        mixed = ((q @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(1, 2)
        mixed = mixed.reshape(-1, height // 2, width // 2, 2, 2, channels).transpose(2, 3).reshape(tokens.shape)
        tokens = (tokens + mixed).flatten(1, 2)
        return tokens + self.all(tokens, tokens, tokens)[0]


def test_behind_units_without_a_form_a_sum_begins_at_the_last_that_have_one() -> None:
    report = inspect(WindowsThenAll(), (3, 64, 64))

    assert report["add"].field.size == (32, 32)
    assert to_json(report["add"])["axes"][0]["lost_at"] is not None
    assert report["add#2"].field.size == (64, 64)
    assert_every_sum_ends_at_its_field(report)


@given(designs(axes=2), st.integers(6, 18), st.integers(6, 18))
@settings(max_examples=25)
def test_every_sum_of_random_designs_ends_at_its_field(design: Design, height: int, width: int) -> None:
    assert_every_sum_ends_at_its_field(Report(network_of(design, (2, height, width))))


@given(programs())
@settings(max_examples=60)
def test_every_sum_of_random_modules_ends_at_its_field(program: Program) -> None:
    assert_every_sum_ends_at_its_field(Report(read_module(program, program.shape[1:], name="random", source="test")))


@pytest.mark.slow
@given(programs(steps=10))
@settings(max_examples=1500)
def test_every_sum_of_many_random_modules_ends_at_its_field(program: Program) -> None:
    assert_every_sum_ends_at_its_field(Report(read_module(program, program.shape[1:], name="random", source="test")))


@pytest.mark.parametrize("name", entries())
def test_the_terms_of_every_layer_add_up_to_its_field(name: str) -> None:
    report = inspect(name)
    layers = report.layers if len(report) < 60 else report.layers[:: len(report) // 30]

    for layer in layers:
        for axis, size in enumerate(layer.field.size):
            sum_of = recurrence(layer.fields, layer.name, axis)
            assert sum_of.lost_at is None
            assert 1 + sum(term.adds for term in sum_of.terms) == size, layer


def test_a_branch_that_sees_past_the_largest_on_one_side_has_a_term_of_its_own() -> None:
    report = inspect("[C5p(4,0)-4 | C7p(0,6)-4]", (1, 32, 32))

    sum_of = recurrence(report["concat2"].fields, "concat2", 0)

    assert sum_of.size == report["concat2"].field.size[0] == 11
    assert [(term.layer, term.adds) for term in sum_of.terms] == [("conv2", 6), ("concat2", 4)]


def test_the_branch_that_sees_most_binds() -> None:
    report = inspect("[C3-4 | C5-4] C3-4", (1, 32, 32))

    sum_of = recurrence(report["conv3"].fields, "conv3", 0)

    assert [term.layer for term in sum_of.terms] == ["conv2", "conv3"]
    assert sum_of.meetings[0].sizes == (("relu2", 5), ("relu1", 3))


class Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.fc(self.pool(x)))


def gated() -> Report:
    """A 3×3 convolution, a gate, and six more 3×3 convolutions, on 10×10 pixels."""
    convs = [nn.Conv2d(4, 4, 3, padding=1) for _ in range(6)]
    return inspect(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Gate(4), *convs), (3, 10, 10))


def test_behind_a_gate_the_sum_is_the_data_paths_and_the_gate_is_named() -> None:
    document = to_json(gated()["7"])

    assert [term["adds"] for term in document["data_axes"][0]["terms"]] == [2] * 7
    assert document["data_field"] == document["field"] == [15, 15]
    assert document["gate"] == {"layer": "1.mul", "reads": "1.pool"}


def test_where_a_gate_widens_what_is_seen_it_has_a_sum_of_its_own() -> None:
    layer = gated()["1.mul"]

    document = to_json(layer)

    assert (document["data_field"], document["field"]) == ([3, 3], [12, 12])
    assert [(t["layer"], t["positions"], t["adds"]) for t in document["axes"][0]["terms"]][1:] == [("1.pool", 10, 9)]
    assert printed(gated(), layer) == {3, 12}


def test_statistics_read_the_image_for_themselves() -> None:
    report = inspect(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 3)), (3, 12, 12))

    assert to_json(report["2"])["gate"] == {"layer": "1", "reads": "1"}


def test_where_units_have_no_common_form_no_sum_is_told_but_the_hulls_number() -> None:
    class Uneven(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(functional.adaptive_avg_pool2d(self.first(x), (5, 23)))  # type: ignore[no-any-return]

    report = inspect(Uneven(), (1, 23, 23))
    axis = to_json(report["last"])["axes"][0]

    assert axis["terms"] == []
    assert axis["lost_at"] == "adaptive_avg_pool2d"
    assert axis["size"] == report["last"].field.size[0]
    assert axis["size"] in printed(report, report["last"])


def test_one_unit_behind_a_gate_is_told_along_the_data_path_too() -> None:
    unit = gated()["7"].unit(0, 0).to_dict()

    assert unit["data_hull"] == [[-7, 7], [-7, 7]]
    assert unit["data_clipped"] == [[0, 7], [0, 7]]
    assert unit["clipped"] == [[0, 9], [0, 9]]


def test_the_page_holds_the_same_steps() -> None:
    document = page_document(gated())
    by_name = {node["name"]: node for node in document["nodes"]}

    sizes, here = [], by_name["7"]
    while "data_why" in here or here.get("why"):
        step = here.get("data_why", here["why"])[0]
        sizes.append(step["size"])
        here = document["nodes"][step["from"]]

    assert sizes[::-1] == [3, 3, 5, 7, 9, 11, 13, 15]
    assert [document["nodes"][i]["name"] for i in by_name["7"]["gate"]] == ["1.mul", "1.pool"]


def test_units_that_see_nothing_have_no_sum() -> None:
    class Between(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(1, 1, 1, stride=(1, 2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.up(x)[..., 1::2]  # type: ignore[no-any-return]

    axis = to_json(inspect(Between(), (1, 4, 4)).layers[-1])["axes"][1]

    assert (axis["size"], axis["terms"], axis["lost_at"]) == (0, [], None)
