"""Studies of which a training, the program itself or a machine is killed, and that are asked for again.

On this machine's processes, and where Ray is installed on a cluster of two machines that this one plays. Each ends with
the numbers of a study that was left alone; what was trained before the kill is as it was, to the last byte.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from eyeshot.errors import UsageError
from eyeshot.studies.display import Silent
from eyeshot.studies.kept import kept
from eyeshot.studies.run import run as carried_out
from eyeshot.train.budget import Budget
from tests.studies import studied

HAS_RAY = find_spec("ray") is not None
WHAT = "studies killed and resumed" + ", on Ray too" * HAS_RAY
EVERY = 5_000

_ROOT = Path(__file__).parents[2]
_BUDGET = Budget.parse("60ep")
_LONGEST = 2.0
"""Seconds after the first saved epoch until something is killed."""
_ENDS = 120.0
"""Seconds in which a study has to come to its end."""
_DRIVER = """
import sys
from pathlib import Path
from eyeshot.studies.engines import engine_of
from eyeshot.studies.run import run
from scripts.stress import studies
images, directory, address = sys.argv[1:]
engine = engine_of(ray=address, gpus=None, jobs=None) if address else None
run(studies.plan(Path(images)), studies.studied.factories("a", "b"), Path(directory), engine=engine)
"""


def plan(images: Path) -> Any:
    """Two arms of two seeds."""
    return studied.plan(images, budget=_BUDGET)


@contextmanager
def tried() -> Iterator[Callable[[Random], str | None]]:
    """One study left alone, to whose numbers those killed are compared."""
    with tempfile.TemporaryDirectory() as name, _cluster() if HAS_RAY else nullcontext() as cluster:
        images = studied.write_images(Path(name) / "images")
        whole = carried_out(plan(images), studied.factories("a", "b"), Path(name) / "whole", watcher=Silent())

        def run(draw: Random) -> str | None:
            directory = Path(tempfile.mkdtemp(dir=name)) / "killed"
            victims = ["training", "program", *(["machine"] if cluster else [])]
            address = cluster.address if cluster and draw.random() < 0.75 else ""
            victim = draw.choice(victims if address else victims[:2])
            while (before := _killed(images, directory, address, victim, draw.uniform(0, _LONGEST), cluster)) is None:
                shutil.rmtree(directory)  # it had ended before: no kill
            again = _started(images, directory, address)
            says = again.communicate(timeout=_ENDS)[1]
            if again.returncode:
                return f"{victim} killed on {address or 'processes'}: {says}"
            return _wrong(directory, whole, before)

        yield run


@contextmanager
def _cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    few: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**few, "include_dashboard": False})
    cluster.add_node(**few)
    yield cluster
    cluster.shutdown()


def _started(images: Path, directory: Path, address: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _DRIVER, str(images), str(directory), address]
    return subprocess.Popen(words, cwd=_ROOT, stderr=subprocess.PIPE, text=True)


def _killed(
    images: Path, directory: Path, address: str, victim: str, seconds: float, cluster: Any
) -> dict[Path, bytes] | None:
    """The records that there were once something was killed and the study ended; None where it had ended before."""
    driver = _started(images, directory, address)
    while not list(directory.glob("*/*/checkpoint.pt")) and driver.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    before = {path: path.read_bytes() for path in directory.glob("*/*/record.json")}
    if driver.poll() is not None:
        driver.communicate()
        return None
    if victim == "machine":
        (machine,) = cluster.worker_nodes
        cluster.remove_node(machine, allow_graceful=False)
        cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    else:
        pids = [driver.pid] if victim == "program" else _trainings(driver.pid)
        if not pids:
            driver.kill()
            driver.communicate()
            return None
        os.kill(pids[0], signal.SIGKILL)
    driver.communicate(timeout=_ENDS)
    return before


def _trainings(driver: int) -> list[int]:
    """The processes that train: the program's own, or Ray's, which are called by what they train."""
    listing = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listing.splitlines()]
    return [int(pid) for pid, parent, says in rows
            if says.startswith("ray::arm") or (int(parent) == driver and "spawn_main" in says)]  # fmt: skip


def _wrong(directory: Path, whole: list[Any], before: dict[Path, bytes]) -> str | None:
    told: list[str] = []
    try:
        _, records = kept(directory, told.append)
    except UsageError as error:
        return str(error)
    if told:
        return f"it was told {told}"
    if [record.numbers for record in records] != [record.numbers for record in whole]:
        return "the numbers are others, or not as many"
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    return f"{changed} were written again" if changed else None
