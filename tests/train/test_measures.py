"""What is measured beside accuracy is what its source says, and is taken once, of the network as it was trained."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
import torch
from torch import nn

from eyeshot.errors import RunError, UsageError
from eyeshot.train import probes as of_layers
from eyeshot.train import tested as under_test
from eyeshot.train.batches import Labelled
from eyeshot.train.directory import record_in, write_sealed
from eyeshot.train.loop import run
from eyeshot.train.measures import (
    MEASURES,
    NAMES,
    calibration,
    effective,
    loss,
    measure_of,
    measures_named,
    position,
    probes,
    seams,
    seconds,
    shift,
    taken,
)
from eyeshot.train.record import Record

DATA = small.dataset()
REPEATABLE = ("loss", "calibration", "shift")
PARTED = ("probes", "position", "effective")


class Says(nn.Module):
    """Class 0 with one confidence, whatever the image."""

    def __init__(self, confidence: float) -> None:
        super().__init__()
        self.scores = torch.log(torch.tensor([confidence, 1 - confidence]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scores.expand(len(x), 2)


class Looks(nn.Module):
    """Class 1 where some pixels are bright: those of one place, or any."""

    def __init__(self, *place: int) -> None:
        super().__init__()
        self.place = place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x[:, 0, *self.place] if self.place else x.amax((1, 2, 3))
        return torch.stack([0.5 - bright, bright - 0.5], 1)


def on_test(module: nn.Module, images: Any, labels: Any) -> under_test.Tested:
    there = Labelled(torch.as_tensor(images, dtype=torch.uint8), torch.as_tensor(labels))
    return under_test.Tested(module, there, lambda pixels: pixels / 255)


def points(size: int, count: int = 40) -> torch.Tensor:
    """Black images with one white pixel in the middle."""
    images = torch.zeros(count, 1, size, size)
    images[:, :, size // 2, size // 2] = 255
    return images


@pytest.mark.parametrize(("confidence", "error"), [(0.75, 0), (0.95, 20), (0.6, 15)])
def test_calibration_is_how_far_confidence_is_from_accuracy(confidence: float, error: float) -> None:
    """Three in four images are right, so whoever says 75 % is calibrated."""
    always = on_test(Says(confidence), torch.zeros(40, 1, 2, 2), [0, 0, 0, 1] * 10)

    assert calibration(always) == pytest.approx(error, abs=1e-5)


def test_calibration_is_told_apart_by_confidence() -> None:
    """One half says 90 % and is right always, the other 60 % and is right half the time: 10 points off, both."""

    class Unsure(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            shares = torch.where(x[:, :1, 0, 0] > 0.5, 0.9, 0.6)
            return torch.log(torch.cat([shares, 1 - shares], 1))

    images = torch.zeros(40, 1, 2, 2)
    images[:20] = 255
    labels = [0] * 20 + [0, 1] * 10

    assert calibration(on_test(Unsure(), images, labels)) == pytest.approx(10, abs=1e-5)


def test_loss_is_the_mean_cross_entropy() -> None:
    always = on_test(Says(0.75), torch.zeros(1200, 1, 2, 2), [0, 0, 0, 1] * 300)

    assert loss(always) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


def test_what_ignores_position_is_consistent_and_what_looks_at_one_place_is_not() -> None:
    labels = [0] * 40

    assert shift(on_test(Looks(), points(13), labels)) == 100
    assert shift(on_test(Says(0.9), points(13), labels)) == 100
    assert shift(on_test(Looks(6, 6), points(13), labels)) == 0


@pytest.mark.parametrize(("size", "reach"), [(5, 1), (28, 2), (50, 4)])
def test_an_image_moves_by_up_to_8_percent_of_its_side(size: int, reach: int) -> None:
    """Of all moves but none at all, one brings the white pixel to each place around the middle."""
    count, middle = 4000, size // 2
    seen = {
        (y, x): 100 - shift(on_test(Looks(middle + y, middle + x), points(size, count), [0] * count))
        for y, x in [(0, reach), (reach, -reach), (0, reach + 1)]
    }

    often = 100 / ((2 * reach + 1) ** 2 - 1)
    assert seen[0, reach] == pytest.approx(often, rel=0.3)
    assert seen[reach, -reach] == pytest.approx(often, rel=0.3)
    assert seen[0, reach + 1] == 0


class Forgets(nn.Module):
    """A layer that keeps the image, one that forgets it, and one that reads both."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.keeps, self.forgets = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1)
        self.reads = nn.Linear(2, 2)
        nn.init.zeros_(self.forgets.weight)
        nn.init.constant_(self.keeps.weight, 0.7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = self.keeps(x)
        return self.reads((self.forgets(kept) + 0 * kept).mean((2, 3)))


def test_a_linear_classifier_tells_what_a_layer_keeps_and_no_more() -> None:
    """Half of the images have a bright pixel in one corner, half in another: only where it is tells them apart."""
    images, labels = torch.zeros(60, 1, 6, 6), torch.arange(60) % 2
    images[labels == 0, :, 0, 0] = 255
    images[labels == 1, :, 5, 5] = 255
    tested = dataclasses.replace(on_test(Forgets(6), images, labels), train=Labelled(images.byte(), labels))

    assert probes(tested) == {"keeps": 100, "forgets": 50, "reads": 50}


@pytest.mark.parametrize("features", [3, 90])
def test_a_probe_is_the_ridge_regression_that_least_squares_solves(features: int) -> None:
    """With fewer features than images, and with more."""
    draw = torch.Generator().manual_seed(1)
    x, asked = (torch.randn(40, features, generator=draw, dtype=torch.float64) for _ in range(2))
    classes, right = (torch.randint(0, 3, (40,), generator=draw) for _ in range(2))

    centred, wanted = x - x.mean(0), nn.functional.one_hot(classes, 3).double()
    ridge = (1e-3 * float(centred.square().mean()) * 40) ** 0.5
    rows = torch.cat([centred, ridge * torch.eye(features)])
    weights = torch.linalg.lstsq(rows, torch.cat([wanted - wanted.mean(0), torch.zeros(features, 3)])).solution
    answers = ((asked - x.mean(0)) @ weights + wanted.mean(0)).argmax(1)

    assert of_layers.told(x, classes, asked, right) == pytest.approx(100 * float((answers == right).double().mean()))


def test_the_effective_field_is_that_of_the_last_map_before_and_after() -> None:
    """A row of n equal weights has variance (n² − 1) / 12; a map of one unit is none."""

    def net(size: int) -> nn.Module:
        last = nn.Conv2d(1, 1, size, padding=size // 2)
        nn.init.ones_(last.weight)
        return nn.Sequential(last, nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 2, 1), nn.Flatten())

    tested = dataclasses.replace(on_test(net(5), points(13), [0] * 40), make=lambda: net(3))
    blind = dataclasses.replace(on_test(nn.Sequential(nn.Flatten()), points(13), [0] * 40), make=nn.Flatten)

    assert effective(tested) == {"before": pytest.approx((8 / 12) ** 0.5), "after": pytest.approx(2**0.5)}
    assert taken(["effective"], blind) == {"effective/before": None, "effective/after": None}


def noise(count: int, size: int = 12) -> torch.Tensor:
    """Images of which every pixel is drawn alike."""
    return torch.randint(0, 256, (count, 1, size, size), generator=torch.Generator().manual_seed(3))


def test_a_units_place_is_told_from_borders_of_zeros_and_from_nothing_where_the_map_has_no_border() -> None:
    """A 3×3 mean over ones tells the first and the last row from all others; over what wraps around it tells none."""

    def net(padding: str) -> nn.Module:
        mean = nn.Conv2d(1, 2, 3, padding=1, padding_mode=padding)
        nn.init.ones_(mean.weight)
        return nn.Sequential(mean, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    white, images = torch.full((40, 1, 12, 12), 255), noise(200)
    bright, labels = on_test(net("zeros"), white, [0] * 40), [0] * 200
    chance = 100 / 12

    # the corners' columns say the same as rows at the border, so that it is not told for sure which it is
    assert 1.5 * chance < position(bright)["0"] < 3 * chance
    assert position(on_test(net("zeros"), images, labels))["0"] > 1.3 * chance
    assert position(on_test(net("circular"), images, labels))["0"] == pytest.approx(chance, abs=1.5)


def test_images_that_say_where_a_row_is_are_moved_around_until_they_do_not() -> None:
    """White above and black below: a unit that gives the pixel itself knows nothing then."""
    seen = nn.Sequential(nn.Conv2d(1, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    images = torch.zeros(200, 1, 12, 12)
    images[:, :, :6] = 255

    assert position(on_test(seen, images, [0] * 200))["0"] == pytest.approx(100 / 12, abs=1.5)


@pytest.mark.parametrize(("norm", "shows"), [(nn.Identity, False), (nn.BatchNorm2d, False), (nn.InstanceNorm2d, True)])
@pytest.mark.parametrize("side", [24, 27])
def test_tiles_meet_without_a_step_where_units_see_the_data_path_alone(
    norm: type[nn.Module], shows: bool, side: int
) -> None:
    torch.manual_seed(0)
    body = [nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), norm(4), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1)]
    size = 6 if side == 24 else 7
    tested = on_test(nn.Sequential(*body, nn.Flatten(), nn.Linear(4 * size * size, 2)), noise(20, side), [0] * 20)

    step = seams(tested)

    assert step > 1 if shows else step < 1e-3


def test_a_map_of_one_unit_and_a_net_without_convolution_have_no_tiles() -> None:
    for net in (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 2, 1), nn.Flatten()), nn.Flatten()):
        assert math.isnan(seams(on_test(net, points(12), [0] * 40)))


