"""What programs read: JSON as the schemas promise, CSV, and the exit code for bounds."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from eyeshot.design.zoo import entries
from tests.cli.conftest import Eyeshot

LAYER = {"name", "op", "inputs", "out", "field", "data_field", "params", "macs", "activations", "saved_activations"}
WINDOW = {"kernel", "stride", "dilation", "padding"}
FIELD = {"size", "stride", "start", "centre", "regular", "global", "exact"}


@pytest.mark.parametrize("model", ["alexnet", "resnet18", "[C3-8 | C5-8] C3g*", "C3-8 G F10"])
def test_show_keeps_its_schema(model: str, eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("show", model, "--json").stdout)

    assert list(document) == ["schema", "network", "layers", "totals", "notes"]
    assert document["schema"] == "eyeshot.network/1"
    assert set(document["network"]) == {"name", "source", "input"}
    assert set(document["totals"]) == {
        *("params", "macs", "activations", "peak_activations"),
        *("mac_activations", "saved_activations", "saved_exact"),
    }
    for layer in document["layers"]:
        extra = WINDOW | {"groups"} if layer["op"] == "conv2d" else WINDOW if layer["op"] == "max_pool2d" else set()
        assert set(layer) == LAYER | extra
        assert set(layer["field"]) == set(layer["data_field"]) == FIELD
    for quantity in ("params", "macs", "activations", "saved_activations"):
        assert sum(layer[quantity] for layer in document["layers"]) == document["totals"][quantity]


def test_the_contract_s_own_example_of_a_field(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("field", "alexnet-owt", "conv5", "--at", "6,6", "--json").stdout)

    assert document["schema"] == "eyeshot.field/1"
    assert document["unit"] == [6, 6]
    assert list(document) == ["schema", "layer", "unit", "hull", "clipped", "global", "exact", "footprint"]
    (box,) = document["footprint"]["boxes"]
    assert box == document["clipped"]
    assert document["footprint"]["count"] == 163 * 163


EFFECTIVE = """schema network layer source measure unit channel gates exact runs map profiles widths boxes sigma shift
    gaussian field share_of_field share_of_image share_on_padding intervals area_ratios""".split()  # noqa: SIM905


def test_effective_keeps_its_schema(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("effective", "C3-8 C3-8 C3-8", "--input", "8x32x32", "--json").stdout)

    assert list(document) == EFFECTIVE
    assert document["schema"] == "eyeshot.effective/1"
    assert (document["layer"], document["unit"]) == ("conv3", [16, 16])
    assert document["map"]["start"] == [13, 13]
    assert document["map"]["shape"] == [7, 7]
    assert sum(document["map"]["values"]) == pytest.approx(1)
    assert [len(profile) for profile in document["profiles"]] == [7, 7]
    assert all(sum(profile) == pytest.approx(1) for profile in document["profiles"])
    assert list(document["widths"]) == ["50", "68", "95", "99"]
    assert document["sigma"] == pytest.approx([2**0.5, 2**0.5])
    assert document["field"] == {"size": [7, 7], "inside": [7, 7], "centre": [16, 16]}


def test_the_map_of_an_effective_field_as_csv_has_every_pixel(eyeshot: Eyeshot) -> None:
    text = eyeshot("effective", "C3d2-8 C3d2-8", "--input", "1x32x32", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))

    assert len(rows) == 81
    assert rows[0]["y"] == "12"
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)


def test_why_names_its_terms(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("why", "alexnet", "conv5", "--json").stdout)

    assert document["schema"] == "eyeshot.why/1"
    for axis, size in zip(document["axes"], document["field"], strict=True):
        assert 1 + sum(term["adds"] for term in axis["terms"]) == axis["size"] == size


def test_models_lists_the_whole_zoo(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("models", "--json").stdout)

    assert [model["name"] for model in document["models"]] == list(entries())


def test_doctor_names_every_library_and_data_set(eyeshot: Eyeshot) -> None:
    document = json.loads(eyeshot("doctor", "--json").stdout)
    text = eyeshot("doctor").stdout

    assert document["schema"] == "eyeshot.doctor/1"
    assert {"numpy", "torch", "scipy", "matplotlib"} <= {library["name"] for library in document["libraries"]}
    assert all(library["name"] in text for library in document["libraries"])
    assert {images["name"] for images in document["data"]} == {"sample", "fashion-mnist"}


def test_csv_has_every_layer_unrounded(eyeshot: Eyeshot) -> None:
    rows = list(csv.DictReader(io.StringIO(eyeshot("show", "alexnet", "--all", "--csv").stdout)))

    assert [row["macs"] for row in rows if row["layer"] == "conv2"] == ["223948800"]
    assert len(rows) == 23


def test_plain_parts_columns_by_tabs(eyeshot: Eyeshot) -> None:
    lines = eyeshot("show", "alexnet", "--plain").stdout.splitlines()

    assert lines[0].split("\t")[0] == "layer"
    assert len({line.count("\t") for line in lines}) == 1


BOUNDED = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.last = torch.nn.Conv2d(4, 4, 3)

    def forward(self, x):
        x = self.conv(x)
        return self.last(torch.renorm(x, 2, 1, 1.0))
"""


def test_a_bound_is_marked_and_has_its_exit_code(tmp_path: Path, eyeshot: Eyeshot) -> None:
    file = tmp_path / "net.py"
    file.write_text(BOUNDED)

    shown = eyeshot("show", f"{file}:Net", "--input", "3x16x16")
    document = json.loads(eyeshot("show", f"{file}:Net", "--input", "3x16x16", "--json").stdout)

    assert shown.exit_code == 4
    assert "≤" in shown.stdout
    assert "bound from above" in shown.stderr
    assert "renorm" in shown.stderr
    assert "every unit may see the whole image" in shown.stdout
    advised = eyeshot("advise", f"{file}:Net", "--input", "3x16x16")
    assert advised.exit_code == 4
    assert "it was not all read exactly" in advised.stdout
    assert eyeshot("rewrite", f"{file}:Net", "bottleneck:last", "--input", "3x16x16").exit_code == 4
    exact = {layer["name"]: layer["field"]["exact"] for layer in document["layers"]}
    assert exact["conv"] is True
    assert exact["last"] is False


def test_what_a_user_s_module_prints_stays_out_of_the_data(tmp_path: Path, eyeshot: Eyeshot) -> None:
    file = tmp_path / "chatty.py"
    file.write_text(
        "import torch\nprint('loading')\ndef net():\n    print('made')\n    return torch.nn.Conv2d(3, 4, 3)\n"
    )

    result = eyeshot("show", f"{file}:net", "--input", "3x16x16", "--json")

    assert json.loads(result.stdout)["schema"] == "eyeshot.network/1"
    assert "loading\nmade\n" in result.stderr


def test_a_change_is_not_rounded_to_all_of_it(eyeshot: Eyeshot) -> None:
    text = eyeshot("compare", "alexnet", "C3-64 P2").stdout

    assert "C3-64 P2 has >99.9 % fewer params" in text
