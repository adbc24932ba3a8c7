"""The whole image's output, piece by piece: read a tile, run the module, write its core, go on.

Tiles of one shape run together as long as memory allows. Nothing is held but the tiles at work and what the caller
gave: inputs and outputs may be arrays on disk. Weights are used as they are; the module runs in evaluation mode.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eyeshot.errors import MissingExtraError, RunError, UsageError
from eyeshot.read.inputs import InputSpec
from eyeshot.tile.apart import mixing
from eyeshot.tile.family import Family
from eyeshot.tile.places import Job, place_of
from eyeshot.tile.plan import TilePlan, planned
from eyeshot.tile.probe import probe

try:
    import torch
    from torch import nn
    from torch.utils._pytree import tree_flatten, tree_unflatten
except ImportError:
    raise MissingExtraError("running a network in tiles", "torch", "torch") from None

from eyeshot.read.state import in_evaluation, modules_in
from eyeshot.tile.journal import Journal
from eyeshot.tile.stores import is_store, opened
from eyeshot.tile.tolerance import planned_within


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: tiles done of all, and seconds since it began."""

    done: int
    tiles: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Options:
    """How tiles are planned and run; see ``eyeshot.tiled``."""

    plan: TilePlan | None = None
    tile: int | Sequence[int] | None = None
    memory: int | None = None
    layer: str | None = None
    layout: str | None = None
    batch: int | None = None
    approximate: bool = False
    tolerance: float | None = None
    verify: bool = False
    on_progress: Callable[[Progress], None] | None = None
    notice: Callable[[str], None] = lambda text: None


