"""A model on images on disk, in tiles: one file, or all of a folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyeshot.design.named import network_named
from eyeshot.errors import UsageError
from eyeshot.read.inputs import inputs_given
from eyeshot.read.module_names import is_module_name, module_name
from eyeshot.tile.images import Batched, image, images_at
from eyeshot.tile.plan import TilePlan, bytes_of
from eyeshot.tile.run import Options, Progress, Tiled


@dataclass(frozen=True, kw_only=True)
class FileRun:
    """One image that was run: where its output lies, the plan, and the largest difference where it was verified."""

    source: Path
    output: Path
    plan: TilePlan
    difference: float | None

    def to_json(self) -> dict[str, Any]:
        """Its entry in the document of schema eyeshot.tiled/1."""
        return {
            "input": str(self.source),
            "output": str(self.output),
            "difference": self.difference,
            "plan": self.plan.to_json(),
        }


def tiled_files(
    model: str,
    source: Path,
    output: Path,
    *,
    weights: Path | None = None,
    input_shape: Any = None,
    tile: Any = None,
    memory: str | None = None,
    layer: str | None = None,
    tolerance: float | None = None,
    verify: bool = False,
    approximate: bool = False,
    force: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[FileRun]:
    """Run a model on the image at ``source``, or on all in that folder, and write the outputs to ``output``.

    Raises:
        UsageError: tiles would differ, or an output is there already.
        DataError: an image cannot be read.
        ReadError: the model has no weights here.
    """
    sources = images_at(source)
    is_folder = source.is_dir() and source.suffix != ".zarr"
    if is_folder:
        output.mkdir(exist_ok=True, parents=True)
    targets = [output / f"{each.stem}.npy" for each in sources] if is_folder else [output]
    for target in targets:
        if target.exists() and not target.with_name(f"{target.name}.tiles").exists() and not force:
            raise UsageError(f"{target} exists, and no run of it is left to go on with; --force replaces it")
        if force:
            _removed(target)
    rank = 1 + len(inputs_given(input_shape)[0].shape) if input_shape is not None else None
    layout = None if input_shape is None else inputs_given(input_shape)[0].layout
    options = Options(
        tile=tile,
        memory=None if memory is None else bytes_of(memory),
        layer=layer,
        layout=layout,
        tolerance=tolerance,
        approximate=approximate,
        verify=verify,
        on_progress=on_progress,
    )
    runs, run = [], None
    for each, target in zip(sources, targets, strict=True):
        array = image(each, channels_last=layout is not None and layout.endswith("C"))
        batched = Batched(array, rank or _usual_rank(len(array.shape)))
        run = run or Tiled(_module(model, batched.shape[1:], weights), options)
        run(batched, out=target)
        assert run.plan is not None
        runs.append(FileRun(source=each, output=target, plan=run.plan, difference=run.difference))
    return runs


def _removed(target: Path) -> None:
    """An output, and the journal of what was done of it, make room for another."""
    for path in (target, target.with_name(f"{target.name}.tiles")):
        if path.is_dir() and path.suffix == ".zarr":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def _usual_rank(axes: int) -> int:
    """Axes of the model's input, as arrays are usually kept: H×W and C×H×W are images, N×C×H×W a batch of them."""
    return 4 if axes in (2, 3) else axes + (axes == 1) * 2


def _module(model: str, shape: tuple[int, ...], weights: Path | None) -> Any:
    """The module that a name stands for, with weights: its own, a library's on this machine, or those of a file."""
    from eyeshot.read.pretrained import drawn_module, load_weights, pretrained_module

    if not is_module_name(model):
        if weights is None:
            raise UsageError(f"{model}: a design has no weights of its own; give them with --weights FILE")
        from eyeshot.build.torch import build

        module = build(network_named(model, shape))
    elif weights is None and module_name(model).is_of_library:
        return pretrained_module(model)[0]
    else:
        module = drawn_module(model)
    if weights is not None:
        load_weights(module, weights)
    return module
