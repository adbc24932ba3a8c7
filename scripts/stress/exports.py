"""Small nets as both of PyTorch's exporters write them, and as Keras does.

`python -m scripts.stress.exports KIND FOLDER`, a process of its own, since the frameworks need more memory than what is
stressed afterwards.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any


def exported(kind: str) -> dict[str, bytes]:
    """The contents of files of onnx or of keras, by name."""
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "scripts.stress.exports", kind, folder]
        subprocess.run(words, cwd=root, check=True, capture_output=True)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _nets() -> dict[str, tuple[Any, tuple[int, ...]]]:
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(4, 12)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = self.mix(x).chunk(3, -1)
            return (q @ k.transpose(-1, -2)).softmax(-1) @ v

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.run = nn.LSTM(3, 4, batch_first=True, bidirectional=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.run(x)[0]

    class Crossing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fine, self.coarse = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            small = nn.functional.interpolate(self.coarse(x), size=x.shape[2:], mode="bilinear")
            gate = small.mean((2, 3), keepdim=True).sigmoid()
            return torch.cat([self.fine(x) * gate, small.flip(3)], 1)

    classic = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.GELU(), nn.MaxPool2d(2, ceil_mode=True),
        nn.ConvTranspose2d(2, 2, 2, 2), nn.PixelShuffle(1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip
    return {
        "classic": (classic, (1, 1, 9, 9)),
        "crossing": (Crossing(), (1, 2, 8, 8)),
        "attention": (nn.Sequential(nn.LayerNorm(4), Attention()), (1, 6, 4)),
        "recurrent": (Recurrent(), (1, 5, 3)),
    }


def _write_onnx(folder: Path) -> None:
    import torch

    warnings.simplefilter("ignore")
    for name, (net, shape) in _nets().items():
        for is_new in (False, True):
            path = folder / f"{name}-{'new' if is_new else 'old'}.onnx"
            version = {} if is_new else {"opset_version": 17}
            with contextlib.redirect_stdout(io.StringIO()):
                given = (torch.zeros(shape),)
                torch.onnx.export(net.eval(), given, str(path), dynamo=is_new, external_data=False, **version)


def _write_keras(folder: Path) -> None:
    """Each layer that the reader's tests have, and nets of several, as archives and as old HDF5 files."""
    from tests.keras import test_layers
    from tests.keras.models import keras, model_of

    warnings.simplefilter("ignore")
    models = [model_of(make(), shape) for make, shape in test_layers.LAYERS.values()]
    nets = {
        test_layers.of_functions: (4, 3, 2), test_layers.of_unet: (6, 4, 1), test_layers.of_gates: (4, 3, 2),
        test_layers.of_attention: (4, 2), test_layers.of_one_layer_twice: (7, 2),
        test_layers.of_a_model_within: (6, 5, 2),
    }  # fmt: skip
    models += [model_of(build, shape) for build, shape in nets.items()]
    models.append(keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(32, 32, 3)))
    for number, model in enumerate(models):
        for ending in ("keras", "h5"):
            model.save(folder / f"{number:02}.{ending}")


if __name__ == "__main__":
    {"onnx": _write_onnx, "keras": _write_keras}[sys.argv[1]](Path(sys.argv[2]))
