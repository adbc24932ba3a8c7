"""Costs by hand: small enough to check in the head."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from torch.utils.flop_counter import FlopCounterMode

from eyeshot import inspect
from eyeshot.analyse.cost import rectifications
from eyeshot.analyse.memory import alive_at_once
from eyeshot.api.report import Report
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.design.syntax import Design
from tests.oracles.designs import designs
from tests.oracles.test_random_networks import network_of


@given(designs(axes=2))
@settings(max_examples=50)
def test_params_and_operations_equal_what_torch_counts(design: Design) -> None:
    network = network_of(design, (2, 16, 16))
    module = build(network).eval()

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, 2, 16, 16))

    report = Report(network)
    assert report.totals.params == sum(p.numel() for p in module.parameters())
    assert 2 * report.totals.macs == counter.get_total_flops()


def test_peak_of_a_chain_is_its_largest_neighbours() -> None:
    # 3·8·8 in, 4·8·8 out of the convolution, 4·8·8 out of the relu, 4·4·4 out of the pool
    assert alive_at_once(network_named("C3-4 P2", (3, 8, 8))) == 4 * 64 + 4 * 64


def test_peak_of_a_branch_keeps_what_is_read_again() -> None:
    # the identity's 4·8·8 live on while the branch computes two more of the same size
    assert alive_at_once(network_named("C1-4~ [C3-4 C3-4~ + ID]", (3, 8, 8))) == 3 * 4 * 64


def test_reshapes_share_memory() -> None:
    assert alive_at_once(network_named("P2 F1", (1, 4, 4))) == 16 + 4


def test_rectifications() -> None:
    assert rectifications(network_named("C3-64 C3-64 C3-64")) == 3
    assert rectifications(network_named("C7-64")) == 1
    assert rectifications(network_named("C7-64~")) == 0


def test_totals_are_the_sums_of_the_layers() -> None:
    report = inspect("resnet50")

    assert report.totals.params == sum(layer.params for layer in report)
    assert report.totals.macs == sum(layer.macs for layer in report)
    assert report.totals.activations == sum(layer.activations for layer in report)
