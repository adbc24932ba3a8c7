"""The selected unit's document is the command's: the same schema, the same ranges, the same pixels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from eyeshot.api import inspect
from tests.page.conftest import Open

torch = pytest.importorskip("torch")


def _pixels(document: dict[str, Any], extent: tuple[int, ...]) -> Any:
    mask = np.zeros(extent, bool)
    for box in document["footprint"]["boxes"]:
        mask[tuple(slice(first, last + 1) for first, last in box)] = True
    return mask


class Gated(torch.nn.Module):
    """Squeeze and excitation: along the data path 3×3, along all paths everything."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.squeeze, self.gate = torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Sigmoid()

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        return y * self.gate(self.squeeze(y))


@pytest.mark.parametrize(
    ("model", "shape", "layer", "at"),
    [
        ("alexnet", (3, 227, 227), "conv5", (0, 12)),
        ("alexnet", (3, 227, 227), "fc6", (0, 0)),
        ("C3d3-4 C3d3-4", (1, 40, 30), "conv2", (3, 7)),
        (Gated(), (3, 20, 20), "mul", (0, 5)),
        (torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Upsample(scale_factor=2)), (1, 9, 9), "1", (5, 6)),
    ],
    ids=["map", "single", "holes", "gates", "irregular"],
)
def test_the_page_s_unit_is_the_command_s(
    model: Any, shape: tuple[int, ...], layer: str, at: tuple[int, ...], opened: Open
) -> None:
    report = inspect(model, shape)
    expected = json.loads(json.dumps(report[layer].unit(*at).to_dict()))
    page = opened(report, fragment=f"#layer={layer}&unit={','.join(map(str, at))}")
    page.tab.click("#tab-data")
    page.settle()

    with page.tab.expect_download() as download:
        page.tab.click("a[download='unit.json']")
    shown = json.loads(download.value.path().read_text("utf-8"))

    assert np.array_equal(_pixels(shown, shape[1:]), _pixels(expected, shape[1:]))
    for document in (shown, expected):
        document["footprint"].pop("boxes")
    if layer == "fc6":  # sees the image and padding all around, and has neither stride nor start
        assert shown["hull"] is None
        shown["hull"] = expected["hull"]
    assert shown == expected
