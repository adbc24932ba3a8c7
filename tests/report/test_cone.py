"""The side view: which units of every earlier layer a unit sees, against sets worked out by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eyeshot.analyse.cone import Runs, placement, seen
from eyeshot.api import inspect
from eyeshot.api.report import Report
from eyeshot.design.lower import lower
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Design
from eyeshot.errors import ShapeError, UsageError
from eyeshot.report.cone import cone
from tests.oracles.designs import designs


def positions(runs: Runs) -> set[int]:
    return {p for first, last in runs for p in range(first, last + 1)}


def seen_by_level(model: str, shape: tuple[int, ...], layer: str, at: tuple[int, ...]) -> dict[str, set[int]]:
    view = cone(inspect(model, shape), layer, [at])
    return {level.name: positions(level.seen[0]) for level in view.levels}


def test_three_3x3_see_3_then_5_then_7() -> None:
    found = seen_by_level("C3-8 C3-8 C3-8", (1, 15, 15), "conv3", (7, 7))

    assert found == {"conv3": {7}, "conv2": {6, 7, 8}, "conv1": {5, 6, 7, 8, 9}, "input": set(range(4, 11))}


def test_a_neighbour_sees_the_same_moved_by_one_stride() -> None:
    view = cone(inspect("C3-8 P2 C3-8 C3-8", (1, 32, 32)), "conv3", [(7, 7), (7, 8)])

    first, second = (positions(runs) for runs in view.levels[0].seen)
    assert second == {p + 2 for p in first}


def test_dilations_1_2_9_leave_holes_in_every_level_and_4_pixels_of_25_unseen() -> None:
    found = seen_by_level("C3-8 C3d2-8 C3d9-8", (1, 41, 41), "conv3", (20, 20))

    assert found["conv2"] == {11, 20, 29}
    assert found["conv1"] == {9, 11, 13, 18, 20, 22, 27, 29, 31}
    assert len(found["input"]) == 21
    assert set(range(8, 33)) - found["input"] == {15, 16, 24, 25}


def test_a_strided_layer_s_units_stand_a_stride_apart_over_the_centres_of_their_fields() -> None:
    report = inspect("alexnet")

    assert placement(report["conv5"].fields, "conv5", 1).step == 16
    assert placement(report["conv5"].fields, "conv5", 1).centre == 17  # sees −64 … 98
    assert placement(report["conv5"].fields, "input", 1).edges(0, 226) == (-0.5, 226.5)


def test_phases_of_a_decoder_are_averaged_into_even_steps() -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 2, 2), torch.nn.ConvTranspose2d(4, 4, 3, 2, 1, 1))
    where = placement(inspect(net, (1, 16, 16))["1"].fields, "1", 1)

    assert where.count == 16
    assert where.step == 1


def test_units_behind_a_fully_connected_layer_have_no_place() -> None:
    view = cone(inspect("C3-8 F10", (1, 9, 9)), "fc2", [(0, 0)])

    assert view.levels[-1].place.axis is None
    assert view.counts(view.levels[-1]) == "no positions"
    assert positions(view.levels[-2].seen[0]) == set(range(9))


def test_gates_are_left_out_and_the_view_says_so() -> None:
    torch = pytest.importorskip("torch")

    class Gated(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(4, 4, 3, padding=1)
            self.fc = torch.nn.Conv2d(4, 4, 1)

        def forward(self, x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            x = self.conv(x)
            return x * self.fc(x.mean((2, 3), keepdim=True)).sigmoid()

    report = inspect(torch.nn.Sequential(Gated(), torch.nn.Conv2d(4, 4, 3, padding=1)), (4, 20, 20))
    view = cone(report)

    assert report["1"].field.is_global
    assert view.leaves_gates
    assert positions(view.levels[0].seen[0]) == set(range(8, 13))


def test_deep_nets_leave_out_levels_that_look_like_the_one_below() -> None:
    view = cone(inspect("resnet50"))

    assert view.left_out > 50
    assert [level.name for level in view.levels[:3]] == ["input", "conv1", "pool1"]
    for below, above in zip(view.levels[:-1], view.levels[1:-1], strict=False):
        assert below.looks != above.looks


@st.composite
def windows(draw: st.DrawFn) -> list[tuple[int, int, int, int]]:
    """Kernel, stride, dilation and padding of some layers."""
    layer = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3))
    return draw(st.lists(layer, min_size=1, max_size=5))


@given(windows(), st.integers(12, 60), st.data())
@settings(max_examples=120)
def test_every_level_of_a_chain_holds_exactly_the_positions_that_its_windows_read(
    layers: list[tuple[int, int, int, int]], length: int, data: st.DataObject
) -> None:
    text = " ".join(f"C{k}s{s}d{d}p{p}-2" for k, s, d, p in layers)
    try:
        report = Report(lower(parse(text), (1, length), name="chain", source="test"))
    except ShapeError:
        assume(False)
    convs = [layer for layer in report if layer.op == "conv1d"]
    at = data.draw(st.integers(0, convs[-1].out[-1] - 1))

    found = seen(convs[-1].fields, convs[-1].name, (at,), 0)

    expected = {at}
    names = ["input", *(layer.name for layer in convs)]
    for i in range(len(layers) - 1, -1, -1):
        assert positions(found.get(names[i + 1], ())) == expected
        k, s, d, p = layers[i]
        size = length if i == 0 else convs[i - 1].out[-1]
        expected = {u * s - p + t * d for u in expected for t in range(k) if 0 <= u * s - p + t * d < size}
    assert positions(found.get("input", ())) == expected


@given(designs(axes=2), st.integers(6, 12), st.data())
@settings(max_examples=60)
def test_the_lowest_level_is_the_footprint_seen_from_the_side(design: Design, side: int, data: st.DataObject) -> None:
    try:
        report = Report(lower(parse(str(design)), (1, side, side + 2), name="random", source="test"))
    except ShapeError:
        assume(False)
    layer = data.draw(st.sampled_from(report.layers))
    at = tuple(data.draw(st.integers(0, layer.node.shape[axis] - 1)) for axis in report.network.axes)
    axis = data.draw(st.integers(0, 1))
    mask = layer.unit(*at).footprint.mask()

    found = seen(layer.fields, layer.name, at, axis).get("input", ())

    assert positions(found) == set(np.flatnonzero(mask.any(axis=1 - axis)).tolist())


def test_wires_join_each_unit_seen_to_the_units_that_it_reads_itself() -> None:
    view = cone(inspect("C3d2-8 C3-8", (1, 15, 15)))

    wires = view.wires()

    assert {(p, q) for i, p, j, q in wires if (i, j) == (2, 1)} == {(7, 6), (7, 7), (7, 8)}
    assert {q for i, p, j, q in wires if (i, j, p) == (1, 0, 6)} == {4, 6, 8}


def test_wires_around_a_skip_do_not_count_what_comes_through_it() -> None:
    view = cone(inspect("[C3-8 + ID] C1-8", (8, 15, 15)))

    adding = next(i for i, level in enumerate(view.levels) if level.what.startswith("add"))
    assert {q for i, _, j, q in view.wires() if (i, j) == (adding, 0)} == {7}


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("alexnet", {"layer": "conv9"}, "has no layer 'conv9'"),
        ("alexnet", {"units": [(13, 0)]}, "there is none at 13,0"),
        ("alexnet", {"axis": 2}, "its input has 2 axes"),
        ("alexnet", {"units": [(0, i) for i in range(5)]}, "takes 4 units at most, found 5"),
        ("C1p3-8", {"units": [(0, 0)]}, "sees nothing of the image"),
    ],
)
def test_what_cannot_be_drawn_is_said(model: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cone(inspect(model), **arguments)  # type: ignore[arg-type]
