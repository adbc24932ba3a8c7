"""The laws of reports, over random modules, random designs and a dozen families of torchvision and timm."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eyeshot import inspect
from eyeshot.api.report import Report
from eyeshot.design.syntax import Design
from eyeshot.errors import UsageError
from eyeshot.measure.density import density
from eyeshot.read.torch import read_module
from eyeshot.report import reasons
from tests.laws.of_reports import LAWS, Law, violations
from tests.oracles.designs import designs
from tests.oracles.programs import Program, programs
from tests.oracles.test_random_networks import network_of

FAMILIES = (
    ("torchvision:alexnet", 224), ("torchvision:googlenet", 128), ("torchvision:squeezenet1_1", 224),
    ("torchvision:efficientnet_b0", 128), ("torchvision:lraspp_mobilenet_v3_large", 128), ("torchvision:vit_b_16", 224),
    ("torchvision:swin_t", 64), ("torchvision:shufflenet_v2_x0_5", 128), ("timm:convnext_atto", 128),
    ("timm:hrnet_w18_small", 64), ("timm:mobilevit_xxs", 128), ("timm:twins_pcpvt_small", 64), ("timm:pvt_v2_b0", 64),
    ("timm:mvitv2_tiny", 224), ("timm:tresnet_m", 64), ("timm:nest_tiny", 224),
)  # fmt: skip
"""Those that merge positions, gate them, or read them unevenly are among them."""
QUICK = ("torchvision:squeezenet1_1", "timm:pvt_v2_b0")

every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)


@every_law
@given(program=programs())
@settings(max_examples=25)
def test_a_law_holds_of_random_modules(law: Law, program: Program) -> None:
    report = Report(read_module(program, program.shape[1:], name="random", source="test"))

    assert violations(report, (law,)) == []


@pytest.mark.parametrize("gates", [False, True], ids=("plain", "with gates"))
def test_a_report_goes_with_its_last_holder(gates: bool) -> None:
    """Its numbers, and all that was followed for them, are in no circle that only a search for garbage ends."""
    report = inspect(nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4) if gates else nn.ReLU()), (3, 16, 16))
    report.to_json()
    network, layer = weakref.ref(report.network), weakref.ref(report.layers[-1])
    was_enabled = gc.isenabled()
    gc.disable()

    try:
        del report
        assert network() is None
        assert layer() is None
    finally:
        if was_enabled:
            gc.enable()


@every_law
@given(program=programs(opaque=True))
@settings(max_examples=15)
def test_a_law_holds_of_bounds(law: Law, program: Program) -> None:
    report = Report(read_module(program, program.shape[1:], name="random", source="test"))

    assert violations(report, (law,)) == []


@every_law
@given(design=designs(axes=2), height=st.integers(8, 40), width=st.integers(8, 40))
@settings(max_examples=15)
def test_a_law_holds_of_random_designs(law: Law, design: Design, height: int, width: int) -> None:
    report = Report(network_of(design, (2, height, width)))

    assert violations(report, (law,)) == []


@pytest.mark.slow
@given(program=programs(steps=9))
@settings(max_examples=400)
def test_all_laws_hold_of_many_modules(program: Program) -> None:
    report = Report(read_module(program, program.shape[1:], name="random", source="test"))

    assert violations(report) == []


@pytest.mark.parametrize(
    ("name", "side"), [pytest.param(*each, marks=[] if each[0] in QUICK else pytest.mark.slow) for each in FAMILIES]
)
def test_all_laws_hold_of_a_family(name: str, side: int) -> None:
    assert violations(inspect(name, (3, side, side))) == []


def test_a_network_of_numbers_has_no_fields_and_every_verb_says_so() -> None:
    report = inspect(nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 2)), (64,))

    assert violations(report) == []
    for asked in (
        lambda: report["2"].unit(),
        lambda: reasons.headline(report["2"]),
        lambda: density(report.network, "2"),
    ):
        with pytest.raises(UsageError, match="64, has no axes of positions, so its units have no field"):
            asked()
