"""Colour and width: on a terminal only, within its width, and no number is ever cut."""

from __future__ import annotations

import io
import re

import pytest

from eyeshot.api import inspect
from eyeshot.api.comparison import Comparison
from eyeshot.cli.terminal import Terminal
from eyeshot.report.ledger import ledger
from eyeshot.report.sidebyside import layer_table, quantity_table
from eyeshot.report.table import Column, Table


class Stream(io.StringIO):
    encoding = "utf-8"


class Tty(Stream):
    def isatty(self) -> bool:
        return True


def _tables() -> dict[str, Table]:
    comparison = Comparison([inspect("alexnet"), inspect("alexnet-alternating")])
    return {
        "ledger": ledger(inspect("alexnet")),
        "quantities": quantity_table(comparison.quantities, comparison.labels),
        "layers": layer_table(comparison.reports),
    }


TABLES = _tables()


def _printed(table: Table, width: int | None) -> list[str]:
    stream = Stream()
    Terminal(stream, width=width).table(table)
    return stream.getvalue().splitlines()


def _cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("width", range(40, 201, 5))
def test_no_cell_is_cut_at_any_width(name: str, width: int) -> None:
    whole = {cell for line in _printed(TABLES[name], None) for cell in _cells(line)}

    for line in _printed(TABLES[name], width):
        assert "…" not in line
        if "─" not in line:
            assert set(_cells(line)) <= whole


@pytest.mark.parametrize("width", range(60, 201, 5))
def test_the_ledger_keeps_within_the_width(width: int) -> None:
    assert max(map(len, _printed(TABLES["ledger"], width))) <= width


@pytest.mark.parametrize("width", range(40, 201, 5))
def test_designs_stay_together_within_any_width(width: int) -> None:
    lines = _printed(TABLES["quantities"], width)

    assert max(map(len, lines)) <= width
    assert _cells(lines[0])[:2] == ["alexnet", "alexnet-alternating"]
    assert any("163×163 (conv5)" in line and "387×387 (conv5)" in line for line in lines)


def test_columns_leave_by_priority() -> None:
    heads = [set(_cells(_printed(TABLES["ledger"], width)[0])) for width in (200, 90, 60, 40)]

    assert heads[0] > heads[1] > heads[2] > heads[3] >= {"layer", "sees"}


def test_a_last_column_of_words_wraps_between_them() -> None:
    table = Table([Column(heading="a", is_number=False), Column(heading="b", is_number=False, wraps=True)])
    table.add("x", "one two three four five six seven eight nine ten")

    lines = _printed(table, 40)

    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines[2:]).split()) == "x one two three four five six seven eight nine ten"


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_the_environment_forbids_colour(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Tty()

    Terminal(stream).table(TABLES["ledger"])

    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_colour_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    coloured, plain = Tty(), Tty()

    Terminal(coloured, width=200).table(TABLES["ledger"])
    Terminal(plain, width=200, colour=False).table(TABLES["ledger"])

    assert "\x1b[" in coloured.getvalue()
    assert "\x1b" not in plain.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.getvalue()) == plain.getvalue()


def test_sentences_wrap_between_words_on_a_terminal() -> None:
    stream = Tty()

    Terminal(stream, width=40, colour=False).say("word " * 30)

    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 40
    assert stream.getvalue().split() == ["word"] * 30


@pytest.mark.parametrize("width", range(30, 110, 4))
def test_columns_of_two_designs_leave_together(width: int) -> None:
    table = layer_table([inspect("C3-8 C3-8 P2"), inspect("C5-8 P2")])

    heads = "".join(text for text, _ in table.lines(width)[0])

    for name in ("map", "sees", "MACs"):
        assert (f"{name} A" in heads) is (f"{name} B" in heads)
