"""On a Ray cluster a study gives what it gives on one machine, whatever is lost on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import studied

from eyeshot.errors import MissingExtraError, RunError, UsageError
from eyeshot.studies.display import Silent
from eyeshot.studies.engines import engine_of
from eyeshot.studies.run import run
from eyeshot.train.budget import Budget
from eyeshot.train.progress import Progress

BUDGET = Budget.parse("60ep")


def test_without_ray_the_hint_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(MissingExtraError, match=r"needs ray, which is not installed: pip install 'eyeshot\[ray\]'"):
        engine_of(ray="local", gpus=None, jobs=None)
    with pytest.raises(UsageError, match="gpus are set aside by Ray"):
        engine_of(ray=None, gpus=0.5, jobs=None)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two machines, played by this one, of one core each; the first has a GPU on paper."""
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'eyeshot[ray]')")
    from ray.cluster_utils import Cluster

    few: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**few, "num_gpus": 1, "include_dashboard": False})
    cluster.add_node(**few)
    yield cluster
    cluster.shutdown()


class Misfortune(Silent):
    """Kills the processes of two trials that have come some way, and then takes a machine away."""

    def __init__(self, cluster: Any) -> None:
        super().__init__()
        self.killed: set[tuple[str, int]] = set()
        self.machines = list(cluster.worker_nodes)
        self._cluster = cluster

    def moved(self, progress: Progress) -> None:
        trial = (progress.label, progress.seed)
        if progress.epoch < 5 or trial in self.killed:
            return
        if len(self.killed) < 2:
            for pid in at_work(*trial):
                os.kill(pid, signal.SIGKILL)
                self.killed.add(trial)
        elif self.machines:
            self._cluster.remove_node(self.machines.pop(), allow_graceful=False)


def at_work(label: str, seed: int) -> list[int]:
    """The processes of Ray's that a trial runs in: they are called by it."""
    listing = subprocess.run(["ps", "-e", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if f"ray::arm '{label}', seed {seed}" in line]


@pytest.mark.slow  # starts a cluster, and PyTorch in a process of each of its nodes
def test_scores_are_those_of_this_machine_though_processes_and_a_machine_are_lost(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = studied.plan(studied.write_images(tmp_path / "images"), budget=BUDGET, seeds=(0, 1, 2))
    factories, misfortune = studied.factories("a", "b"), Misfortune(cluster)
    engine = engine_of(ray=cluster.address, gpus=None, jobs=None)

    here = run(plan, factories, tmp_path / "here", watcher=Silent())
    there = run(plan, factories, tmp_path / "there", engine=engine, watcher=misfortune)

    assert len(misfortune.killed) == 2
    assert misfortune.machines == []
    assert [record.numbers for record in there] == [record.numbers for record in here]
    assert len(list((tmp_path / "there").glob("*/*/record.json"))) == 6
    assert capfd.readouterr().out == ""


DRIVER = """
import sys
import time
from pathlib import Path
sys.path.insert(0, {tests!r})
import studied
from eyeshot.studies.engines import engine_of
from eyeshot.studies.run import run
from eyeshot.train.budget import Budget
plan = studied.plan(Path({images!r}), budget=Budget.parse({budget!r}))
run(plan, studied.factories("a", "b"), Path({directory!r}), engine=engine_of(ray={address!r}, gpus=0.25, jobs=None))
"""


@pytest.mark.slow  # starts a driver of its own, and PyTorch in two more processes
def test_a_study_whose_driver_was_killed_goes_on_and_nothing_is_lost_or_trained_twice(
    cluster: Any, tmp_path: Path
) -> None:
    images, directory = studied.write_images(tmp_path / "images"), tmp_path / "study"
    terms = {"tests": str(Path(__file__).parent), "images": str(images), "budget": str(BUDGET),
             "directory": str(directory), "address": cluster.address}  # fmt: skip
    driver = subprocess.Popen([sys.executable, "-c", DRIVER.format(**terms)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(directory.glob("*/*/record.json")):
        assert driver.poll() is None, driver.communicate()[1]
        assert time.monotonic() < deadline, "no training came to its end within a minute"
        time.sleep(0.05)
    driver.kill()
    driver.communicate()
    done = {path: path.read_bytes() for path in directory.glob("*/*/record.json")}
    plan = studied.plan(images, budget=BUDGET)
    factories = {"a": studied.on_a_gpu, "b": studied.on_a_gpu}

    engine = engine_of(ray=cluster.address, gpus=0.25, jobs=None)
    resumed = run(plan, factories, directory, engine=engine, watcher=Silent())
    whole = run(plan, studied.factories("a", "b"), tmp_path / "whole", watcher=Silent())

    assert [record.numbers for record in resumed] == [record.numbers for record in whole]
    assert all(path.read_bytes() == content for path, content in done.items())


def test_a_cluster_that_does_not_answer_and_options_that_do_not_go_together_are_told(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'eyeshot[ray]')")

    with pytest.raises(UsageError, match="jobs 3: the cluster decides"):
        engine_of(ray="auto", gpus=None, jobs=3)
    with pytest.raises(UsageError, match=r"gpus 1\.5: needed is a share of one"):
        engine_of(ray="local", gpus=1.5, jobs=None)
    with pytest.raises(UsageError, match="ray 'locl': needed is local, auto or an address"):
        engine_of(ray="locl", gpus=None, jobs=None)
    nobody = engine_of(ray="127.0.0.1:9", gpus=None, jobs=None)
    plan = studied.plan(studied.write_images(tmp_path / "images"))
    with pytest.raises(RunError, match=r"ray 127\.0\.0\.1:9: no cluster answers \(Connection refused\)"):
        run(plan, studied.factories("a", "b"), tmp_path / "study", engine=nobody, watcher=Silent())
