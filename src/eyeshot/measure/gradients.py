"""The effective field by gradients: how strongly units react to each pixel, averaged until it is sure enough.

Source init averages over random weights, source weights over images with given ones. Every image is measured once per
initialisation, in evaluation mode. Sums are float64 and kept per group of images (or per seed), which is all that the
intervals need; memory does not grow with the number of images.

Reference: Luo, Li, Urtasun & Zemel 2016, arXiv:1701.04128, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from eyeshot.analyse.cost import costs
from eyeshot.analyse.field import Fields
from eyeshot.errors import MissingExtraError, UsageError

try:
    import torch
except ImportError:
    raise MissingExtraError("measuring gradients", "torch", "torch") from None

from eyeshot.measure.calls import calls_of
from eyeshot.measure.crop import Crop, crop_for, whole
from eyeshot.measure.density import density
from eyeshot.measure.images import Images, Noise
from eyeshot.measure.maps import ROUNDING, Maps
from eyeshot.measure.ratio import area_ratios
from eyeshot.measure.request import Request
from eyeshot.measure.run import Progress, Run, mixes_its_batch
from eyeshot.measure.statistics import intervals
from eyeshot.measure.store import State
from eyeshot.measure.subject import Subject
from eyeshot.measure.target import Floats, Target, cut
from eyeshot.network.graph import Network
from eyeshot.report.effective import EffectiveField, Intervals, Origin
from eyeshot.train.machine import repeatable, versions

_MEMORY = 1 << 30
"""Bytes that activations may take on a CPU, by estimate, unless a batch is given; on a GPU half of what is free."""
_LARGEST_BATCH = {"cpu": 32}
_LARGEST_BATCH_ELSEWHERE = 256


def gradients(
    subject: Subject,
    request: Request,
    images: Images | None = None,
    *,
    directory: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    notice: Callable[[str], None] = lambda text: None,
) -> EffectiveField:
    """How the gradients of a layer's units are spread over the image.

    Args:
        subject: the network and its modules.
        request: which units, which measure, how many seeds, how sure.
        images: what the gradients are taken at; noise where there are none.
        directory: where sums are kept while it runs; a run that was stopped goes on from there.
        on_progress: called after each batch.
        notice: told of what was found damaged.

    Raises:
        UsageError: there is no such layer, unit, channel or device, or no image.
        RunError: the module fails, or the directory cannot be written.
    """
    network = subject.network
    fields = Fields(network)
    target = Target(fields, request.layer, request.unit, gates=True)
    device = _device(request.device or subject.device)
    if images is None:
        images = Noise(network.input.shape[1:], request.per_seed)
    if not len(images):
        raise UsageError("there are no images, so there is nothing to measure")
    with repeatable(torch.get_num_threads()):
        first = subject.seeded(0 if subject.is_drawn else None)
        calls = calls_of(first, network, subject.input_shape) if subject.is_read else None

        def run_on(crop: Crop) -> Run:
            batch = 1 if mixes_its_batch(first) else request.batch or _batch_size(crop.network, request.layer, device)
            maps = Maps(target, crop, measure=request.measure, batch=batch, device=device, dtype=request.dtype)
            return Run(subject, first, calls, request, images, maps)

        run = run_on(whole(network, request.layer))
        if target.single is not None and (crop := crop_for(first, fields, request.layer, target.single)):
            cropped = run_on(crop)
            run = cropped if _agree(run.first_map(), cropped.first_map(), request.dtype) else run
        state = run.to_the_end(directory, on_progress, notice)
    return _result(subject, request, images.words + run.beside.words, run.maps, state)


def _agree(one: torch.Tensor, other: torch.Tensor, dtype: str) -> bool:
    """Whether two maps are the same but for rounding."""
    return bool((one - other).abs().sum() <= ROUNDING[dtype] * one.abs().sum())


def _device(name: str | None) -> torch.device:
    """The device asked for, or the best there is."""
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"--device {name}: PyTorch cannot use it ({reason})") from error
    return device


def _batch_size(network: Network, layer: str, device: torch.device) -> int:
    """Images whose activations up to the layer, and the gradients of the largest, fit into memory."""
    elements = 0
    for node in network:
        elements += costs(network)[node.name].activations
        if node.name == layer:
            break
    memory = torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else _MEMORY
    most = _LARGEST_BATCH.get(device.type, _LARGEST_BATCH_ELSEWHERE)
    return int(max(1, min(most, memory // (8 * max(elements, 1)))))


def _result(subject: Subject, request: Request, inputs: str, maps: Maps, state: State) -> EffectiveField:
    network, target = subject.network, maps.target
    mean = state.sums.sum(axis=0) / state.counts.sum()
    sees_some = any(all(last >= first for first, last in target.of.hull(at)) for at in target.units)
    if not mean.any() and sees_some:
        raise UsageError(
            f"{target.name}: its gradient is 0 at every one of the {int(state.counts.sum())} images. It sees them, but"
            " is rectified to zero, or a layer before it is; take another unit or channel, other images or weights"
        )
    start, values = cut(maps.low, mean, target.name)
    box = tuple(slice(o - low, o - low + n) for o, low, n in zip(start, maps.low, values.shape, strict=True))
    seeds = int(state.counts.astype(bool).sum()) if subject.is_drawn and request.seeds > 1 else int(subject.is_drawn)
    ends = intervals(state.sums[(slice(None), *box)], state.counts, start, target.frame)
    over, groups = ("seeds" if seeds > 1 else "images"), int((state.counts > 0).sum())
    origin = Origin(
        source="init" if subject.is_drawn else "weights",
        measure=request.measure,
        unit=target.single,
        channel=request.channel,
        gates=True,
        images=int(state.counts.sum()),
        seeds=seeds,
        weights=subject.weights,
        inputs=inputs,
        versions=versions(torch.get_num_threads()) | {"device": str(maps.device), "dtype": maps.dtype},
    )
    padding = _on_padding(network, request.layer, target)
    return EffectiveField(
        network=network.name,
        network_source=network.source,
        input_shape=network.input.shape[1:],
        layer=request.layer,
        origin=origin,
        start=start,
        map=values / abs(values).sum(),
        field_size=target.field_size,
        frame=target.frame,
        is_exact=target.is_exact,
        share_on_padding=padding,
        intervals=None if ends is None else Intervals(over, groups, ends),
        area_ratios=_area_ratios(request, target, start, values),
    )


def _area_ratios(
    request: Request, target: Target, start: tuple[int, ...], values: Floats
) -> dict[int, float | None] | None:
    """RepLKNet's, for its measure; an average over units has no place on the image."""
    if request.measure != "positive" or target.single is None:
        return None
    return area_ratios(start, values, target.frame.extent)


def _on_padding(network: Network, layer: str, target: Target) -> float | None:
    """The share of one unit's paths that fall on padding, which no gradient tells; None where there are no paths."""
    if target.single is None:
        return None
    try:
        return density(network, layer, target.single).share_on_padding
    except UsageError:
        return None
