"""Make the sample that comes with eyeshot from the train images of Fashion-MNIST.

    python scripts/make_sample.py --source /usr/share/datasets/fashion-mnist

The source is what Debian's package dataset-fashion-mnist installs. The same source gives the same images; the
compressed bytes may differ between releases of liblzma.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyeshot.train import idx
from eyeshot.train.embedded import CLASSES, FOLDER

TRAIN_PER_CLASS, TEST_PER_CLASS = 1000, 200
# Pixels are bytes without the structure of words (lp = pb = 0); an image's row is 28 bytes long, so matches
# are short and dense. 4 context bits came out smallest: 0 to 4 were tried.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]


def choose(labels: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the train and the test images, each in the order of the source."""
    train, test = [], []
    for label in range(len(CLASSES)):
        positions = np.flatnonzero(labels == label)
        train.append(positions[:TRAIN_PER_CLASS])
        test.append(positions[TRAIN_PER_CLASS : TRAIN_PER_CLASS + TEST_PER_CLASS])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


def contents(source: Path) -> dict[str, bytes]:
    """The four IDX files of the sample, uncompressed, by their stem."""
    paths = idx.find(source)
    if paths is None:
        raise SystemExit(f"{source}: no {idx.STEMS[0]}.gz here; apt install dataset-fashion-mnist")
    images, labels = idx.read(paths[0], axes=3), idx.read(paths[1], axes=1)
    train, test = choose(labels)
    arrays = (images[train], labels[train], images[test], labels[test])
    return {stem: encode(array) for stem, array in zip(idx.STEMS, arrays, strict=True)}


def encode(array: NDArray[np.uint8]) -> bytes:
    """An array as an IDX file."""
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def main() -> None:
    """Write the four files and their checksums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="the folder with the four .gz files")
    parser.add_argument("--target", type=Path, default=FOLDER, help="the folder to write to (default: %(default)s)")
    arguments = parser.parse_args()
    sums = []
    for stem, content in contents(arguments.source).items():
        packed = lzma.compress(content, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, filters=FILTERS)
        (arguments.target / f"{stem}.xz").write_bytes(packed)
        sums.append(f"{hashlib.sha256(packed).hexdigest()}  {stem}.xz\n")
        print(f"{stem}.xz: {len(packed):,} bytes")
    (arguments.target / "SHA256SUMS").write_text("".join(sums), "ascii")


if __name__ == "__main__":
    main()
