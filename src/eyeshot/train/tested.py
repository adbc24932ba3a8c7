"""A network with the images that it is tested on, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch

from eyeshot.train.batches import Labelled, Normaliser

BATCH = 500
"""Test images at once."""


@dataclass(frozen=True)
class Tested:
    """A network as it is after training, which it is not while this is used."""

    module: torch.nn.Module
    test: Labelled
    normalise: Normaliser
    is_bf16: bool = False
    train: Labelled | None = None
    """What it was trained on."""
    make: Callable[[], torch.nn.Module] | None = None
    """Makes it as it was before training."""

    @cached_property
    def logits(self) -> tuple[torch.Tensor, ...]:
        """The class scores of all test images, float32, a tensor (images, classes) a batch."""
        return tuple(self.logits_of(pixels) for pixels in self.test.images.split(BATCH))

    @torch.inference_mode()
    def logits_of(self, images: torch.Tensor) -> torch.Tensor:
        """The class scores of some images that are bytes, at once."""
        self.module.eval()
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.is_bf16):
            return class_scores(self.module(self.normalise(images))).float()

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Class scores and classes of each batch."""
        return zip(self.logits, self.test.labels.split(BATCH), strict=True)

    def right(self) -> torch.Tensor:
        """Which images are put in their class; one whose scores are not finite is not."""
        return torch.cat([(logits.argmax(1) == labels) & logits.isfinite().all(1) for logits, labels in self.batches()])


def class_scores(output: torch.Tensor) -> torch.Tensor:
    """What a network gives, a row for each image: (images, classes, 1, 1), a global average's, is that, too."""
    return output.flatten(1) if output.dim() > 2 and output.shape[2:].numel() == 1 else output
