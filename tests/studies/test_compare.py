"""Designs trained side by side from Python: by the same path as from the command line."""

from __future__ import annotations

import html
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import studied
import torch
from click.testing import CliRunner
from torch import nn

import eyeshot
from eyeshot.api.comparison import Comparison
from eyeshot.cli import main
from eyeshot.errors import UsageError
from eyeshot.network.text import write
from eyeshot.studies.arms import fingerprint
from eyeshot.studies.display import Silent
from eyeshot.studies.kept import keep_networks, kept
from eyeshot.studies.run import run
from eyeshot.studies.study import planned
from eyeshot.studies.trained import arms_named, networks_of
from eyeshot.train.budget import Budget
from eyeshot.train.loop import Progress

DESIGNS = "C3s2-16 C3-32", "C5s2-16 C3-32"


def _typed(directory: Path) -> str:
    words = ["--train", "--seeds", "2", "--budget", "64img", "--match", "macs", "--jobs", "1", "--run", str(directory)]
    done = CliRunner().invoke(main, ["compare", *DESIGNS, *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def _called(directory: Path, told: list[Progress]) -> Comparison:
    terms = {"seeds": 2, "budget": "64img", "match": "macs", "jobs": 1, "run": directory}
    return eyeshot.compare(*DESIGNS, train=True, on_progress=told.append, **terms)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            fingerprint,
            r'data fingerprint: .* a function that makes them into a file, and give it as "file.py:fingerprint"',
        ),
        (lambda: ([], []), r'data <lambda>: .* give it as "file.py:factory"'),
        (([], []), r'data tuple: .* give it as "file.py:factory"'),
    ],
)
def test_data_that_has_no_name_is_refused_and_told_how_it_gets_one(given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        eyeshot.compare(*DESIGNS, train=True, data=given)


@pytest.mark.slow
def test_what_python_trained_is_found_done_by_the_command_and_by_python(tmp_path: Path) -> None:
    told: list[Progress] = []

    comparison = _called(tmp_path, told)

    assert {(progress.label, progress.seed) for progress in told} == {
        (name, seed) for name in DESIGNS for seed in (0, 1)
    }
    evidence, document = comparison.evidence, comparison.to_json()
    assert [list(arm.scores) for arm in evidence.arms] == [[0, 1], [0, 1]]
    assert evidence.verdict in _typed(tmp_path)
    assert document["evidence"]["verdict"] == evidence.verdict
    assert document["study"]["directory"] == str(tmp_path)
    told_in_notebook = html.unescape(comparison._repr_html_())
    assert all(sentence in told_in_notebook for sentence in evidence.verdict.splitlines())

    told.clear()
    assert _called(tmp_path, told).evidence == evidence
    assert not told


@pytest.mark.slow  # three trainings of each of two nets
def test_the_next_command_trains_as_many_seeds_as_the_verdict_asks_for(tmp_path: Path) -> None:
    words = ["--train", "--seeds", "3", "--budget", "5000img", "--jobs", "1", "--run", str(tmp_path)]
    done = CliRunner().invoke(main, ["compare", "C3s2-8 C3s2-16 F10", "C3s2-8 C3s2-15 F10", *words])

    asked = re.search(r"it may take about (\d+) seeds", done.stdout)
    assert asked is not None
    assert f"--seeds {asked[1]} --budget 5000img" in done.stdout


@pytest.mark.slow
def test_python_and_the_command_train_to_the_same_records(tmp_path: Path) -> None:
    _called(tmp_path / "called", [])
    _typed(tmp_path / "typed")

    (called, records), (typed, others) = (kept(tmp_path / name, notice=print) for name in ("called", "typed"))

    assert called.identity == typed.identity
    assert [record.recipe for record in records] == [record.recipe for record in others]
    assert [record.numbers for record in records] == [record.numbers for record in others]


@pytest.mark.slow
def test_a_script_needs_no_guard_and_trains_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import eyeshot\n"
        f"print(eyeshot.compare(*{DESIGNS}, train=True, seeds=1, budget='64img', jobs=1, run='here').evidence)\n"
    )

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("<Evidence C3s2-16 C3-32 ") == 1
    assert (tmp_path / "here" / "plan.json").exists()


def test_a_module_is_trained_from_weights_of_its_own_for_every_seed(tmp_path: Path) -> None:
    images = studied.write_images(tmp_path / "images")
    net = studied.net()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}

    study = planned([net, net], data=images, budget="2ep", batch_size=16)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(pickle.loads(pickle.dumps(study.factories["Sequential"]))().state_dict())

    assert list(study.factories) == ["Sequential", "Sequential (2)"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in before)
    assert not any(torch.equal(drawn[0][name], drawn[2][name]) for name in before)
    assert not any(torch.equal(drawn[0][name], before[name]) for name in before)


def test_a_network_knows_its_study_again_whatever_nodes_come_to_hold() -> None:
    study = planned(DESIGNS)

    assert study.plan.arms[0].network_fingerprint == fingerprint(study.networks[0])
    assert len({arm.network_fingerprint for arm in study.plan.arms}) == 2
    # an agreement over versions: where this number changes, every study kept is orphaned
    assert fingerprint(study.networks[0]).startswith("27d6cf024a11")


