"""Moves as users make them: what is announced, what comes of it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import eyeshot
from eyeshot.design.moves.asked import asked_for
from eyeshot.design.moves.table import MOVES
from eyeshot.design.rewriting import announced
from eyeshot.errors import UsageError
from tests.cli.conftest import Eyeshot
from tests.cli.conftest import eyeshot as command

__all__ = ["command"]


def test_a_finer_stem_keeps_the_maps_of_small_images() -> None:
    small = eyeshot.rewrite("resnet18", "stem:fine", input_shape=(3, 32, 32))

    assert small.before["layer4.1.conv2"].out == (512, 1, 1)
    assert small.after["layer4.1.conv2"].out == (512, 4, 4)
    assert small.after["conv1"].field.stride == (1, 1)
    assert small.after.totals.params == small.before.totals.params


def test_a_stem_for_small_images_has_a_small_kernel_the_middle_of_the_large_one() -> None:
    conv = nn.Conv2d(3, 8, 7, 2, 3)
    module = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(8, 8, 3, padding=1))
    kernel = conv.weight.detach()

    result = eyeshot.rewrite(module, "stem:fine,kernel=3", input_shape=(3, 32, 32))

    assert torch.equal(result.model[0].weight, kernel[:, :, 2:5, 2:5])
    left = 1 - float(kernel[:, :, 2:5, 2:5].square().sum() / kernel.square().sum())
    assert result.steps[0].errors["0"] == pytest.approx(left**0.5, rel=1e-5)
    assert result.after.layers[-1].field.size == (5, 5)
    assert result.after.layers[-1].out == (8, 32, 32)


def test_what_is_announced_needs_no_module() -> None:
    network = eyeshot.inspect("vgg-d").network

    after = eyeshot.inspect(announced(network, "stem:coarse"))

    assert after["block5.conv3"].out == (512, 7, 7)
    assert after["block5.conv3"].field.size == (3 + 2 * (196 - 3),) * 2


def test_a_design_is_written_in_the_notation_and_reads_back() -> None:
    result = eyeshot.rewrite("C5s2b-16 P2 (C3-16)x3 G F10", "stem:3x3", input_shape=(3, 32, 32))

    assert str(result.design) == "C3s2b-8 C3b-16 P2 (C3-16)x3 G F10"
    assert eyeshot.inspect(str(result.design), (3, 32, 32)).totals == result.after.totals


def test_the_users_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())
    state = {name: value.clone() for name, value in module.state_dict().items()}

    result = eyeshot.rewrite(module, "stem:fine", "fold-batch-norm", input_shape=(3, 16, 16))

    assert module[0].stride == (2, 2)
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert result.model[0].stride == (1, 1)
    assert list(result.model.state_dict()) == ["0.weight", "0.bias"]


def test_layers_behind_that_read_other_widths_are_drawn_anew_and_said_to_be() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 8 * 8, 10))

    result = eyeshot.rewrite(module, "stem:fine", input_shape=(3, 16, 16))

    assert result.model(torch.zeros(2, 3, 16, 16)).shape == (2, 10)
    assert result.after["3"].params == 8 * 16 * 16 * 10 + 10
    assert "3 reads other widths now: drawn anew" in result.says


@pytest.mark.parametrize(
    ("model", "move", "why"),
    [
        ("C3-8 C3-8", "stem:fine", "looked at conv1: it steps by 1 already; no pool follows it"),
        ("C3-8 C3-8", "fold-batch-norm", "C3-8 C3-8 has no norms"),
        ("C3s2b-8 C3-8", "fold-batch-norm:conv1", "has no norms among conv1"),
        ("C3-8 C3-8", "fold-batch-nrm", "did you mean fold-batch-norm?"),
        ("C7s2-8 C3-8", "stem:3x3,width=wide", "width is a whole number from 1 on, found 'wide'"),
        ("C3-8 C3-8", "stem:fine,coarse", "fine and coarse cannot go together"),
        ("C3-8 C3-8", "stem:colour=red", "'colour=red' is no word of stem; it has fine"),
        ("C3-8 C3-8", "stem:conv7", "has no layer 'conv7'; did you mean"),
    ],
)
def test_a_move_that_does_not_apply_says_why(model: str, move: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        eyeshot.rewrite(model, move, input_shape=(3, 32, 32))


class Functional(nn.Module):
    """A pool that is no module, and a convolution that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.max_pool2d(self.conv(self.conv(x)), 2)


