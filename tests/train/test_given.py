"""Images that the user's own code gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeshot.errors import DataError, EyeshotError, ReadError, UsageError
from eyeshot.train import data

SETS = """
import numpy as np
import torch
from PIL import Image

class Dots(torch.utils.data.Dataset):
    classes = ["left", "right"]

    def __init__(self, count, kind):
        self.count, self.kind = count, kind

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        pixels = np.zeros((6, 8), dtype=np.uint8)
        pixels[i % 6, (i % 2) * 7] = 51
        image = {
            "array": pixels,
            "picture": Image.fromarray(pixels),
            "bytes": torch.from_numpy(pixels)[None],
            "numbers": torch.from_numpy(pixels)[None] / 255,
        }[self.kind]
        return image, i % 2

def dots(kind="array", train=8, test=4):
    return Dots(train, kind), Dots(test, kind)

def named():
    return {"train": Dots(8, "array"), "test": Dots(4, "array")}

def pairs(image, label=0, test_label=None):
    other = label if test_label is None else test_label
    return [(image, 0), (image, label)], [(image, other)]

def normalised():
    return pairs(torch.full((1, 4, 4), -1.0), 1)

def deep():
    return pairs(np.full((4, 4), 300, dtype=np.uint16), 1)

def wide():
    return pairs(np.zeros((4, 4, 7), dtype=np.uint8), 1)

def uneven():
    return [(np.zeros((4, 4), np.uint8), 0), (np.zeros((4, 5), np.uint8), 1)], [(np.zeros((4, 4), np.uint8), 0)]

def apart():
    return pairs(np.zeros((4, 4), np.uint8), 1)[0], [(np.zeros((5, 5), np.uint8), 0)]

def one_class():
    return pairs(np.zeros((4, 4), np.uint8), 0)

def untrained():
    return pairs(np.zeros((4, 4), np.uint8), 1, test_label=5)

def one_hot():
    return [(np.zeros((4, 4), np.uint8), [0, 1])], [(np.zeros((4, 4), np.uint8), [0, 1])]

def empty():
    return [], []

def alone():
    return Dots(4, "array")

def breaking():
    class Broken(Dots):
        def __getitem__(self, i):
            raise KeyError("no such picture")
    return Broken(4, "array"), Broken(4, "array")
"""


@pytest.fixture
def sets(tmp_path: Path) -> str:
    path = tmp_path / "sets.py"
    path.write_text(SETS)
    return str(path)


@pytest.mark.parametrize("kind", ["array", "picture", "bytes", "numbers"])
def test_a_factory_s_images_are_bytes_however_it_gives_them(sets: str, kind: str) -> None:
    found = data.load(f"{sets}:dots?kind={kind}&train=10")

    assert found.shape == (1, 6, 8)
    assert found.classes == ("left", "right")
    assert (len(found.train_images), len(found.test_images)) == (10, 4)
    assert [int(image.argmax()) for image in found.train_images] == [i % 6 * 8 + i % 2 * 7 for i in range(10)]
    assert found.train_images.max() == 51
    assert np.array_equal(found.test_labels, [0, 1, 0, 1])


def test_the_same_images_have_one_fingerprint(sets: str) -> None:
    assert data.load(f"{sets}:named").fingerprint == data.load(f"{sets}:dots").fingerprint


@pytest.mark.parametrize(
    ("factory", "error", "text"),
    [
        (
            "normalised",
            DataError,
            r"train image 0: holds float32 from -1.0 to -1.0; needed are bytes, or numbers from 0",
        ),
        ("deep", DataError, r"train image 0: holds uint16 from 300 to 300"),
        ("wide", DataError, r"train image 0: is 7×4×4; needed is a picture of 1 or 3 channels"),
        ("uneven", DataError, r"train image 1: is 1×4×5, while the first is 1×4×4"),
        ("apart", DataError, r"train images are 1×4×4, test images 1×5×5"),
        ("one_class", DataError, r"one class only"),
        ("untrained", DataError, r"class 5 is tested and has no train image"),
        ("one_hot", DataError, r"train image 0: its class is \[0, 1\]; needed is a number"),
        ("empty", DataError, r"train: holds no images"),
        ("alone", DataError, r"gives Dots; needed are two sets"),
        ("breaking", ReadError, r"train image 0: cannot be got: .*sets.py:69: KeyError: 'no such picture'"),
        ("absent", ReadError, r"has no 'absent'"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(
    sets: str, factory: str, error: type[EyeshotError], text: str
) -> None:
    with pytest.raises(error, match=text):
        data.load(f"{sets}:{factory}")


def test_a_size_is_for_folders_of_pictures(sets: str) -> None:
    with pytest.raises(UsageError, match=r"let .*sets.py:dots give its images at that size"):
        data.at_size(f"{sets}:dots", "32")
