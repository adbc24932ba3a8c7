"""`eyeshot design` as typed."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Eyeshot


def test_the_document_has_the_designs_and_how_many_were_decided_on(eyeshot: Eyeshot) -> None:
    words = ["--input", "3x256x256", "--field", "70", "--stride", "8", "--layers", "5", "--kernels", "4"]

    result = eyeshot("design", *words, "--pools", "none", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["schema"] == "eyeshot.designs/1"
    assert document["complete"] is True
    assert document["searched"] == 3 * 2**4
    assert document["broken"] == []
    (design,) = document["designs"]
    assert design.keys() == {"design", "field", "stride", "sigma", "params", "macs", "peak_activations"}
    assert design["design"] == "C4s2p1-64 C4s2p1-128 C4s2p1-256 C4p1-512 C4p1-512"


def test_contradictory_wishes_end_with_1_and_say_which_is_broken(eyeshot: Eyeshot) -> None:
    result = eyeshot("design", "--input", "3x256x256", "--field", "70", "--macs-max", "10k")

    assert result.exit_code == 1
    assert "macs: at most 10,000 asked, and the nearest design has 335,544,320" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--field", "70"], "give --input"),
        (["--input", "3x64x64", "--field", "many"], "field takes a number or a range"),
        (["--input", "3x64x64", "--causal"], "a causal net runs along one axis"),
        (["--input", "1x64", "--causal", "--no-padding"], "cannot go together"),
        (["--input", "3x64x64:HWC", "--field", "9"], "takes one input, channels first"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(words: list[str], said: str, eyeshot: Eyeshot) -> None:
    result = eyeshot("design", *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
