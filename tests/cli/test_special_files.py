"""What is no file is refused at once and by name, wherever a file is asked for: nothing waits for a pipe."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyeshot.errors import DataError, EyeshotError, ReadError, UsageError
from eyeshot.measure.images import Folder, usual
from eyeshot.opening import opened, what_is_at
from eyeshot.read.onnx.reader import read_file as read_file_of_onnx
from eyeshot.read.pretrained import load_weights
from eyeshot.report.files import check_new, read_file
from eyeshot.tile.images import image, images_at
from eyeshot.train import data, idx
from eyeshot.train.folder import read_image
from tests.cli.conftest import Eyeshot

SOURCE = str(Path(__file__).parent.parent.parent / "src")
Make = Callable[[Path], None]
SECONDS = 60  # a pipe would wait for ever; a busy machine may take ten


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket has some hundred characters at most
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(path.name)
    os.chdir(here)


KINDS: dict[str, tuple[Make, str]] = {
    "pipe": (os.mkfifo, "a named pipe"),
    "device": (_device, "a device"),
    "loop": (_loop, "a link that leads to itself|symbolic links"),
    "socket": (_socket, "a socket"),
}


@pytest.fixture(params=KINDS)
def special(request: pytest.FixtureRequest) -> tuple[Make, str]:
    return KINDS[request.param]


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """A test that waits for a pipe is one that failed."""
    import faulthandler

    faulthandler.dump_traceback_later(SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def _classes(folder: Path) -> None:
    for name in ("cats", "dogs"):
        (folder / name).mkdir(parents=True)
        for i in range(2):
            pixels = np.random.default_rng(len(name) + i + ord(name[0])).integers(0, 255, (8, 8), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


def test_only_a_plain_file_is_opened(special: tuple[Make, str], tmp_path: Path) -> None:
    make, words = special
    make(tmp_path / "it")

    with pytest.raises(OSError, match=words):
        opened(tmp_path / "it")
    (tmp_path / "file").write_bytes(b"here")
    with opened(tmp_path / "file") as file:
        assert file.read() == b"here"
    assert what_is_at(tmp_path / "nowhere") == what_is_at(Path("a\0b")) == "nothing"


@pytest.mark.parametrize(
    ("name", "kind", "use"),
    [
        ("it.json", UsageError, read_file),
        ("it.png", DataError, lambda path: read_image(path, "RGB")),
        ("it.png", DataError, lambda path: Folder(path.parent, usual((3, 8, 8)))),
        ("it", DataError, lambda path: Folder(path, usual((3, 8, 8)))),
        ("it", DataError, lambda path: data.load(str(path))),
        ("cats/it.png", DataError, lambda path: data.load(str(path.parent.parent))),
        ("train-images-idx3-ubyte", DataError, lambda path: idx.read(path, axes=3)),
        ("train-images-idx3-ubyte.gz", DataError, lambda path: idx.read(path, axes=3)),
        ("train-images-idx3-ubyte.xz", DataError, lambda path: idx.read(path, axes=3)),
        ("it.pt", ReadError, lambda path: load_weights(__import__("torch").nn.Linear(1, 1), path)),
        ("it.safetensors", ReadError, lambda path: load_weights(__import__("torch").nn.Linear(1, 1), path)),
        ("it.onnx", ReadError, read_file_of_onnx),
        ("it.npy", DataError, images_at),
        ("it.npy", DataError, lambda path: image(images_at(path.parent)[0])),
        ("it.svg", UsageError, lambda path: check_new(path, force=True)),
    ],
)
def test_what_is_no_file_is_named(
    name: str, kind: type[EyeshotError], use: Callable[[Path], object], special: tuple[Make, str], tmp_path: Path
) -> None:
    make, words = special
    _classes(tmp_path)
    make(tmp_path / name)

    with pytest.raises(kind, match=words) as caught:
        use(tmp_path / name)

    assert str(tmp_path / name) in str(caught.value)


def test_a_link_in_a_circle_is_no_class(tmp_path: Path) -> None:
    _classes(tmp_path)
    _loop(tmp_path / "birds")

    with pytest.raises(DataError, match="birds: a link that leads to itself"):
        data.load(str(tmp_path))


@pytest.mark.parametrize(
    "words",
    [
        ["show", "{}.py:make"],
        ["show", "{}.py"],
        ["report", "C3-8", "--input", "3x8x8", "-o", "page.html", "--image", "{}.png"],
        ["report", "C3-8", "--input", "3x8x8", "-o", "page.html", "--effective", "{}.json"],
        ["effective", "C3-8", "--input", "3x8x8", "--source", "init", "--images", "{}"],
        ["effective", "C3-8", "--input", "1x28x28", "--source", "weights", "--images", "sample", "--weights", "{}.pt"],
        ["compare", "C3-8", "C5-8", "--train", "--data", "{}"],
    ],
    ids=lambda words: f"{words[0]} {words[-2].strip('-')}",
)
def test_a_command_refuses_at_once(words: list[str], tmp_path: Path) -> None:
    for ending in ("", ".py", ".png", ".json", ".pt"):
        os.mkfifo(tmp_path / f"it{ending}")

    command = [sys.executable, "-m", "eyeshot", *(word.format("it") for word in words)]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=2 * SECONDS, check=False
    )

    assert result.returncode in (2, 3)
    assert "Traceback" not in result.stderr
    assert words[-1].partition(":")[0].format("it") in result.stderr
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("ending", ["png", "jpeg", "gif", "webp"])
def test_a_picture_that_does_not_decode_is_refused_before_the_page_is_made(
    ending: str, eyeshot: Eyeshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, page = tmp_path / f"picture.{ending}", tmp_path / "page.html"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(picture)
    whole = picture.read_bytes()
    command = ("report", "C3-8", "--input", "3x8x8", "-o", str(page), "--image", str(picture))

    picture.write_bytes(whole[: len(whole) // 2])
    with monkeypatch.context() as patch:
        patch.setattr("eyeshot.cli.report.inspected", lambda *args, **more: pytest.fail("it was read for nothing"))
        refused = eyeshot(*command)

    assert refused.exit_code == 2
    assert f"{picture}: the picture cannot be decoded" in refused.stderr
    assert not page.exists()
    picture.write_bytes(whole)
    assert eyeshot(*command).exit_code == 0


def test_pictures_of_all_folders_are_asked_for_before_any_is_read(tmp_path: Path) -> None:
    _classes(tmp_path)
    shutil.copytree(tmp_path / "cats", tmp_path / "cats" / "more")
    os.mkfifo(tmp_path / "cats" / "more" / "z.png")

    with pytest.raises(DataError, match=r"z\.png: a named pipe"):
        Folder(tmp_path, usual((1, 8, 8)))
