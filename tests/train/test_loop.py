"""Training repeats itself, goes on where it was stopped, and hides nothing."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
import torch
from numpy.typing import NDArray
from torch import nn

from eyeshot.errors import DataError, MissingExtraError, RunError, UsageError
from eyeshot.train import batches
from eyeshot.train.dataset import Dataset
from eyeshot.train.loop import Progress, run
from eyeshot.train.recipe import Options, Recipe
from eyeshot.train.record import Answers, Record

DATA = small.dataset()


class Stopped(Exception):  # noqa: N818  # it plays a kill, which is no error
    """What a test raises in the midst of training."""


def stop_in(epoch: int) -> Any:
    def on_progress(progress: Progress) -> None:
        if progress.epoch == epoch and progress.accuracy is not None:
            raise Stopped

    return on_progress


def test_it_learns(tmp_path: Path) -> None:
    record = run(small.recipe(DATA, budget="8ep"), small.net, DATA, tmp_path)

    assert record.score > 80
    assert record.images == 8 * 96
    assert record.images_per_second > 0
    assert [score.epoch for score in record.scores] == list(range(1, 9))


@pytest.mark.parametrize("options", [{}, {"augment": "shift"}, {"precision": "bf16"}], ids=str)
def test_the_same_recipe_gives_the_same_numbers(tmp_path: Path, options: dict[str, Any]) -> None:
    recipe = small.recipe(DATA, **options)

    one = run(recipe, small.net, DATA, tmp_path / "1")
    two = run(recipe, small.net, DATA, tmp_path / "2")

    assert one.numbers == two.numbers


def test_another_seed_gives_other_numbers(tmp_path: Path) -> None:
    one = run(small.recipe(DATA, seed=1), small.net, DATA, tmp_path / "1")
    two = run(small.recipe(DATA, seed=2), small.net, DATA, tmp_path / "2")

    assert one.weights != two.weights


@pytest.mark.parametrize("budget", ["4ep", "300img", "330000mac"])
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_resumed_run_ends_as_an_undisturbed_one(tmp_path: Path, budget: str, epoch: int) -> None:
    recipe = small.recipe(DATA, budget=budget, augment="shift")
    whole = run(recipe, small.net, DATA, tmp_path / "whole")

    with pytest.raises(Stopped):
        run(recipe, small.net, DATA, tmp_path / "broken", on_progress=stop_in(epoch))
    notices: list[str] = []
    resumed = run(recipe, small.net, DATA, tmp_path / "broken", notice=notices.append)

    assert notices == []
    assert resumed.numbers == whole.numbers
    assert resumed.scores[0].seconds != whole.scores[0].seconds


def test_a_finished_run_is_read_and_not_repeated(tmp_path: Path) -> None:
    recipe = small.recipe(DATA)
    record = run(recipe, small.net, DATA, tmp_path)

    def never() -> nn.Module:
        raise AssertionError("trained again")

    assert run(recipe, never, DATA, tmp_path) == record


@pytest.mark.parametrize(
    ("budget", "images"), [("100img", [96, 100]), ("1.5ep", [96, 144]), ("97000mac", [96, 97]), ("5img", [5])]
)
def test_a_budget_is_met_to_the_image(tmp_path: Path, budget: str, images: list[int]) -> None:
    record = run(small.recipe(DATA, budget=budget), small.net, DATA, tmp_path)

    assert [score.images for score in record.scores] == images


def test_a_budget_of_seconds_ends_in_time_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    recipe = small.recipe(DATA, budget="0.3s")

    with pytest.raises(Stopped):
        run(recipe, small.net, DATA, tmp_path, on_progress=stop_in(2))
    spent = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["state"]["seconds"]
    record = run(recipe, small.net, DATA, tmp_path)

    assert 0 < spent < 0.3
    assert 0.3 <= record.seconds < 0.6


def test_every_arm_sees_the_same_images_whatever_its_budget_and_batch() -> None:
    normalise = batches.Normaliser(DATA)

    def seen(count: int, **options: Any) -> torch.Tensor:
        parts = batches.batches(
            _on_processor(DATA), Options(augment="shift", **options), seed=3, epoch=1, count=count, normalise=normalise
        )
        return torch.cat([pixels for pixels, _ in parts])

    assert torch.equal(seen(96, batch_size=16)[:50], seen(50, batch_size=7))
    assert not torch.equal(seen(96)[:50], DATA_IN_ORDER(normalise)[:50])


def DATA_IN_ORDER(normalise: batches.Normaliser) -> torch.Tensor:  # noqa: N802  # a constant in all but cost
    return normalise(_on_processor(DATA).images)


def _on_processor(data: Dataset) -> batches.Labelled:
    return batches.Labelled.on(torch.device("cpu"), data.train_images, data.train_labels)


def _drawn(data: Dataset, augment: Any, *, seed: int = 0, epoch: int = 0) -> NDArray[Any]:
    """The pixels of an epoch as they are given, in their order."""
    parts = batches.batches(
        _on_processor(data),
        Options(augment=augment),
        seed=seed,
        epoch=epoch,
        count=len(data.train_images),
        normalise=lambda images: images,
    )
    return torch.cat([pixels for pixels, _ in parts]).numpy()


def test_normalised_images_have_mean_0_and_deviation_1() -> None:
    pixels = batches.Normaliser(DATA)(_on_processor(DATA).images)

    assert abs(float(pixels.mean())) < 1e-5
    assert abs(float(pixels.std(correction=0)) - 1) < 1e-5


def test_a_shift_moves_and_fills_with_black() -> None:
    image = torch.arange(1, 10, dtype=torch.uint8).reshape(1, 1, 3, 3)

    moved = batches.shifted(image, torch.tensor([[1, 3]]))

    assert moved[0, 0].tolist() == [[0, 0, 0], [2, 3, 0], [5, 6, 0]]


def test_every_shift_of_up_to_two_pixels_either_way_is_drawn() -> None:
    """One white pixel in the middle of each image tells how far it was moved."""
    pixels = np.zeros((400, 1, 9, 9), dtype=np.uint8)
    pixels[:, :, 4, 4] = 255
    data = dataclasses.replace(DATA, train_images=pixels, train_labels=np.arange(400) % 3)

    moved = np.argwhere(_drawn(data, "shift")[:, 0] == 255)[:, 1:] - 4

    assert {tuple(way) for way in moved.tolist()} == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}


def _flipped(augment: Any, *, seed: int, epochs: int) -> list[list[bool]]:
    """For each epoch, which images came mirrored: each has one white pixel on its left, and its number in the next."""
    pixels = np.zeros((200, 1, 4, 6), dtype=np.uint8)
    pixels[:, :, 1, 0], pixels[:, 0, 2, 1], pixels[:, 0, 2, 4] = 255, np.arange(200), np.arange(200)
    data = dataclasses.replace(DATA, train_images=pixels, train_labels=np.arange(200) % 3)
    told = []
    for epoch in range(epochs):
        images = _drawn(data, augment, seed=seed, epoch=epoch)
        told.append([bool(image[0, 1, -1]) for image in images[np.argsort(images[:, 0, 2, 1])]])
    return told


def test_a_flip_mirrors_about_half_of_the_images_and_others_in_the_next_epoch() -> None:
    first, second = _flipped("flip", seed=3, epochs=2)

    assert 70 < sum(first) < 130
    assert 70 < sum(a != b for a, b in zip(first, second, strict=True)) < 130


def test_alternating_flips_show_every_image_both_ways_in_two_epochs() -> None:
    first, second, third = _flipped("alternating-flip", seed=3, epochs=3)

    assert 70 < sum(first) < 130
    assert [not each for each in first] == second
    assert third == first
    assert first != _flipped("alternating-flip", seed=4, epochs=1)[0]


def test_images_are_moved_alike_with_and_without_flips() -> None:
    def row_of_the_pixel(augment: Any) -> list[int]:
        pixels = np.zeros((100, 1, 9, 9), dtype=np.uint8)
        pixels[:, :, 4, 4] = 255
        data = dataclasses.replace(DATA, train_images=pixels, train_labels=np.arange(100) % 3)
        return [int(row) for row in np.argwhere(_drawn(data, augment)[:, 0] == 255)[:, 1]]

    assert row_of_the_pixel("shift") == row_of_the_pixel("shift+flip") == row_of_the_pixel("shift+alternating-flip")


def test_the_gradient_s_norm_is_clipped_before_each_step(tmp_path: Path) -> None:
    """Plain descent moves by rate times gradient: as far as the clip allows at most, and farther without one."""

    def moved_in_one_step(clip: float) -> float:
        recipe = small.recipe(
            DATA, budget="16img", clip=clip, learning_rate=1.0, momentum=0.0, weight_decay=0.0, warm_up=0.0
        )
        nets: list[nn.Module] = []

        def net() -> nn.Module:
            nets.append(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))
            starts.append(torch.cat([p.detach().clone().flatten() for p in nets[-1].parameters()]))
            return nets[-1]

        starts: list[torch.Tensor] = []
        run(recipe, net, DATA, tmp_path / str(clip))
        ends = torch.cat([p.detach().flatten() for p in nets[-1].parameters()])
        return float((ends - starts[-1]).norm())

    assert moved_in_one_step(clip=0.01) == pytest.approx(0.01, rel=1e-3)
    assert moved_in_one_step(clip=0.0) > 0.1


def test_a_run_that_diverges_says_so(tmp_path: Path) -> None:
    recipe = small.recipe(DATA, learning_rate=1e30, clip=0.0)

    record = run(recipe, partial(small.net, dropout=0.0), DATA, tmp_path)

    assert record.is_diverged
    assert record.images < 3 * 96
    assert json.loads((tmp_path / "record.json").read_text())["scores"][-1]["loss"] is None
    assert run(recipe, small.net, DATA, tmp_path).numbers == record.numbers


def test_a_record_reads_back(tmp_path: Path) -> None:
    record = run(small.recipe(DATA), small.net, DATA, tmp_path)

    assert Record.from_json(json.loads((tmp_path / "record.json").read_text())) == record
    assert {"python", "torch", "numpy", "eyeshot", "platform", "threads"} <= set(record.versions)


def test_the_images_that_are_kept_as_right_are_those_that_the_network_puts_in_their_class(tmp_path: Path) -> None:
    record = run(small.recipe(DATA), small.net, DATA, tmp_path)
    net = small.net()
    net.load_state_dict(torch.load(tmp_path / "checkpoint.pt", weights_only=True)["module"])
    with torch.no_grad():
        logits = net.eval()(batches.Normaliser(DATA)(torch.from_numpy(DATA.test_images)))
    labels = torch.from_numpy(DATA.test_labels)

    assert record.answers is not None
    assert record.answers.right.tolist() == (logits.argmax(1) == labels).tolist()
    assert record.answers.accuracy == record.score
    assert record.answers.chance == pytest.approx(100 / 3)
    assert record.scores[-1].test_loss == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), rel=1e-5)


def test_a_run_stopped_before_its_record_is_tested_anew_with_the_same_outcome(tmp_path: Path) -> None:
    recipe = small.recipe(DATA)
    record = run(recipe, small.net, DATA, tmp_path)
    (tmp_path / "record.json").unlink()

    assert run(recipe, small.net, DATA, tmp_path) == record


def test_a_record_of_an_older_version_reads_without_images(tmp_path: Path) -> None:
    values = run(small.recipe(DATA), small.net, DATA, tmp_path).to_json()
    values |= {"schema": "eyeshot.record/2", "scores": [without(score, "test_loss") for score in values["scores"]]}

    record = Record.from_json(without(values, "answers"))

    assert record.answers is None
    assert record.score == values["score"]


def without(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {each: value for each, value in values.items() if each != key}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"right": ""}, "0 bytes do not tell of 60 test images"),
        ({"images": 59}, "8 bytes do not tell of 59 test images"),
        ({"right": "AAAAAAAAAAA="}, "is not that of its test images, which is 0.0"),
        ({"right": "*"}, "not in base64"),
        ({"chance": 0.0}, "chance 0.0 cannot be"),
    ],
    ids=str,
)
def test_images_that_do_not_fit_their_score_are_refused(changes: Any, message: str, tmp_path: Path) -> None:
    values = run(small.recipe(DATA, budget="96img"), small.net, DATA, tmp_path).to_json()
    right = Answers(images=60, bits=b"\xff" * 7 + b"\xf0", chance=50.0).to_json()
    scores = [score | {"accuracy": 100.0} for score in values["scores"]]

    with pytest.raises(ValueError, match=message):
        Record.from_json(values | {"score": 100.0, "scores": scores, "answers": right | changes})


def test_which_of_10_000_images_are_right_takes_two_kilobytes() -> None:
    right = np.random.default_rng(0).random(10_000) < 0.9
    kept = Answers.of(right, chance=10.0)

    assert len(kept.bits) == 1250
    assert len(json.dumps(kept.to_json())) < 2000
    assert Answers.from_json(kept.to_json()).right.tolist() == right.tolist()


def test_a_recipe_reads_back() -> None:
    recipe = small.recipe(DATA, budget="2e6img", augment="shift")

    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_settings_of_pytorch_are_put_back(tmp_path: Path) -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()

    run(small.recipe(DATA, budget="20img"), small.net, DATA, tmp_path)

    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_the_directory_of_another_recipe_is_refused(tmp_path: Path) -> None:
    run(small.recipe(DATA, budget="20img"), small.net, DATA, tmp_path)

    with pytest.raises(
        UsageError, match=r"another recipe \(seed: 1 there, 2 here; options.batch_size: 16 there, 8 here\)"
    ):
        run(small.recipe(DATA, budget="20img", seed=2, batch_size=8), small.net, DATA, tmp_path)


def test_other_images_than_planned_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="have changed since the study was planned"):
        run(small.recipe(small.dataset(90)), small.net, DATA, tmp_path)


def test_a_network_that_ends_with_a_global_average_is_trained_as_one_whose_map_is_flattened(tmp_path: Path) -> None:
    def averaged(*last: nn.Module) -> nn.Module:
        classes = len(DATA.classes)
        return nn.Sequential(nn.Conv2d(DATA.shape[0], classes, 3), nn.AdaptiveAvgPool2d(1), *last)

    record = run(small.recipe(DATA), averaged, DATA, tmp_path / "1")

    assert record.numbers == run(small.recipe(DATA), partial(averaged, nn.Flatten()), DATA, tmp_path / "2").numbers


def test_outputs_that_do_not_fit_the_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"arm 'net' gives \(16, 7\) for 16 images of 1×8×8, while small has 3 classes"
    ):
        run(small.recipe(DATA), partial(small.net, outputs=7), DATA, tmp_path)


def test_a_network_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"arm 'net' fails on images of 1×8×8: .*channels"):
        run(small.recipe(DATA), partial(nn.Conv2d, 3, 4, 1), DATA, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("batch_size", 0, "1 or more"),
        ("learning_rate", -1, "a number more than 0"),
        ("momentum", 1, "from 0 to less than 1"),
        ("warm_up", 1, "from 0 to less than 1"),
        ("weight_decay", -1, "0 or more"),
        ("clip", -1, "0 or more"),
        ("augment", "rotate", "'none', 'shift', "),
        ("threads", 0, "1 or more"),
        ("precision", "fp8", "'fp32' or 'bf16'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(name: str, value: Any, needed: str) -> None:
    with pytest.raises(UsageError, match=f"{name} {value!r}: needed is {needed}"):
        Options(**{name: value})


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="seed -1: needed is 0 or more"):
        small.recipe(DATA, seed=-1)


def test_the_rate_rises_and_falls() -> None:
    options = Options(learning_rate=0.1, warm_up=0.2)

    rates = [options.rate(spent / 10) for spent in range(11)]

    assert max(rates) == rates[2] == 0.1
    assert 0 < rates[0] < rates[1]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[10] == pytest.approx(0)


def test_a_missing_torch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "eyeshot.train.loop")

    with pytest.raises(MissingExtraError, match=r"training needs torch.*pip install 'eyeshot\[train\]'"):
        importlib.import_module("eyeshot.train.loop")
