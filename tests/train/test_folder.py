"""Folders of class folders are read as stored, or the file at fault is named."""

from __future__ import annotations

import os
import re
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from eyeshot.errors import DataError, MissingExtraError, UsageError
from eyeshot.train import data
from eyeshot.train.dataset import Dataset

NO_IMAGE = r"cannot be read as an image \(neither PNG, JPEG, BMP, PPM, WEBP nor TIFF, or damaged at its beginning\)"


def picture(path: Path, value: int, size: tuple[int, int] = (6, 5), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(value)
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = draw.integers(0, 256, size=(size[1], size[0], *channels), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(14):
        picture(tmp_path / "things" / ("cat" if number < 7 else "dog") / f"{number:02}.png", number)
    return tmp_path / "things"


def test_every_sixth_image_of_a_class_is_for_testing(folder: Path) -> None:
    found = data.load(str(folder))

    assert (found.name, found.classes, found.shape) == ("things", ("cat", "dog"), (1, 5, 6))
    assert found.train_labels.tolist() == [0] * 6 + [1] * 6
    assert found.test_labels.tolist() == [0, 1]
    assert (found.test_images[1, 0] == np.asarray(Image.open(folder / "dog" / "12.png"))).all()


def test_a_given_split_is_kept(folder: Path) -> None:
    for part, first in (("train", 20), ("test", 40)):
        for number in range(first, first + 6):
            picture(folder / "split" / part / str(number % 2) / f"{number}.png", number, mode="RGB")

    found = data.load(str(folder / "split"))

    assert found.shape == (3, 5, 6)
    assert len(found.train_images) == len(found.test_images) == 6


def test_two_readings_give_one_fingerprint(folder: Path) -> None:
    assert data.load(str(folder)).fingerprint == data.load(str(folder)).fingerprint


def test_the_system_s_own_files_do_not_count(folder: Path) -> None:
    before = data.load(str(folder)).fingerprint
    (folder / "cat" / ".DS_Store").write_bytes(b"system")
    (folder / "README.txt").write_text("my pictures")

    assert data.load(str(folder)).fingerprint == before


def _truncated(folder: Path) -> None:
    path = folder / "dog" / "09.png"
    path.write_bytes(path.read_bytes()[:-30])


def _text(folder: Path) -> None:
    (folder / "dog" / "notes.txt").write_text("not a picture")


def _empty_file(folder: Path) -> None:
    (folder / "dog" / "09.png").write_bytes(b"")


def _other_size(folder: Path) -> None:
    picture(folder / "dog" / "09.png", 9, size=(7, 5))


def _other_mode(folder: Path) -> None:
    picture(folder / "dog" / "09.png", 9, mode="RGB")


def _transparent(folder: Path) -> None:
    picture(folder / "dog" / "09.png", 9, mode="RGBA")


def _animated(folder: Path) -> None:
    frames = [Image.fromarray(np.full((5, 6), value, dtype=np.uint8)) for value in (0, 90)]
    frames[0].save(folder / "dog" / "09.png", save_all=True, append_images=frames[1:])


def _gif(folder: Path) -> None:
    picture(folder / "dog" / "09.gif", 9)


def _empty_class(folder: Path) -> None:
    (folder / "fish").mkdir()


def _single(folder: Path) -> None:
    picture(folder / "fish" / "1.png", 99)


def _one_class(folder: Path) -> None:
    for path in (folder / "dog").iterdir():
        path.unlink()
    (folder / "dog").rmdir()


def _nested(folder: Path) -> None:
    (folder / "dog" / "more").mkdir()


def _linked(folder: Path) -> None:
    picture(folder.parent / "outside.png", 70)
    (folder / "dog" / "20.png").symlink_to(folder.parent / "outside.png")


def _linked_class(folder: Path) -> None:
    picture(folder.parent / "elsewhere" / "1.png", 70)
    (folder / "fish").symlink_to(folder.parent / "elsewhere")


def _twice(folder: Path) -> None:
    (folder / "dog" / "20.png").write_bytes((folder / "cat" / "03.png").read_bytes())


def _script(folder: Path) -> None:
    (folder / "dog" / "09.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 5\n")


def _half_split(folder: Path) -> None:
    picture(folder / "train" / "cat" / "1.png", 50)


def _uneven_split(folder: Path) -> None:
    for name in ("train/a/1", "train/b/2", "test/a/3", "test/c/4"):
        picture(folder / f"{name}.png", 60)


def _bomb(folder: Path) -> None:
    """A PNG whose header promises 20,000 × 20,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">2I5B", 20_000, 20_000, 8, 0, 0, 0, 0)
    (folder / "dog" / "09.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_truncated, r"dog/09.png: cannot be read as an image \(.*\); replace or remove it"),
        (_text, rf"dog/notes.txt: {NO_IMAGE}"),
        (_empty_file, rf"dog/09.png: {NO_IMAGE}"),
        (_script, rf"dog/09.png: {NO_IMAGE}"),
        (_gif, rf"dog/09.gif: {NO_IMAGE}; save it as one of these, or remove it"),
        (_bomb, r"dog/09.png: cannot be read as an image \(.*decompression bomb"),
        (
            _other_size,
            r"dog/09.png: 5 pixels high and 7 wide in grey, while .*cat/00.png is 5 pixels high and 6 wide in grey;"
            r".*--size 5x6 \(size = \"5x6\" in a file\) makes them so",
        ),
        (_other_mode, r"dog/09.png: 5 pixels high and 6 wide in colour, while .* wide in grey"),
        (
            _transparent,
            r"dog/09.png: 5 pixels high and 6 wide in mode RGBA, while .* in grey; .* without transparency: --size",
        ),
        (_animated, r"dog/09.png: 2 pictures in one file"),
        (_empty_class, r"fish: an empty class; add images or delete the folder"),
        (_single, r"fish: one image only; a class needs one to train and one to test"),
        (_one_class, r"things: 1 class folder \(cat\); needed are two or more"),
        (_nested, r"dog/more: not a file; a class folder holds images only"),
        (_linked, r"dog/20.png: a link to .*outside.png, outside .*things"),
        (_linked_class, r"fish: a link to .*elsewhere, outside .*things"),
        (_twice, r"dog/20.png: the same picture as .*cat/03.png in another class"),
        (_half_split, r"things: has train/ with class folders and no such test/"),
        (_uneven_split, r"things: class 'b' is in only one of train/ and test/"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder)

    with pytest.raises(DataError, match=message):
        data.load(str(folder))


def test_of_images_of_many_sizes_it_is_told_once_with_the_size_that_most_have(folder: Path) -> None:
    for number in range(14):
        place = folder / ("cat" if number < 7 else "dog") / f"{number:02}.png"
        picture(place, number, size=(23, 40) if number % 3 == 1 else (30 + number, 9), mode="RGBA")
    picture(folder / "cat" / "grey.png", 80)
    broken = [folder / "dog" / f"9{number}.png" for number in range(2)]

    with pytest.raises(DataError) as unlike:
        data.load(str(folder))
    for path in broken:
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"things: 2 of 17 files cannot be used:\n") as both:
        data.load(str(folder))

    first, *named = str(unlike.value).splitlines()
    assert re.search(r"things: 14 of 15 images are unlike .*cat/grey.png, which is 5 pixels high and 6 wide", first)
    assert re.findall(r"--size (\w+)", str(unlike.value)) == ["40x23"]
    assert [line.rpartition("/")[2] for line in named[:1]] == ["00.png: 9 pixels high and 30 wide in mode RGBA"]
    assert named[3:] == ["  and 11 more"]
    assert all(str(path) in str(both.value) for path in broken)
    assert str(both.value).endswith(str(unlike.value))


def test_images_that_do_not_fit_into_memory_are_read_no_further(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "dog" / "09.png").write_bytes(b"")  # is not come to
    monkeypatch.setattr(os, "sysconf", lambda name: 10)

    with pytest.raises(
        DataError, match=r"^\S*/things: [\d.]+ GiB once decoded, more than half of this machine's memory"
    ):
        data.load(str(folder))


def test_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0 class folders \(none\); needed are two or more"):
        data.load(str(tmp_path))


def test_a_missing_pillow_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)

    with pytest.raises(MissingExtraError, match=r"reading images needs Pillow.*pip install 'eyeshot\[train\]'"):
        data.load(str(folder))


def test_a_size_takes_pictures_of_any_size_and_mode(folder: Path) -> None:
    """The middle of the picture, and the same grey in all channels."""
    wide = np.zeros((10, 40), np.uint8)
    wide[:, 10:30] = 200
    Image.fromarray(wide).save(folder / "cat" / "wide.png")
    picture(folder / "dog" / "tall.png", 1, (9, 31), "RGB")
    picture(folder / "dog" / "clear.png", 2, (4, 4), "RGBA")

    sized = data.load(data.at_size(str(folder), "5x5"))

    assert sized.shape == (3, 5, 5)
    (last,) = (image for image in sized.train_images if (image == 200).all())
    assert last.shape == (3, 5, 5)
    assert (sized.train_images[0] == sized.train_images[0, :1]).all()
    assert data.load(data.at_size(str(folder), "5x5")).fingerprint == sized.fingerprint
    assert data.load(data.at_size(str(folder), (5, 6))).shape == (3, 5, 6)


def test_a_picture_that_is_not_square_is_cropped_stretched_or_padded_as_said(folder: Path) -> None:
    """Left white, right grey, three times as wide as high."""
    wide = np.full((10, 30), 100, np.uint8)
    wide[:, :15] = 255
    Image.fromarray(wide).save(folder / "cat" / "0.png")

    def at(size: str) -> NDArray[np.uint8]:
        return data.load(data.at_size(str(folder), size)).train_images[0, 0]

    cropped, stretched, padded = at("6"), at("6:stretch"), at("6:pad")
    assert (at("6:crop") == cropped).all()
    assert [stretched[0, 0], stretched[5, 0], stretched[0, 5]] == [255, 255, 100]
    assert (padded[:2] == 0).all()
    assert (padded[4:] == 0).all()
    assert [padded[2, 0], padded[3, 5]] == [255, 100]
    assert (cropped > 0).all()
    assert cropped[0, 0] > cropped[0, 5]
    assert data.at_size(str(folder), "6x6:crop") == data.at_size(str(folder), 6)
    with pytest.raises(UsageError, match=r"size '6:squeeze': after the colon .*: crop, stretch, pad"):
        data.at_size(str(folder), "6:squeeze")


def scans(folder: Path, bits: int) -> str:
    """Images of 16 bits that use some of them, the highest value among them, as a name with a size."""
    draw = np.random.default_rng(0)
    for number in range(40):
        path = folder / "scans" / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = draw.integers(0, 2**bits, size=(6, 6), dtype=np.uint16)
        values[0, 0] = 2**bits - 1
        Image.fromarray(values).save(path)
    return data.at_size(str(folder / "scans"), 6)


@pytest.mark.parametrize(("bits", "factor"), [(12, 16), (13, 8)])
def test_images_of_16_bits_that_use_few_of_them_are_told_of_and_stay_as_they_are(
    tmp_path: Path, bits: int, factor: int
) -> None:
    found = data.load(scans(tmp_path, bits))

    assert found.doubts[0] == (
        f"no value of the 40 images of 16 bits is above {2**bits - 1:,} of 65,535: they seem to use {bits} bits, and"
        f" come out nearly black; multiply their values by {factor} and save them again"
    )
    assert found.train_images.max() == 2 ** (bits - 8) - 1


def test_images_of_16_bits_that_use_most_of_them_are_not_told_of(tmp_path: Path) -> None:
    assert data.load(scans(tmp_path, 14)).remarks == ()


def test_images_that_are_the_same_since_all_are_black_are_told_why(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"the same picture as .*\nno value of the 40 images .* they seem to use 7 bits"
    ):
        data.load(scans(tmp_path, 7))


@pytest.mark.parametrize("size", ["x", "5x", "0x5", "5x6x7", "-5", "99999", 1.5])
def test_what_is_no_size_is_refused(size: object) -> None:
    with pytest.raises(UsageError, match=r"needed are height and width in pixels, such as 20x30, or 32 for both"):
        data.at_size("things", size)


def test_images_that_have_a_size_are_not_given_another() -> None:
    with pytest.raises(UsageError, match="the images of sample are 28x28 already"):
        data.load(data.at_size("sample", 32))
    assert data.load(data.at_size("sample", 28)).shape == (1, 28, 28)


@pytest.mark.parametrize(
    ("tested", "chance", "doubts"),
    [
        ([0, 0, 1], 2 / 3, ["only 3 test images: each is 33 points of score, so they show nothing"]),
        ([1, 1], 1.0, ["all test images are dog: they show nothing"]),
        ([0, 1] * 50, 0.5, ["only 100 test images: each is 1 points of score, so they show only large differences"]),
        ([0, 1, 1, 1] * 100, 0.75, []),
    ],
)
def test_what_chance_scores_and_what_test_images_cannot_show(
    tested: list[int], chance: float, doubts: list[str]
) -> None:
    pixels = np.zeros((len(tested), 1, 4, 4), np.uint8)
    labels = np.array(tested)

    images = Dataset(name="few", train_images=pixels[:1], train_labels=labels[:1], test_images=pixels,
                     test_labels=labels, classes=("cat", "dog"))  # fmt: skip

    assert images.chance == pytest.approx(chance)
    assert images.doubts == doubts
    assert images.words == (
        f"1 train and {len(tested)} test images of 1×4×4 in 2 classes; one answer for all scores {100 * chance:.3g} %"
    )