class Tiled:
    """A module that runs in tiles, called as the module is.

    Attributes:
        plan: of the last image.
        difference: the largest difference from the whole image, where it was verified; None where it was not.
    """

    def __init__(self, module: nn.Module, options: Options) -> None:
        self.module, self.options = module, options
        self.plan: TilePlan | None = options.plan
        self.difference: float | None = None
        self._plans: dict[object, TilePlan] = {}
        self._mixes: dict[int, str | None] = {}

    def __repr__(self) -> str:
        return f"<Tiled {type(self.module).__name__} {self.plan and self.plan.tile}>"

    def __call__(self, x: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        """The module's output on the whole of ``x``, written into ``out`` where that is given.

        Args:
            x: a tensor, a NumPy array, or anything that has a shape and can be sliced, batch axis first.
            args, kwargs: what the module's forward takes besides; tensors of the image's size are cut as it is.
            out: an array per output, or the path of a .npy or .zarr file: a run that stopped goes on there.

        Raises:
            UsageError: tiles would not be equal (and ``approximate`` was not given), or an array does not fit.
            RunError: the output cannot be written; finished tiles are kept.
        """
        plan = self.plan = self._plan_for(x, args, kwargs)
        self._check(plan, int(x.shape[0]))
        outputs = self._outputs(plan, x, out)
        journal = Journal.beside(out if out is not None else outputs, plan, self.module, x)
        try:
            structure = self._run(plan, x, args, kwargs, outputs, journal)
        finally:  # stopped or failed: what is done is kept, as far as there is room
            with suppress(OSError, RunError):
                journal.note(outputs)
        if self.options.verify or self.options.approximate:
            from eyeshot.tile.verify import difference

            with in_evaluation(modules_in(self.module)), torch.no_grad():
                self.difference = difference(lambda job: self.results(plan, x, args, kwargs, [job])[0], plan, outputs)
        journal.finish()
        if structure is None:
            return outputs[0] if len(outputs) == 1 else tuple(outputs)
        return tree_unflatten(outputs, structure)

    def _plan_for(self, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TilePlan:
        options, shape = self.options, tuple(int(n) for n in x.shape[1:])
        if not shape:
            raise UsageError(f"an input of shape {tuple(x.shape)}: needed is the batch axis, then channels and sizes")
        if options.plan is not None and options.plan.network.input.shape[1:] == shape:
            return options.plan
        key = shape, tuple(np.shape(value) for value in (*args, *kwargs.values()))
        if key not in self._plans:
            spec = InputSpec(shape=shape, layout=options.layout) if options.layout else shape
            family = Family(self.module, [spec] if options.layout else spec, args=args, kwargs=kwargs)
            looked = probe(family, options.layer)
            tile = options.plan.tile if options.plan is not None else options.tile
            if isinstance(tile, Sequence) and options.plan is not None:
                tile = tuple(min(t, lane.n) for t, lane in zip(tile, looked.lanes, strict=True))
            size = next((p.element_size() for p in self.module.parameters()), 4)
            terms: dict[str, Any] = {"limit": options.memory, "tile": tile, "size": size}
            if options.tolerance is None:
                self._plans[key] = planned(looked, **terms)
            else:
                self._plans[key] = planned_within(looked, options.tolerance, **terms)
        return self._plans[key]

    def _check(self, plan: TilePlan, images: int) -> None:
        if plan.verdict == "differs" and plan.tiles > 1 and not self.options.approximate:
            why = "; ".join(f"{each.layer} {each.why}" for each in plan.prevents[:3])
            more = f" and {len(plan.prevents) - 3} more" if len(plan.prevents) > 3 else ""
            raise UsageError(
                f"tiles would differ from the whole image: {why}{more};"
                " approximate=True runs them all the same and measures the error"
            )
        if plan.tiles > 1 and any(place is None for out in plan.outputs for place in out.axes):
            raise UsageError(
                f"{plan.outputs[0].layer} has no axis for each of the image's, so tiles cannot be put together;"
                " give layer= of one that has"
            )

        if images > 1 and (layer := self._mixing(plan)) is not None:
            raise UsageError(
                f"{layer} mixes the images of a batch, or the module takes one at a time, and tiles are run image by"
                f" image: give the {images} images one by one"
            )

    def _mixing(self, plan: TilePlan) -> str | None:
        """The layer that keeps images, or tiles, from being run together."""
        key = id(plan.probed.family)
        if key not in self._mixes:
            self._mixes[key] = mixing(plan.probed)
        return self._mixes[key]

    def _outputs(self, plan: TilePlan, x: Any, out: Any) -> list[Any]:
        """Arrays for the outputs: those given, or new ones of x's kind."""
        shapes = [(int(x.shape[0]), *spec.shape[1:]) for spec in plan.outputs]
        if out is None:
            dtype = next((p.dtype for p in self.module.parameters()), torch.get_default_dtype())
            if isinstance(x, torch.Tensor):
                dtype = x.dtype if not any(True for _ in self.module.parameters()) else dtype
                return [torch.empty(shape, dtype=dtype, device=x.device) for shape in shapes]
            return [np.empty(shape, dtype=_numpy_type(dtype)) for shape in shapes]
        targets = list(out) if isinstance(out, list | tuple) else [out]
        if len(targets) != len(shapes):
            raise UsageError(f"the module has {len(shapes)} outputs, and {len(targets)} arrays were given for them")
        dtype = next((p.dtype for p in self.module.parameters()), torch.float32)
        arrays = [
            opened(target, shape, _numpy_type(dtype)) if is_store(target) else target
            for target, shape in zip(targets, shapes, strict=True)
        ]
        for array, shape, spec in zip(arrays, shapes, plan.outputs, strict=True):
            if tuple(array.shape) != shape:
                raise UsageError(
                    f"the array for {spec.layer} has shape {tuple(array.shape)}, and its output {shape}; give one of"
                    " that shape"
                )
        return arrays

    def _run(self, plan: TilePlan, x: Any, args: Any, kwargs: Any, outputs: list[Any], journal: Journal) -> Any:
        """Run all tiles that are not done; returns how the module's outputs are nested."""
        started, structure, done = time.monotonic(), None, 0
        total = plan.tiles * int(x.shape[0])
        with in_evaluation(modules_in(self.module)), torch.no_grad():
            for numbers, jobs in self._batches(plan, int(x.shape[0])):
                left = [(i, job) for i, job in zip(numbers, jobs, strict=True) if i not in journal]
                if left:
                    results, structure = self.results(plan, x, args, kwargs, [job for _, job in left])
                    self._write(plan, [job for _, job in left], results, outputs, done, total)
                    del results  # the next tiles need the room
                    journal.add([i for i, _ in left], outputs)
                done += len(jobs)
                if self.options.on_progress is not None:
                    seconds = time.monotonic() - started
                    self.options.on_progress(Progress(done=done, tiles=total, seconds=seconds))
        return structure

    def _batches(self, plan: TilePlan, images: int) -> Iterator[tuple[list[int], list[Job]]]:
        """Tiles in order, those of one shape that follow one another together."""
        most = min(self.options.batch or plan.memory.batch, 64)  # more at once gains nothing
        if most > 1 and self._mixing(plan) is not None:
            most = 1
        jobs = enumerate(Job(n, tiles) for n in range(images) for tiles in itertools.product(*plan.rows))
        for _, group in itertools.groupby(jobs, key=lambda item: item[1].sizes):
            while chunk := list(itertools.islice(group, most)):
                yield [i for i, _ in chunk], [job for _, job in chunk]

    def results(
        self, plan: TilePlan, x: Any, args: Any, kwargs: Any, jobs: Sequence[Job]
    ) -> tuple[list[torch.Tensor], Any]:
        """The module's outputs on some tiles of one shape, flat, and how they are nested."""
        first = _together([self._cut(plan, x, job) for job in jobs])
        more = [self._cut_alike(plan, x, value, jobs) for value in args]
        named = {key: self._cut_alike(plan, x, value, jobs) for key, value in kwargs.items()}
        result = _until(self.module, self.options.layer, (first, *more), named)
        leaves, structure = tree_flatten(result)
        if len(leaves) != len(plan.outputs) or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
            raise UsageError(
                f"{type(self.module).__name__} returns {len(leaves)} values, of which {len(plan.outputs)} are maps of"
                " the image; wrap it in a module that returns those alone"
            )
        return leaves, structure

    def _cut(self, plan: TilePlan, x: Any, job: Job) -> torch.Tensor:
        place: list[Any] = [slice(job.image, job.image + 1), *(slice(None) for _ in x.shape[1:])]
        for axis, tile in zip(plan.network.axes, job.tiles, strict=True):
            place[axis] = slice(tile.start, tile.start + tile.size)
        piece = x[tuple(place)]
        parameter = next(self.module.parameters(), None)
        if isinstance(piece, torch.Tensor):
            return piece if parameter is None else piece.to(parameter.device)
        array = np.array(piece, order="C")  # a copy: maps of files may not be written to
        dtype = torch.get_default_dtype() if parameter is None else parameter.dtype
        tensor = torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
        return tensor.to(device=None if parameter is None else parameter.device, dtype=dtype)

    def _cut_alike(self, plan: TilePlan, x: Any, value: Any, jobs: Sequence[Job]) -> Any:
        """A further argument: maps of the image's size are cut as the image is, others go as they are."""
        if not hasattr(value, "shape") or not hasattr(value, "__getitem__") or len(value.shape) != len(x.shape):
            return value
        if any(value.shape[axis] != x.shape[axis] for axis in plan.network.axes):
            return value
        return _together([self._cut(plan, value, replace(job, image=min(job.image, len(value) - 1))) for job in jobs])

    def _write(
        self, plan: TilePlan, jobs: Sequence[Job], results: Sequence[torch.Tensor], outputs: list[Any], done: int,
        total: int,
    ) -> None:  # fmt: skip
        for spec, result, array in zip(plan.outputs, results, outputs, strict=True):
            for k, job in enumerate(jobs):
                there, here = place_of(spec, job.tiles, result.shape)
                piece = result[(slice(k, k + 1), *here)]
                place = (slice(job.image, job.image + 1), *there)
                if isinstance(array, torch.Tensor):
                    array[place] = piece.to(array.device)
                    continue
                try:
                    array[place] = (
                        piece.to(torch.float32 if piece.dtype == torch.bfloat16 else piece.dtype).cpu().numpy()
                    )
                except OSError as error:
                    raise RunError(
                        f"tile {done + k + 1} of {total} cannot be written ({error.strerror or error}); the tiles"
                        " before it are kept: make room and run again, which goes on there"
                    ) from error


def _together(pieces: list[torch.Tensor]) -> torch.Tensor:
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


class _Reached(Exception):  # noqa: N818 (no error: the way out of a forward pass)
    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output


def _until(module: nn.Module, layer: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A forward pass, up to a layer where one is wanted."""
    if layer is None:
        return module(*args, **kwargs)
    path, _, call = layer.partition("#")
    target = dict(module.named_modules()).get(path)
    if target is None or not path:
        raise UsageError(f"{layer} is a step inside a function, which cannot be run up to; give a module's name")
    left = [int(call or 1)]

    def hook(child: nn.Module, given: Any, output: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise _Reached(output)

    handle = target.register_forward_hook(hook)
    try:
        module(*args, **kwargs)
    except _Reached as reached:
        return reached.output
    finally:
        handle.remove()
    raise UsageError(f"{layer} was not reached")


def _numpy_type(dtype: torch.dtype) -> Any:
    return torch.empty(0, dtype=torch.float32 if dtype == torch.bfloat16 else dtype).numpy().dtype
