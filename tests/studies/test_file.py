"""A study's file says all that a comparison can be asked for, and is told on which line it is wrong."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import studied
import torch

import eyeshot
from eyeshot.errors import EyeshotError, UsageError
from eyeshot.studies.file import StudyFile, study_file
from eyeshot.studies.plan import Plan
from eyeshot.studies.study import planned
from eyeshot.train import data, loop
from eyeshot.train.device import precision_for
from eyeshot.train.recipe import Options

GUIDE = Path(__file__).parents[2] / "docs" / "training.md"
ABSENT = 'cuda"' if sys.platform == "darwin" else 'mps"'
"""A device that no such machine has."""
NET = """
from torch import nn
def make(width=6):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.Linear(width, 10))
"""


def written(folder: Path, text: str) -> StudyFile:
    (folder / "pays.toml").write_text(text)
    (folder / "net.py").write_text(NET)
    return study_file(folder / "pays.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('arms = ["alexnet-28"]\n\nseeds = = 3', r"line 3: this is no TOML"),
        ("seeds = 3", r'it has no arms; write arms = \["alexnet-28"'),
        ('arms = ["alexnet-28"]\n\nseds = 3', r"line 3 \(seds\): no key 'seds'; did you mean seeds\?"),
        ('[[arms]]\ndesign = "vgg16"\n[[arms]]\ndesing = "vgg16"', r"line 4 \(arm 2, desing\): .* did you mean design"),
        ('arms = ["alexnet-28"]\n# 3\nseeds = "3"', r"line 3 \(seeds\): needed is a whole number or a list, found"),
        ('arms = [\n "C3-4",\n {design = "C3-4", moves = ["stm:fine"]},\n]', r"line 3 \(arm 2, moves\): .*stem"),
        ('arms = [\n "alexnet-28",\n "alexnt",\n]', r"line 3 \(arm 2, design\): 'alexnt' is no model"),
        ('arms = ["alexnet"]', r"line 1 \(arm 1, design\): alexnet: it does not take the images of sample"),
        ('arms = ["net.py:mkae"]', r"line 1 \(arm 1, design\): .*net.py has no 'mkae'; .*did you mean make"),
        ('[[arms]]\ndesign = "C3-4"\narguments = {a = 1}', r"line 3 \(arm 1, arguments\): .*C3-4 is a design"),
        ('[[arms]]\ndesign = "net.py:make"\nmoves = ["stem:fine"]', r"line 3 \(arm 1, moves\): .*eyeshot\.rewrite"),
        ('arms = [{label = "a"}]', r"line 1 \(arm 1\): needed is a design, or wishes"),
        ('[[arms]]\nwishes = {field = 50, layers = 2}\n', r"line 2 \(arm 1, wishes\): no design"),
        ('arms = [{design = "C3-4", label = "a"},\n{design = "C5-4", label = "a"}]', r"line 2 \(arm 2, label\): "),
        ('budget = "3days"\narms = ["C3-4"]', r"line 1 \(budget\): budget '3days': the unit 'days'"),
        ('arms = ["C3-4"]\nbudget = "1img"', r"line 2 \(budget\): budget 1img: .*less than one batch"),
        ('arms = ["C3-4"]\nseeds = [1, 1]', r"line 2 \(seeds\): seed 1 occurs 2 times"),
        ('arms = ["C3-4"]\nmatch = "flops"', r"line 2 \(match\): match 'flops': needed is params, macs"),
        ('arms = ["C3-4"]\ndata = "nowhere"', r"line 2 \(data\): data '.*nowhere': nothing there"),
        ('arms = ["C3-4"]\nmeasures = ["los"]', r"line 2 \(measures, no\. 1\): no measure 'los'; did you mean loss"),
        ('arms = ["C3-4"]\nartefacts = "s4://x"', r"line 2 \(artefacts\): .*Protocol not known: s4; give"),
        ('arms = ["C3-4"]\nlr = 0.1', r"line 2 \(lr\): lr belongs below \[recipe\]"),
        ('arms = ["C3-4"]\n[recipe]\nbatch = 8\nlr = "fast"', r"line 4 \(recipe, lr\): needed is a number, found text"),
        ('arms = ["C3-4"]\n[recipe]\nwarmup = 0.1', r"line 3 \(recipe, warmup\): .*did you mean warm_up"),
        ('[[arms]]\ndesign = "C3-4"\nrecipe = {lrr = 1}', r"line 3 \(arm 1, recipe, lrr\): .*did you mean lr"),
        ('[[arms]]\ndesign = "C3-4"\n[arms.recipe]\nthreads = 2', r"line 4 .*threads is the same for all arms"),
        ('arms = ["C3-4"]\n[recipe]\nmean = [0.1]', r"line 3 \(recipe, mean\): mean and std go together"),
        ('arms = [\n "C3-4",\n {design = "net.onnx"},\n]', r"line 3 \(arm 2, design\): net\.onnx: .*only read"),
        ('arms = ["C3-4"]\n[recipe]\nlr = 0.1\ndevice = "' + ABSENT, r"line 4 .*device\): .*PyTorch finds none"),
        ('arms = ["C3-4"]\n[recipe]\ndevice = "gpu"', r"line 3 \(recipe, device\): device 'gpu': needed is auto, cpu"),
        ('arms = ["C3-4"]\n[recipe]\naugment = "flips"', r"line 3 .* needed is none, .*flip; did you mean flip\?"),
        ('arms = ["C3-4"]\n[recipe]\nlr = -1', r"line 3 \(recipe, lr\): lr -1\.0: needed is a number more than 0"),
        ('arms = ["C3-4"]\n[recipe]\nbatch = 0', r"line 3 \(recipe, batch\): batch 0: needed is 1 or more"),
        ('arms = ["C3-4"]\nseeds = [1, -1]', r"line 2 \(seeds\): seed -1: needed is 0 or more"),
        ('arms = ["C3-4"]\n[recipe]\ndata = "x"', r"line 3 \(recipe, data\): data belongs above \[recipe\]"),
        ('[recipe]\nlr = 0.1\narms = ["C3-4"]', r"line 3 \(recipe, arms\): arms belongs above \[recipe\]"),
        ('[[arms]]\ndesign = "C3-4"\nseeds = 3', r"line 3 \(arm 1, seeds\): seeds belongs above the arms"),
        ('match = "macs"\narms = ["C3-4",\n "P2"]', r"line 3 .* but the last; say match = \"none\"$"),
        ('match = "params"\narms = [\n "C3-4",\n "C9-4",\n]', r"line 4 .* not at all \(match = \"none\"\)"),
        ('arms = ["C3-4"]\n[recipe]\nmean = [0, 0]\nstd = [1, 1]', r"line 3 \(recipe, mean\): .*have 1 channels"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(EyeshotError, match=rf"pays\.toml(, |: ){words}"):
        written(tmp_path, text).planned()


def test_two_lines_are_what_compare_trains(tmp_path: Path) -> None:
    text = """arms = ["C3s2-16 C3-32", "C5s2-16 C3-32"]
    seeds = 3
    budget = "2ep"
    match = "macs"
    measures = ["accuracy", "shift"]
    [recipe]
    lr = 0.1
    batch = 32
    augment = "shift" """

    by_file = written(tmp_path, text).planned()
    compared = planned(
        ["C3s2-16 C3-32", "C5s2-16 C3-32"], budget="2ep", match="macs", lr=0.1, batch_size=32, augment="shift"
    )

    assert by_file.plan.identity == compared.plan.identity
    assert by_file.directory == compared.directory


def test_arms_are_names_designs_after_moves_designs_wished_for_and_factories(tmp_path: Path) -> None:
    text = """arms = [
      "C3s2-16 C3-32",
      {design = "C3s2-16 P2 C3-32", moves = ["pool-to-stride:pool1"]},
      {wishes = {field = 11, layers = 2, widths = 8}, take = 2},
      {design = "net.py:make", arguments = {width = 4}, label = "mine"},
    ]
    seeds = [3, 1]"""

    study = written(tmp_path, text).planned()

    names = [arm.label for arm in study.plan.arms]
    designs = [arm.design for arm in study.plan.arms]
    wished = [found.notation for found in eyeshot.designs((1, 28, 28), field=11, layers=2, widths=8)][:2]
    moved = eyeshot.rewrite("C3s2-16 P2 C3-32 G F10", "pool-to-stride:pool1", input_shape=(1, 28, 28)).design
    assert names == ["C3s2-16 C3-32", "C3s2-16 P2 C3-32 pool-to-stride:pool1", *wished, "mine"]
    assert designs == ["C3s2-16 C3-32", str(moved), *wished, f"{tmp_path}/net.py:make?width=4"]
    assert study.plan.arms[-1].params == 784 * 4 + 4 + 4 * 10 + 10
    assert study.factories["mine"]()[1].out_features == 4
    assert study.plan.seeds == (3, 1)


def test_an_arm_may_be_trained_in_its_own_way(tmp_path: Path) -> None:
    images = studied.write_images(tmp_path / "images")
    text = f"""data = "{images}"
    seeds = [0]
    budget = "2ep"
    arms = [
      "C3s2-4",
      {{design = "C3s2-4", recipe = {{augment = "flip"}}}},
      {{design = "C3s2-4", recipe = {{augment = "flip"}}, label = "the same"}},
    ]
    [recipe]
    batch = 8"""
    study = written(tmp_path, text).planned(directory=tmp_path / "run", jobs=1)

    study.run()

    usual, flipped, again = study.records
    assert [arm.label for arm in study.plan.arms] == ["C3s2-4", "C3s2-4 augment=flip", "the same"]
    assert "the same: trained as C3s2-4 G F3, for 3 classes; trained with augment=flip" in study.remarks
    assert [record.recipe.options.augment for record in study.records] == ["none", "flip", "flip"]
    assert {record.recipe.options.batch_size for record in study.records} == {8}
    assert flipped.weights == again.weights != usual.weights
    assert Plan.from_json(study.plan.to_json()) == study.plan
    assert "options" not in study.plan.to_json()["arms"][0]


def test_designs_after_moves_are_made_again_for_the_page(tmp_path: Path) -> None:
    from eyeshot.studies.trained import networks_of

    study = written(tmp_path, 'arms = ["C3-4", {design = "C3-4 P2", moves = ["pool-to-stride:pool1"]}]').planned()

    assert networks_of(study.plan, study.plan.arms, tmp_path) == study.networks


def test_mean_and_deviation_of_the_recipe_are_those_trained_with_and_kept_with_the_weights(tmp_path: Path) -> None:
    images = studied.write_images(tmp_path / "images")
    (usual,) = studied.plan(images, labels=("a",), seeds=(0,)).recipes()
    given = Options(batch_size=16, mean=(0.25,), std=(0.5,))
    (recipe,) = studied.plan(images, labels=("a",), seeds=(0,), options=given).recipes()
    dataset = data.load(str(images))

    record = loop.run(recipe, studied.net, dataset, tmp_path / "given")
    other = loop.run(usual, studied.net, dataset, tmp_path / "usual")
    again = loop.run(recipe, studied.broken, dataset, tmp_path / "given")

    kept = torch.load(tmp_path / "given" / "checkpoint.pt", weights_only=True)["normalisation"]
    assert kept == {"mean": [0.25], "std": [0.5]}
    assert record.weights != other.weights
    assert again == record


def test_a_recipe_is_written_as_before_where_it_asks_for_nothing_new() -> None:
    """An agreement over versions: where these keys change, every study that is kept is orphaned."""
    assert list(Options().to_json()) == [
        *("batch_size", "learning_rate", "warm_up", "momentum", "weight_decay", "clip", "augment", "threads"),
        "precision",
    ]


def test_a_precision_that_is_left_to_the_machine_is_named_by_the_plan(tmp_path: Path) -> None:
    text = (
        'arms = [{design = "C3s2-8 F10", recipe = {precision = "auto"}}]\n[recipe]\nprecision = "fp32"\ndevice = "cpu"'
    )

    plan = written(tmp_path, text).planned().plan

    (arm,) = plan.arms
    assert (arm.options or plan.options).precision == precision_for(None)
    with pytest.raises(UsageError, match=r"pays.toml:1: .*precision.*'fp8'|pays.toml.*line 1.*fp8"):
        written(tmp_path, text.replace("auto", "fp8"))


def test_a_device_may_be_left_to_the_machine(tmp_path: Path) -> None:
    named = written(tmp_path, 'arms = ["C3s2-8"]\n[recipe]\ndevice = "auto"').planned()
    unsaid = written(tmp_path, 'arms = ["C3s2-8"]').planned()

    assert named.plan == unsaid.plan


def test_no_file_and_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")

    for name, words in (("gone.toml", "cannot be read"), ("binary.toml", "byte 1 is no UTF-8"), (".", "a folder")):
        with pytest.raises(UsageError, match=words):
            study_file(tmp_path / name)


def file_of_the_guide() -> str:
    (block,) = re.findall(r"^```toml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(block)


def test_the_guide_s_file_is_a_study_of_five_arms(tmp_path: Path) -> None:
    plan = written(tmp_path, file_of_the_guide()).planned().plan

    assert len(plan.arms) == 5
    assert (plan.budget.describe(), plan.seeds, plan.options.augment) == ("3 epochs", (0, 1, 2, 3, 4), "shift")


@pytest.mark.slow  # a process with PyTorch, and ten trainings
def test_the_guide_s_file_trains_by_command_and_is_read_from_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from eyeshot.cli import main

    monkeypatch.chdir(tmp_path)
    text = file_of_the_guide().replace('budget = "3ep"', 'budget = "64img"').replace("seeds = 5", "seeds = 2")
    written(tmp_path, text)

    trained = CliRunner().invoke(main, ["study", "pays.toml"])
    assert trained.exit_code == 0, trained.output
    told: list[object] = []
    read = eyeshot.study("pays.toml", on_progress=told.append)

    assert read.evidence.verdict in trained.stdout
    assert [len(arm.scores) for arm in read.evidence.arms] == [2] * 5
    assert not told  # all of it was read
    assert len(read.reports) == 5


@pytest.mark.slow  # two more processes with PyTorch
def test_a_study_may_have_one_arm(tmp_path: Path) -> None:
    study = written(tmp_path, 'arms = ["C3s4-4"]\nseeds = 2\nbudget = "64img"\ndirectory = "kept"').planned()

    study.run()

    assert (tmp_path / "kept" / "plan.json").exists()
    assert eyeshot.study(tmp_path / "pays.toml").evidence.differences == ()
