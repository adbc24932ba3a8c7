"""On a Ray cluster a study gives what it gives on one machine, whatever is lost on the way."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import studied
import torch

import eyeshot
from eyeshot.errors import MissingExtraError, RunError, UsageError
from eyeshot.report.evidence import Evidence
from eyeshot.studies.display import Silent
from eyeshot.studies.engines import engine_of
from eyeshot.studies.run import run
from eyeshot.train.budget import Budget
from eyeshot.train.record import Record

FEW: dict[str, Any] = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": 100 << 20}
"""What each machine of the cluster has."""
DEADLINE = 180.0
"""Seconds without a training that ends, after which a study is taken to stand still."""


def test_without_ray_the_hint_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(MissingExtraError, match=r"needs ray, which is not installed: pip install 'eyeshot\[ray\]'"):
        engine_of(ray="local", gpus=None, jobs=None)
    with pytest.raises(UsageError, match="gpus are set aside by Ray"):
        engine_of(ray=None, gpus=0.5, jobs=None)


def test_trials_compute_on_gpus_where_a_share_of_one_is_set_aside_whatever_this_machine_has() -> None:
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'eyeshot[ray]')")
    engine, of_gpus = (engine_of(ray="auto", gpus=gpus, jobs=None) for gpus in (None, 0.25))

    assert engine is not None
    assert of_gpus is not None
    assert [engine.device(asked) for asked in (None, "auto", "cpu", "cuda")] == [None, None, None, "cuda"]
    assert [of_gpus.device(asked) for asked in (None, "auto", "cpu", "mps")] == ["cuda", "cuda", None, "mps"]
    with pytest.raises(UsageError, match="device 'tpu': needed is auto, cpu, cuda or mps"):
        of_gpus.device("tpu")


@pytest.mark.slow  # starts a cluster
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_gpus_that_a_cluster_has_not_are_told_before_anything_is_trained(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'eyeshot[ray]')")
    plan, engine = studied.plan(studied.write_images(tmp_path / "images")), engine_of(ray="local", gpus=0.5, jobs=None)

    with pytest.raises(RunError, match="ray local: no machine of the cluster has a GPU; leave --gpus out"):
        run(plan, studied.factories("a", "b"), tmp_path / "study", engine=engine, watcher=Silent())


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two machines, played by this one, of one core and, on paper, one GPU each."""
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'eyeshot[ray]')")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**FEW, "include_dashboard": False})
    cluster.add_node(**FEW)
    yield cluster
    cluster.shutdown()


def processes(cluster: Any, name: str) -> list[int]:
    """The cluster's processes of that name: they are called by what they do."""
    machines = {info.process.pid for node in cluster.list_all_nodes() for info in node.all_processes["raylet"]}
    rows = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    found = (row.split(maxsplit=2) for row in rows.splitlines())
    return [int(pid) for pid, parent, says in found if int(parent) in machines and says.startswith(name)]


def timeless(evidence: Evidence | None) -> Evidence:
    """All that scores allow one to say; how long it took is not the same twice."""
    assert evidence is not None
    return replace(evidence, arms=tuple(replace(arm, seconds=0.0, images_per_second=0.0) for arm in evidence.arms))