@pytest.mark.parametrize(
    ("move", "why"),
    [
        ("pool-to-stride", "of 1 pools looked at none fits: max_pool2d: it is called as a function"),
        ("stride-to-pool", "conv: it is called more than once; conv#2: it is called more than once"),
        ("output-stride:2", "conv#2 would be dilated, but it is called more than once"),
        ("cut:max_pool2d", "max_pool2d is called as a function in the module's own code"),
        ("padding", "which padding"),
        ("pool", "which way"),
        ("cut", "which layers"),
    ],
)
def test_what_a_module_does_not_let_be_swapped_is_said(move: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        eyeshot.rewrite(Functional(), move, input_shape=(3, 32, 32))


def test_only_designs_and_modules_are_changed() -> None:
    with pytest.raises(UsageError, match="a file is only read"):
        eyeshot.rewrite("net.onnx", "stem:fine")
    with pytest.raises(UsageError, match="not a Network"):
        eyeshot.rewrite(eyeshot.inspect("alexnet").network, "stem:fine")
    with pytest.raises(UsageError, match="no move was asked for"):
        eyeshot.rewrite("alexnet")


def test_words_and_layers_stand_behind_the_colon() -> None:
    move, asked = asked_for("stem:layer=fine,3x3,width=8,features.*", MOVES)

    assert move.name == "stem"
    assert asked.patterns == ("fine", "features.*")
    assert dict(asked.options) == {"3x3": "", "width": "8"}


def test_the_document_has_every_layer_that_changed(command: Eyeshot) -> None:
    result = command("rewrite", "resnet18", "stem:fine", "--input", "3x32x32", "--json")
    document = json.loads(result.stdout)

    assert document["schema"] == "eyeshot.rewrite/1"
    assert {"moves", "announced", "read_back", "exact", "error"} <= set(document)
    assert document["announced"] == document["read_back"]
    (conv,) = [entry for entry in document["read_back"]["layers"] if entry["layer"] == "conv1"]
    assert (conv["before"]["field"]["stride"], conv["after"][0]["field"]["stride"]) == ([2, 2], [1, 1])
    assert [entry["after"] for entry in document["read_back"]["layers"] if entry["layer"] == "pool1"] == [[]]


CODE = """
import torch

def make_net(width=8):
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, width, 7, stride=2, padding=3), torch.nn.BatchNorm2d(width), torch.nn.ReLU()
    )
"""


@pytest.mark.parametrize("model", ["resnet18", "C5s2b-8 [C3-8 | C1same-8 A2s1p(0,1)] G F10", "module"])
def test_the_code_that_is_written_makes_what_was_read_back(model: str, tmp_path: Path, command: Eyeshot) -> None:
    (tmp_path / "mine_to_move.py").write_text(CODE)
    model = f"{tmp_path / 'mine_to_move.py'}:make_net?width=4" if model == "module" else model
    file = tmp_path / "moved.py"

    written = command("rewrite", model, "stem:fine", "--input", "3x32x32", "-o", str(file))
    again = eyeshot.inspect(f"{file}:net", (3, 32, 32))

    assert written.exit_code == 0
    result = eyeshot.rewrite(model, "stem:fine", input_shape=(3, 32, 32))
    assert again.totals.macs == result.after.totals.macs
    assert again.totals.params == result.after.totals.params
    assert again.layers[-1].field == result.after.layers[-1].field


def test_half_the_width_is_about_a_quarter_of_the_cost_and_outputs_keep_theirs() -> None:
    result = eyeshot.rewrite("torchvision:mobilenet_v2", "width:by=0.5", input_shape=(3, 64, 64), weights=False)

    layers = {layer.name: layer for layer in result.after}
    assert layers["features.1.conv.0.0"].node.op.groups == layers["features.1.conv.0.0"].out[0] == 16  # type: ignore[attr-defined]
    assert layers["classifier.1"].out == (1000,)
    assert result.after.totals.macs == pytest.approx(result.before.totals.macs / 4, rel=0.15)


def test_a_batch_norm_of_another_width_keeps_its_settings_and_its_activation() -> None:
    result = eyeshot.rewrite("timm:regnetx_002", "width:by=0.5", input_shape=(3, 64, 64), weights=False)

    assert result.model.stem.bn.num_features == 16
    assert type(result.model.stem.bn).__name__ == "BatchNormAct2d"


@pytest.mark.parametrize("words", ["", ":by=0", ":by=x", ":by=1e9"])
def test_a_width_needs_a_factor(words: str) -> None:
    with pytest.raises(UsageError, match=r"by how much\? Give a factor"):
        eyeshot.rewrite("alexnet", f"width{words}")


def test_norms_of_groups_and_of_layers_follow_the_width() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.last = nn.Conv2d(3, 32, 3), nn.LayerNorm(32), nn.Conv2d(32, 5, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.norm(self.first(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2))  # type: ignore[no-any-return]

    grouped = nn.Sequential(nn.Conv2d(3, 32, 3), nn.GroupNorm(8, 32), nn.ReLU(), nn.Conv2d(32, 5, 1))

    a = eyeshot.rewrite(grouped, "width:by=0.7", input_shape=(3, 16, 16)).model
    b = eyeshot.rewrite(Last(), "width:by=0.7", input_shape=(3, 16, 16)).model

    assert a[1].num_channels == 24, "a multiple of the groups"
    assert b.norm.normalized_shape == (22,)
    assert a(torch.rand(1, 3, 16, 16)).shape == b(torch.rand(1, 3, 16, 16)).shape == (1, 5, 14, 14)
