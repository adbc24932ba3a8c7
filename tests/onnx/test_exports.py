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
from eyeshot.report.verdict import on_several

MODELS = ("resnet18", "squeezenet1_1", "mobilenet_v3_small", "densenet121", "vit_b_16", "convnext_tiny")


def exported(model: torch.nn.Module, path: Path, *, is_new: bool, size: int = 224) -> Path:
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
        torch.onnx.export(model.eval(), (torch.zeros(1, 3, size, size),), str(path), dynamo=is_new, **options)
    return path


def test_a_comparison_says_that_file_and_module_are_alike_or_where_they_part(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="pip install 'eyeshot[onnx]'")
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3, stride=2))
    other = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 5, stride=2))
    file = Report(read_file(exported(model, tmp_path / "net.onnx", is_new=False)))
    alike, unlike = (
        on_several([Report(read_module(net, (3, 224, 224), name="net", source="torch")), file], ["A", "B"])[0]
        for net in (model, other)
    )

    assert alike == "Layer by layer A and B are alike: the same fields, maps and MACs in 2 layers with weights."
    assert unlike == "A and B part at 2, which gives 4×109×109 in A and 4×110×110 in B."


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
