"""Known faults are found with their numbers, and sound networks are told nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import eyeshot as package
from eyeshot.analyse.alignment import shifts
from eyeshot.design.advise import Finding
from eyeshot.design.rewriting import announced
from eyeshot.errors import EyeshotError, UsageError
from eyeshot.report.advice import cure, says
from tests.cli.conftest import Eyeshot
from tests.cli.conftest import eyeshot as command
from tests.moves.test_announced import UNet

__all__ = ["command"]


def findings(model: Any, shape: tuple[int, ...] | None = None, **terms: Any) -> dict[str, Finding]:
    return {finding.kind: finding for finding in reversed(package.advise(model, shape, **terms)[:])}


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("alexnet", None),
        ("vgg16", None),
        ("vgg19", None),
        ("resnet18", None),
        ("resnet50", None),
        ("resnet152", None),
        ("allcnn-c", None),
        ("patchgan", None),
        ("wavenet", None),
        ("tcn", None),
        ("torchvision:mobilenet_v2", 224),
        ("torchvision:efficientnet_b0", 224),
        ("torchvision:densenet121", 224),
        ("torchvision:inception_v3", 299),
        ("torchvision:convnext_tiny", 224),
        ("torchvision:squeezenet1_1", 224),
        ("torchvision:googlenet", 224),
    ],
)
def test_a_sound_network_at_its_own_size_is_told_nothing(model: str, size: int | None) -> None:
    assert package.advise(model, None if size is None else (3, size, size))[:] == ()


def test_so_are_networks_of_other_forms() -> None:
    along_time = nn.Sequential(nn.Conv1d(2, 8, 7, 2, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 5, padding=2))
    for model, shape in (
        (UNet(interpolated=True), (3, 64, 64)),
        (UNet(interpolated=False), (3, 64, 64)),
        (Detector(), (3, 256, 256)),
        (along_time, (2, 1000)),
        ("torchvision:mc3_18", (3, 16, 112, 112)),
        ("timm:resnetblur18", (3, 224, 224)),
        ("timm:mobilenetv4_conv_small_050", (3, 256, 256)),
    ):
        assert package.advise(model, shape)[:] == ()


@pytest.mark.parametrize(("size", "from_layer", "share"), [(32, "layer2.0.add3", 0.413), (16, "layer1.1.conv1", 0.111)])
def test_an_imagenet_stem_is_too_coarse_for_small_images(size: int, from_layer: str, share: float) -> None:
    finding = findings("resnet18", (3, size, size))["stem-too-coarse"]

    assert finding.evidence["sees_all_from"] == from_layer
    assert finding.evidence["share_of_macs"] == pytest.approx(share, abs=0.001)
    fine = {effect.move: effect for effect in finding.moves}["stem:fine"]
    after = package.rewrite("resnet18", "stem:fine", input_shape=(3, size, size)).after
    assert fine.macs[1] == after.totals.macs
    assert fine.params[1] == after.totals.params


def test_with_the_finer_stem_that_it_is_told_of_resnet_sees_all_after_86_percent() -> None:
    after = package.rewrite("resnet18", "stem:fine", input_shape=(3, 32, 32))

    assert "stem-too-coarse" not in findings(str(after.design), (3, 32, 32))


def test_ten_layers_of_vgg_at_32_pixels_are_wasted_from_conv3_3_on() -> None:
    finding = findings("vgg16", (3, 32, 32))["wasted-tail"]

    assert len(finding.layers) == finding.evidence["count"] == 10
    assert finding.layers[0] == "block3.conv3"
    assert finding.evidence["field"] == [40, 40]
    assert finding.cost == pytest.approx(0.477, abs=0.001)


def test_of_vgg_at_32_pixels_without_its_first_pool_fewer_layers_are_wasted() -> None:
    effects = {effect.move: effect for effect in findings("vgg16", (3, 32, 32))["wasted-tail"].moves}

    assert "stem:fine" not in effects  # its first convolution does not step
    after = package.rewrite("vgg16", "cut:block1.pool2", input_shape=(3, 32, 32))
    assert effects["cut:block1.pool2"].macs == (after.before.totals.macs, after.after.totals.macs)


def test_alexnet_with_alternating_pools_drops_a_row_and_a_column_behind_conv4() -> None:
    told = findings("alexnet-alternating", (3, 227, 227))

    assert package.inspect("alexnet-alternating")["conv5"].field.size == (387, 387)
    assert told["dropped-pixels"].evidence["map"] == "relu4"
    assert told["dropped-pixels"].evidence["positions"] == [1, 1]


def test_rows_that_only_repeat_others_are_missed_by_nobody() -> None:
    def blurred(size: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReflectionPad2d(1), nn.AvgPool2d(size, 2))

    assert "dropped-pixels" not in findings(blurred(3), (3, 16, 16))
    told = findings(blurred(1), (3, 16, 16))["dropped-pixels"]
    assert told.evidence["positions"] == [8, 8]
    assert told.evidence["share"] == 0.75


def test_gridding_is_told_with_its_exact_coverage_and_wang_s_remedy_is_silent() -> None:
    finding = findings("C3d2-8 C3d2-8 C3d2-8", (3, 64, 64))["gridding"]

    assert finding.evidence["along"] == [[7, 13], [7, 13]]
    assert "gridding" not in findings("C3d1-8 C3d2-8 C3d5-8", (3, 64, 64))
    assert findings("C3d1-8 C3d2-8 C3d9-8", (3, 64, 64))["gridding"].evidence["along"] == [[21, 25], [21, 25]]


@pytest.mark.parametrize(
    ("design", "size", "kind", "move"),
    [
        ("C3d2-8 C3d2-8 C3d2-8", 64, "gridding", "dilation"),
        ("C3s2-8 C4-8 C4-8", 64, "off-centre", "padding:alternate"),
        ("alexnet-alternating", 227, "dropped-pixels", "padding:covering,pool4"),
    ],
)
def test_a_fault_is_gone_after_the_move_that_it_is_told_of(design: str, size: int, kind: str, move: str) -> None:
    finding = findings(design, (3, size, size))[kind]
    assert [effect.move for effect in finding.moves] == [move]
    assert cure(finding) is None

    mended = package.rewrite(design, move, input_shape=(3, size, size))

    assert kind not in findings(str(mended.design), (3, size, size))
    assert mended.after.layers[-1].field.size == mended.before.layers[-1].field.size
    assert mended.after.totals.params == mended.before.totals.params


def test_where_no_move_mends_a_fault_it_is_told_what_would() -> None:
    for finding in findings("C1s2-8 C3-8", (3, 64, 64)).values():
        assert not finding.moves
        assert str(cure(finding)).startswith("no move mends it; what would: ")


def test_of_a_network_that_was_read_moves_are_told_without_a_command() -> None:
    advice = package.advise(package.inspect("resnet18", (3, 32, 32)).network)

    moves = [move for finding in advice.to_json()["findings"] for move in finding["moves"]]
    assert moves
    assert {move["command"] for move in moves} == {None}
    assert advice.tried == ({}, {})


def test_a_move_that_the_notation_cannot_write_is_none_of_a_design() -> None:
    design = package.inspect("resnet18", (3, 224, 224)).network

    with pytest.raises(UsageError, match="the notation has no reflect_pad"):
        announced(design, "padding:reflect")


def test_even_kernels_under_a_stride_look_off_centre() -> None:
    finding = findings("C3s2-8 C4-8 C4-8", (3, 64, 64))["off-centre"]

    assert finding.evidence["worst"] == "conv3"
    assert finding.evidence["pixels"] == [1.5, 1.5]
    assert finding.evidence["steps"] == [0.75, 0.75]


class Detector(nn.Module):
    """Three levels at strides of 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()

        def step(a: int, b: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU(), nn.Conv2d(b, b, 3, 1, 1), nn.ReLU())

        self.stem = nn.Sequential(step(3, 8), step(8, 8), step(8, 8))
        self.four, self.five = step(8, 8), step(8, 8)
        self.heads = nn.ModuleList(nn.Conv2d(8, 6, 1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        three = self.stem(x)
        four = self.four(three)
        return [head(level) for head, level in zip(self.heads, (three, four, self.five(four)), strict=True)]


def test_objects_are_held_against_the_levels_of_a_detector() -> None:
    advice = package.advise(Detector(), (3, 640, 640), objects="4-900")

    assert [level.stride for level in advice.maps] == [8, 16, 32]
    told = {finding.kind: finding for finding in advice}
    assert told["object-too-small"].evidence["stride"] == 8
    assert told["object-too-small"].evidence["smallest"] == 4
    assert told["object-too-large"].evidence["field"] == max(level.field for level in advice.maps) < 900
    assert told["object-too-large"].evidence["largest"] == 900
    assert all("eyeshot.rewrite(model" in (advice.command(e.move) or "") for finding in advice for e in finding.moves)
    assert {"object-too-small", "object-too-large"}.isdisjoint(findings(Detector(), (3, 640, 640), objects="10-100"))


class Pyramid(nn.Module):
    """Levels enlarged and added, as detectors have them: 3×3 at stride 2, whose units look a little to one side."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(3 if i == 0 else 8, 8, 3, 2, 1) for i in range(5))
        self.head = nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        levels = []
        for down in self.down:
            x = down(x).relu()
            levels.append(x)
        for level in reversed(levels[:-1]):
            x = nn.functional.interpolate(x, scale_factor=2) + level
        out: torch.Tensor = self.head(x)
        return out


def test_a_pyramid_looks_where_the_map_that_it_enlarges_looked() -> None:
    report = package.inspect(Pyramid(), (3, 256, 256))
    off = {shift.layer: shift for shift in shifts(report)}

    deepest, finest = off["down.4"], off["head"]
    assert deepest.pixels == (-15.5, -15.5)
    assert finest.pixels[0] is not None
    assert abs(finest.pixels[0]) > 2  # more than a step of its own
    assert finest.most == deepest.most < 0.5
    assert package.advise(report.network)[:] == ()


def test_boxes_of_a_file_are_held_against_a_classifier_s_last_map(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    boxes = [{"image_id": 1, "bbox": [0, 0, 500, 400]}, {"image_id": 1, "bbox": [0, 0, 0, 0]}]
    path.write_text(json.dumps({"images": [{"id": 1, "width": 640, "height": 640}], "annotations": boxes}))

    advice = package.advise("allcnn-c", (3, 320, 320), objects=path)

    (finding,) = [each for each in advice if each.kind == "object-too-large"]
    assert finding.evidence["largest"] == 250
    assert advice.left_out == {"without an extent": 1}


def test_each_map_is_told_which_share_of_the_objects_does_not_suit_it(tmp_path: Path) -> None:
    for i, size in enumerate((6, 12, 20, 40, 80, 300)):
        (tmp_path / f"{i}.txt").write_text(f"0 0.5 0.5 {size / 640} {size / 640}\n")

    document = package.advise(Detector(), (3, 640, 640), objects=tmp_path).to_json()["objects"]

    assert document["count"] == 6
    first, _, last = document["missed"]
    fields = [43, 187]
    assert [each["below_stride"] for each in (first, last)] == [pytest.approx(1 / 6), pytest.approx(3 / 6)]
    assert [each["beyond_field"] for each in (first, last)] == [pytest.approx(sum(s > f for s in (6, 12, 20, 40, 80,
                                                                300)) / 6) for f in fields]  # fmt: skip
    assert first["beyond_used"] == pytest.approx(3 / 6)  # 95 % of what it uses lies in 33 pixels
    assert sum(each["share"] for each in document["sizes"]) == pytest.approx(1)


@pytest.mark.parametrize("objects", ["4-900", None])
def test_a_range_has_no_shares(objects: str | None) -> None:
    document = package.advise(Detector(), (3, 640, 640), objects=objects).to_json()["objects"]

    assert document == (None if objects is None else
                        {"smallest": 4, "largest": 900, "count": None, "missed": [], "sizes": []})  # fmt: skip


def test_exposure_that_differs_between_patch_and_image_is_told() -> None:
    finding = findings("C3-8 C3-8 C3-8 C3-8 C3-8 C3-8", (3, 256, 256), trained_at=(3, 16, 16))["padding-exposure"]

    assert finding.evidence["trained_share"] > finding.evidence["share"] + 0.1


def test_of_a_u_net_the_map_is_told_that_padding_reaches_most_otherwise() -> None:
    finding = findings(UNet(interpolated=False), (3, 256, 256), trained_at=(3, 32, 32))["padding-exposure"]

    by_layer = {each["layer"]: each for each in finding.evidence["by_layer"]}
    assert list(by_layer) == ["bottom.3", "up2.3", "head"]
    assert finding.evidence["layer"] == "bottom.3"
    grown = {name: each["trained_share"] - each["share"] for name, each in by_layer.items()}
    assert max(grown, key=grown.__getitem__) == "bottom.3"
    assert "where it was trained" in says(finding)


def test_most_work_at_the_image_s_own_size_is_told_as_practice() -> None:
    finding = findings("C3-64 C3-64 C3-64 P2 C3-64 G F", (3, 224, 224))["practice"]

    assert finding.evidence["way"] == "late"
    assert finding.evidence["share_of_macs"] > 0.5


def test_most_work_on_coarse_maps_is_told_as_practice_and_a_finer_stem_mends_it() -> None:
    design = "C7s4-32 P4 P2 C3-256 C3-256 C3-256 C3-256 G F"
    finding = findings(design, (3, 224, 224))["practice"]

    assert finding.evidence["way"] == "early"
    assert finding.evidence["share_of_macs"] > 0.75
    assert "This is practice, not law." in says(finding)
    assert [effect.move for effect in finding.moves] == ["stem:fine", "stem:half", "pool:later"]


@pytest.mark.parametrize("text", ["0-5", "9-3", "0"])
def test_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="smallest and the largest size"):
        package.advise("alexnet", objects=text)


def test_objects_that_are_nowhere_are_refused() -> None:
    with pytest.raises(EyeshotError, match="is nothing; objects are a range"):
        package.advise("alexnet", objects="nowhere.json")


def test_the_document_has_every_number_and_the_command_that_tries_each_move(command: Eyeshot) -> None:
    result = command("advise", "resnet18", "--input", "3x32x32", "--json")

    document = json.loads(result.stdout)
    assert document["schema"] == "eyeshot.advice/1"
    assert document["network"]["input"] == [3, 32, 32]
    costs = [finding["evidence"]["cost"] for finding in document["findings"]]
    assert costs == sorted(costs, reverse=True)
    for finding in document["findings"]:
        assert finding.keys() == {"kind", "layers", "says", "evidence", "cure", "published", "moves"}
        assert any(character.isdigit() for character in finding["says"])
        for move in finding["moves"]:
            _, *words = move["command"].split()
            assert command(*words).exit_code == 0
