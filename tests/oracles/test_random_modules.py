"""What units of random modules see, whatever ops they mix, equals what the modules themselves say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from eyeshot.analyse.field import Fields
from eyeshot.analyse.layouts import axes_told, unit_axes
from eyeshot.analyse.sights import Moving
from eyeshot.api.report import Report
from eyeshot.network.ops import EdgePad
from eyeshot.read.torch import read_module
from tests.oracles.poisoning import Bits, hull_of, outputs_of, poisoned_lines, prepared
from tests.oracles.programs import Program, Resize, Step, programs

Ends = npt.NDArray[np.int64]


def read(program: Program) -> Report:
    return Report(read_module(program, program.shape[1:], name="random", source="test"))


def marks(program: Program) -> list[str]:
    """Names of the layers that stand for the values of a program, whether its output needs them or not."""
    return [f"steps.{i}.mark" for i in range(len(program.steps))]


def oracle(program: Program) -> Program:
    """The program, ready to be poisoned."""
    prepared(program)
    for module in program.modules():
        if isinstance(module, Resize):
            module.is_oracle = True
    return program


def assert_hulls_equal_the_oracle(program: Program) -> None:
    report = read(program)
    names = marks(program)
    module = oracle(program)
    assert report.is_exact
    for a, axis in enumerate((2, 3)):
        for name, (first, last) in seen_along(module, report, names, a).items():
            hulls = report[name].hulls[a]
            np.testing.assert_array_equal(hulls[0].ravel(), first, err_msg=f"{name} axis {axis}, first")
            np.testing.assert_array_equal(hulls[1].ravel(), last, err_msg=f"{name} axis {axis}, last")


def seen_along(module: Program, report: Report, names: list[str], a: int) -> dict[str, tuple[Ends, Ends]]:
    """First and last line that units see along a followed axis, as poisoning has it, in the order of `hulls`."""
    along = {name: axes_told(report.network, name, a) for name in names}
    seen = poisoned_lines(module, names, module.shape, a + 2, one_by_one=True, along=along)
    return {name: hull_of(bits) for name, bits in seen.items()}


FOUND = {
    "pixels to channels, below numbers": (
        lambda x: functional.pixel_unshuffle(x, 2),
        lambda x: torch.cat([torch.ones_like(x), x], 2),
    ),
    "columns that one of two sees": (
        lambda x: functional.pad(functional.max_pool2d(x, 3, 1, 1), (0, 2)) + functional.pad(x, (2, 0)),
        lambda x: x[..., -2:],
    ),
    "maps with gaps, interleaved": (
        nn.ConvTranspose2d(2, 2, 1, (1, 2)),
        lambda x: torch.stack(x.split(1, 1), 3).flatten(3, 4),
    ),
}
"""What random modules found, or would seldom find."""


@pytest.mark.parametrize("name", FOUND)
def test_what_random_modules_found_once(name: str) -> None:
    steps = [Step(name, function, (i,)) for i, function in enumerate(FOUND[name])]

    assert_hulls_equal_the_oracle(Program(steps, (1, 2, 2, 4)))


@given(programs())
@settings(max_examples=80)
def test_hulls_of_all_units_equal_poisoning(program: Program) -> None:
    assert_hulls_equal_the_oracle(program)


@pytest.mark.slow
@given(programs(steps=9))
@settings(max_examples=3000)
def test_hulls_of_all_units_equal_poisoning_in_many_modules(program: Program) -> None:
    assert_hulls_equal_the_oracle(program)


def pixels_seen(program: Program, name: str, axes: tuple[int, ...], at: tuple[int, ...]) -> Bits:
    """What the unit at a position along some axes sees: one pixel NaN at a time, one image at a time."""
    module = oracle(program)
    bits = np.zeros(program.shape[2:], dtype=bool)
    for y, x in np.ndindex(*bits.shape):
        image = torch.rand(program.shape, dtype=torch.float64) + 0.5
        image[:, :, y, x] = float("nan")
        out = outputs_of(module, [name], image)[name].isnan()
        place = dict(zip(axes, at, strict=True))
        bits[y, x] = bool(out[tuple(place.get(axis, slice(None)) for axis in range(out.dim()))].any())
    return bits


def assert_footprint_equals_the_oracle(program: Program, data: st.DataObject) -> None:
    report = read(program)
    name = data.draw(st.sampled_from(marks(program)))
    axes = unit_axes(report.network, name)
    at = tuple(data.draw(st.integers(0, report[name].node.shape[axis] - 1)) for axis in axes)

    footprint = report[name].unit(*(at or (0, 0))).footprint

    np.testing.assert_array_equal(footprint.mask(), pixels_seen(program, name, axes, at), err_msg=f"{name} {at}")
    boxes = footprint.boxes()
    assert footprint.box_count == len(boxes)
    assert footprint.count == sum(int(np.prod([last - first + 1 for first, last in box])) for box in boxes)


@given(programs(), st.data())
@settings(max_examples=40)
def test_footprints_equal_poisoning_pixel_by_pixel(program: Program, data: st.DataObject) -> None:
    assert_footprint_equals_the_oracle(program, data)


@pytest.mark.slow
@given(programs(steps=9), st.data())
@settings(max_examples=1500)
def test_footprints_equal_poisoning_in_many_modules(program: Program, data: st.DataObject) -> None:
    assert_footprint_equals_the_oracle(program, data)


@given(programs(opaque=True))
@settings(max_examples=40)
def test_bounds_hold_and_say_that_they_are_bounds(program: Program) -> None:
    report = read(program)
    names = marks(program)
    module = oracle(program)
    for a in range(2):
        for name, (first, last) in seen_along(module, report, names, a).items():
            own_first, own_last = (ends.ravel() for ends in report[name].hulls[a])
            sees = first <= last
            assert (own_first[sees] <= first[sees]).all(), name
            assert (own_last[sees] >= last[sees]).all(), name
            if report[name].field.is_exact:
                np.testing.assert_array_equal(own_first, first)


@given(programs())
@settings(max_examples=80)
def test_what_units_see_on_the_image_lies_within_what_they_see_on_an_endless_one(program: Program) -> None:
    report = read(program)
    # padding that repeats the image makes units near a border see it again, elsewhere
    assume(not any(isinstance(layer.node.op, EdgePad) for layer in report))
    fields = Fields(report.network)
    for layer in report:
        for a in range(2):
            sight = fields.form(layer.name)[a]
            if not isinstance(sight, Moving) or (sight.axis,) != axes_told(report.network, layer.name, a):
                continue
            for unit, (first, last) in enumerate(zip(*layer.hulls[a], strict=True)):
                assert last < first or sight.first(unit) <= first <= last <= sight.last(unit), layer.name


def assert_sizes_hold(program: Program) -> None:
    report = read(program)
    # an endless image has no other side, which circular padding shows
    assume(not any(isinstance(layer.node.op, EdgePad) and layer.node.op.mode == "circular" for layer in report))
    fields = Fields(report.network)
    for layer in report:
        units = fields.of_units(layer.name) if unit_axes(report.network, layer.name) else []
        for (first, last), size in zip(units, layer.field.size, strict=False):
            assert int((last - first).max()) < size or size == 0, layer.name
        assert all(data <= size for data, size in zip(layer.data.field.size, layer.field.size, strict=True)), layer.name
        if units:
            ends = zip(units, report.network.extent, strict=True)
            sees_all = all(bool((first == 0).all() and (last == n - 1).all()) for (first, last), n in ends)
            assert sees_all or not layer.field.is_global, layer.name


@given(programs())
@settings(max_examples=150)
def test_no_unit_sees_more_than_its_layer_is_said_to_see(program: Program) -> None:
    assert_sizes_hold(program)


@pytest.mark.slow
@given(programs(steps=9))
@settings(max_examples=2000)
def test_no_unit_sees_more_than_its_layer_is_said_to_see_in_many_modules(program: Program) -> None:
    assert_sizes_hold(program)
