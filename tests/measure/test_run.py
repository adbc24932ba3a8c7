"""A measurement that can be stopped: killed and resumed to the same bits, ended in time, with honest intervals."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import eyeshot
from eyeshot.analyse.spread import Frame
from eyeshot.documents import seal_of
from eyeshot.errors import RunError, UsageError
from eyeshot.measure import store
from eyeshot.measure.request import Request
from eyeshot.measure.run import FEWEST_GROUPS, plan
from eyeshot.measure.statistics import intervals

DESIGN, SHAPE = "C3-4 C3-4", (1, 16, 16)

KILLED = """
import sys, time
import eyeshot
from eyeshot.measure import run, store
from pathlib import Path

run._SAVE_SECONDS = 0.0
saved = store.save
def slowly(directory, request, state):
    saved(directory, request, state)
    if state.done == 5 and "stop" in sys.argv:
        print("five", flush=True)
        time.sleep(60)
store.save = slowly
run.store.save = slowly
found = eyeshot.effective("C3-4 C3-4", source="init", unit="all", input_shape=(1, 16, 16), seeds=10, run=sys.argv[1])
sys.stdout.write(found.map.tobytes().hex() + str(found.intervals))
"""


def measured(directory: Path, *more: str) -> str:
    words = [sys.executable, "-c", KILLED, str(directory), *more]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = measured(tmp_path / "whole")

    words = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), "stop"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "five\n"
        os.kill(process.pid, signal.SIGKILL)
    with np.load(tmp_path / "killed" / store.STATE) as state:
        assert int(state["done"]) == 5

    assert measured(tmp_path / "killed") == whole


def test_a_finished_run_is_read_and_not_made_again(tmp_path: Path) -> None:
    settings = {"source": "init", "input_shape": SHAPE, "seeds": 4, "run": tmp_path / "run"}
    first = eyeshot.effective(DESIGN, **settings)  # type: ignore[arg-type]
    began = (tmp_path / "run" / store.STATE).stat().st_mtime_ns

    again = eyeshot.effective(DESIGN, **settings)  # type: ignore[arg-type]

    np.testing.assert_array_equal(again.map, first.map)
    assert (tmp_path / "run" / store.STATE).stat().st_mtime_ns == began


def test_a_directory_of_another_measurement_is_left_alone(tmp_path: Path) -> None:
    eyeshot.effective(DESIGN, source="init", input_shape=SHAPE, seeds=2, run=tmp_path / "run")

    with pytest.raises(UsageError, match=r"holds another measurement \(measure: 'abs' there, 'square' here\)"):
        eyeshot.effective(DESIGN, source="init", input_shape=SHAPE, seeds=2, measure="square", run=tmp_path / "run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="holds other files"):
        eyeshot.effective(DESIGN, source="init", input_shape=SHAPE, seeds=2, run=tmp_path / "full")


SETTINGS: dict[str, Any] = {"source": "init", "input_shape": SHAPE, "seeds": 3}


def changed_state(directory: Path, **changes: Any) -> None:
    """The state with other arrays and the digest of those."""
    with np.load(directory / store.STATE) as arrays:
        values = {**arrays, **changes}
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in values.items() if value is not None})
    (directory / store.STATE).write_bytes(buffer.getvalue() + seal_of(buffer.getvalue()))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sums": np.full((3, 16, 16), np.nan)}, "its sums are not finite"),
        ({"sums": np.zeros((3, 16, 16), np.float32)}, "its sums are (3, 16, 16) of float32"),
        ({"sums": np.zeros((2, 16, 16))}, "needed is (3, 16, 16) of float64"),
        ({"counts": np.full(3, -1.0)}, "batches are done"),
        ({"done": 10**9}, "1000000000 of 3 batches are done"),
        ({"done": np.array("three")}, ""),
        ({"done": None}, "done"),
        ({"request": np.array("another")}, "it is that of another measurement"),
    ],
)
def test_whatever_is_wrong_in_a_state_it_is_told_and_measured_again(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    first = eyeshot.effective(DESIGN, run=tmp_path / "run", **SETTINGS)
    changed_state(tmp_path / "run", **changes)
    told: list[str] = []

    again = eyeshot.effective(DESIGN, notice=told.append, run=tmp_path / "run", **SETTINGS)

    np.testing.assert_array_equal(again.map, first.map)
    assert len(told) == 1
    assert reason in told[0]


def test_every_flipped_bit_of_a_state_is_noticed(tmp_path: Path) -> None:
    first = eyeshot.effective(DESIGN, run=tmp_path / "run", **SETTINGS)
    content, draw = (tmp_path / "run" / store.STATE).read_bytes(), random.Random(3)

    for content_of in (lambda: flipped(content, draw),) * 20 + (lambda: b"PK not really", lambda: content[:99]):
        told: list[str] = []
        (tmp_path / "run" / store.STATE).write_bytes(content_of())
        again = eyeshot.effective(DESIGN, notice=told.append, run=tmp_path / "run", **SETTINGS)

        np.testing.assert_array_equal(again.map, first.map)
        assert "cannot be read" in told[0]


def flipped(content: bytes, draw: random.Random) -> bytes:
    other = bytearray(content)
    other[draw.randrange(len(other))] ^= 1 << draw.randrange(8)
    return bytes(other)


@pytest.mark.parametrize("damage", [b"", b"[]", b"[" * 100_000, b'{"layer": NaN}', b"9" * 5000, b"\xff"], ids=len)
def test_a_damaged_request_is_written_anew_and_its_sums_are_kept(tmp_path: Path, damage: bytes) -> None:
    first = eyeshot.effective(DESIGN, run=tmp_path / "run", **SETTINGS)
    began = (tmp_path / "run" / store.STATE).stat().st_mtime_ns
    whole = (tmp_path / "run" / store.REQUEST).read_bytes()
    (tmp_path / "run" / store.REQUEST).write_bytes(damage)
    told: list[str] = []

    with pytest.raises(UsageError, match="holds another measurement; give another --run"):
        eyeshot.effective(DESIGN, run=tmp_path / "run", **{**SETTINGS, "seeds": 2})
    again = eyeshot.effective(DESIGN, notice=told.append, run=tmp_path / "run", **SETTINGS)

    np.testing.assert_array_equal(again.map, first.map)
    assert len(told) == 1
    assert "request.json: cannot be read" in told[0]
    assert (tmp_path / "run" / store.REQUEST).read_bytes() == whole
    assert (tmp_path / "run" / store.STATE).stat().st_mtime_ns == began


def test_batches_of_any_size_give_the_same_map() -> None:
    found = [
        eyeshot.effective(DESIGN, source="init", input_shape=SHAPE, seeds=3, per_seed=5, batch=batch).map
        for batch in (1, 2, 5)
    ]

    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-5)


def test_a_precision_ends_a_run_early_and_holds() -> None:
    settings = {"source": "init", "input_shape": SHAPE, "seeds": 400, "per_seed": 1}
    found = eyeshot.effective(DESIGN, precision=0.05, **settings)  # type: ignore[arg-type]

    assert 8 <= found.origin.seeds < 400
    assert found.intervals is not None
    for sigma, (low, high) in zip(found.sigma, found.intervals.ends["sigma"], strict=True):
        assert (high - low) / 2 <= 0.05 * sigma


def test_every_image_of_every_seed_is_planned_once() -> None:
    request = Request(layer="conv1", seeds=3, per_seed=5)

    of_seeds = plan(7, request, is_drawn=True, batch=2)
    of_images = plan(70, request, is_drawn=False, batch=32)

    assert [(s.seed, i) for s in of_seeds for i in s.indices] == [(s, i) for s in range(3) for i in range(5)]
    assert {g for s in of_seeds for g in s.groups} == {0, 1, 2}
    assert [i for s in of_images for i in s.indices] == list(range(70))
    assert np.bincount([g for s in of_images for g in s.groups]).tolist() == [3] * 6 + [2] * 26


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Maps of random weights around a known profile; of 200 intervals of σ at least 180 have its true value."""
    draw = np.random.Generator(np.random.PCG64(3))
    profile = np.exp(-(((np.arange(15) - 7) / 3) ** 2) / 2)
    true = float(np.sqrt(profile @ (np.arange(15) - 7) ** 2 / profile.sum()))
    held = 0
    for _ in range(200):
        maps = profile * draw.gamma(2.0, 0.5, size=(10, 15))
        ends = intervals(maps, np.ones(10), (0,), Frame((7.0,), (15,), (15,)))
        assert ends is not None
        low, high = ends["sigma"][0]
        held += low <= true <= high

    assert 180 <= held < 200


