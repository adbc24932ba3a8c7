"""The loop over seeds and images: batch after batch in a fixed order, kept while it goes, stopped when it is sure."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from eyeshot.errors import RunError
from eyeshot.measure import store
from eyeshot.measure.beside import Beside
from eyeshot.measure.calls import Made
from eyeshot.measure.capture import Capture
from eyeshot.measure.channels import Channels
from eyeshot.measure.images import Images
from eyeshot.measure.maps import Maps
from eyeshot.measure.request import Request
from eyeshot.measure.statistics import relative_half_width
from eyeshot.measure.subject import Subject, digest
from eyeshot.train.machine import versions

GROUPS = 32
"""Parts into which images are sorted for the intervals; more would be surer of the interval and cost memory."""
FEWEST_GROUPS = 8
"""Groups from which on an interval may end a run."""
_SAVE_SECONDS, _REPORT_SECONDS = 5.0, 0.5
_CHECK_EVERY = 1.1
"""Whether it is sure enough is asked whenever there are that many times the batches: not by the clock, so that a run
that was stopped ends where one that was not does."""


@dataclass(frozen=True)
class Progress:
    """Where a measurement stands: images done of how many at most, and the interval of σ as a share of it."""

    done: int
    total: int
    half_width: float | None


@dataclass(frozen=True)
class Batch:
    """Images that are measured at once; ``groups`` says where each one's map is added."""

    seed: int | None
    indices: tuple[int, ...]
    groups: tuple[int, ...]


def plan(images: int, request: Request, *, is_drawn: bool, batch: int) -> list[Batch]:
    """All batches in their order. Groups are seeds where there are several, else parts of the images."""
    count = min(images, request.per_seed) if is_drawn else images
    seeds: Sequence[int | None] = range(request.seeds) if is_drawn else [None]
    parts = min(GROUPS, count)
    batches = []
    for seed in seeds:
        for first in range(0, count, batch):
            indices = tuple(range(first, min(first + batch, count)))
            groups = tuple(seed if seed is not None and len(seeds) > 1 else i % parts for i in indices)
            batches.append(Batch(seed, indices, groups))
    return batches


class _OutOfMemory(Exception):  # noqa: N818 (no error yet: fewer images may fit)
    """Images do not fit into memory at once."""


_NO_MEMORY = ("out of memory", "allocate memory", "not enough memory")
"""How PyTorch says that it found none, on whatever device."""


