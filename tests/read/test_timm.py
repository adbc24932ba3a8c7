"""timm's families: hulls of all units of all convolutions and pools equal what the models themselves say.

A dozen run with the slow tests; EYESHOT_ALL_FAMILIES=1 runs the smallest model of every family.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from torch import nn

from eyeshot import inspect
from eyeshot.api.report import Report
from eyeshot.errors import ReadError
from eyeshot.read.loading import load_module
from eyeshot.read.torch import read_module
from tests.oracles.poisoning import poisoned_lines, prepared

DOZEN = (
    "convnext_atto", "convmixer_768_32", "cspresnet50", "dla34", "dpn48b", "edgenext_xx_small", "ghostnet_050",
    "hrnet_w18_small", "inception_next_atto", "mobilenetv4_conv_small_050", "repvgg_a0", "res2net50_14w_8s",
)  # fmt: skip
SMALL = (
    "_test",
    "femto",
    "atto",
    "pico",
    "nano",
    "xxs",
    "xx_small",
    "tiny",
    "_xs",
    "_s",
    "small",
    "050",
    "_0",
    "18",
    "26",
)


def smallest_of_each_family() -> list[str]:
    """One name per file of timm.models, a small model where the names tell."""
    load_module("torchvision:alexnet")
    import timm

    def rank(name: str) -> tuple[int, int]:
        return next((i for i, mark in enumerate(SMALL) if mark in name), len(SMALL)), len(name)

    return [
        min(timm.list_models(module=module), key=rank)
        for module in timm.list_modules()
        if timm.list_models(module=module)
    ]


FAMILIES = smallest_of_each_family() if os.environ.get("EYESHOT_ALL_FAMILIES") else list(DOZEN)


def read_small(name: str) -> tuple[Any, Report, int]:
    """The model, read at the smallest side of some that it takes."""
    module, side = built(name)
    for larger in (side, 96, 128):
        try:
            return module, Report(read_module(module, (3, larger, larger), name=name, source="timm")), larger
        except ReadError as error:
            found = error
    raise found


def built(name: str) -> tuple[Any, int]:
    """The model and the side of a small input that it takes."""
    import timm

    if name.startswith("samvit"):  # 1,024 px, unless told otherwise
        return timm.create_model(name, pretrained=False, img_size=128), 128
    config = timm.get_pretrained_cfg(name)
    fixed = config is not None and config.fixed_input_size
    side = config.input_size[-1] if fixed else max(64, (config.min_input_size or (0, 64))[-1] if config else 64)
    return timm.create_model(name, pretrained=False), side


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_hulls_equal_poisoning(name: str) -> None:
    """Every unit against every line of a small input; models that take no small one against some lines."""
    params = sum(p.numel() for p in load_module(f"timm:{name}").parameters())
    if params > 500e6:
        pytest.skip(f"{params:,} params are too many to poison")
    module, report, side = read_small(name)
    lines = range(side) if side <= 128 else (0, side // 3, side // 2, 2 * side // 3 + 1, side - 1)
    modules = dict(module.named_modules())
    layers = [layer for layer in report if is_sliding(modules.get(layer.name)) and len(layer.node.shape) == 4]
    if not layers:
        pytest.skip("no convolution or pool with a name of its own")
    prepared(module)
    names = [layer.name for layer in layers]

    for a, axis in enumerate((2, 3)):
        shape = (1, 3, side, side)
        seen = poisoned_lines(module, names, shape, axis, lines=lines, one_by_one=side > 128)
        for layer in layers:
            found, place = seen[layer.name], f"{name} {layer.name} axis {axis}"
            first, last = layer.hulls[a]
            for line, bits in zip(lines, found, strict=True):
                assert not np.any(bits & ((line < first) | (line > last))), f"{place}: more than there is at {line}"
                ends = (first <= last) & ((line == first) | (line == last))
                assert not layer.field.is_exact or np.all(bits[ends]), f"{place}: less than there is at {line}"


def is_sliding(module: nn.Module | None) -> bool:
    kinds = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
    return isinstance(module, kinds)


@pytest.mark.slow
def test_a_table_of_indices_is_followed_though_models_are_built_without_memory() -> None:
    """CSATv2 picks frequencies by a table that it holds as a buffer."""
    report = inspect("timm:csatv2", (3, 512, 512))

    assert any(layer.op == "index" for layer in report)
    assert report.is_exact
