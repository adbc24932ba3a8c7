"""A user's own modules: read as they are, left as they were, and complained of clearly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from eyeshot import inspect
from eyeshot.api.report import Report
from eyeshot.build.torch import build
from eyeshot.design.named import network_named
from eyeshot.design.zoo import entries
from eyeshot.errors import ReadError, UsageError
from eyeshot.read.torch import read_module
from eyeshot.report.folded import folded_notes
from eyeshot.view.document import design
from tests.oracles.elements import Function


@pytest.mark.parametrize("name", sorted(entries()))
def test_a_built_design_reads_back_with_the_same_names_fields_and_costs(name: str) -> None:
    network = network_named(name)
    with torch.device("meta"):
        module = build(network)

    back = read_module(module, network.input.shape[1:], name=network.name, source=network.source, notes=network.notes)

    assert back == network
    assert Report(back).to_json() == Report(network).to_json()


class Twice(nn.Module):
    """One convolution called twice, with functional calls between."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.body(x))
        x = functional.max_pool2d(x, 2)
        return functional.relu(self.body(x)) + x


def test_layers_carry_the_models_names() -> None:
    report = inspect(Twice(), (4, 16, 16))

    assert [layer.name for layer in report] == ["body", "relu", "max_pool2d", "body#2", "relu#2", "add"]
    assert [layer.params for layer in report][:4] == [148, 0, 0, 0]
    assert report.totals.params == 148
    assert report["body#2"].field.size == (8, 8)


def test_reading_changes_nothing_and_computes_nothing() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.LazyLinear(3))
    module(torch.zeros(2, 3, 8, 8))
    module.train()
    module[1].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    calls: list[str] = []
    module[0].register_forward_hook(lambda *_: calls.append("hook"))
    modes = [child.training for child in module.modules()]

    inspect(module, (3, 8, 8))

    assert [child.training for child in module.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(p.grad is None and p.device.type == "cpu" for p in module.parameters())
    assert len(module[0]._forward_hooks) == 1


def test_a_model_without_memory_is_read() -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(3, 100_000, 3), nn.ReLU(), nn.Conv2d(100_000, 100_000, 1))

    assert inspect(module, (3, 8, 8)).totals.params == 100_000 * (27 + 1) + 100_000 * 100_001


