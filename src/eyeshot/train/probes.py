"""How well can a linear classifier tell the classes from what each layer gives?

For each convolution and fully connected layer a linear classifier is fitted to what the layer gives for some train
images, and asked for the class of every test image. Maps are first averaged over their four quarters (over all of the
map where it has many channels), so that layers of any size can be probed. The classifier is least squares on one-hot
classes with a small ridge, which has one solution: no rate, no steps and no draw decide what a layer is said to know.

Source: Alain, Bengio 2016, "Understanding intermediate layers using linear classifier probes" (arXiv:1610.01644), whose
probes are fitted by cross entropy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from eyeshot.train.tested import Tested

_IMAGES = 2_000
"""Train images that classifiers are fitted to."""
_FEATURES = 1_024
"""Beyond which a map is averaged as a whole."""
_RIDGE = 1e-3
"""Of the mean variance of a feature."""


def probes(tested: Tested) -> dict[str, float]:
    """Test images put in their class from each layer alone, in percent; layers in the order of their calls."""
    train, test = tested.train, tested.test
    assert train is not None
    # Spread over all, since folders are read class after class.
    chosen = torch.linspace(
        0, len(train.images) - 1, min(_IMAGES, len(train.images)), device=train.images.device
    ).long()
    known = features(tested, train.images[chosen], _pooled)
    asked = features(tested, test.images, _pooled)
    classes = train.labels[chosen].cpu()
    return {layer: told(known[layer], classes, asked[layer], test.labels.cpu()) for layer in known}


def features(
    tested: Tested, images: torch.Tensor, rows_of: Callable[[nn.Module, torch.Tensor], torch.Tensor | None]
) -> dict[str, torch.Tensor]:
    """What ``rows_of`` makes of what each layer with weights gives, a row an image, in float64 on the processor.

    None leaves a layer out.
    """
    from eyeshot.train.tested import BATCH

    rows: dict[str, list[torch.Tensor]] = {}
    called: set[str] = set()  # by the batch at hand: of a layer that is called again the first call counts

    def keep(layer: str) -> Callable[[nn.Module, object, object], None]:
        def kept(module: nn.Module, given: object, out: object) -> None:
            if isinstance(out, torch.Tensor) and layer not in called:
                called.add(layer)
                if (row := rows_of(module, out.float())) is not None:
                    rows.setdefault(layer, []).append(row.cpu().double())

        return kept

    hooks = [
        module.register_forward_hook(keep(layer))
        for layer, module in tested.module.named_modules()
        if isinstance(weight := getattr(module, "weight", None), torch.Tensor) and weight.dim() > 1
    ]
    try:
        for batch in images.split(BATCH):
            called.clear()
            tested.logits_of(batch)
    finally:
        for hook in hooks:
            hook.remove()
    found = {layer: torch.cat(each) for layer, each in rows.items()}
    return {layer: each for layer, each in found.items() if len(each) == len(images)}  # others mix images


def _pooled(layer: nn.Module, out: torch.Tensor) -> torch.Tensor:
    """At most some thousand numbers an image."""
    if out.dim() <= 2:
        return out.flatten(1) if out.dim() == 2 else out[:, None]
    if isinstance(layer, nn.Linear):
        return out.flatten(1, -2).mean(1)  # features last
    if out.dim() == 4 and 4 * out.shape[1] <= _FEATURES:
        return functional.adaptive_avg_pool2d(out, 2).flatten(1)
    return out.flatten(2).mean(2)


def told(known: torch.Tensor, classes: torch.Tensor, asked: torch.Tensor, right: torch.Tensor) -> float:
    """Percent that one probe tells: W = argmin ‖XW − Y‖² + λ‖W‖², columns centred."""
    if not (known.isfinite().all() and asked.isfinite().all()):
        return math.nan
    wanted = functional.one_hot(classes).double()
    mean, share = known.mean(0), wanted.mean(0)
    x, y = known - mean, wanted - share
    ridge = max(_RIDGE * float(x.square().mean()), 1e-12) * len(x)
    if x.shape[1] <= len(x):
        weights = torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    else:  # the same by as many equations as there are images
        weights = x.T @ torch.linalg.solve(x @ x.T + ridge * torch.eye(len(x), dtype=x.dtype), y)
    answers = ((asked - mean) @ weights + share).argmax(1)
    return 100 * float((answers == right).double().mean())
