"""The sample that comes with eyeshot: 10,000 + 2,000 images of Fashion-MNIST, 1000 + 200 per class.

All are from the 60,000 train images, made by `scripts/make_sample.py`: the first 1000 of each class to
train, the next 200 to test. Reference: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, 2017,
arXiv:1708.07747. MIT licence, in `sample/LICENSE-fashion-mnist.txt`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from eyeshot.errors import DataError
from eyeshot.train import idx
from eyeshot.train.dataset import Dataset

FOLDER = Path(__file__).with_name("sample")
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load(folder: Path = FOLDER) -> Dataset:
    """The sample, after its files were checked against `SHA256SUMS`.

    Raises:
        DataError: a file is missing or not as it was made.
    """
    paths = [folder / f"{stem}.xz" for stem in idx.STEMS]
    try:
        lines = (folder / "SHA256SUMS").read_text("ascii").splitlines()
        expected = {name: digest for digest, name in (line.split() for line in lines)}
        for path in paths:
            if hashlib.sha256(path.read_bytes()).hexdigest() != expected.get(path.name):
                raise DataError(f"{path}: not the file that came with eyeshot; install eyeshot again")
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: the sample is not whole ({error}); install eyeshot again") from error
    return idx.load(paths, name="sample", classes=CLASSES)
