"""The notation: what can be typed, what it means, and where a mistake is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeshot import inspect
from eyeshot.design.named import design_named, network_named
from eyeshot.design.notation import parse
from eyeshot.design.zoo import entries
from eyeshot.errors import NotationError, ShapeError, UsageError
from eyeshot.network.ops import Conv, Pool


@pytest.mark.parametrize(
    ("words", "notation"),
    [
        ("CONV-POOL-CONV-CONV-CONV-POOL", "C3 P2 C3 C3 C3 P2"),
        ("conv-pool-Conv", "C3 P2 C3"),
        ("CONV, POOL, AVGPOOL, FC", "C3 P2 A2 F"),
        ("CONV → LRN → BN → RELU → DROPOUT → GAP → FC10", "C3 N5 B R D0.5 G F10"),
        ("conv5-32 maxpool3s2", "C5-32 P3s2"),
        ("C3-64x2 P2", "(C3-64)x2 P2"),
        ("C3-64~", "C3-64~"),
        ("C3~-64", "C3-64~"),
        ("C1x7p0x3-8", "C1x7p0x3-8"),
        ("C4p(1,2)-8", "C4p(1,2)-8"),
        ("C3s2same", "C3s2same"),
        ("C3g*", "C3g*"),
        ("P3s2valid", "P3s2"),
        ("block:(C3-8 P2) x3", "block:(C3-8 P2)x3"),
        ("[C1-8|C3-8 | C5-8]", "[C1-8 | C3-8 | C5-8]"),
        ("[C3-8~+ID]R", "[C3-8~ + ID] R"),
    ],
)
def test_what_is_typed_means_what_is_written(words: str, notation: str) -> None:
    assert str(parse(words)) == notation
    assert parse(notation) == parse(words)


@pytest.mark.parametrize("name", sorted(entries()))
def test_the_zoo_reads_back(name: str) -> None:
    design = design_named(name)

    assert parse(str(design)) == design


@pytest.mark.parametrize(
    ("text", "message", "character"),
    [
        ("C3-64 Z4", "'Z4' is no layer; layers are C convolution", 7),
        ("", "an empty design", 1),
        ("C3 (C3", "the '\\(' opened here is never closed by '\\)'", 4),
        ("C3)", "'\\)' without an opening bracket", 3),
        ("()", "an empty group", 1),
        ("[C3]", "one branch only", 1),
        ("[C3 | ]", "an empty branch; write ID for an identity", 7),
        ("[C3 | C3 + C3]", "either summed", 10),
        ("C0-64", "0 is not between 1 and", 2),
        ("C3s0", "0 is not between 1 and", 4),
        ("C3-99999999999999", "is not between 1 and", 4),
        ("C3s2s3", "stride is given twice", 5),
        ("C3samep1", "padding is given twice", 7),
        ("P2-64 C3", "'64' is no layer", 4),
        ("P2~", "'~' does not belong to a layer P", 3),
        ("C3-64p1", "'p' does not belong to a layer C; C takes .* before the width", 6),
        ("P3samec", "nothing to round up", 1),
        ("a:", "a label without a layer", 3),
        ("D1.5", "a probability from 0 to below 1, found 1.5", 1),
        ("N2.5", "a whole number of channels", 1),
        ("(" * 50 + "C3" + ")" * 50, "nested more than 40 deep", 42),
    ],
)
def test_an_error_points_at_the_character(text: str, message: str, character: int) -> None:
    with pytest.raises(NotationError, match=message) as caught:
        parse(text)

    assert str(caught.value).endswith(f"^ character {character}")


@given(st.text(alphabet="CPAFGNBDRxsdpgb~0123456789()[]|+-,. :samevalid*", max_size=40))
def test_any_text_is_a_design_or_a_notation_error(text: str) -> None:
    try:
        design = parse(text)
    except NotationError:
        return
    assert parse(str(design)) == design


@pytest.mark.parametrize(
    ("text", "shape", "message", "character"),
    [
        ("P2 P2 C5p0-64", (3, 8, 8), r"C5p0-64: its kernel spans 5×5 pixels and is larger than its 2×2 map", 7),
        ("C3-6 C3g4-8", (3, 8, 8), "4 groups do not divide 6 channels in and 8 out", 6),
        ("[C3-8 + C3-4]", (3, 8, 8), "summed branches must have one shape, found 8×8×8 and 4×8×8", 1),
        ("[C3-8 | P2]", (3, 8, 8), "must agree in all but channels", 1),
        ("F10 C3", (3, 8, 8), "needs a map of positions", 5),
        ("C1x3", (3, 8), "1x3 gives 2 sizes for an input with 1 axes", 1),
        ("P3p2", (3, 8, 8), "padding is at most half its kernel", 1),
        ("(C3 C3)x1000000", (3, 8, 8), "more than 100,000 steps", 5),
    ],
)
def test_a_layer_that_does_not_fit_is_pointed_at(
    text: str, shape: tuple[int, ...], message: str, character: int
) -> None:
    with pytest.raises(ShapeError, match=message) as caught:
        inspect(text, shape)

    assert str(caught.value).endswith(f"^ character {character}")


def test_an_unknown_model_gets_the_nearest_names() -> None:
    with pytest.raises(UsageError, match="did you mean alexnet"):
        inspect("alexnett")


def test_an_input_without_sizes_is_refused() -> None:
    with pytest.raises(UsageError, match="channels and one to three sizes"):
        inspect("C3", (3,))


def test_widths_left_out_double_with_each_pool_up_to_512() -> None:
    network = network_named("CONV-POOL-CONV-CONV-POOL-CONV-POOL-CONV-POOL-CONV-POOL-CONV")

    assert [node.shape[1] for node in network if isinstance(node.op, Conv)] == [64, 128, 128, 256, 512, 512, 512]


def test_layers_are_numbered_as_in_the_papers() -> None:
    names = [node.name for node in network_named("alexnet").layers]

    assert names[:8] == ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"]
    assert names[-7:] == ["fc6", "relu6", "drop6", "fc7", "relu7", "drop7", "fc8"]


def test_labels_open_scopes_and_number_what_repeats() -> None:
    names = [node.name for node in network_named("stem:(C3-8) a:(C3-8 P2) a:(C3-8)x2 one:C3-8").layers]

    assert names == [
        *("stem.conv1", "stem.relu1", "a.0.conv1", "a.0.relu1", "a.0.pool1"),
        *("a.1.conv1", "a.1.relu1", "a.2.conv1", "a.2.relu1", "one", "relu1"),
    ]


def test_same_padding_depends_on_the_inputs_size_as_in_tensorflow() -> None:
    def padding(size: int) -> object:
        op = network_named("P3s2same", (1, size, size))["pool0"].op
        assert isinstance(op, Pool)
        return op.padding[0]

    assert padding(8) == (0, 1)
    assert padding(9) == (1, 1)


def test_1d_and_3d_inputs_are_designs_too() -> None:
    assert inspect("C3-8 P2 C5-8", (1, 32))["conv2"].field.size == (12,)
    assert inspect("C3-8 P2 C5-8", (1, 16, 16, 16))["conv2"].field.size == (12, 12, 12)