def test_one_seed_with_one_image_gives_no_interval() -> None:
    found = eyeshot.effective(DESIGN, source="init", input_shape=SHAPE, seeds=1, per_seed=1)

    assert found.intervals is None
    assert found.to_json()["intervals"] is None


def test_a_user_s_module_is_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    module.train()
    module[0].bias.requires_grad_(False)  # type: ignore[union-attr]
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    images = torch.randn(3, 1, 9, 9)
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)

    for source in ("weights", "init"):
        eyeshot.effective(module, "2", source=source, images=images, input_shape=(1, 9, 9), seeds=2)

    assert torch.rand(1) == expected
    assert all(child.training for child in module.modules())
    assert [p.requires_grad for p in module.parameters()] == [True, False, True, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not module[2]._forward_hooks


def test_a_module_that_mixes_its_batch_is_measured_image_by_image() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.Conv2d(4, 4, 3))
    images = torch.randn(4, 1, 11, 11)
    settings = {"source": "weights", "input_shape": (1, 11, 11), "channel": "sum"}

    together = eyeshot.effective(module, "2", images=images, batch=4, **settings)  # type: ignore[arg-type]
    apart = [eyeshot.effective(module, "2", images=image[None], batch=1, **settings) for image in images]  # type: ignore[arg-type]

    assert together.origin.images == 4
    assert all(found.start == together.start for found in apart)


