"""A user's module made as costly as another network: by its maker's arguments, else by the move."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

import eyeshot
from eyeshot.analyse.cost import totals
from eyeshot.design.match_modules import MatchedModule, match_module
from eyeshot.design.named import network_named
from eyeshot.errors import ReadError, UsageError
from tests.cli.conftest import Eyeshot
from tests.cli.conftest import eyeshot as command

__all__ = ["command"]

CODE = """
from torch import nn

def listed(channels=(16, 24, 32), n_channels=1, dropout=0.5):
    a, b, c = channels
    return nn.Sequential(
        nn.Conv2d(n_channels, a, 3), nn.ReLU(), nn.Conv2d(a, b, 3), nn.ReLU(), nn.Conv2d(b, c, 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 10),
    )

def grouped(width=32, depth=2):
    layers = [nn.Conv2d(1, width, 3)]
    for _ in range(depth):
        layers += [nn.Conv2d(width, width, 3), nn.GroupNorm(8, width), nn.ReLU()]
    return nn.Sequential(*layers)

def coarse(width=6):
    return nn.Sequential(
        nn.Conv2d(1, width, 3), nn.ReLU(), nn.Conv2d(width, 4 * width, 3), nn.ReLU(),
        nn.Conv2d(4 * width, 8 * width, 3),
    )

def fixed():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(32, 10),
    )
"""
GREY = (1, 28, 28)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(CODE)
    return path


def cost(found: MatchedModule, quantity: str = "macs") -> int:
    return int(getattr(totals(found.network), quantity))


@pytest.mark.parametrize(("quantity", "target"), [("macs", 1_000_000), ("params", 100_000), ("activations", 60_000)])
def test_a_makers_widths_are_found_by_their_names_and_scaled_within_one_percent(
    file: Path, quantity: str, target: int
) -> None:
    found = match_module(f"{file}:listed", GREY, quantity=quantity, target=target)

    assert abs(cost(found, quantity) / target - 1) <= 0.01
    assert totals(network_named(found.model, GREY)) == totals(found.network)
    assert found.how.startswith("channels=(16, 24, 32) → (")
    assert not found.moves


def test_widths_that_a_maker_refuses_are_stepped_over_and_the_nearest_is_said_to_be_that(file: Path) -> None:
    found = match_module(f"{file}:grouped", GREY, quantity="macs", target=18_000_000, by="width")

    costs = {width: totals(network_named(f"{file}:grouped?width={width}", GREY)).macs for width in (16, 24, 32, 40)}
    assert cost(found) == min(costs.values(), key=lambda macs: abs(macs / 18_000_000 - 1))
    assert found.how.endswith("of the first's; nothing that was tried comes nearer")


def test_where_a_makers_widths_are_too_coarse_the_move_does_the_rest(file: Path) -> None:
    target = 3 * totals(network_named(f"{file}:listed?channels=[6,6,6]", (1, 12, 12))).params // 2

    alone = match_module(f"{file}:coarse", (1, 12, 12), quantity="params", target=target, by="width")
    made = match_module(f"{file}:coarse", (1, 12, 12), quantity="params", target=target)

    assert abs(totals(alone.network).params / target - 1) > 0.01
    assert abs(totals(made.network).params / target - 1) <= 0.01
    assert made.moves
    assert made.how.startswith("width=6 → ")
    assert "width:by=" in made.how


def test_another_argument_is_scaled_where_it_is_named(file: Path) -> None:
    deep = totals(network_named(f"{file}:grouped?depth=5", GREY)).macs

    found = match_module(f"{file}:grouped", GREY, quantity="macs", target=deep, by="depth")

    assert found.how == f"depth=2 → 5: {deep:,} macs, +0.00 % of the first's"


def test_what_has_no_such_argument_is_matched_by_the_move(file: Path) -> None:
    for model in (f"{file}:fixed", nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 9, 3))):
        found = match_module(model, GREY, quantity="params", target=7_000)

        assert abs(cost(found, "params") / 7_000 - 1) <= 0.01
        assert found.how.startswith(f"{found.moves[0]}: ")


@pytest.mark.parametrize(
    ("model", "by", "words"),
    [
        ("listed", "widths", r"has no value for 'widths', but for channels, n_channels, dropout; give one: \?widths=…"),
        ("grouped?width=None", "width", "width=None is no width; needed is a number above 0, or a list"),
    ],
)
def test_an_argument_that_is_none_is_refused(file: Path, model: str, by: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        match_module(f"{file}:{model}", GREY, quantity="macs", target=1000, by=by)


def test_a_module_that_does_not_run_is_said_not_to(file: Path) -> None:
    with pytest.raises(ReadError, match="cannot be traced on an input of 3×28×28"):
        match_module(f"{file}:grouped", (3, 28, 28), quantity="macs", target=1000)


def test_compare_says_how_they_were_made_to_agree(file: Path, command: Eyeshot) -> None:
    words = [
        "compare",
        "C3-16 C3-32 G F10",
        f"{file}:listed",
        "C5-8 C3-8 G F10",
        "--match",
        "macs",
        "--input",
        "1x28x28",
    ]
    result = command(*words)

    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{file}:listed: channels=(16, 24, 32) → (" in result.stdout
    (_, *others) = eyeshot.compare(*words[1:4], match="macs", input_shape=GREY).quantities
    macs = next(quantity for quantity in others if quantity.key == "macs")
    assert all(abs(change or 0) <= 0.01 for change in macs.changes)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["C3-4", "C3-8", "--match-by", "width"], "match_by width: in what shall they agree? Give match, such as macs"),
        (["C3-4", "net.onnx", "--match", "macs"], "net.onnx: match scales the widths of designs and PyTorch modules"),
    ],
)
def test_what_cannot_be_matched_is_said(words: list[str], message: str, command: Eyeshot) -> None:
    result = command("compare", *words)

    assert result.exit_code == 2
    assert message in result.stderr
