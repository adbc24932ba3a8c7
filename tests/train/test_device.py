"""What trains: chosen, named, and the same images wherever they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small
import torch

from eyeshot.errors import UsageError
from eyeshot.train import batches, device
from eyeshot.train.device import device_for, precision_for
from eyeshot.train.loop import run
from eyeshot.train.recipe import Options, Recipe

DATA = small.dataset()
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def test_the_processor_is_what_a_plan_need_not_name() -> None:
    assert device_for("cpu") is None
    assert "device" not in Options().to_json()


@pytest.mark.parametrize(("there", "chosen"), [([], None), (["cuda"], "cuda"), (["mps"], "mps")])
def test_the_fastest_there_is_is_chosen(monkeypatch: pytest.MonkeyPatch, there: list[str], chosen: str | None) -> None:
    monkeypatch.setattr(device, "_may_have_gpu", lambda: True)
    monkeypatch.setattr(device, "_present", lambda: there)

    assert device_for(None) == device_for("auto") == chosen


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"device cuda: PyTorch finds none here; there is .*cpu"):
        device_for("cuda")
    with pytest.raises(UsageError, match="device cuda: PyTorch finds none here"):
        run(small.recipe(DATA, device="cuda"), small.net, DATA, tmp_path)
    with pytest.raises(UsageError, match="device 'tpu': needed is auto, cpu, cuda or mps"):
        device_for("tpu")


@pytest.mark.parametrize(
    ("told", "precision"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_bf16\n", "bf16"),
        ("Features\t: fp asimd bf16\n", "bf16"),
        ("model name\t: bf16\nflags\t\t: fpu avx2 avx512f\n", "fp32"),
        (None, "fp32"),
    ],
)
def test_half_the_digits_are_for_processors_that_say_they_have_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str | None, precision: str
) -> None:
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    monkeypatch.setattr(device, "Path", lambda name: tmp_path / Path(name).name)

    assert precision_for(None) == precision
    assert precision_for("mps") == "fp32"


def test_a_recipe_s_device_is_kept_with_it() -> None:
    recipe = small.recipe(DATA, device="cuda")

    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe != small.recipe(DATA)


def test_images_are_moved_mirrored_and_scaled_where_they_are() -> None:
    """On PyTorch's device without numbers every step can be taken, so none goes by the processor."""
    there = torch.device("meta")
    drawn = batches.batches(
        batches.Labelled.on(there, DATA.train_images, DATA.train_labels),
        Options(augment="shift+flip"),
        seed=0,
        epoch=0,
        count=96,
        normalise=batches.Normaliser(DATA, there),
    )

    for pixels, labels in drawn:
        assert (pixels.device.type, labels.device.type) == ("meta", "meta")
        assert pixels.shape[1:] == DATA.train_images.shape[1:]
        assert pixels.dtype is torch.float32


@needs_gpu
@pytest.mark.parametrize("options", [{}, {"augment": "shift+flip"}, {"precision": "bf16"}], ids=str)
def test_a_gpu_learns_what_the_processor_learns_and_repeats_itself(tmp_path: Path, options: dict[str, str]) -> None:
    recipe = small.recipe(DATA, budget="8ep", device="cuda", **options)

    first = run(recipe, small.net, DATA, tmp_path / "first")
    again = run(recipe, small.net, DATA, tmp_path / "again")
    processor = run(small.recipe(DATA, budget="8ep", **options), small.net, DATA, tmp_path / "cpu")

    assert first.numbers == again.numbers
    assert np.isclose(first.score, processor.score, atol=10)
