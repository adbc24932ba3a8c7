"""What units of random modules see, whatever ops they mix, equals what the modules themselves say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from eyeshot.analyse.field import Fields
from eyeshot.analyse.sights import Moving
from eyeshot.network.ops import EdgePad
from eyeshot.read.torch import read_module
from eyeshot.report.inspection import Report
from tests.oracles.poisoning import Bits, hull_of, outputs_of, poisoned_lines, prepared
from tests.oracles.programs import Program, Resize, programs


def read(program: Program) -> Report:
    note(repr(program))
    assume(len(program.steps) > 0)
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
        seen = poisoned_lines(module, names, program.shape, axis, one_by_one=True)
        for name in names:
            first, last = hull_of(seen[name])
            layer = report[name]
            np.testing.assert_array_equal(layer.hulls[a][0], first, err_msg=f"{name} axis {axis}, first")
            np.testing.assert_array_equal(layer.hulls[a][1], last, err_msg=f"{name} axis {axis}, last")


@given(programs())
@settings(max_examples=80)
def test_hulls_of_all_units_equal_poisoning(program: Program) -> None:
    assert_hulls_equal_the_oracle(program)


@pytest.mark.slow
@given(programs(steps=9))
@settings(max_examples=3000)
def test_hulls_of_all_units_equal_poisoning_in_many_modules(program: Program) -> None:
    assert_hulls_equal_the_oracle(program)


def pixels_seen(program: Program, name: str, at: tuple[int, ...]) -> Bits:
    """One pixel NaN at a time, one image at a time."""
    module = oracle(program)
    bits = np.zeros(program.shape[2:], dtype=bool)
    for y, x in np.ndindex(*bits.shape):
        image = torch.rand(program.shape, dtype=torch.float64) + 0.5
        image[:, :, y, x] = float("nan")
        out = outputs_of(module, [name], image)[name].isnan()
        bits[y, x] = bool((out[(slice(None), slice(None), *at)] if out.dim() == 4 else out).any())
    return bits


def assert_footprint_equals_the_oracle(program: Program, data: st.DataObject) -> None:
    report = read(program)
    name = data.draw(st.sampled_from(marks(program)))
    out = report[name].node.shape
    at = tuple(data.draw(st.integers(0, n - 1)) for n in out[2:]) if len(out) == 4 else (0, 0)

    footprint = report[name].unit(*at).footprint

    np.testing.assert_array_equal(footprint.mask(), pixels_seen(program, name, at), err_msg=f"{name} {at}")
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
    for a, axis in enumerate((2, 3)):
        seen = poisoned_lines(module, names, program.shape, axis, one_by_one=True)
        for name in names:
            first, last = hull_of(seen[name])
            layer = report[name]
            sees = first <= last
            assert (layer.hulls[a][0][sees] <= first[sees]).all(), name
            assert (layer.hulls[a][1][sees] >= last[sees]).all(), name
            if layer.field.is_exact:
                np.testing.assert_array_equal(layer.hulls[a][0], first)


@given(programs())
@settings(max_examples=80)
def test_what_units_see_on_the_image_lies_within_what_they_see_on_an_endless_one(program: Program) -> None:
    report = read(program)
    # padding that repeats the image makes units near a border see it again, elsewhere
    assume(not any(isinstance(layer.node.op, EdgePad) for layer in report))
    fields = Fields(report.network)
    for layer in report:
        for a, axis in enumerate((2, 3)):
            sight = fields.form(layer.name)[a]
            if not isinstance(sight, Moving) or sight.axis != axis or len(layer.node.shape) != 4:
                continue
            for unit, (first, last) in enumerate(zip(*layer.hulls[a], strict=True)):
                assert last < first or sight.first(unit) <= first <= last <= sight.last(unit), layer.name
