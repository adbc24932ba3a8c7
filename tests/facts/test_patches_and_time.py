"""PatchGAN, TCN and WaveNet: the fields that their papers give, and what follows from their tables."""

from __future__ import annotations

import pytest

import eyeshot
from eyeshot.analyse.landmarks import last_convolution


@pytest.mark.parametrize(
    ("name", "field", "stride"), [("patchgan-16", 16, 2), ("patchgan", 70, 8), ("patchgan-286", 286, 32)]
)
def test_a_patchgan_sees_the_patch_it_is_named_for(name: str, field: int, stride: int) -> None:
    """Isola et al. 2017, section 6.1.2: 16×16, 70×70 and 286×286."""
    layer = eyeshot.inspect(name)[eyeshot.inspect(name).network.output.name]

    assert layer.field.size == (field, field)
    assert layer.field.stride == (stride, stride)


def test_patchgan_has_the_weights_and_scores_of_cyclegan_s() -> None:
    report = eyeshot.inspect("patchgan")

    assert report.totals.params == 2_764_737
    assert report.layers[-1].out == (1, 30, 30)


def test_a_tcn_sees_what_its_formula_says_and_nothing_of_what_is_to_come() -> None:
    """Bai et al. 2018: two convolutions of kernel k a level see 1 + 2·(k − 1)·(2^levels − 1) steps."""
    report = eyeshot.inspect("tcn")
    layer = report[report.network.output.name]

    assert layer.field.size == (1 + 2 * 6 * 255,)
    assert layer.unit(300).hull.unclipped == ((300 - 3060, 300),)
    # 66,250 of convolutions and 260 of the head that reads the last step: the paper's ~70 K with weight norm's 400
    assert report.totals.params == 66_250


@pytest.mark.parametrize(("name", "field"), [("wavenet", 1024), ("wavenet-30", 3070)])
def test_wavenet_sees_a_thousand_steps_a_stack(name: str, field: int) -> None:
    """Van den Oord et al. 2016, section 2.1: 1, 2, 4 … 512 see 1024."""
    report = eyeshot.inspect(name)
    layer = last_convolution(report)
    assert layer is not None

    assert layer.field.size == (field,)
    assert layer.unit(3500).hull.unclipped == ((3500 - field + 1, 3500),)
    assert layer.unit(3500).footprint.count == field
