"""A module and its export, by either exporter, have the same fields and MACs, layer by layer."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

import pytest
import torch

pytest.importorskip("onnxscript", reason="the newer exporter needs it")

from eyeshot.api.report import Report
from eyeshot.read.loading import import_torchvision
from eyeshot.read.onnx import read_file
from eyeshot.read.torch import read_module

MODELS = ("resnet18", "squeezenet1_1", "mobilenet_v3_small", "densenet121", "vit_b_16", "convnext_tiny")


def exported(model: torch.nn.Module, path: Path, *, is_new: bool) -> Path:
    """The file of a module whose weights all differ, so that no exporter finds two alike."""
    torch.manual_seed(0)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    silent = (contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()))
    options = {"external_data": False} if is_new else {"opset_version": 17}
    with warnings.catch_warnings(), silent[0], silent[1]:
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), (torch.zeros(1, 3, 224, 224),), str(path), dynamo=is_new, **options)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("is_new", [False, True], ids=["older", "newer"])
@pytest.mark.parametrize("name", MODELS)
def test_an_export_is_read_as_its_module_is(name: str, is_new: bool, tmp_path: Path) -> None:
    model = import_torchvision().get_model(name, weights=None)
    file = Report(read_file(exported(model, tmp_path / "net.onnx", is_new=is_new)))
    module = Report(read_module(model, (3, 224, 224), name=name, source="torch"))

    told = [
        [(x.name, x.out, x.field, x.data.field, x.macs) for x in report.layers if x.macs] for report in (module, file)
    ]
    assert told[0] == told[1]
    assert module.totals.macs == file.totals.macs