NAMES = {"trial": ["ray::arm"], "worker": ["ray::IDLE", "ray::_Told"]}
"""What Ray calls the processes of trials, and those that wait for one or keep what trials tell."""
LABELS = tuple(f"arm {number}" for number in range(200))
SEEDS = (0, 1, 2)
OVER = "the fire is over"
"""A file that the last trial of all waits for: while a machine is taken away, the other one trains dozens."""
DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_ray
test_ray.many(Path(sys.argv[2]), Path(sys.argv[3]), address=sys.argv[4])
"""


def many(images: Path, directory: Path, *, address: str | None) -> list[Record]:
    """Two hundred arms of three seeds, on a cluster or in this process."""
    plan = studied.plan(images, LABELS, seeds=SEEDS, budget=Budget.parse("3ep"))
    if not address:
        return run(plan, dict.fromkeys(LABELS, studied.net), directory, engine=studied.Here(), watcher=Silent())
    nets = dict.fromkeys(LABELS, studied.on_a_gpu) | {LABELS[-1]: partial(last, directory)}
    engine = engine_of(ray=address, gpus=0.25, jobs=None)
    return run(plan, nets, directory, engine=engine, watcher=Silent())


def last(directory: Path) -> torch.nn.Module:
    """A net that is not made while the fire burns, where most others have been trained: trials go seed by seed."""
    while len(list(directory.glob("*/*/record.json"))) > 500 and not (directory / OVER).exists():
        time.sleep(0.05)
    return studied.on_a_gpu()


class Fire:
    """Each time some more trainings are done, a trial, a process of Ray, a machine or the program is killed."""

    def __init__(self, cluster: Any, words: list[str], directory: Path) -> None:
        self.killed: Counter[str] = Counter()
        self.kept: dict[Path, bytes] = {}
        """What had been trained by the time of each kill."""
        self._cluster, self._words, self._directory = cluster, words, directory
        self._driver = self._started()

    def burn(self, victims: Sequence[str], trials: int) -> None:
        """Kill all of them in turn, and wait until the study has ended."""
        for number, victim in enumerate(victims, start=1):
            self._wait(number * trials // (len(victims) + 1))
            while not self._kill(victim):
                assert self._driver.poll() is None, self._driver.communicate()[1]
                time.sleep(0.01)
            self.killed[victim] += 1
        (self._directory / OVER).touch()
        says = self._driver.communicate(timeout=DEADLINE)[1]
        assert self._driver.returncode == 0, says

    def _wait(self, trials: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while len(records := list(self._directory.glob("*/*/record.json"))) < trials:
            assert self._driver.poll() is None, self._driver.communicate()[1]
            assert time.monotonic() < deadline, f"{len(records)} of {trials} trainings after {self.killed}"
            time.sleep(0.05)
        self.kept |= {path: path.read_bytes() for path in records if path not in self.kept}

    def _kill(self, victim: str) -> bool:
        """Whether there was one to kill."""
        if victim == "machine":
            self._cluster.remove_node(next(iter(self._cluster.worker_nodes)), allow_graceful=False)
            self._cluster.add_node(**FEW)
            return True
        if victim == "program":
            self._driver.kill()
            self._driver.communicate()
            self._driver = self._started()
            return True
        for pid in [pid for name in NAMES[victim] for pid in processes(self._cluster, name)][:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(self._words, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow  # after each of eighty kills PyTorch is imported by a new process
def test_where_to_pool_is_answered_as_on_this_machine_whatever_is_killed(cluster: Any, tmp_path: Path) -> None:
    file, there, seeds = tmp_path / "pools.toml", tmp_path / "there", 60
    file.write_text(f'arms = ["alexnet-28", "alexnet-28-alternating"]\nseeds = {seeds}\nbudget = "1280img"\n')
    words = [sys.executable, "-m", "eyeshot", "study", str(file), "--run", str(there), "--ray", cluster.address]

    fire = Fire(cluster, words, there)
    # nothing holds the last trials back until the fire is over, so that a fifth of all are left for the last kills
    fire.burn(victims(20), 2 * seeds * 4 // 5)
    times = {path: path.stat().st_mtime_ns for path in there.glob("*/*/record.json")}
    again, here = eyeshot.study(file, run=there), eyeshot.study(file, run=tmp_path / "here")

    assert fire.killed == Counter(trial=20, worker=20, machine=20, program=20)
    assert timeless(again.evidence) == timeless(here.evidence)
    assert len(times) == 2 * seeds
    assert times == {path: path.stat().st_mtime_ns for path in there.glob("*/*/record.json")}
    assert all(path.read_bytes() == content for path, content in fire.kept.items())


def victims(of_each: int) -> list[str]:
    """What is killed, in an order drawn once."""
    drawn = ["trial", "worker", "machine", "program"] * of_each
    Random(0).shuffle(drawn)
    return drawn


@pytest.mark.slow  # six hundred trainings
def test_two_hundred_arms_are_trained_whatever_is_killed_and_nothing_is_lost_or_trained_twice(
    cluster: Any, tmp_path: Path
) -> None:
    images, directory = studied.write_images(tmp_path / "images"), tmp_path / "study"
    words = [sys.executable, "-c", DRIVER, str(Path(__file__).parent), str(images), str(directory), cluster.address]
    fire = Fire(cluster, words, directory)
    fire.burn(victims(3), len(LABELS) * len(SEEDS))
    there = many(images, directory, address=None)
    here = many(images, tmp_path / "here", address=None)

    assert fire.killed == Counter(victims(3))
    assert [record.numbers for record in there] == [record.numbers for record in here]
    assert len(list(directory.glob("*/*/record.json"))) == len(here) == 600
    assert all(path.read_bytes() == content for path, content in fire.kept.items())


class Head:
    """A cluster's head as a process of its own, of two cores, with all that it starts."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self._folder = tempfile.mkdtemp(prefix="ray-")  # a socket's path has 107 characters at most
        words = ["--head", "--block", f"--port={port}", "--num-cpus=2", f"--object-store-memory={100 << 20}",
                 "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={self._folder}"]  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", *words],
            env=OPEN,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        assert any("Ray runtime started" in line for line in self._process.stdout)

    def kill(self) -> None:
        """All of it at once, as a machine that loses its power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)


OPEN = os.environ | {"RAY_AUTH_MODE": "disabled"}
"""On this machine alone: a cluster that nobody else reaches asks for no token."""


@pytest.mark.slow  # starts two clusters, and waits until the first is given up
def test_a_study_whose_cluster_loses_its_head_says_so_and_goes_on_on_another(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'eyeshot[ray]')")
    file, there = tmp_path / "pools.toml", tmp_path / "there"
    file.write_text('arms = ["alexnet-28", "alexnet-28-alternating"]\nseeds = 4\nbudget = "5120img"\n')
    words = [sys.executable, "-m", "eyeshot", "study", str(file), "--run", str(there), "--ray"]

    def started(head: Head) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*words, head.address], env=OPEN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    head = Head()
    try:
        driver = started(head)
        deadline = time.monotonic() + DEADLINE
        while len(trained := list(there.glob("*/*/record.json"))) < 2:
            assert driver.poll() is None, driver.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        kept = {path: path.read_bytes() for path in trained}
    finally:
        head.kill()
    says = driver.communicate(timeout=DEADLINE)[1]
    assert driver.returncode == 1
    assert "the cluster's head does not answer any more" in says
    assert "the same command goes on once there is a cluster again" in says
    assert "Traceback" not in says
    assert len(list(there.glob("*/*/record.json"))) < 8

    head = Head()
    try:
        driver = started(head)
        says = driver.communicate(timeout=DEADLINE)[1]
    finally:
        head.kill()
    assert driver.returncode == 0, says
    times = {path: path.stat().st_mtime_ns for path in there.glob("*/*/record.json")}
    again, here = eyeshot.study(file, run=there), eyeshot.study(file, run=tmp_path / "here")
    assert timeless(again.evidence) == timeless(here.evidence)
    assert len(times) == 8
    assert times == {path: path.stat().st_mtime_ns for path in there.glob("*/*/record.json")}
    assert all(path.read_bytes() == content for path, content in kept.items())


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
