"""Marks and labels, which keep axes apart, say what arrays written out in full say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeshot.analyse import labels as labelled
from eyeshot.analyse.labels import Labels
from eyeshot.analyse.marks import Bits, Mark, Term, apart, bits_of, positions, regrouped, united
from eyeshot.errors import RunError

Shape = tuple[int, ...]


def dense(mark: Mark, shape: Shape) -> Bits:
    bits = np.zeros(shape, dtype=bool)
    for term in mark:
        bits[np.ix_(*(bits_of(along, n) for along, n in zip(term, shape, strict=True)))] = True
    return bits


@st.composite
def terms(draw: st.DrawFn, shape: Shape) -> Term:
    lines = []
    for n in shape:
        marked = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        marked[draw(st.integers(0, n - 1))] = True
        lines.append(positions(0, np.array(marked), n)[0])
    return tuple(lines)


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Two shapes of the same number of elements."""
    factors = draw(st.lists(st.sampled_from([1, 2, 2, 3, 4]), min_size=1, max_size=4))
    return tuple(_grouped(draw, draw(st.permutations(factors)))), tuple(_grouped(draw, factors))


def _grouped(draw: st.DrawFn, factors: list[int]) -> list[int]:
    sizes = [1]
    for factor in factors:
        if draw(st.booleans()):
            sizes.append(factor)
        else:
            sizes[-1] *= factor
    return sizes


@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 20))
@settings(max_examples=150)
def test_unions_hold_what_their_products_hold(data: st.DataObject, sizes: list[int], count: int) -> None:
    shape = tuple(sizes)
    marks = [(data.draw(terms(shape)),) for _ in range(count)]

    union = united(marks, shape)
    disjoint = apart(union, shape)

    expected = np.logical_or.reduce([dense(mark, shape) for mark in marks])
    np.testing.assert_array_equal(dense(union, shape), expected)
    np.testing.assert_array_equal(dense(disjoint, shape), expected)
    assert sum(int(dense((term,), shape).sum()) for term in disjoint) == expected.sum()


@given(st.data(), reshapes())
@settings(max_examples=200)
def test_a_set_under_another_shape_has_the_same_elements(data: st.DataObject, shapes: tuple[Shape, Shape]) -> None:
    before, after = shapes
    term = data.draw(terms(after))

    found = regrouped(term, before, after)

    np.testing.assert_array_equal(dense(tuple(found), before), dense((term,), after).reshape(before))


@given(st.data(), reshapes())
@settings(max_examples=200)
def test_labels_under_other_shapes_and_orders_are_those_of_the_full_array(
    data: st.DataObject, shapes: tuple[Shape, Shape]
) -> None:
    before, after = shapes
    a, b = (varying(data, before) for _ in range(2))
    order = tuple(data.draw(st.permutations(range(len(after)))))
    axes = tuple(data.draw(st.sets(st.integers(0, len(after) - 1), min_size=1)))

    found = [labelled.permuted(labelled.reshaped(labels, before, after), order) for labels in (a, b)]
    expected = [full(labels, before).reshape(2, *after).transpose(0, *(j + 1 for j in order)) for labels in (a, b)]
    shape = tuple(after[j] for j in order)

    for labels, array in zip(found, expected, strict=True):
        np.testing.assert_array_equal(full(labels, shape), array)
        gone = labelled.reduced(labels, axes, None)
        np.testing.assert_array_equal(
            full(gone, tuple(n for j, n in enumerate(shape) if j not in axes)),
            array.min(axis=tuple(j + 1 for j in axes)),
        )
        np.testing.assert_array_equal(full(labelled.merged(labels, axes[0]), shape), array)
    np.testing.assert_array_equal(full(labelled.lower(*found), shape), np.minimum(*expected))


def varying(data: st.DataObject, shape: Shape) -> Labels:
    """Labels that depend on some axes of a tensor."""
    own = tuple(n if data.draw(st.booleans()) else 1 for n in shape)
    first = np.arange(math.prod(own)).reshape(own)
    return Labels(np.stack([first, -first]))


def full(labels: Labels, shape: Shape) -> np.ndarray:
    labels = labelled.whole(labels)
    return np.broadcast_to(labels.ends, (2, *shape))


def test_positions_are_not_written_out_where_no_machine_has_room() -> None:
    high, wide = np.arange(100_000).reshape(1, -1, 1), np.arange(100_000).reshape(1, 1, -1)
    rows, columns = (Labels(np.stack([ends, -ends])) for ends in (high, wide))

    with pytest.raises(RunError, match=r"1×100000×100000 positions, which is too many"):
        labelled.lower(rows, columns)
