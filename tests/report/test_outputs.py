"""The outputs of detectors, pyramids and segmenters: what each sees, in which steps, from where on, around what."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor, nn

import eyeshot
from eyeshot.report.outputs import outputs_table
from eyeshot.report.table import Row
from eyeshot.report.verdict import on_one


class Pyramid(nn.Module):
    """Two maps, the second behind a pool; sizes, starts and centres by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.pool = nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2)
        self.fine, self.coarse = nn.Conv2d(4, 2, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.stem(x)
        return {"fine": self.fine(x), "coarse": self.coarse(self.pool(x))}


def _rows(report: Any) -> list[tuple[str, ...]]:
    table = outputs_table(report)
    assert table is not None
    return [row.cells for row in table.rows if isinstance(row, Row)]


def test_each_output_has_its_map_field_step_start_and_centre() -> None:
    report = eyeshot.inspect(Pyramid(), (3, 32, 32))

    assert _rows(report) == [
        ("fine", "2×32×32", "5×5", "", "1", "−2", "0"),
        ("coarse", "2×16×16", "8×8", "", "2", "−3", "0.5"),
    ]
    assert on_one(report).startswith("Of the outputs fine sees 5×5 and coarse sees 8×8.")


def test_a_classifier_has_no_such_table() -> None:
    report = eyeshot.inspect("alexnet")

    assert outputs_table(report) is None
    assert on_one(report).startswith("The last convolution, conv5, sees 163×163")


def test_the_output_is_told_and_not_a_shortcut_before_it() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c1, self.c2 = nn.Conv2d(4, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1)
            self.shortcut = nn.Conv2d(4, 8, 1, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.c2(self.c1(x).relu()) + self.shortcut(x)
            return out

    assert on_one(eyeshot.inspect(Block(), (4, 32, 32))).startswith("The output, add, sees 7×7:")


def test_gates_stand_beside_the_data_path() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.InstanceNorm2d(4), nn.Conv2d(4, 4, 3, padding=1))
    ((_, _, sees, along_data, _, start, _),) = _rows(eyeshot.inspect(module, (3, 32, 32)))

    assert (along_data, start) == ("5×5", "−2")
    assert sees != along_data


@pytest.mark.parametrize(
    ("design", "shape", "layer", "centre"),
    [
        ("C5p0-8 P2 C5p0-8 P2 C5p0-8 P2", (3, 800, 800), "pool3", 17.5),
        ("C10s5p0-8 C3s2p0-8 C3s2p0-8 C3s2p0-8 C3s2p0-8 C2s2p0-8 C2s2p0-8", (1, 31440), "conv7", 199.5),
    ],
)
def test_unit_0_is_centred_as_by_hand(design: str, shape: tuple[int, ...], layer: str, centre: float) -> None:
    """The second is wav2vec 2.0's encoder: frame t is centred at 320 t + 199.5 samples."""
    assert eyeshot.inspect(design, shape)[layer].field.centre == (centre,) * (len(shape) - 1)
