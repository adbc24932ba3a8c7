"""Keras, run by PyTorch in float64, and its models as modules of eyeshot's input: what tests of the reader share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"  # before keras is imported, and for good

import keras
import numpy as np
import torch
from torch import nn

from eyeshot.network.graph import Network
from eyeshot.read.keras import read_model
from tests.oracles.elements import elements_differentiated, elements_poisoned, elements_read

Built = Callable[[Any], Any]
"""From a symbolic input to the output."""


def model_of(build: Built, shape: tuple[int | None, ...], **settings: Any) -> Any:
    """A functional model, its weights positive so that nothing cancels."""
    keras.config.set_floatx("float64")
    x = keras.Input(shape, **settings)
    model = keras.Model(x, build(x))
    for weight in model.trainable_weights:
        weight.assign(np.random.default_rng(1).uniform(0.1, 1.0, weight.shape))
    return model


class Channels(nn.Module):
    """A model called with channels on axis 1, its output's axes as the network has them."""

    def __init__(self, model: Any, network: Network) -> None:
        super().__init__()
        self.run, self.network = model, network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        moved = x.movedim(1, -1) if x.dim() > 2 else x
        out = torch.as_tensor(self.run(moved))
        shape = self.network[self.network.outputs[0]].shape
        return out if tuple(out.shape) == shape else out.movedim(-1, 1)


def assert_read_as_it_runs(build: Built, shape: tuple[int, ...], *, by_gradient: bool = False) -> Network:
    """Read a model, and hold each element of its output to NaN put into the model itself, or to its gradient."""
    model = model_of(build, shape)
    network = read_model(model)
    run = Channels(model, network)
    first = network.input.shape
    truth = elements_differentiated if by_gradient else elements_poisoned
    assert not any(read.is_bound for node in network for read in node.reads)
    with torch.no_grad():
        assert tuple(run(torch.rand(first, dtype=torch.float64)).shape) == network[network.outputs[0]].shape
    np.testing.assert_array_equal(elements_read(network, network.outputs[0]), truth(run, first))
    assert sum(node.params for node in network) == sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    return network
