"""A network's text form and its reading are inverse."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from eyeshot.design.named import network_named
from eyeshot.design.syntax import Design
from eyeshot.design.zoo import entries
from eyeshot.errors import ReadError
from eyeshot.network.text import parse, write
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of


@pytest.mark.parametrize("name", sorted(entries()))
def test_the_zoo_reads_back(name: str) -> None:
    network = network_named(name)

    assert parse(write(network)).nodes == network.nodes


@given(designs(axes=2))
@settings(max_examples=50)
def test_random_networks_read_back(design: Design) -> None:
    network = network_of(design, (2, 12, 12))

    assert parse(write(network)) == network


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: a network's text begins with"),
        ('network "a" from "b"\n', "no lines after its first"),
        ('network "a" from "b"\nx is y', "line 2: expected 'name = Op"),
        ('network "a" from "b"\nx = Conv() y : 1x2', "line 2: reads 'y', which no earlier line defines"),
        ('network "a" from "b"\nx = Magic() : 1x2', "line 2: no op 'Magic'"),
        ('network "a" from "b"\nx = Input(axes=print(1)) : 1x2', "line 2: .* cannot be read"),
        ('network "a" from "b"\nx = Input(axes=(2,)) : 1x2x3\nx = Input(axes=(2,)) : 1x2x3', "'x' is defined twice"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(text: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        parse(text)
