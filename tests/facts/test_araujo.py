"""All 279 end points of Araujo, Norris & Sim, "Computing Receptive Fields of …", Distill 2019.

TensorFlow's SAME padding depends on the input's size; where the source gives no size, its padding is None and any
size gives the field. The nets are TF-Slim's, written in the notation.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from eyeshot.api import inspect
from eyeshot.api.report import Report

ROWS = list(
    csv.DictReader((Path(__file__).parent / "tables" / "receptive_fields_araujo2019.csv").read_text().splitlines())
)

ALEXNET = "C11s4valid-64 P3s2 C5same-192 P3s2 C3same-384 C3same-384 C3same-256 P3s2"


def vgg(counts: tuple[int, ...]) -> str:
    return " ".join(f"conv{i}:(C3same-8x{n}) P2" for i, n in enumerate(counts, start=1))


def mobilenet_v1() -> str:
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    blocks = [f"Conv2d_{i}:(C3s{s}sameg* C1-8)" for i, s in enumerate(strides, start=1)]
    return " ".join(["Conv2d_0:C3s2same-8", *blocks])


def fixed_padding(kernel: int, stride: int) -> str:
    """TF-Slim's conv2d_same: SAME at stride 1, else explicit padding whatever the input's size."""
    if stride == 1:
        return f"C{kernel}same"
    return f"C{kernel}s{stride}p({(kernel - 1) // 2},{kernel // 2})"


def resnet(counts: tuple[int, ...], version: int) -> str:
    """TF-Slim's: the stride is on the last unit of a block, and its shortcut is then a subsampling."""
    names = {1: "layer{}:(", 2: "layer{}:("}
    stages = [f"{fixed_padding(7, 2)}-8 P3s2same"]
    for index, count in enumerate(counts):
        units = []
        for unit in range(count):
            stride = 2 if unit == count - 1 and index < 3 else 1
            shortcut = "C1-8~" if unit == 0 else ("P1s2" if stride == 2 else "ID")
            body = f"C1-8 {fixed_padding(3, stride)}-8 C1-8~"
            units.append(f"{'B R ' if version == 2 else ''}[{body} + {shortcut}]{' R' if version == 1 else ''}")
        stages.append(f"{names[version].format(index + 1)}{' '.join(units)})")
    return " ".join(stages)


COUNTS = {"50": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3), "200": (3, 24, 36, 3)}


def design(cnn: str) -> str:
    if cnn == "alexnet_v2":
        return ALEXNET
    if cnn.startswith("vgg"):
        return vgg((1, 1, 2, 2, 2) if cnn == "vgg_a" else (2, 2, 3, 3, 3))
    if cnn.startswith("mobilenet"):
        return mobilenet_v1()
    _, version, depth = cnn.split("_")
    return resnet(COUNTS[depth], int(version[1]))


@cache
def report(cnn: str, size: int) -> Report:
    return inspect(design(cnn), (3, size, size))


def layer_name(cnn: str, end_point: str, found: Report) -> str:
    """The layer that an end point of the source is."""
    last = end_point.split("/")[-1]
    if cnn == "alexnet_v2":
        return last
    if cnn.startswith("vgg"):
        if last.startswith("pool"):
            pools = [layer.name for layer in found if layer.op == "max_pool2d"]
            return pools[int(last[-1]) - 1]
        block, index = last.removeprefix("conv").split("_")
        return f"conv{block}.conv{index}"
    if cnn.startswith("mobilenet"):
        return "Conv2d_0" if last == "Conv2d_0" else f"{last.removesuffix('_pointwise')}.conv2"
    return [layer.name for layer in found if layer.name.startswith(f"layer{last[-1]}.") and layer.op == "add"][-1]


def test_the_table_is_whole() -> None:
    assert len(ROWS) == 279


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['end_point']}@{row['resolution']}")
def test_each_end_point(row: dict[str, str]) -> None:
    size = 224 if row["resolution"] == "None" else int(row["resolution"])
    found = report(row["cnn"], size)
    field = found[layer_name(row["cnn"], row["end_point"], found)].field

    assert field.size == (int(row["rf"]),) * 2
    assert field.stride == (int(row["eff_stride"]),) * 2
    if row["eff_padding"] != "None":
        assert field.start == (-int(row["eff_padding"]),) * 2