class Unruled(nn.Module):
    """An op without a rule between two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(torch.renorm(self.a(x), 2, 1, 1.0))


def test_an_op_without_a_rule_is_a_marked_bound_that_names_op_and_layer() -> None:
    report = inspect(Unruled(), (1, 12, 12))

    assert report["a"].field.is_exact
    assert not report["b"].field.is_exact
    assert report["b"].field.size == (12, 12)
    assert [(note.kind, note.layer) for note in report.notes][:1] == [("bound", "renorm")]
    assert "the op renorm: it has no rule" in report.notes[0].text


class TwoInputs(nn.Module):
    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return image * mask


class Mismatch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten())
        self.head = nn.Linear(10, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


class ByValue(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x * self.scale


class Empty(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :0]


class Constant(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(3)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (TwoInputs(), r"TwoInputs\.forward needs 2 inputs \(image, mask\)"),
        (Mismatch(), r"in head \(Linear with a weight of 2×10\), which got 1×288: .*\[1, 288\] X \[10, 2\]"),
        (ByValue().to_empty(device="meta"), r"needs numbers, not only shapes"),
        (Constant(), r"output does not depend on its input"),
        (Empty(), r"output has no elements \(its shape is 1×0×8×8\)"),
        (nn.Sequential(nn.LazyConv2d(3, 30)), r"its lazy layers cannot take their shapes from an input of that shape"),
        ({"a": 1}, r"a dict is no torch\.nn\.Module"),
    ],
)
def test_a_module_that_cannot_be_read_is_named_with_its_reason(module: object, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        inspect(module, (3, 8, 8))


LISTING = {
    "where": lambda x: torch.where(x > 0)[1],
    "nonzero": lambda x: (x > 0).nonzero(),
    "argwhere": lambda x: torch.argwhere(x > 0),
    "where of tables": lambda x: x[torch.where(x > 0)],
}


@pytest.mark.parametrize("name", LISTING)
def test_an_op_that_lists_positions_says_that_they_depend_on_the_data(name: str) -> None:
    report = inspect(nn.Sequential(nn.Conv2d(3, 4, 3), Function(LISTING[name])), (3, 6, 6))

    texts = [note.text for note in report.notes if note.kind == "bound"]
    assert "it lists positions that depend on the data" in texts[0]
    assert not report.is_exact


def test_what_is_said_of_several_layers_is_said_once() -> None:
    def picked(x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = x.gather(2, x.long() * 0)
        return x

    report = inspect(Function(picked), (3, 6, 6))
    folded = [(note.layer, note.text) for note in folded_notes(report)]

    assert [note.layer for note in report.notes] == ["gather", "gather#2", "gather#3"]
    assert folded == [("gather … gather#3, 3 times", report.notes[0].text)]
    assert "gather … gather#3, 3 times: the op gather" in report._repr_html_()
    assert [note["layer"] for note in design(report)["notes"]] == ["gather … gather#3, 3 times"]


@pytest.mark.parametrize("shape", [(3, -4, 10), (3, "a"), (3, 4.5, 4), (), 7])
def test_an_input_shape_that_is_none_is_refused(shape: object) -> None:
    with pytest.raises(UsageError, match=r"whole numbers from 1 on, such as \(3, 224, 224\); found"):
        inspect("C3-64", shape)  # type: ignore[arg-type]


def test_a_module_with_weights_it_does_not_use() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.Conv2d(3, 4, 3), nn.Linear(10, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    (note,) = inspect(Spare(), (3, 8, 8)).notes

    assert note.text.startswith("110 more params, in spare,")


class PaddedTwice(nn.Module):
    """Padding that two ops of one module read."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(x, (1, 0, 1, 0))
        return functional.max_pool2d(padded, 2, 1) + functional.avg_pool2d(padded, 2, 1)


def test_padding_that_is_read_twice_stays_a_layer() -> None:
    report = inspect(PaddedTwice(), (1, 8, 8))

    assert [layer.op for layer in report] == ["pad", "max_pool2d", "avg_pool2d", "add"]
    assert report["add"].field.start == (-1, -1)


class Dynamic(nn.Module):
    """A kernel chosen by what is in the image."""

    def __init__(self) -> None:
        super().__init__()
        self.choose = nn.Linear(4, 36)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel = self.choose(x.mean((2, 3))).view(1, 4, 3, 3)
        return functional.conv2d(x, kernel, padding=1)


def test_a_kernel_that_depends_on_the_data_is_a_gate() -> None:
    last = inspect(Dynamic(), (4, 9, 9)).layers[-1]

    assert last.field.is_exact
    assert last.field.is_global
    assert last.data.field.size == (3, 3)


class Choosing(nn.Module):
    """Takes the places where the map is positive, as detectors do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nonzero(self.conv(x) > 0)


def test_a_module_without_numbers_that_needs_some_is_read_up_to_there() -> None:
    report = inspect(Choosing().to_empty(device="meta"), (1, 8, 8))

    assert report["conv"].field.size == (3, 3)
    assert [note.kind for note in report.notes] == ["bound"]
    assert "reading stopped" in report.notes[0].text
    assert "needs numbers, not only shapes" in report.notes[0].text


class Finding(nn.Module):
    """Keeps of a map what is far above all that noise gives, as a detector that was not trained keeps no box."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.conv(x)
        return scores[scores > 1e6] if float(scores.sum()) < 1e6 else scores


def test_a_detector_that_finds_nothing_in_noise_is_read_up_to_where_it_chooses() -> None:
    report = inspect(Finding(), (1, 8, 8))

    assert report["conv"].field.size == (3, 3)
    assert "reading stopped" in report.notes[0].text
    assert "on random numbers its output has no elements; what comes after is missing" in report.notes[0].text


