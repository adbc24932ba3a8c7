"""ResNets in both stride placements. He et al. 2015, table 1; fields of Araujo et al. 2019 and recomputed."""

from __future__ import annotations

import pytest

from eyeshot import inspect


@pytest.mark.parametrize(
    ("net", "field"),
    [
        ("resnet18", 435),
        ("resnet34", 899),
        ("resnet50", 427),
        ("resnet101", 971),
        ("resnet152", 1451),
        ("resnet50-v1", 483),
        ("resnet101-v1", 1027),
        ("resnet152-v1", 1507),
    ],
)
def test_field_of_the_last_block(net: str, field: int) -> None:
    sums = [layer for layer in inspect(net) if layer.op == "add"]

    assert sums[-1].field.size == (field, field)
    assert sums[-1].field.stride == (32, 32)


@pytest.mark.parametrize(("net", "macs"), [("resnet50-v1", 3_857_973_248), ("resnet50", 4_089_184_256)])
def test_operations(net: str, macs: int) -> None:
    assert inspect(net).totals.macs == macs
