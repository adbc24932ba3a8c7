"""Lanes: one tensor a lane as long as it is read, and no more lanes than tensors alive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eyeshot.api import inspect
from eyeshot.report.lanes import contracted, lanes


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[int, ...]]:
    count = draw(st.integers(1, 30))
    return [
        tuple(draw(st.lists(st.integers(0, step - 1), max_size=3, unique=True))) if step else ()
        for step in range(count)
    ]


@given(graphs())
def test_no_lane_holds_two_tensors_at_once(inputs: list[tuple[int, ...]]) -> None:
    found = lanes(inputs)

    last = {source: reader for reader, sources in enumerate(inputs) for source in sources}
    for one in range(len(inputs)):
        for other in range(one + 1, len(inputs)):
            if found.of[one] == found.of[other]:
                assert last.get(one, one) <= other


@given(graphs())
def test_there_are_no_more_lanes_than_tensors_alive(inputs: list[tuple[int, ...]]) -> None:
    last = {source: reader for reader, sources in enumerate(inputs) for source in sources}
    alive = [sum(1 for s in range(step) if last.get(s, s) > step) for step in range(len(inputs))]

    assert lanes(inputs).width <= max(alive) + 1


@given(graphs())
def test_every_read_is_a_line(inputs: list[tuple[int, ...]]) -> None:
    found = {(edge.source, edge.reader) for edge in lanes(inputs).edges}

    assert found == {(source, reader) for reader, sources in enumerate(inputs) for source in sources}


def test_nodes_left_out_are_read_through() -> None:
    network = inspect("[C3-8 | C5-8] C3-8", (1, 15, 15)).network

    assert contracted(network, ["input", "conv1", "conv2", "conv3"]) == [(), (0,), (0,), (1, 2)]


def test_gates_are_read_through_only_if_asked_for() -> None:
    network = inspect("C3-8 C3-8", (1, 15, 15)).network

    assert contracted(network, ["input", "conv2"], gates=False) == [(), (0,)]
