"""Images are brought to what the network was trained on: a run's own images, a library's, or what a user says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import eyeshot
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.errors import UsageError
from eyeshot.measure.images import Normalisation, images_of, usual
from eyeshot.measure.subject import subject
from eyeshot.train import data, loop
from tests.train import small


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    dataset = small.dataset(32)
    loop.run(small.recipe(dataset, budget="1ep"), small.net, dataset, folder)
    return folder / "checkpoint.pt"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    Image.fromarray(np.full((8, 8), 51, np.uint8)).save(tmp_path / "dark.png")
    return tmp_path


def test_a_run_s_normalisation_travels_with_its_weights(trained: Path, pictures: Path) -> None:
    dataset = small.dataset(32)

    measured = eyeshot.effective(
        small.net(), "0", source="weights", weights=trained, images=pictures, input_shape=(1, 8, 8)
    )

    words = f"mean {dataset.mean[0]:.3g}, deviation {dataset.std[0]:.3g} (as {trained} was trained)"
    assert words in measured.origin.inputs


@pytest.mark.parametrize("way", ["crop", "stretch", "pad"])
def test_pictures_come_to_their_size_as_those_did_that_a_run_was_trained_on(way: str, tmp_path: Path) -> None:
    photos, run = tmp_path / "photos", tmp_path / "run"
    draw = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (photos / name).mkdir(parents=True)
        for number in range(12):
            wide = draw.integers(0, 256, size=(9, 20), dtype=np.uint8)
            Image.fromarray(wide).save(photos / name / f"{number}.png")
    spec = data.at_size(str(photos), f"8:{way}")
    dataset = data.load(spec)
    loop.run(replace(small.recipe(dataset, budget="1ep"), data=spec), small.net, dataset, run)

    measured = subject(small.net(), (1, 8, 8), source="weights", weights=run / "checkpoint.pt")
    images = images_of(photos, (1, 8, 8), measured.prepare, normalisation=measured.normalisation)

    shown = images.take(range(36), 0)
    trained = np.concatenate([dataset.train_images, dataset.test_images]) / 255
    scaled = (trained - dataset.mean[0]) / dataset.std[0]
    assert sorted(map(np.sum, shown)) == pytest.approx(sorted(map(np.sum, scaled)), rel=1e-4, abs=1e-3)
    assert {"crop": "middle 8×8", "stretch": "stretched", "pad": "black around up to 8×8"}[way] in images.words


def test_a_run_s_weights_are_measured_on_the_data_set_it_was_tested_on(tmp_path: Path) -> None:
    dataset = data.load("sample")
    few = replace(dataset, train_images=dataset.train_images[:64], train_labels=dataset.train_labels[:64])
    net = partial(build, network_named("C3s4-4 G F10", few.shape))
    loop.run(replace(small.recipe(few, budget="1ep"), data="sample"), net, few, tmp_path)

    measured = eyeshot.effective("C3s4-4 G F10", weights=tmp_path / "checkpoint.pt", limit=5)

    assert measured.origin.source == "weights"
    assert measured.origin.inputs == f"5 test images of sample, normalised as {tmp_path}/checkpoint.pt was trained"


def test_images_that_only_a_checkpoint_names_are_not_read_before_the_user_says_so(trained: Path) -> None:
    with pytest.raises(UsageError, match=r"checkpoint.pt was trained on small; give its images by that name, or other"):
        eyeshot.effective(small.net(), "0", weights=trained)


def test_what_the_user_says_comes_before_what_a_run_says(trained: Path, pictures: Path) -> None:
    measured = eyeshot.effective(
        small.net(),
        "0",
        source="weights",
        weights=trained,
        images=pictures,
        mean=[0.1],
        std=[0.4],
        input_shape=(1, 8, 8),
    )

    assert "mean 0.1, deviation 0.4 (by the mean and std given)" in measured.origin.inputs


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_shifted_by_the_mean_and_divided_by_the_deviation(pictures: Path, channels: int) -> None:
    by = Normalisation(mean=(0.1,), std=(0.4,), whose="mine")
    shape = (channels, 8, 8)

    pixels = images_of(str(pictures), shape, lambda: usual(shape), normalisation=by).take([0], 0)

    assert pixels == pytest.approx(np.full((1, *shape), (0.2 - 0.1) / 0.4))


def test_a_data_set_is_normalised_so_too() -> None:
    by = Normalisation(mean=(0.5,), std=(0.25,), whose="mine")

    images = images_of("sample", (1, 28, 28), lambda: usual((1, 28, 28)), 3, by)

    assert images.words == "3 test images of sample, normalised mine"
    assert images.take([0, 1, 2], 0).min() == -2


@pytest.mark.parametrize(("mean", "std"), [((0.5, 0.5), (0.2, 0.2)), ((0.5,), (0.0,)), ((0.5,), (0.1, 0.1))])
def test_numbers_for_other_channels_are_refused(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="needed is one each, or 3 for the channels; deviations more than 0"):
        Normalisation(mean=mean, std=std, whose="mine").of(3)
