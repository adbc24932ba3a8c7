"""The house: imports one way, a light start, no gaps in the tables, no broken messages."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import grimp
import pytest

import eyeshot
from eyeshot.analyse.walk import Rules
from eyeshot.design.zoo import entries

SOURCE = Path(eyeshot.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running some code."""
    program = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_eyeshot_loads_neither_a_framework_nor_numpy() -> None:
    assert not loaded_after("import eyeshot") & {
        "torch",
        "numpy",
        "scipy",
        "matplotlib",
        "click",
        "rich",
        "pandas",
    }


def test_inspecting_a_design_loads_no_framework() -> None:
    assert not loaded_after("import eyeshot; eyeshot.inspect('alexnet').to_json()") & {
        "torch",
        "scipy",
        "matplotlib",
    }


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ("nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.PReLU(8), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)", (3, 32, 32)),
        ("nn.Conv2d(3, 8, 3), nn.Upsample(scale_factor=2, mode='bilinear'), nn.ConvTranspose2d(8, 4, 2, 2)", (3, 8, 8)),
        ("nn.TransformerEncoderLayer(16, 2, batch_first=True)", (9, 16)),
    ],
    ids=["classifier", "decoder", "transformer"],
)
def test_reading_a_module_imports_nothing_of_pytorch_s_that_takes_a_second(layers: str, shape: tuple[int, ...]) -> None:
    """PyTorch's own shape functions import its compiler and symbolic algebra when they are first called."""
    read = f"import eyeshot\nfrom torch import nn\neyeshot.inspect(nn.Sequential({layers}), {shape}).to_json()"

    assert not loaded_after(read) & {"sympy", "mpmath"}


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "allcnn-c"])
def test_a_plain_design_is_shown_without_numpy(name: str) -> None:
    shown = "import contextlib, io\nfrom eyeshot.cli import main\nwith contextlib.redirect_stdout(io.StringIO()):\n"
    shown += f"    with contextlib.suppress(SystemExit):\n        main(['show', '{name}'])"

    assert not loaded_after(shown) & {"numpy", "torch"}


def tables_of_rules() -> list[Rules[Any]]:
    """Every table that a module of the package holds, found by looking, so that a new analysis cannot be forgotten."""
    names = (f"eyeshot.analyse.{path.stem}" for path in (SOURCE / "analyse").glob("*.py") if path.stem != "__init__")
    tables = (value for name in names for value in vars(importlib.import_module(name)).values())
    return list({id(table): table for table in tables if isinstance(table, Rules)}.values())


def test_there_are_tables_of_rules_to_look_at() -> None:
    assert {"closed form", "hulls", "footprint", "path density", "path counts", "units"} <= {
        table.question for table in tables_of_rules()
    }


@pytest.mark.parametrize("rules", tables_of_rules(), ids=lambda rules: rules.question)
def test_every_relation_kind_has_a_rule_in_every_analysis(rules: Rules[Any]) -> None:
    assert rules.gaps == ()


def test_public_names_are_sorted_and_there() -> None:
    assert eyeshot.__all__ == sorted(eyeshot.__all__)
    assert all(getattr(eyeshot, name) for name in eyeshot.__all__)
    with pytest.raises(AttributeError, match="no attribute 'inspekt'; it has"):
        eyeshot.inspekt  # noqa: B018


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_message_is_a_tuple_or_prints_raw_braces(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
            continue
        for argument in node.exc.args:
            assert not isinstance(argument, ast.Tuple), f"{path.name}:{node.lineno}: a tuple for a message"
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                assert "{" not in argument.value, f"{path.name}:{node.lineno}: braces in a plain string"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_are_named_for_what_they_hold_and_can_be_read_in_one_sitting(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "core", "common", "base", "manager", "misc"}
    assert len(path.read_text().splitlines()) <= 500


def test_imports_point_one_way() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=SOURCE.parent.parent,
    )
    assert run.returncode == 0, run.stdout


def test_no_modules_want_each_other_not_even_for_types() -> None:
    """Imports inside functions and for types count, too: TopologicalSorter names the circle that it meets."""
    graph = grimp.build_graph("eyeshot", cache_dir=None)

    order = TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})

    assert "eyeshot.api.report" in tuple(order.static_order())


def test_the_layers_have_no_exception() -> None:
    house = tomllib.loads((SOURCE.parent.parent / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (contract for contract in house["contracts"] if contract["type"] == "layers")
    named = {f"eyeshot.{path.name.removesuffix('.py')}" for path in SOURCE.iterdir() if not path.name.startswith("__")}

    assert not house.get("exclude_type_checking_imports", False)
    assert not layers.keys() & {"ignore_imports", "exhaustive_ignores", "containers"}
    assert {name for row in layers["layers"] for name in row.split(" | ")} == named - {"eyeshot.py.typed"}


@pytest.mark.parametrize("name", sorted(entries()))
def test_the_zoo_is_written_in_one_line_a_net(name: str) -> None:
    entry = entries()[name]

    assert "\n" not in entry.notation
    assert entry.description
