"""What others named, wrote or raised is shown and never obeyed: no control character reaches a terminal."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import unicodedata
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeshot.cli.options import as_csv_text, print_json, print_records
from eyeshot.cli.terminal import Terminal, echo
from eyeshot.errors import NotationError, ReadError, UsageError
from eyeshot.report.table import Column, Table
from tests.cli.conftest import Eyeshot

SOURCE = Path(__file__).parent.parent.parent / "src" / "eyeshot"
ORDERS = "\x1b]0;title\x07\x1b[2J\x9b31m\r\nwrote all\u202eneerg\u2066\u2028\x85\x7f\udc9b"
TEXTS = st.text(st.characters() | st.sampled_from(ORDERS))
MODEL = """
import torch
ORDERS = {orders!r}

class Net(torch.nn.Module):
    def __init__(self, fails=False):
        super().__init__()
        self.fails = fails
        for name in ("=1+1" + ORDERS, ORDERS):
            self.add_module(name, torch.nn.Conv2d(3, 3, 3))

    def forward(self, x):
        for child in self.children():
            x = child(x)
        if self.fails:
            raise ValueError(ORDERS)
        return x

def raising():
    raise ValueError(ORDERS)
"""


class Stream(io.StringIO):
    encoding = "utf-8"


def _orders_in(text: str, *, but: str = "\n") -> list[str]:
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [character for character in text if unicodedata.category(character) in hidden and character not in but]


@given(st.lists(TEXTS, min_size=2, max_size=2))
def test_no_control_character_is_printed_whatever_the_names(names: list[str]) -> None:
    stream, errors = Stream(), Stream()
    table = Table([Column(heading=name, is_number=False) for name in names])
    table.add(*names)
    table.rule(names[0])

    terminal = Terminal(stream)
    terminal.say(names[0], (names[1], "strong"))
    terminal.lines([[(name, "") for name in names]])
    terminal.table(table)
    with redirect_stdout(stream):
        print_records([dict.fromkeys(names, names[0])])
        echo(*names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", errors)
        echo(str(UsageError(names[0])), str(NotationError(names[1], names[0], len(names[0]))), err=True)

    assert _orders_in(stream.getvalue() + errors.getvalue()) == []
    stream.getvalue().encode()


@given(TEXTS)
def test_a_name_adds_no_line_to_what_is_printed(name: str) -> None:
    stream = Stream()

    Terminal(stream).say(name)
    with redirect_stdout(stream):
        echo(name)
        print_records([{"layer": name}], is_csv=False)

    assert stream.getvalue().count("\n") == 4
    assert "\n" not in str(ReadError(name))


@given(TEXTS)
def test_json_says_the_name_itself_and_holds_no_control_character(name: str) -> None:
    stream = Stream()

    with redirect_stdout(stream):
        print_json({"layer": name})

    assert json.loads(stream.getvalue()) == {"layer": name}
    assert _orders_in(stream.getvalue()) == []
    stream.getvalue().encode()


@given(st.sampled_from("=+-−@"), st.text())
def test_no_cell_of_text_begins_a_formula(sign: str, rest: str) -> None:
    text = as_csv_text([{sign + rest: 1, "layer": sign + rest}])

    for cell in text.replace('"', "").split("\n")[1].split(",", 1)[1:]:
        assert cell[:1] not in "=+−@" or re.fullmatch(r"[-+]?[\d.]+(x[-+]?[\d.]+)*", cell)
    assert not text.lstrip('"').startswith(("=", "@", "−"))


def test_numbers_are_no_formulas() -> None:
    assert as_csv_text([{"start": "-2x-2", "mean": -0.5}]) == "start,mean\n-2x-2,-0.5\n"


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "net.py"
    path.write_text(MODEL.format(orders=ORDERS.replace(".", "")), "utf-8", "surrogatepass")
    return str(path)


@pytest.mark.parametrize(
    "words",
    [
        ["show", "{}:Net"],
        ["show", "{}:Net", "--all", "--plain"],
        ["show", "{}:Net", "--csv"],
        ["show", "{}:Net", "--json"],
        ["field", "{}:Net", "conv" + ORDERS],
        ["why", "{}:Net", ORDERS],
        ["compare", "{}:Net", "C3-8"],
        ["show", "{}:raising"],
        ["show", "{}:" + ORDERS],
        ["show", "C3" + ORDERS],
        ["show", ORDERS],
        ["show", "alexnet", "--input", ORDERS],
        ["show", "alexnet", "--" + ORDERS],
        [ORDERS],
        ["plot", "alexnet", ORDERS],
        ["models", ORDERS],
        ["report", "alexnet", "-o", ORDERS],
        ["effective", "alexnet", "--source", "init", "--images", ORDERS],
    ],
    ids=lambda words: " ".join(words).encode("ascii", "backslashreplace").decode()[:40],
)
def test_a_command_obeys_no_name(words: list[str], model: str, eyeshot: Eyeshot) -> None:
    result = eyeshot(*(word.format(model) if "{}" in word else word for word in words), "--input", "3x32x32")

    assert _orders_in(result.stdout, but="\n\t" if "--plain" in words else "\n") == []
    assert _orders_in(result.stderr) == []
    assert not re.search(r"^(wrote|\?*wrote) all", result.output, re.MULTILINE)


def test_the_page_of_a_model_whose_names_are_no_text_is_written(model: str, eyeshot: Eyeshot, tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    assert eyeshot("report", f"{model}:Net", "--input", "3x32x32", "-o", str(page)).exit_code == 0
    assert "\\udc9b" in page.read_text("utf-8")


def test_all_that_is_printed_goes_through_one_funnel() -> None:
    around = [
        f"{path.relative_to(SOURCE)}:{call.lineno}"
        for path in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in ("print", "click.echo", "click.secho")
        and not ast.unparse(call.args[0]).startswith("visible(")
    ]

    assert around == []
