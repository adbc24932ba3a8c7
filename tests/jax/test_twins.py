"""One network written in PyTorch, Flax NNX, Flax Linen and Equinox is one network."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn as tnn

import eyeshot
from tests.jax.models import jax
from tests.jax.resnets import RESNETS, ResNet50, TorchResNet

nnx = pytest.importorskip("flax.nnx")
linen = pytest.importorskip("flax.linen")
eqx = pytest.importorskip("equinox")
jnp = jax.numpy
KEY = jax.random.key(0)


def told(report: Any) -> dict[str, Any]:
    """What is told of each layer with weights."""
    return {
        layer.name: (layer.op, layer.out, layer.field, layer.data.field, layer.params, layer.macs)
        for layer in report
        if layer.params
    }


@pytest.mark.parametrize("kind", RESNETS)
def test_a_resnet_is_pytorchs_layer_by_layer(kind: str) -> None:
    make, size = RESNETS[kind]
    report = eyeshot.inspect(make(), size)
    twin = eyeshot.inspect(TorchResNet(), (3, 40, 40))

    assert told(report) == told(twin)
    assert report.totals.params == twin.totals.params
    assert report.totals.macs == twin.totals.macs
    assert report.is_exact


@pytest.mark.slow  # two networks of fifty layers
def test_resnet50_is_torchvisions_layer_by_layer() -> None:
    report = eyeshot.inspect(nnx.eval_shape(lambda: ResNet50(nnx.Rngs(0))), "224x224x3")

    assert told(report) == told(eyeshot.inspect("torchvision:resnet50"))


def test_same_padding_is_a_pixel_off_where_a_stride_meets_an_even_map() -> None:
    """Flax's SAME has the larger half behind; PyTorch's padding of 1 is on either side."""
    same = eyeshot.inspect(linen.Conv(8, (3, 3), 2), "40x40x3")
    twin = eyeshot.inspect(tnn.Conv2d(3, 8, 3, 2, 1), (3, 40, 40))

    (ours,), (theirs,) = ([layer for layer in report if layer.macs] for report in (same, twin))
    assert (ours.field.size, ours.field.stride) == (theirs.field.size, theirs.field.stride)
    assert (ours.field.start, theirs.field.start) == ((0, 0), (-1, -1))