class MakesTensors(nn.Module):
    """Makes tensors inside its forward pass, and holds one that is not registered."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3)
        self.held = torch.rand(2, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x * self.held) + torch.arange(6.0)
        return torch.cat([x, torch.ones(1, 1, 6, 6)], 1)


def test_tensors_made_inside_the_forward_pass_are_no_obstacle() -> None:
    report = inspect(MakesTensors(), (2, 8, 8))

    assert report.layers[-1].field.size == (3, 3)
    assert report.is_exact


def test_a_module_of_a_users_file_is_built_and_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from torch import nn\ndef net():\n    return nn.Conv2d(3, 8, 5)\n")

    assert inspect(f"{file}:net").layers[0].field.size == (5, 5)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("missing.py:net", ReadError, "missing.py: no such file"),
        ("no_such_package:net", ReadError, "there is no module 'no_such_package'"),
        ("torchvision:resnet51", ReadError, "torchvision has no model 'resnet51'; did you mean resnet50"),
        ("timm:resnet51", ReadError, "timm has no model 'resnet51'; did you mean"),
        ("net.onnx", ReadError, "net.onnx: no such file"),
    ],
)
def test_a_name_that_leads_nowhere_says_where_it_ended(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        inspect(name)


def test_a_factory_that_is_not_there_or_fails(tmp_path: Path) -> None:
    file = tmp_path / "mine_too.py"
    file.write_text("def net():\n    raise RuntimeError('no luck')\ndef leave():\n    raise SystemExit(7)\n")

    with pytest.raises(ReadError, match=r"has no 'nett'; it has net, leave"):
        inspect(f"{file}:nett")
    with pytest.raises(
        ReadError, match=r"calling it without arguments failed: .*mine_too\.py:2: RuntimeError: no luck"
    ):
        inspect(f"{file}:net")
    with pytest.raises(
        ReadError, match=r"failed: .*mine_too\.py:4: it calls sys\.exit\(7\), which would end the program"
    ):
        inspect(f"{file}:leave")


def test_a_users_file_may_import_torchvision(tmp_path: Path) -> None:
    file = tmp_path / "with_vision.py"
    file.write_text("import torchvision\ndef net():\n    return torchvision.models.squeezenet1_1(weights=None)\n")

    assert inspect(f"{file}:net").totals.params == 1_235_496


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")  # PyTorch's compiler, while it is imported
def test_a_compiled_module_is_read_as_it_is_written() -> None:
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    half = nn.Sequential(torch.compile(nn.Conv2d(1, 2, 3)), nn.ReLU())

    whole = inspect(torch.compile(plain), (1, 8, 8))
    partly = inspect(half, (1, 8, 8))

    assert [layer.name for layer in whole] == ["0", "1"]
    assert [layer.field for layer in partly] == [layer.field for layer in whole]


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")  # PyTorch's compiler, while it is imported
def test_a_module_compiled_in_place_keeps_its_name_and_stays_compiled() -> None:
    module = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Conv2d(2, 2, 3))
    module[0][0].compile()

    assert [layer.name for layer in inspect(module, (1, 8, 8))] == ["0.0", "0.1", "1"]
    assert module[0][0]._compiled_call_impl is not None


def test_what_a_layers_own_hooks_compute_is_named_after_it() -> None:
    module = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)))
    module[0][1].register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,))
    module[0][1].register_forward_hook(lambda module, inputs, out: torch.relu(out))

    report = inspect(module, (1, 8, 8))

    assert [layer.name for layer in report] == ["0.0", "0.1.mul", "0.1", "0.1.relu"]
    assert report.network["0"].name == "0.1.relu"


def test_the_first_reading_imports_neither_pytorchs_compiler_nor_sympy() -> None:
    code = "import sys, torch, eyeshot; eyeshot.inspect(torch.nn.Conv2d(3, 8, 3)).to_json()"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )

    assert not {"torch._dynamo", "sympy"} & set(run.stdout.split())
