"""A few characters of text cost no more than a few characters should: no design hangs, none fills the memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeshot import inspect
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.design.notation import parse
from eyeshot.design.steps import MOST
from eyeshot.errors import EyeshotError, NotationError, ReadError, ShapeError, UsageError
from eyeshot.network.ops import LocalResponseNorm
from eyeshot.network.text import parse as read_text
from eyeshot.read.inputs import parse_input
from eyeshot.report.ledger import records
from eyeshot.shown import LONGEST, shortened

SMALL = (3, 8, 8)


def _lines_run(work: Callable[[], object]) -> int:
    """Lines of Python that some work takes: its time, without the machine's share in it."""
    count = 0

    def traced(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return traced

    former = sys.gettrace()
    sys.settrace(traced)
    try:
        work()
    finally:
        sys.settrace(former)
    return count


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("IDx10000000 C3", 1),
        ("C3 ((ID)x10000000)x10000000", 6),
        ("[ID + C3~-3x10000000]", 7),
        ("(R [C3 | (C3)x90000])x10000000", 11),
        ("name:((((C3)x99)x99)x99)x99", 10),
    ],
)
def test_repeats_of_repeats_are_counted_and_not_made(text: str, character: int) -> None:
    def refused() -> None:
        with pytest.raises(ShapeError, match="more than 100,000 steps") as caught:
            inspect(text, SMALL)
        assert str(caught.value).endswith(f"^ character {character}")

    assert _lines_run(refused) < 100_000


@given(st.integers(1, 3 * MOST))
def test_the_limit_is_the_number_of_steps(times: int) -> None:
    text = f"(ID R)x{times}"

    if 2 * times <= MOST:
        parse(text)
    else:
        with pytest.raises(ShapeError):
            network_named(text, SMALL)


@pytest.mark.parametrize("text", ["Rx{}", "(a:R)x{}", "[ID + {}]"])
def test_work_grows_with_layers_and_not_with_their_square(text: str) -> None:
    def design(n: int) -> str:
        return text.format(" + ".join(["ID"] * n) if "[" in text else n)

    few, many = (_lines_run(lambda n=n: network_named(design(n), SMALL)) for n in (200, 2_000))  # type: ignore[misc]

    assert many < 11 * few


def test_the_ledger_of_many_layers_takes_work_by_their_number() -> None:
    few, many = (inspect(f"C3-8x{n}", SMALL) for n in (100, 1_000))
    for report in (few, many):
        records(report)  # fields are worked out

    assert _lines_run(lambda: records(many)) < 11 * _lines_run(lambda: records(few))


def test_names_that_occur_again_are_numbered_from_the_first_free_number() -> None:
    names = [node.name for node in network_named("a:R R a_2:P2 a:R R a:R R a:P2", (3, 99, 99))]

    assert len(set(names)) == len(names)
    assert [name[5:] for name in names if name.startswith("relu0")] == ["", "_2", "_3", "_4", "_5", "_6"]


@pytest.mark.parametrize("digits", ["0", "10000001", "9" * 400, "9" * 100_000, "2.5"])
def test_channels_of_a_norm_are_limited_as_other_numbers(digits: str) -> None:
    with pytest.raises(NotationError):
        parse(f"N{digits}")


def test_a_norm_over_more_channels_than_there_are_is_one_over_all() -> None:
    import torch

    widest, wide = (network_named(f"C3-8~ N{n}", SMALL) for n in (10**7, 15))
    modules = [build(network).eval() for network in (widest, wide)]
    modules[0].load_state_dict(modules[1].state_dict())
    x = torch.randn(1, *SMALL)

    assert isinstance(widest.output.op, LocalResponseNorm)
    assert widest.output.op.size == 10**7
    assert widest.output.reads == wide.output.reads
    torch.testing.assert_close(modules[0](x), modules[1](x))


@pytest.mark.parametrize("text", ["N1234567", "D0.12345678", "D0.00001", "C3s1x1", "C3d1x1x1", "C7x3s1x1d2x2"])
def test_every_digit_of_a_number_reads_back(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("digits", [8, 4_300, 4_301, 1_000_000])
def test_a_size_of_any_number_of_digits_is_refused_in_words(digits: int) -> None:
    with pytest.raises(UsageError, match="is more than the 9,999,999 positions of an axis"):
        parse_input(f"3x{'9' * digits}")


@pytest.mark.parametrize(
    "name",
    [
        "A" * 10**6,
        "C3 " * 10**5 + "Z" * 10**6,
        "F" + "9" * 10**6,
        "C3x" + "9" * 10**6,
        "x" * 10**6 + ".onnx",
        "(" * 10**6,
    ],
)
def test_a_message_is_short_however_long_what_it_is_about(name: str) -> None:
    with pytest.raises(EyeshotError) as caught:
        inspect(name)

    assert len(str(caught.value)) < LONGEST + 300


@given(st.text(max_size=300), st.integers(30, 300))
def test_what_is_shortened_keeps_its_ends(text: str, most: int) -> None:
    short = shortened(text, most)

    assert len(short) <= most + 10
    assert short == text or (text.startswith(short.split("…")[0][:5]) and text.endswith(short[-5:]))


@pytest.mark.parametrize(
    "line",
    [
        "input = Input(axes=(2,)) : 1x" + "9" * 5000,
        "input = Input(axes=(2,)) : 1x3 params=" + "9" * 5000,
        "input = Input(axes=" + "(" * 10**5 + ") : 1x3x3",
        "input = Input(axes=" + "-" * 10**5 + "1) : 1x3x3",
        "input = Input(axes=" + "9" * 5000 + ") : 1x3",
    ],
    ids=["size", "params", "brackets", "signs", "axis"],
)
def test_a_network_s_text_is_refused_in_words(line: str) -> None:
    with pytest.raises(ReadError, match="line 2: "):
        read_text(f'network "a" from "b"\n{line}')