def test_what_cannot_be_trained_is_said_before_anything_is() -> None:
    class Local(nn.Sequential):
        pass

    local = Local(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 26 * 26, 10))
    weight = nn.Sequential(nn.Conv2d(1, 4, 3))
    weight.register_parameter("scale", nn.Parameter(weight[0].weight[:1, 0].detach()))  # nothing draws it

    for models, words, terms in (
        (DESIGNS, "seeds: only for designs that are trained; give train=True too", {"train": False, "seeds": 3}),
        (DESIGNS, "seeds 0: needed is 1 or more", {"seeds": 0}),
        (DESIGNS, "jobs 0: needed is 1 or more", {"jobs": 0}),
        (DESIGNS, "match 'flops': needed is", {"match": "flops"}),
        (DESIGNS, "augment 'rotate': needed is", {"augment": "rotate"}),
        ((DESIGNS[0], local), "Local cannot be sent to the processes that train", {}),
        ((DESIGNS[0], eyeshot.inspect("C3-4").network), "match scales the widths", {"match": "macs"}),
        ((DESIGNS[0], weight), "nothing says how this weight is drawn", {}),
        ((DESIGNS[0], eyeshot.inspect("alexnet").network), "its input is 3x227x227; the images of sample are", {}),
    ):
        with pytest.raises(UsageError, match=words):
            eyeshot.compare(*models, **{"train": True, **terms})
    with pytest.raises(UsageError, match="compared without training"):
        _ = eyeshot.compare(*DESIGNS, input_shape=(1, 28, 28)).evidence


def test_a_class_of_the_running_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studied.Net, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Net", studied.Net, raising=False)

    with pytest.raises(UsageError, match="Net is defined in the program that runs"):
        planned([studied.Net(), studied.Net()])


@pytest.mark.slow
def test_modules_are_trained_as_they_were_matched_and_the_study_knows_them_again(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n"
        "def wide(width=32):\n"
        "    conv = nn.Conv2d(1, width, 3, padding=1)\n"
        "    return nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))\n"
        "def fixed():\n    return wide(48)\n"
    )
    models = ["C3-16 G F", f"{file}:wide", f"{file}:fixed"]

    comparison = eyeshot.compare(
        *models, train=True, match="macs", seeds=1, budget="64img", jobs=1, run=tmp_path / "run"
    )

    (macs,) = [quantity for quantity in comparison.quantities if quantity.key == "macs"]
    assert all(abs(change or 0) <= 0.01 for change in macs.changes)
    plan, _ = kept(tmp_path / "run", lambda text: None)
    assert [arm.macs for arm in plan.arms] == list(macs.values)
    assert [network.name for network in networks_of(plan, plan.arms, tmp_path / "run")][1].endswith("?width=16")


def test_modules_given_as_objects_are_shown_from_what_the_study_kept(tmp_path: Path) -> None:
    """Two of one class, which no name makes again; the first of two alike is the one without a number."""
    study = planned([studied.Net(), studied.Net()], directory=tmp_path)
    keep_networks(study.directory, study.plan, study.networks)

    arms = arms_named(study.plan, ["net (2)", "net"])
    shown = networks_of(study.plan, arms, study.directory)

    assert [network.name for network in shown] == ["Net (2)", "Net"]
    assert [write(network) for network in shown] == [write(network) for network in reversed(study.networks)]


def test_a_network_that_is_not_the_one_trained_is_not_shown(tmp_path: Path) -> None:
    study = planned([studied.Net()], directory=tmp_path)
    keep_networks(study.directory, study.plan, study.networks)
    (path,) = study.directory.glob("*/network.txt")
    path.write_text(path.read_text().replace("params=20", "params=21"))

    with pytest.raises(UsageError, match="'Net' is no model"):
        networks_of(study.plan, study.plan.arms, study.directory)


def test_lazy_layers_are_drawn_by_the_seed_and_trained(tmp_path: Path) -> None:
    images = studied.write_images(tmp_path / "images")
    plan = studied.plan(images, ("lazy", "sized"), seeds=(0,), budget=Budget.parse("1ep"))
    nets = {"lazy": studied.lazy, "sized": studied.sized}

    lazy, sized = run(plan, nets, tmp_path / "study", engine=studied.Here(), watcher=Silent())

    assert lazy.scores == tuple(replace(score, seconds=lazy.scores[i].seconds) for i, score in enumerate(sized.scores))


def test_too_few_outputs_are_told_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\ndef seven(): return nn.Sequential(nn.Flatten(), nn.Linear(784, 7))"
    )

    with pytest.raises(UsageError, match="it gives 7 for each image, and sample has 10 classes; let it end with 10"):
        planned(["alexnet-28", f"{tmp_path}/nets.py:seven"], data="sample", seeds=2, budget="64img")


@pytest.mark.slow  # starts a cluster
def test_two_lines_are_trained_on_a_cluster_as_a_file_is(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'eyeshot[ray]')")
    terms = {"train": True, "seeds": 2, "budget": "64img", "precision": "bf16"}

    here = eyeshot.compare(*DESIGNS, run=tmp_path / "here", **terms)
    there = eyeshot.compare(*DESIGNS, run=tmp_path / "there", ray="local", jobs=2, **terms)

    assert [arm.scores for arm in there.evidence.arms] == [arm.scores for arm in here.evidence.arms]
    assert there.study is not None
    assert there.study.plan.options.precision == "bf16"


def test_where_it_is_trained_means_nothing_without_training(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["compare", *DESIGNS, "--ray", "local", "--precision", "bf16"])

    assert done.exit_code == 2
    assert "--ray, --precision needs --train" in done.stderr
    with pytest.raises(UsageError, match="ray: only for designs that are trained"):
        eyeshot.compare(*DESIGNS, ray="local")
