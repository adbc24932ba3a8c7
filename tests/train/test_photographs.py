"""Pieces of a photograph that Matplotlib ships, of many sizes, saved in all ways that cameras and people save them.

Four classes, the quarters of the photograph; with a size all are read, upright and in colour, and what cannot be is
named.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import small
from PIL import Image
from torch import nn

from eyeshot.errors import DataError
from eyeshot.train import data, loop
from eyeshot.train.dataset import Dataset

PHOTOGRAPH = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
TURNED = 6
"""EXIF's word for a camera that was held on its side: what is stored has to be turned right by a quarter."""
ORIENTATION = 274
PIECES = 30
"""Of each quarter."""


def plain(piece: Image.Image, path: Path) -> None:
    piece.save(path.with_suffix(".png"))


def as_jpeg(piece: Image.Image, path: Path) -> None:
    piece.save(path.with_suffix(".jpg"), quality=95, subsampling=0)


def grey(piece: Image.Image, path: Path) -> None:
    piece.convert("L").save(path.with_suffix(".png"))


def transparent(piece: Image.Image, path: Path) -> None:
    """With a left half that lets the background through."""
    opaque = np.full((piece.height, piece.width), 255, np.uint8)
    opaque[:, : piece.width // 2] = 0
    piece.putalpha(Image.fromarray(opaque))
    piece.save(path.with_suffix(".png"))


def deep(piece: Image.Image, path: Path) -> None:
    """Grey with 16 bits a pixel, as microscopes save it."""
    values = np.asarray(piece.convert("L")).astype(np.uint16) * 257
    Image.fromarray(values).save(path.with_suffix(".tif"))


def turned(piece: Image.Image, path: Path) -> None:
    """Stored on its side, with the note that it has to be turned back."""
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    stored = piece.transpose(Image.Transpose.ROTATE_90)  # to the left
    stored.save(path.with_suffix(".jpg"), quality=95, subsampling=0, exif=exif)


def of_few_colours(piece: Image.Image, path: Path) -> None:
    piece.quantize(64).save(path.with_suffix(".png"))


WAYS = (plain, as_jpeg, grey, transparent, deep, turned, of_few_colours)


@pytest.fixture(scope="module")
def quarters() -> dict[str, list[Image.Image]]:
    """Pieces of at least 32 pixels, none as high as it is wide but by chance."""
    photograph, draw = Image.open(PHOTOGRAPH).convert("RGB"), np.random.default_rng(0)
    half = photograph.width // 2, photograph.height // 2
    pieces: dict[str, list[Image.Image]] = {}
    for name, left, top in (("flag", 0, 0), ("sky", half[0], 0), ("arm", 0, half[1]), ("badge", *half)):
        for _ in range(PIECES):
            width, height = draw.integers(32, 97, size=2)
            x, y = left + draw.integers(half[0] - width), top + draw.integers(half[1] - height)
            pieces.setdefault(name, []).append(photograph.crop((x, y, x + width, y + height)))
    return pieces


@pytest.fixture
def folder(tmp_path: Path, quarters: dict[str, list[Image.Image]]) -> Path:
    """Class folders in which each piece is saved in one of the ways."""
    for name, pieces in quarters.items():
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number, piece in enumerate(pieces):
            WAYS[number % len(WAYS)](piece.copy(), tmp_path / "photographs" / name / f"{number:02}")
    return tmp_path / "photographs"


def read(folder: Path) -> Dataset:
    return data.load(data.at_size(str(folder), 32))


def middle(piece: Image.Image) -> Any:
    """The largest square in a piece's middle at 32 × 32, by Pillow's box filter; (3, 32, 32)."""
    side = min(piece.size)
    left, top = (piece.width - side) / 2, (piece.height - side) / 2
    square = piece.resize((32, 32), Image.Resampling.BOX, box=(left, top, left + side, top + side))
    return np.asarray(square).astype(float).transpose(2, 0, 1)


def blocks(image: Any) -> Any:
    return image.reshape(3, 8, 4, 8, 4).mean((2, 4))


def over_white(piece: Image.Image) -> Image.Image:
    image = piece.copy()
    image.paste("white", (0, 0, piece.width // 2, piece.height))
    return image


def in_grey(piece: Image.Image) -> Image.Image:
    return piece.convert("L").convert("RGB")


SHOWN: dict[Callable[..., None], Callable[[Image.Image], Image.Image]] = {
    transparent: over_white,
    grey: in_grey,
    deep: in_grey,
}
"""What is seen of a piece that was saved in such a way; all others show the piece itself."""


def test_every_picture_is_read_as_one_sees_it(folder: Path, quarters: dict[str, list[Image.Image]]) -> None:
    found = read(folder)

    assert found.classes == ("arm", "badge", "flag", "sky")
    assert found.shape == (3, 32, 32)
    assert len(found.train_images) + len(found.test_images) == 4 * PIECES
    apart: dict[str, list[float]] = {}
    for label, name in enumerate(found.classes):
        kept = iter(found.train_images[found.train_labels == label])
        tested = iter(found.test_images[found.test_labels == label])
        for number, piece in enumerate(quarters[name]):
            way = WAYS[number % len(WAYS)]
            image = next(tested if number % 6 == 5 else kept)
            expected = middle(SHOWN.get(way, lambda same: same)(piece))
            apart.setdefault(way.__name__, []).append(np.abs(blocks(image) - blocks(expected)).mean())
    # Filters and roundings of half a pixel differ, but not by much over four pixels by four: what is read on its side
    # is off by 24 in the middle.
    assert {name: float(np.median(each)) for name, each in apart.items() if np.median(each) >= 4} == {}
    assert max(map(max, apart.values())) < 20


def test_all_that_cannot_be_read_is_named_at_once_and_the_rest_is_whole(folder: Path) -> None:
    whole = read(folder)
    jpegs = sorted(folder.glob("flag/*.jpg"))
    broken = {
        folder / "flag" / "90.jpg": jpegs[0].read_bytes()[:-200],  # a copy that broke off
        folder / "sky" / "91.png": b"\x89PNG\r\n\x1a\n" + bytes(range(200)),
        folder / "sky" / "92.jpg": b"",
        folder / "arm" / "93.txt": b"not a picture",
    }
    for path, content in broken.items():
        path.write_bytes(content)

    with pytest.raises(DataError, match=r"photographs: 4 of 124 files cannot be used") as refused:
        read(folder)

    for path in broken:
        (line,) = (line for line in str(refused.value).splitlines() if str(path) in line)
        assert "cannot be read as an image (" in line
        path.unlink()
    assert read(folder).fingerprint == whole.fingerprint


def test_of_very_many_that_cannot_be_read_their_number_is_told(folder: Path) -> None:
    for number in range(30):
        (folder / "sky" / f"x{number}.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"30 of 150 files cannot be used.*\n(  .*x\d+.png.*\n){20}  and 10 more$"):
        read(folder)


def test_a_network_learns_the_quarters(folder: Path, tmp_path: Path) -> None:
    """Well above the quarter that guesses score."""
    images = read(folder)

    def net() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(),
                             nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 4))  # fmt: skip

    record = loop.run(small.recipe(images, budget="20ep"), net, images, tmp_path / "run")

    assert record.answers is not None
    assert record.score > 50
