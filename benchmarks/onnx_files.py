"""Reading an ONNX file, all fields and costs included, beside onnx.shape_inference on the same file with its weights.

`make bench-onnx`. Both are given the path; the best of five, after a first run that is not counted.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import onnx.shape_inference
import torch

from eyeshot.api import inspect
from eyeshot.read.loading import import_torchvision

MODELS = ("resnet50", "resnet152", "densenet201")


def exported(name: str, folder: Path) -> Path:
    """The file of a torchvision model with random weights."""
    path = folder / f"{name}.onnx"
    model = import_torchvision().get_model(name, weights=None).eval()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(1, 3, 224, 224),), str(path), dynamo=False, opset_version=17)
    return path


def ours(path: Path) -> None:
    report = inspect(str(path))
    for layer in report:
        _ = layer.field, layer.data.field, layer.macs, layer.params
    _ = report.totals


def theirs(path: Path) -> None:
    onnx.shape_inference.infer_shapes(onnx.load(str(path)))


def best(function: Callable[[Path], None], path: Path) -> float:
    function(path)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function(path)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    print(f"{'model':12} {'eyeshot':>9} {'onnx':>9}  ratio")
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            path = exported(name, Path(folder))
            a, b = best(ours, path), best(theirs, path)
            print(f"{name:12} {a:7.3f} s {b:7.3f} s  {a / b:.2f}")


if __name__ == "__main__":
    main()
