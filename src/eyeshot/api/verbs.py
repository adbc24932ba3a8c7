"""The functions that most programs need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eyeshot.api.models import network_of, sizes_of
from eyeshot.api.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from eyeshot.analyse.input_sizes import InputSizes
    from eyeshot.api.comparison import Comparison
    from eyeshot.api.measured import Effective
    from eyeshot.measure.run import Progress
    from eyeshot.train.progress import Progress as TrainingProgress


def inspect(model: Any, input_shape: Any = None, *, example: Any = None, lines: bool = False) -> Report:
    """What each layer of a model sees and costs.

    Args:
        model: a name or notation (see ``eyeshot models``), an ONNX or Keras file, a torch.nn.Module, which is neither
            run on numbers nor changed, a torch.export program, an onnx.ModelProto, a model of Keras, one of JAX (a
            function, or a module of Flax or Equinox), or what was read already: a Report or its Network.
        input_shape: channels and sizes without the batch; the model's own, or (3, 224, 224), unless given. A text says
            more, such as "224x224x3:HWC" or "128:T:int64"; a dictionary gives several inputs by the names of forward's
            arguments. Fields are of the first.
        example: for modules: what forward is called with, instead of a shape: a tensor, a tuple or a dictionary, batch
            axis included. Where control flow depends on values, its numbers decide.
        lines: for modules and functions: keep the line of code that called each layer.

    Raises:
        UsageError: if a name is neither a known model nor a design, or the input is none.
        ReadError: if a module cannot be traced; its ``partial`` is the Network up to there.

    Example:
        >>> inspect("alexnet")["conv5"].field.size
        (163, 163)
    """
    return Report(network_of(model, input_shape, example, lines))


def sizes(model: Any, input_shape: Any = None) -> InputSizes:
    """Which input sizes a model takes along each axis, what comes out, and what strides leave unread.

    The model is read at many sizes, without computing numbers: at those of one period of its strides, and at more to
    find the smallest. ``.axes`` has what fits, ``.trials`` what comes out of a few sizes, ``.to_json()`` all of it.

    Args:
        model: as for ``inspect``, what was read already excepted.
        input_shape: as for ``inspect``; the size to look around. It need not fit.

    Raises:
        UsageError, ReadError: as for ``inspect``, where the model takes no size that a short search tries.

    Example:
        >>> sizes("C7-8 P2 P2", (3, 32, 32)).axes[0].fits
        (Progression(first=4, step=1, last=None),)
    """
    return sizes_of(model, input_shape)


def compare(
    *models: Any,
    input_shape: Any = None,
    train: bool = False,
    data: str | Path | None = None,
    size: Any = None,
    seeds: int | None = None,
    budget: str | None = None,
    match: str | None = None,
    match_by: str | None = None,
    lr: float | None = None,
    batch_size: int | None = None,
    augment: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    measures: Sequence[str] | None = None,
    run: str | Path | None = None,
    jobs: int | None = None,
    ray: str | None = None,
    gpus: float | None = None,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    notice: Callable[[str], None] | None = None,
) -> Comparison:
    """What several models see and cost, side by side; with ``train``, how they score as well.

    Args:
        models: as for ``inspect``; the first is the one that others are compared to.
        input_shape: as for ``inspect``; that of the images when training.
        train: train the designs under one budget, with the same images in the same order. Each trial runs in a
            process of its own; ``docs/training.md`` tells how, and it is what ``eyeshot compare --train`` does.
        data: "sample" unless given, "fashion-mnist", a folder of class folders, or "file.py:factory".
        size: height and width for a folder's pictures, such as "20x30": scaled, the middle cut out; "20x30:stretch"
            changes their proportions, "20x30:pad" keeps all of them with black around.
        seeds: number of seeds per design, paired; 5 unless given.
        budget: what each trial may spend, such as "5ep", "60s", "2e6img" or "1e12mac"; "3ep" unless given.
        match: scale the widths of further models until "params", "macs" or "activations" agree with the first's: those
            of a design; the arguments of a module's maker that say width, channels and the like; else by the move
            ``width``. ``remarks`` of the result say how.
        match_by: the argument of the modules' makers that is scaled.
        lr, batch_size, augment: the highest learning rate (0.05), images per step (64), "shift" to move images, "flip"
            or "alternating-flip" to mirror them, "shift+flip" for both.
        device: "cpu", "cuda" or "mps"; the fastest there is unless given.
        precision: "fp32" unless given, "bf16", or "auto" for bf16 where what trains has it.
        measures: what is measured beside accuracy: "loss", "calibration", "shift", "seconds", "probes", "position",
            "effective", "seams"; ``evidence.measures`` has it. One more is measured on what is trained already.
        run: the directory that keeps plan, states and scores; ``runs/`` and the plan's fingerprint unless given. A
            study that was stopped goes on there, and a finished one is read.
        jobs: trials at once; as many as there are cores for unless given.
        ray, gpus: as for ``study``: trials as tasks of a Ray cluster, and the share of a GPU that each takes.
        on_progress, notice: told how each trial goes, several times a second, and of what was found damaged.

    Raises:
        UsageError: a model, the images or an option cannot be used.
        ReadError: a module cannot be traced.
        MissingExtraError: PyTorch or SciPy is not installed, which training needs.
        RunError: a trial failed, or the directory cannot be used.

    Example:
        >>> compare("C3-64 C3-64", "C5-64").reports[0]["conv2"].field.size
        (5, 5)

        Trained, and what five seeds allow one to say::

            evidence = eyeshot.compare("alexnet-28", "alexnet-28-alternating", train=True, budget="5ep").evidence
            print(evidence.verdict)
            evidence.differences[0].mean        # points by which the first scores higher
    """
    from eyeshot.api.comparison import compared
    from eyeshot.errors import UsageError

    if len(models) < 2:
        raise UsageError(f"compare needs two designs or more, found {len(models)}; eyeshot.inspect takes one")
    terms = {"data": data, "size": size, "seeds": seeds, "budget": budget, "lr": lr, "batch_size": batch_size,
             "augment": augment, "device": device, "precision": precision, "measures": measures, "run": run,
             "jobs": jobs, "ray": ray, "gpus": gpus, "on_progress": on_progress, "notice": notice}  # fmt: skip
    chosen = [name for name, value in terms.items() if value is not None]
    if not train:
        if chosen:
            raise UsageError(f"{', '.join(chosen)}: only for designs that are trained; give train=True too")
        return compared(models, input_shape, match=match, match_by=match_by)
    from pathlib import Path

    from eyeshot.api.studied import carried_out
    from eyeshot.studies.engines import engine_of
    from eyeshot.studies.study import planned

    study = planned(
        models,
        input_shape,
        data=data,
        size=size,
        seeds=seeds,
        budget=budget,
        match=match,
        match_by=match_by,
        lr=lr,
        batch_size=batch_size,
        augment=augment,
        device=device,
        recipe={"precision": precision},
        measures=measures,
        engine=engine_of(ray=ray, gpus=gpus, jobs=jobs),
        directory=None if run is None else Path(run),
        jobs=jobs,
        command=(
            "eyeshot.compare",
            *map(str, models),
            *(
                f"{name}={value}"
                for name, value in (terms | {"match": match, "match_by": match_by}).items()
                if value is not None
            ),
        ),
    )
    return carried_out(study, on_progress, notice)


def effective(
    model: Any,
    layer: str | None = None,
    *,
    source: str | None = None,
    unit: tuple[int, ...] | str = "centre",
    measure: str = "abs",
    channel: int | str = "mixed",
    images: Any = None,
    limit: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
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
) -> Effective:
    """How much of what a unit sees it really uses: its effective receptive field.

    Args:
        model: as for ``inspect``.
        layer: a layer's name; the last convolution's unless given.
        source: "density", the paths of the network alone, each unit's weight shared among what it reads, as squared
            gradients do at random weights; "paths", every path counted alike; "init", gradients averaged over random
            weights; "weights", gradients with the model's own weights, or those in the file ``weights``, on ``images``.
            Density unless given, or weights where a file of them is.
        unit: "centre", "all" (the mean over all units, each moved by its field's centre), or a unit's indices.
        measure: of the gradients, the mean "abs", "square", "signed", or "positive" (of rectified outputs, RepLKNet's).
        channel: of the gradients: one channel or class by its index, "sum" of all, or "mixed", all in a direction drawn
            for each image ("sum" where signs are kept).
        images: a folder, "sample", "fashion-mnist", other data as trainings take them ("photos?size=64:pad"), or an
            array of inputs; noise for "init", and for a run's checkpoint its data set, unless given.
        limit: images at most, a random choice.
        mean, std: per channel, on the scale 0 to 1, by which a folder's or data set's images are normalised; those that
            a run's checkpoint was trained with, the library's for its models, else ImageNet's, unless given.
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
    from eyeshot.api.measured import Effective
    from eyeshot.errors import UsageError

    source = source or ("density" if weights is None else "weights")
    if source in ("density", "paths"):
        from eyeshot.measure.density import density

        report = Report(network_of(model, input_shape))
        along = density(report.network, _layer_named(report, layer), unit, gates=gates, is_shared=source == "density")
        return Effective.of(along)
    if source not in ("init", "weights"):
        raise UsageError(f"source {source!r}: needed is density, paths, init or weights")
    if source == "weights" and images is None and weights is None:
        raise UsageError(_NO_IMAGES)
    from importlib.util import find_spec
    from pathlib import Path

    if find_spec("torch") is None:  # which would not help with a model of JAX
        from eyeshot.read.foreign import check_module

        check_module(model)
    from eyeshot.measure.gradients import gradients
    from eyeshot.measure.images import Normalisation, images_of
    from eyeshot.measure.request import Request
    from eyeshot.measure.subject import subject
    from eyeshot.measure.trained import as_trained

    if weights is not None and source == "weights":
        images, input_shape = as_trained(Path(weights), images, input_shape)
        if images is None:
            raise UsageError(_NO_IMAGES)
    if (mean is None) is not (std is None):
        raise UsageError("mean and std go together: give both, per channel, on the scale 0 to 1")
    if mean is not None and not isinstance(images, str | Path):
        raise UsageError("mean and std are for a folder or data set of images; arrays are taken as they are")
    normalisation = None
    if mean is not None and std is not None:
        normalisation = Normalisation(mean=tuple(mean), std=tuple(std), whose="by the mean and std given")
    measured = subject(model, input_shape, source=source, weights=None if weights is None else Path(weights))
    request = Request(
        layer=_layer_named(Report(measured.network), layer),
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
    shape, normalisation = measured.network.input.shape[1:], normalisation or measured.normalisation
    pictures = None if images is None else images_of(images, shape, measured.prepare, limit, normalisation)
    return Effective.of(
        gradients(
            measured,
            request,
            pictures,
            directory=None if run is None else Path(run),
            on_progress=on_progress,
            notice=notice,
        )
    )


_NO_IMAGES = "source weights measures on images: give a folder of them, a data set (sample), or an array"


def _layer_named(report: Report, layer: str | None) -> str:
    """The layer asked for, or the last convolution."""
    if layer is not None:
        return report[layer].name
    from eyeshot.analyse.landmarks import last_convolution

    return (last_convolution(report) or report.layers[-1]).name
