"""`eyeshot plot`: files written whole, never over others, and what cannot be drawn said at once."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from eyeshot.studies.plan import Arm, Plan
from eyeshot.train.budget import Budget
from eyeshot.train.directory import write_sealed
from eyeshot.train.record import Record, Score
from tests.cli.conftest import Eyeshot


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_plot_writes_the_figure_and_its_data_and_prints_the_path(tmp_path: Path, eyeshot: Eyeshot) -> None:
    output = tmp_path / "cone.svg"

    result = eyeshot("plot", "alexnet", "cone", "-o", str(output))

    assert result.exit_code == 0
    assert result.stdout == f"{output}\n"
    assert "its data are in" in result.stderr
    assert output.read_bytes().startswith(b"<?xml")
    rows = rows_of(tmp_path / "cone.csv")
    assert [(row["layer"], row["first"], row["last"]) for row in rows][:2] == [("conv5", "6", "6"), ("conv4", "5", "7")]


def test_units_and_an_axis_can_be_chosen(tmp_path: Path, eyeshot: Eyeshot) -> None:
    words = ["--layer", "conv2", "--at", "3,0", "--at", "4,0", "--axis", "0", "-o", str(tmp_path / "x.png")]

    result = eyeshot("plot", "alexnet", "cone", *words)

    assert result.exit_code == 0
    rows = rows_of(tmp_path / "x.csv")
    assert [row["first"] for row in rows if row["layer"] == "conv2"] == ["3", "4"]


@pytest.mark.parametrize("existing", ["x.svg", "x.csv", "x.txt"])
def test_neither_the_figure_nor_its_data_are_written_over_a_file(
    existing: str, tmp_path: Path, eyeshot: Eyeshot
) -> None:
    (tmp_path / existing).write_text("mine")

    result = eyeshot("plot", "alexnet", "growth", "-o", str(tmp_path / "x.svg"))

    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (tmp_path / existing).read_text() == "mine"
    assert eyeshot("plot", "alexnet", "growth", "-o", str(tmp_path / "x.svg"), "--force").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["alexnet", "con", "-o", "x.svg"], "did you mean 'cone'?"),
        (["alexnet", "-o", "x.svg"], "the kind comes last, after the models"),
        (["growth", "-o", "x.svg"], "plot needs a model before the kind"),
        (["alexnet", "growth"], "give -o growth.svg, .png or .pdf"),
        (["alexnet", "growth", "-o", "x.gif"], "figures are .png, .svg or .pdf"),
        (["alexnet", "vgg16", "cone", "-o", "x.svg"], "cone takes one design, found 2"),
        (["alexnet", "plane", "-o", "x.svg"], "plane takes 2 designs or more, found 1"),
        (["alexnet", "growth", "--at", "6,6", "-o", "x.svg"], "say where cone, map or profile are taken"),
        (["alexnet", "cone", "--layer", "conv9", "-o", "x.svg"], "has no layer 'conv9'"),
        (["alexnet", "profile", "--at", "1,1", "--at", "2,2", "-o", "x.svg"], "profile takes one unit, found 2"),
        (["alexnet", "ratio", "--source", "init", "-o", "x.svg"], "are for map and profile; a ratio has no source"),
        (["alexnet", "map", "--seeds", "3", "-o", "x.svg"], "--seeds: source density has no use for it"),
        (["C3-8", "profile", "--axis", "2", "-o", "x.svg"], "the image has 2 axes"),
        (["alexnet", "growth", "--width", "3.3", "-o", "x.svg"], "write a number and in, cm, mm or pt: 3.3in, 84mm"),
        (["alexnet", "growth", "--width", "1mm", "-o", "x.svg"], "1mm is not between 1.5in and 60in"),
        (["no-such-folder", "evidence", "-o", "x.svg"], "holds no study"),
    ],
)
def test_a_wrong_call_is_answered_with_what_is_right(words: list[str], message: str, eyeshot: Eyeshot) -> None:
    result = eyeshot("plot", *words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("x.svg").exists()


def test_what_is_used_is_drawn_beside_what_is_seen(tmp_path: Path, eyeshot: Eyeshot) -> None:
    stack = ["C3-8 C3-8 C3-8", "--input", "1x15x15"]

    for kind in ("map", "profile", "ratio"):
        assert eyeshot("plot", stack[0], kind, *stack[1:], "-o", str(tmp_path / f"{kind}.png")).exit_code == 0

    shares = [float(row["share"]) for row in rows_of(tmp_path / "profile.csv")]
    assert [round(27 * share) for share in shares] == [1, 3, 6, 7, 6, 3, 1]
    assert len(rows_of(tmp_path / "map.csv")) == 49
    assert [row["at"] for row in rows_of(tmp_path / "ratio.csv")] == ["conv1", "conv2", "conv3"]


def test_a_layer_may_stand_behind_its_model(tmp_path: Path, eyeshot: Eyeshot) -> None:
    """As in `field` and `effective`; "conv1" is a design as well."""
    pair, path = ["C3-4 C3-4", "conv1", "C5-4 C3-4", "conv2", "--input", "1x15x15"], tmp_path / "figure.svg"

    assert eyeshot("plot", *pair[:2], "cone", *pair[4:], "-o", str(path)).exit_code == 0
    assert path.with_suffix(".txt").read_text().startswith("What conv1[7,7] of C3-4 C3-4 sees")
    assert eyeshot("plot", *pair[:4], "map", *pair[4:], "-o", str(path), "--force").exit_code == 0
    caption = path.with_suffix(".txt").read_text()
    assert "conv1[7,7] of C3-4 C3-4 has half" in caption
    assert "conv2[7,7] of C5-4 C3-4 has half" in caption


def test_measured_fields_are_drawn_side_by_side_on_one_scale(tmp_path: Path, eyeshot: Eyeshot) -> None:
    pair = ["C3-4 C3-4", "C5-4", "--input", "1x15x15", "--source", "init", "--seeds", "2", "--per-seed", "1"]

    for kind in ("map", "profile"):
        result = eyeshot("plot", *pair[:2], kind, *pair[2:], "-o", str(tmp_path / f"{kind}.svg"))
        assert result.exit_code == 0
        labels = {row["label"] for row in rows_of(tmp_path / f"{kind}.csv")}
        assert labels == {"C3-4 C3-4, conv2", "C5-4, conv1"}

    caption = (tmp_path / "map.txt").read_text()
    assert caption.lower().count("source: init, mean |gradient|") == 2
    assert "against the largest of all" in caption


@pytest.mark.parametrize(
    "verb",
    [
        ["plot", "alexnet", "growth"],
        ["compare", "C3-8", "C5-8", "--input", "1x15x15"],
        ["effective", "C3-8 C3-8", "--input", "1x15x15"],
    ],
    ids=lambda verb: verb[0],
)
def test_a_figure_for_a_column_has_its_width_and_its_caption_beside_it(
    verb: list[str], tmp_path: Path, eyeshot: Eyeshot
) -> None:
    result = eyeshot(*verb, "-o", str(tmp_path / "x.svg"), "--width", "84mm", "--no-title")

    assert result.exit_code == 0
    drawn = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert f'width="{84 / 25.4 * 72:.3f}' in drawn
    assert "font-weight" not in drawn  # titles alone are bold
    caption = (tmp_path / "x.txt").read_text(encoding="utf-8")
    assert "sees" in caption
    assert f"its caption in {tmp_path / 'x.txt'}" in result.stderr


def test_a_study_without_a_finished_training_has_no_evidence(tmp_path: Path, eyeshot: Eyeshot) -> None:
    arm = Arm(label="a", design="C3-8", macs=1, params=1, network_fingerprint="")
    plan = Plan(arms=(arm,), seeds=(0,), data="sample", data_fingerprint="", budget=Budget.parse("1ep"))
    write_sealed(tmp_path / "plan.json", plan.to_json())

    result = eyeshot("plot", str(tmp_path), "evidence", "-o", str(tmp_path / "x.svg"))

    assert result.exit_code == 2
    assert "none of the 1 trainings there came to its end" in result.stderr


def kept_study(folder: Path) -> Path:
    """Two designs, the second dearer, and two seeds of each, tested after two epochs."""
    arms = tuple(
        Arm(label=label, design="C3-8", macs=macs, params=macs // 10, network_fingerprint="")
        for label, macs in (("a", 100), ("b", 200))
    )
    plan = Plan(arms=arms, seeds=(0, 1), data="sample", data_fingerprint="", budget=Budget.parse("2ep"))
    write_sealed(folder / "plan.json", plan.to_json())
    for recipe in plan.recipes():
        scores = tuple(
            Score(
                epoch=epoch, images=96 * epoch, seconds=1.0 * epoch, loss=0.5, accuracy=40.0 + 10 * epoch + recipe.seed
            )
            for epoch in (1, 2)
        )
        record = Record(recipe=recipe, versions={}, scores=scores, is_diverged=False, weights="0" * 64)
        (folder / plan.place(recipe)).mkdir(parents=True)
        write_sealed(folder / plan.place(recipe) / "record.json", record.to_json())
    return folder


def test_a_study_s_curves_have_a_line_a_seed(tmp_path: Path, eyeshot: Eyeshot) -> None:
    assert eyeshot("plot", str(kept_study(tmp_path)), "curves", "-o", str(tmp_path / "x.svg")).exit_code == 0

    rows = [(row["design"], row["seed"], row["images"], row["score"]) for row in rows_of(tmp_path / "x.csv")]
    assert rows[:4] == [
        ("a", "0", "96", "50.0"), ("a", "0", "192", "60.0"), ("b", "0", "96", "50.0"), ("b", "0", "192", "60.0"),
    ]  # fmt: skip
    assert len(rows) == 8


def test_a_design_that_scores_as_much_for_less_beats_the_other(tmp_path: Path, eyeshot: Eyeshot) -> None:
    assert eyeshot("plot", str(kept_study(tmp_path)), "pareto", "-o", str(tmp_path / "x.svg")).exit_code == 0

    rows = {(row["design"], row["cost"]): (row["at"], row["pareto"]) for row in rows_of(tmp_path / "x.csv")}
    assert rows["a", "macs"] == ("100.0", "true")
    assert rows["b", "macs"] == ("200.0", "false")
    assert rows["b", "params"] == ("20.0", "false")
    assert rows["b", "seconds"] == ("2.0", "true")  # both take as long


BOUNDED = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(torch.renorm(x, 2, 1, 1.0))
"""


def test_a_figure_of_bounds_is_drawn_and_marked_by_the_exit_code(tmp_path: Path, eyeshot: Eyeshot) -> None:
    (tmp_path / "net.py").write_text(BOUNDED)

    result = eyeshot("plot", f"{tmp_path}/net.py:Net", "cone", "--input", "3x16x16", "-o", str(tmp_path / "x.svg"))

    assert result.exit_code == 4
    assert (tmp_path / "x.svg").exists()
    assert "bound from above" in result.stderr
