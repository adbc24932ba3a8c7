"""What weights from a training run are measured on, unless the user says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyeshot.errors import UsageError
from eyeshot.measure.images import DATA_SETS, is_data_set
from eyeshot.read.pretrained import trained_on
from eyeshot.train.data import load


def as_trained(weights: Path, images: Any, input_shape: Any) -> tuple[Any, Any]:
    """The images and the shape given; where one is not, and the file is a run's checkpoint, that of the run.

    Raises:
        UsageError: no images are given, and the run's are no data set that is at hand by its name.
        ReadError: the file cannot be read.
    """
    kept = trained_on(weights)
    if images is None and kept is not None and kept.data in DATA_SETS:
        images = kept.data
    elif images is None and kept is not None and kept.data:
        # a checkpoint may come from elsewhere: what it names is neither run nor read before the user says so
        raise UsageError(f"{weights} was trained on {kept.data}; give its images by that name, or others")
    if input_shape is None and kept is not None and isinstance(images, str) and is_data_set(images):
        input_shape = load(images).shape
    return images, input_shape
