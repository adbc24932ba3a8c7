"""Wrong layers, units, images and weights: one clear message each, and what can be read is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import eyeshot
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.errors import DataError, EyeshotError, ReadError, UsageError
from eyeshot.measure.images import Folder, Preparation, images_of, prepared, usual

NET = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
SHAPE = (3, 16, 16)


def on(images: object, **settings: object) -> object:
    settings = {"source": "weights", "input_shape": SHAPE} | settings
    return eyeshot.effective(NET, "2", images=images, **settings)  # type: ignore[arg-type]


def photograph(path: Path, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Path:
    pixels = np.random.Generator(np.random.PCG64(1)).integers(0, 255, (size[1], size[0], 4), dtype=np.uint8)
    image = Image.fromarray(pixels, "RGBA") if mode in ("RGBA", "LA") else Image.fromarray(pixels[..., :3])
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 256)
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if mode == "I;16" else image.convert(mode)).save(path)
    return path


def test_images_of_any_size_and_mode_in_folders_of_any_depth(tmp_path: Path) -> None:
    photograph(tmp_path / "a.png", (40, 30))
    photograph(tmp_path / "b.JPG", (9, 70))
    photograph(tmp_path / "deep" / "er" / "c.png", (17, 16), "L")
    photograph(tmp_path / "d.png", mode="RGBA")
    photograph(tmp_path / "e.tiff", mode="CMYK")
    photograph(tmp_path / "f.png", mode="P")
    photograph(tmp_path / "g.png", mode="1")
    photograph(tmp_path / "h.png", mode="LA")
    photograph(tmp_path / "i.png", mode="I;16")
    (tmp_path / "README.txt").write_text("no image")

    found = on(tmp_path)

    assert found.origin.images == 9  # type: ignore[attr-defined]
    assert "shorter side to 16" in found.origin.inputs  # type: ignore[attr-defined]


def test_sixteen_bits_are_scaled_and_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 32768, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (8, 8), (9, 9, 9, 0)).save(tmp_path / "clear.png")
    as_is = Preparation(size=(8, 8), resize=8, mean=(0.0,), std=(1.0,))

    assert prepared(tmp_path / "deep.png", as_is) == pytest.approx(np.full((1, 8, 8), 128 / 255), abs=1e-6)
    assert prepared(tmp_path / "clear.png", as_is) == pytest.approx(np.ones((1, 8, 8)))


def test_the_shorter_side_is_resized_and_the_middle_cut_out(tmp_path: Path) -> None:
    pixels = np.zeros((10, 30, 3), dtype=np.uint8)
    pixels[:, 10:20] = 255
    Image.fromarray(pixels).save(tmp_path / "stripe.png")
    preparation = Preparation(size=(10, 10), resize=10, mean=(0.5,) * 3, std=(0.5,) * 3)

    np.testing.assert_array_equal(prepared(tmp_path / "stripe.png", preparation), np.ones((3, 10, 10)))


def test_limit_takes_a_choice_that_does_not_change(tmp_path: Path) -> None:
    for i in range(12):
        photograph(tmp_path / f"{i}.png", (20 + i, 20))

    three, again = (Folder(tmp_path, usual(SHAPE), 3) for _ in range(2))

    assert len(three) == 3
    assert three.fingerprint == again.fingerprint != Folder(tmp_path, usual(SHAPE), 4).fingerprint


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: p / "none", DataError, "nothing there; give a folder of images"),
        (lambda p: p, DataError, "holds no images"),
        (lambda p: (p / "a.png").write_bytes(b"not a picture") and p, DataError, r"a\.png: cannot be read as an image"),
        (lambda p: np.zeros((2, 1, 16, 16)), DataError, r"an array of 2×1×16×16; needed is \(images, 3, 16, 16\)"),
        (lambda p: np.zeros((0, 3, 16, 16)), DataError, "an array of 0×3×16×16"),
        (lambda p: "sample", DataError, "images of sample are 1×28×28, and this network takes 3×16×16"),
        (lambda p: object(), UsageError, "a folder, a data set or an array"),
        (lambda p: None, UsageError, "source weights measures on images"),
    ],
)
def test_images_that_cannot_be_used(make: object, error: type[EyeshotError], message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        on(make(tmp_path))  # type: ignore[operator]


def test_a_cut_off_image_is_named(tmp_path: Path) -> None:
    path = photograph(tmp_path / "a.png", (300, 300))
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(DataError, match=r"a\.png: cannot be read as an image"):
        on(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": (16, 0)}, r"has 16×16 units, counted from 0; there is none at 16,0"),
        ({"unit": (1, 2, 3)}, "takes 2 indices"),
        ({"unit": "middle"}, "takes centre, all or the unit's indices"),
        ({"channel": 4}, "has 4 channels, counted from 0; there is none at 4"),
        ({"channel": "most"}, "takes mixed, sum or an index"),
        ({"measure": "cubed"}, "measure 'cubed': needed is one of abs"),
        ({"precision": 2.0}, r"precision 2.0: needed is between 0 and 1"),
        ({"device": "abacus"}, "--device abacus: PyTorch cannot use it"),
        ({"source": "guess"}, "source 'guess': needed is density, paths, init or weights"),
        ({"source": "init", "weights": "a.pt"}, "source init draws its own"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        on(torch.randn(2, *SHAPE), **settings)


def test_layers_that_are_not_there_or_not_modules_of_their_own() -> None:
    with pytest.raises(UsageError, match="has no layer 'conv9'; did you mean"):
        eyeshot.effective("C3-4 C3-4", "conv9", source="init", input_shape=SHAPE)
    with pytest.raises(UsageError, match="'input' is the input"):
        eyeshot.effective("C3-4 C3-4", "input", input_shape=SHAPE)


def test_weights_from_files(tmp_path: Path) -> None:
    module = build(network_named("C3-4 C3-4", SHAPE))
    torch.save(module.state_dict(), tmp_path / "plain.pt")
    torch.save({"module": module.state_dict(), "epoch": 3}, tmp_path / "run.pt")
    torch.save({"w": torch.ones(3)}, tmp_path / "other.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "broken.pt").write_bytes(b"no")

    def with_weights(name: str) -> object:
        return eyeshot.effective(
            "C3-4 C3-4", source="weights", weights=tmp_path / name, images=torch.ones(2, *SHAPE), input_shape=SHAPE
        )

    maps = [with_weights(name).map for name in ("plain.pt", "run.pt")]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(*maps)
    for name, message in (
        ("other.pt", r"has no 'conv1\.weight'"),
        ("list.pt", "holds no state dict"),
        ("broken.pt", r"broken\.pt: cannot be read as weights"),
        ("absent.pt", r"absent\.pt: cannot be read as weights"),
    ):
        with pytest.raises(ReadError, match=message):
            with_weights(name)
    with pytest.raises(UsageError, match="a design has no weights of its own"):
        eyeshot.effective("C3-4", source="weights", images=torch.ones(2, *SHAPE), input_shape=SHAPE)


@pytest.mark.parametrize("model", ["torchvision:resnet18", "timm:convnext_tiny"])
def test_pretrained_weights_are_never_downloaded(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(ReadError, match=r"no trained weights of it on this machine .* nothing is downloaded"):
        eyeshot.effective(model, source="weights", images=torch.ones(1, 3, 224, 224))


def test_pretrained_weights_that_are_here_are_used_with_their_own_preparation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyeshot.read.pretrained import _torchvision_weights, drawn_module

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(3)
    path = next(iter(_torchvision_weights("squeezenet1_1").values()))
    path.parent.mkdir(parents=True)
    torch.save(drawn_module("torchvision:squeezenet1_1").state_dict(), path)
    photograph(tmp_path / "images" / "a.png", (300, 260))

    found = eyeshot.effective("torchvision:squeezenet1_1", "features.0", source="weights", images=tmp_path / "images")

    assert "torchvision's IMAGENET1K_V1" in found.origin.weights
    assert "shorter side to 256, middle 224×224" in found.origin.inputs
    assert found.map.shape == (3, 3)


def test_a_module_with_weights_of_its_own_cannot_be_drawn_anew() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.scale = nn.Conv2d(3, 4, 3), nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x) * self.scale

    with pytest.raises(UsageError, match="scale of Scaled: nothing says how this weight is drawn"):
        eyeshot.effective(Scaled(), "conv", source="init", input_shape=SHAPE)


def test_a_unit_that_nothing_of_the_image_reaches() -> None:
    with pytest.raises(UsageError, match="nothing of the image reaches this unit"):
        eyeshot.effective("C1p4-4", unit=(0, 0), input_shape=SHAPE)


def test_images_of_networks_that_take_no_pictures() -> None:
    with pytest.raises(UsageError, match="pictures have 1 or 3 channels and two axes, and this network takes 1×40"):
        images_of("folder", (1, 40), lambda: usual((1, 40)))