def test_weights_that_are_not_finite_are_told_of() -> None:
    module = nn.Conv2d(1, 1, 3)
    with torch.no_grad():
        module.weight.fill_(float("nan"))

    with pytest.raises(RunError, match="gradients are not finite"):
        eyeshot.effective(
            nn.Sequential(module), "0", source="weights", images="sample", limit=3, input_shape=(1, 28, 28)
        )


def test_progress_comes_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyeshot.measure.run._REPORT_SECONDS", 0.0)
    told = []

    eyeshot.effective(DESIGN, source="init", input_shape=SHAPE, seeds=5, on_progress=told.append)

    assert [p.done for p in told] == [0, 4, 8, 12, 16, 20]
    assert {p.total for p in told} == {20}
    assert told[-1].half_width is not None


class Greedy(nn.Module):
    """Has memory for few images only."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.conv, self.most, self.counts = nn.Conv2d(3, 4, 3), most, set[int]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        count, is_read = len(x), torch.is_inference_mode_enabled()
        if not is_read:
            self.counts.add(count)
        if not is_read and count > self.most:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")
        return self.conv(x)


def test_fewer_images_are_taken_at_once_where_memory_is_short() -> None:
    torch.manual_seed(0)
    short, ample = Greedy(2), Greedy(8)
    short.load_state_dict(ample.state_dict())
    images = torch.randn(11, 3, 9, 9)

    found, expected = (
        eyeshot.effective(module, "conv", source="weights", images=images, input_shape=(3, 9, 9), unit="all", batch=8)
        for module in (short, ample)
    )

    assert short.counts == {8, 4, 2}
    assert found.origin.images == expected.origin.images == 11
    np.testing.assert_allclose(found.map, expected.map, rtol=1e-5)


def test_one_image_that_does_not_fit_into_memory_is_told_of() -> None:
    with pytest.raises(RunError, match=r"do not fit into memory, for one image at once: .*give a smaller --input"):
        eyeshot.effective(
            Greedy(0), "conv", source="weights", images=torch.randn(3, 3, 9, 9), input_shape=(3, 9, 9), batch=2
        )


def test_a_precision_is_not_believed_of_fewer_seeds_than_an_interval_takes() -> None:
    """With any width allowed the measurement ends as soon as there are enough groups, and not before."""
    found = eyeshot.effective(DESIGN, source="init", input_shape=SHAPE, seeds=40, per_seed=1, precision=0.99)

    assert found.intervals is not None
    assert FEWEST_GROUPS <= found.intervals.groups < 40