def test_a_pass_takes_time() -> None:
    assert 0 < seconds(on_test(Looks(), points(13), [0] * 40)) < 1


def test_of_a_broken_network_there_is_no_number_and_no_answer_stays() -> None:
    broken = on_test(Says(math.nan), points(13), [0] * 40)

    assert taken(REPEATABLE, broken) == {"loss": None, "calibration": None, "shift": 0}


def test_a_measure_that_there_is_not_is_refused_with_those_there_are(tmp_path: Path) -> None:
    assert measures_named(["shift", "accuracy", "loss", "shift"]) == ("loss", "shift")
    with pytest.raises(UsageError, match="no measure 'sharpness'; there are accuracy, loss, calibration, shift, seco"):
        run(small.recipe(DATA), small.net, DATA, tmp_path, measures=["sharpness"])
    assert set(NAMES) == {"accuracy", *MEASURES}


class Stopped(Exception):  # noqa: N818  # it plays a kill, which is no error
    """What a test raises once training is over."""


def test_measured_at_once_after_a_stop_or_later_the_numbers_are_the_same(tmp_path: Path) -> None:
    recipe = small.recipe(DATA, budget="2ep")

    def stop(progress: Any) -> None:
        if progress.spent == 1 and progress.accuracy is not None:
            raise Stopped

    def never(progress: Any) -> None:
        raise AssertionError("trained again")

    every = (*REPEATABLE, *PARTED, "seams")
    at_once = run(recipe, small.net, DATA, tmp_path / "1", measures=every)
    with pytest.raises(Stopped):
        run(recipe, small.net, DATA, tmp_path / "2", stop, measures=REPEATABLE)
    resumed = run(recipe, small.net, DATA, tmp_path / "2", measures=every)
    run(recipe, small.net, DATA, tmp_path / "3", measures=["shift"])
    later = run(recipe, small.net, DATA, tmp_path / "3", never, measures=[*every, "seconds"])

    assert at_once.numbers == resumed.numbers == later.numbers
    assert at_once.measures["loss"] == at_once.scores[-1].test_loss
    assert set(map(measure_of, later.measures)) == set(MEASURES)
    assert record_in(tmp_path / "3") == later


