"""Networks and images of any size cost what their layers, edges, rows and columns cost."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eyeshot import inspect

SIDE = 100_000


class Classifier(nn.Module):
    """Strided convolutions, then fully connected layers on the flattened map: 1.6 G inputs to the first."""

    def __init__(self, side: int) -> None:
        super().__init__()
        convs = [nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU()]
        self.features = nn.Sequential(*convs)
        self.head = nn.Linear(4 * (side // 4) ** 2, 10)
        self.last = nn.Linear(10, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.head(self.features(x).flatten(1)))


class Dense(nn.Module):
    """Every layer reads all before it."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(2 + 2 * i, 2, 3, padding=1) for i in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = [x]
        for layer in self.layers:
            seen.append(layer(torch.cat(seen, 1)))
        return torch.cat(seen, 1)


def without_memory(make: type[nn.Module], size: int) -> nn.Module:
    with torch.device("meta"):
        return make(size)


def test_an_image_of_ten_billion_pixels_through_a_fully_connected_layer() -> None:
    report = inspect(without_memory(Classifier, SIDE), (3, SIDE, SIDE))

    footprint = report["last"].unit(0, 0).footprint

    assert report["last"].field.is_global
    assert footprint.count == SIDE**2
    assert footprint.boxes() == [((0, SIDE - 1), (0, SIDE - 1))]
    assert report["features.2"].unit(9, 24_999).hull.clipped == ((33, 39), (99_993, 99_999))
    assert report["features.2"].unit(9, 24_999).footprint.count == 49


def test_holes_all_over_a_large_image_are_told_without_writing_them_out() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1, 2), nn.AdaptiveAvgPool2d(1))

    footprint = inspect(net, (1, SIDE, SIDE))["1"].unit(0, 0).footprint

    assert footprint.count == (SIDE // 2) ** 2
    assert footprint.box_count == (SIDE // 2) ** 2
    assert footprint.hull == ((0, SIDE - 2), (0, SIDE - 2))
    assert footprint.shares((2, 2)).tolist() == [[0.25, 0.25], [0.25, 0.25]]


def test_windows_of_tokens_on_a_large_image_cost_rows_and_columns() -> None:
    class Windows(nn.Module):
        def __init__(self, side: int) -> None:
            super().__init__()
            self.inner = nn.Linear(64 * 3, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            b, c, h, w = x.shape
            x = x.reshape(b, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(b, h * w // 64, 64 * c)
            return self.inner(x).reshape(b, h // 8, w // 8, 8).permute(0, 3, 1, 2)

    report = inspect(without_memory(Windows, SIDE), (3, SIDE, SIDE))
    first, last = report.layers[-1].hulls[0]

    assert (first == 8 * torch.arange(SIDE // 8).numpy()).all()
    assert (last == first + 7).all()
    assert report.layers[-1].unit(5, 6).footprint.boxes() == [((40, 47), (48, 55))]


@pytest.mark.slow
def test_a_chain_of_ten_thousand_layers() -> None:
    convs = [nn.Conv2d(1, 1, 3, padding=1, device="meta") for _ in range(10_000)]

    layer = inspect(nn.Sequential(*convs), (1, 16, 16)).layers[-1]

    assert layer.field.size == (20_001, 20_001)
    assert layer.unit(0, 0).footprint.count == 256


@pytest.mark.parametrize("layers", [50])
def test_every_layer_reading_all_before_it(layers: int) -> None:
    report = inspect(without_memory(Dense, layers), (2, 16, 16))

    assert report.layers[-1].field.size == (2 * layers + 1,) * 2