class Run:
    """One measurement.

    Args:
        subject: what is measured.
        first: its module for the first seed, or its own.
        calls: the calls that make its layers, of a user's module.
        request: how it is measured.
        images: at what.
        maps: how one batch is measured.
    """

    def __init__(
        self,
        subject: Subject,
        first: nn.Module,
        calls: dict[str, Made] | None,
        request: Request,
        images: Images,
        maps: Maps,
    ) -> None:
        self.calls = calls
        self.beside = Beside(first, subject.network, subject.input_shape)
        self.channels = Channels(maps.target, request.channel)
        self.subject, self.request, self.images, self.maps = subject, request, images, maps
        self.plan = plan(len(images), request, is_drawn=subject.is_drawn, batch=maps.batch)
        self._seed, self._module = self.plan[0].seed, self._ready(first)
        self._is_channels_last = True
        self._first = first

    @cached_property
    def _digest(self) -> str:
        return "" if self.subject.is_drawn else digest(self._first)

    def first_map(self) -> torch.Tensor:
        """The first image's map alone."""
        step = self.plan[0]
        return self._measured(Batch(step.seed, step.indices[:1], step.groups[:1]))

    def to_the_end(
        self,
        directory: Path | None,
        on_progress: Callable[[Progress], None] | None,
        notice: Callable[[str], None],
    ) -> store.State:
        """Measure what is not yet done, up to the precision asked for."""
        groups = 1 + max(group for step in self.plan for group in step.groups)
        state = store.State(np.zeros((groups, *self.maps.shape)), np.zeros(groups))
        if directory is not None:
            described = self._described()
            store.claim(directory, described, notice)
            state = store.restore(directory, described, state, len(self.plan), notice)
        sums = torch.from_numpy(state.sums).to(self.maps.device_of_sums)
        due, saved, told = self._checks(), time.monotonic(), time.monotonic()
        if on_progress is not None:
            on_progress(Progress(int(state.counts.sum()), self._total, None))
        is_sure = state.done in due and self._is_sure(state)
        while state.done < len(self.plan) and not is_sure:
            step = self.plan[state.done]
            sums.index_add_(0, torch.tensor(step.groups, device=sums.device), self._measured(step))
            np.add.at(state.counts, list(step.groups), 1)
            state.done += 1
            now = time.monotonic()
            is_told = on_progress is not None and now - told > _REPORT_SECONDS
            if state.done in due or is_told or now - saved > _SAVE_SECONDS or state.done == len(self.plan):
                state.sums = sums.cpu().numpy()
            is_sure = state.done in due and self._is_sure(state)
            if on_progress is not None and is_told:
                width = relative_half_width(state.sums, state.counts)
                on_progress(Progress(int(state.counts.sum()), self._total, width))
                told = time.monotonic()
            if directory is not None and (now - saved > _SAVE_SECONDS or is_sure or state.done == len(self.plan)):
                store.save(directory, described, state)
                saved = time.monotonic()
        return state

    @property
    def _total(self) -> int:
        return sum(len(step.indices) for step in self.plan)

    def _checks(self) -> frozenset[int]:
        """After how many batches it is asked whether the interval is narrow enough."""
        if self.request.precision is None:
            return frozenset()
        checks, done = set(), 1
        while done < len(self.plan):
            checks.add(done)
            done = max(done + 1, math.ceil(done * _CHECK_EVERY))
        return frozenset(checks)

    def _is_sure(self, state: store.State) -> bool:
        assert self.request.precision is not None
        if (state.counts > 0).sum() < FEWEST_GROUPS:
            return False
        width = relative_half_width(state.sums, state.counts)
        return width is not None and width <= self.request.precision

    def _measured(self, step: Batch) -> torch.Tensor:
        """The maps of a batch's images; where those do not fit into memory, of fewer at once from then on."""
        maps: list[torch.Tensor] = []
        while (done := sum(map(len, maps))) < len(step.indices):
            part = slice(done, done + self.maps.at_once)
            try:
                maps.append(self._maps_of(Batch(step.seed, step.indices[part], step.groups[part])))
            except _OutOfMemory as error:
                if self.maps.at_once == 1:
                    what = f"{self.maps.target.name}: its gradients do not fit into memory, for one image at once"
                    raise RunError(f"{what}: {error}; give a smaller --input, or --dtype bf16") from error
                self.maps.at_once //= 2
        return torch.cat(maps)

    def _maps_of(self, step: Batch) -> torch.Tensor:
        module = self._module_of(step.seed)
        pixels = torch.from_numpy(self.images.take(step.indices, step.seed or 0))
        expected = self.subject.network.input.shape[1:]
        if tuple(pixels.shape[1:]) != expected:
            sizes = "×".join(map(str, pixels.shape[1:]))
            raise RunError(f"images of {sizes}, where {self.subject.network.name} was read for {expected}")
        capture = Capture(
            module,
            self.maps.crop.network,
            self.request.layer,
            self.calls,
            lambda x: self.beside.arguments(x, step.indices, step.seed or 0),
        )
        directions = self.channels.directions(step.indices, step.seed or 0)
        pixels = self.maps.part(pixels).to(self.maps.device)
        with _measuring(module):
            if pixels.dim() == 4 and self._is_channels_last:
                try:
                    return self._taken(capture, pixels.to(memory_format=torch.channels_last), directions)
                except RunError:
                    # A fifth faster where it works; modules that call view() need the other order, for all images.
                    self._is_channels_last = False
            return self._taken(capture, pixels, directions)

    def _taken(self, capture: Capture, pixels: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        try:
            return self.maps(capture, pixels, directions)
        except (RuntimeError, RunError) as error:
            text = str(error).strip().splitlines()[0]
            if any(words in text.lower() for words in _NO_MEMORY):
                raise _OutOfMemory(text) from error
            if isinstance(error, RunError):
                raise
            raise RunError(f"{self.maps.target.name}: its gradients cannot be taken: {text}") from error

    def _module_of(self, seed: int | None) -> nn.Module:
        if seed != self._seed:
            self._seed, self._module = seed, self._ready(self.subject.seeded(seed))
        return self._module

    def _ready(self, module: nn.Module) -> nn.Module:
        """The module on the device; a user's own module stays where it is."""
        device = self.maps.device
        if all(p.device.type == device.type for p in module.parameters()):
            return module
        return (module if self.subject.is_drawn else copy.deepcopy(module)).to(device)

    def _described(self) -> dict[str, Any]:
        """What the sums depend on; not the precision, to which a run may be taken further."""
        described = {key: value for key, value in asdict(self.request).items() if key != "precision"}
        network = self.subject.network
        return described | {
            "network": network.name,
            "input": list(network.input.shape[1:]),
            "unit": self.maps.target.single,
            "weights": self.subject.weights,
            "digest": self._digest,
            "images": self.images.fingerprint,
            "batch": self.maps.batch,
            "device": str(self.maps.device),
            "versions": versions(torch.get_num_threads()),
        }


def mixes_its_batch(module: nn.Module) -> bool:
    """Whether images of a batch change each other's outputs: batch norms that keep no statistics."""
    return any(isinstance(child, _BatchNorm) and child.running_mean is None for child in module.modules())


@contextmanager
def _measuring(module: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients of weights; everything as it was afterwards."""
    modes = [(child, child.training) for child in module.modules()]
    wanted = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    for child, _ in modes:
        child.training = False
    for parameter, _ in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for child, mode in modes:
            child.training = mode
        for parameter, is_wanted in wanted:
            parameter.requires_grad_(is_wanted)