def test_what_cannot_be_measured_any_more_is_told_and_kept(tmp_path: Path) -> None:
    recipe = small.recipe(DATA, budget="1ep")
    record = run(recipe, small.net, DATA, tmp_path / "1")
    other = run(small.recipe(DATA, budget="1ep", seed=2), small.net, DATA, tmp_path / "2")
    write_sealed(tmp_path / "2" / "record.json", {**other.to_json(), "weights": record.weights})
    (tmp_path / "1" / "checkpoint.pt").unlink()

    with pytest.raises(RunError, match=r"cannot be measured any more \(No such file.*leave the measure out, or delete"):
        run(recipe, small.net, DATA, tmp_path / "1", measures=["loss"])
    with pytest.raises(RunError, match=r"its weights are not those of the record"):
        run(other.recipe, small.net, DATA, tmp_path / "2", measures=["loss"])
    assert run(recipe, small.net, DATA, tmp_path / "1") == record


def test_records_without_measures_and_with_those_of_later_versions_are_read(tmp_path: Path) -> None:
    record = run(small.recipe(DATA, budget="1ep"), small.net, DATA, tmp_path, measures=["shift"])
    values = json.loads(json.dumps(record.to_json()))

    later = Record.from_json({**values, "measures": {**values["measures"], "sharpness": 3.0}})
    earlier = Record.from_json({key: value for key, value in values.items() if key != "measures"})

    assert later == record
    assert earlier.measures == {}
    assert not earlier.has(["shift"])
    with pytest.raises(ValueError, match=r"shift -1\.0 cannot be"):
        Record.from_json({**values, "measures": {"shift": -1.0}})


def test_moves_are_those_of_every_arm_and_seed() -> None:
    """Networks that look at neighbouring places disagree on no image about how it was moved."""
    count = 400
    every = [
        on_test(Looks(6 + y, 6 + x), points(13, count), [0] * count)
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
        if (y, x) != (0, 0)
    ]

    assert sum(100 - shift(each) for each in every) == pytest.approx(100)
    assert np.ptp([shift(every[0]) for _ in range(2)]) == 0
