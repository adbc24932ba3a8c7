"""The three functions that most programs need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeshot.api.models import network_of
from eyeshot.api.report import Report

if TYPE_CHECKING:
    from eyeshot.api.comparison import Comparison
    from eyeshot.measure.run import Progress
    from eyeshot.report.effective import EffectiveField


def inspect(model: Any, input_shape: Any = None, *, example: Any = None, lines: bool = False) -> Report:
    """What each layer of a model sees and costs.

    Args:
        model: a name or notation (see ``eyeshot models``), a Network, a torch.nn.Module, which is neither run on
            numbers nor changed, or a torch.export program.
        input_shape: channels and sizes without the batch; the model's own, or (3, 224, 224), unless given. A text says
            more, such as "224x224x3:HWC" or "128:T:int64"; a dictionary gives several inputs by the names of forward's
            arguments. Fields are of the first.
        example: for modules: what forward is called with, instead of a shape: a tensor, a tuple or a dictionary, batch
            axis included. Where control flow depends on values, its numbers decide.
        lines: for modules: keep the line of code that called each layer.

    Raises:
        UsageError: if a name is neither a known model nor a design, or the input is none.
        ReadError: if a module cannot be traced; its ``partial`` is the Network up to there.

    Example:
        >>> inspect("alexnet")["conv5"].field.size
        (163, 163)
    """
    return Report(network_of(model, input_shape, example, lines))


def compare(*models: Any, input_shape: Any = None) -> Comparison:
    """What several models see and cost, side by side.

    Example:
        >>> compare("C3-64 C3-64", "C5-64").reports[0]["conv2"].field.size
        (5, 5)
    """
    from eyeshot.api.comparison import Comparison
    from eyeshot.errors import UsageError

    if len(models) < 2:
        raise UsageError(f"compare needs two designs or more, found {len(models)}; eyeshot.inspect takes one")
    return Comparison([inspect(model, input_shape) for model in models])


def effective(
    model: Any,
    layer: str | None = None,
    *,
    source: str = "density",
    unit: tuple[int, ...] | str = "centre",
    measure: str = "abs",
    channel: int | str = "mixed",
    images: Any = None,
    limit: int | None = None,
    weights: str | Path | None = None,
    seeds: int = 16,
    per_seed: int = 4,
    precision: float | None = None,
    gates: bool = False,
    input_shape: Any = None,
    batch: int | None = None,
    device: str | None = None,
    dtype: str = "float32",
    run: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    notice: Callable[[str], None] = lambda text: None,
) -> EffectiveField:
    """How much of what a unit sees it really uses: its effective receptive field.

    Args:
        model: as for ``inspect``.
        layer: a layer's name; the last convolution's unless given.
        source: "density", the paths of the network alone, each unit's weight shared among what it reads, as squared
            gradients do at random weights; "paths", every path counted alike; "init", gradients averaged over random
            weights; "weights", gradients with the model's own weights, or those in the file ``weights``, on ``images``.
        unit: "centre", "all" (the mean over all units, each moved by its field's centre), or a unit's indices.
        measure: of the gradients, the mean "abs", "square", "signed", or "positive" (of rectified outputs, RepLKNet's).
        channel: of the gradients: one channel or class by its index, "sum" of all, or "mixed", all in a direction drawn
            for each image ("sum" where signs are kept).
        images: a folder, "sample", "fashion-mnist", or an array of inputs; noise for "init" unless given.
        limit: images at most, a random choice.
        weights: a file with a state dict; a library's weights where they are on this machine unless given.
        seeds, per_seed: number of initialisations, and of images for each, for "init".
        precision: measure no longer than until the 95 % interval of σ is within this share of it, such as 0.02.
        gates: whether paths through gates and statistics count, too, for "density" and "paths"; gradients
            always follow them.
        input_shape: as for ``inspect``.
        batch: images at once; by memory unless given.
        device, dtype: such as "cuda" and "bf16"; a GPU where there is one, and "float32", unless given.
        run: a directory that keeps what is done, from which a run that was stopped goes on.
        on_progress, notice: told how it goes, and of what was found damaged.

    Raises:
        UsageError: there is no such layer, unit or channel, or nothing of the image reaches it.
        ReadError: the weights are not here.
        RunError: the forward pass fails.

    Example:
        Three 3×3 use a width of √2 pixels, one 7×7 of 2.

        >>> [round(effective(design, input_shape=(8, 32, 32)).sigma[0], 3) for design in ("C3-8 C3-8 C3-8", "C7-8")]
        [1.414, 2.0]
    """
    from eyeshot.errors import UsageError

    if source in ("density", "paths"):
        from eyeshot.measure.density import density

        report = Report(network_of(model, input_shape))
        return density(report.network, _layer_named(report, layer), unit, gates=gates, is_shared=source == "density")
    if source not in ("init", "weights"):
        raise UsageError(f"source {source!r}: needed is density, paths, init or weights")
    if source == "weights" and images is None:
        raise UsageError("source weights measures on images: give a folder of them, a data set (sample), or an array")
    from eyeshot.measure.gradients import gradients
    from eyeshot.measure.images import images_of
    from eyeshot.measure.request import Request
    from eyeshot.measure.subject import subject

    found = subject(model, input_shape, source=source, weights=None if weights is None else Path(weights))
    request = Request(
        layer=_layer_named(Report(found.network), layer),
        unit=unit,
        measure=measure,
        channel=channel,
        seeds=seeds,
        per_seed=per_seed,
        precision=precision,
        batch=batch,
        device=device,
        dtype=dtype,
    )
    given = None if images is None else images_of(images, found.network.input.shape[1:], found.prepare, limit)
    return gradients(
        found,
        request,
        given,
        directory=None if run is None else Path(run),
        on_progress=on_progress,
        notice=notice,
    )


def _layer_named(report: Report, layer: str | None) -> str:
    """The layer asked for, or the last convolution."""
    if layer is not None:
        return report[layer].name
    from eyeshot.analyse.landmarks import last_convolution

    return (last_convolution(report) or report.layers[-1]).name
