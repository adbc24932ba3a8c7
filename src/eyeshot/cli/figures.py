"""Figures as the verbs write them: how wide, with or without a title, the data and the caption beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eyeshot.cli.options import as_csv_text
from eyeshot.report.files import write_file
from eyeshot.shown import quoted

if TYPE_CHECKING:
    from eyeshot.report.figures.style import Drawing

    _ParamType = click.ParamType[float]
else:
    _ParamType = click.ParamType

Command = TypeVar("Command", bound=Callable[..., Any])
_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72}
_LEAST, _MOST = 1.5, 60.0
_LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*(in|cm|mm|pt)")


class Length(_ParamType):
    """A length with its unit, such as 3.3in, in inches."""

    name = "3.3in"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Inches."""
        if isinstance(value, float):
            return value
        match = _LENGTH.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{quoted(str(value))} is no width; write a number and in, cm, mm or pt: 3.3in, 84mm", param, ctx)
        inches = float(match[1]) * _INCHES[match[2]]
        if not _LEAST <= inches <= _MOST:
            self.fail(f"{value} is not between {_LEAST}in and {_MOST:.0f}in", param, ctx)
        return inches


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What a figure is drawn for: a width in inches, its own unless given, and whether it has a title."""

    width: float | None = None
    title: bool = True


def paper_options(command: Command) -> Command:
    """``--width`` and ``--no-title``, as one `Paper`."""

    def kept(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        chosen = {"width": value} if parameter.name == "width" else {"title": not value}
        context.params["paper"] = replace(context.params.get("paper", Paper()), **chosen)

    width = click.option("--width", type=Length(), metavar="3.3in", callback=kept, expose_value=False,
                         help="Of the figure, as a column of a paper: in, cm, mm or pt.")  # fmt: skip
    title = click.option("--no-title", is_flag=True, callback=kept, expose_value=False,
                         help="Leave the figure's titles to its caption.")  # fmt: skip
    return width(title(command))


def write_figure(output: Path, drawing: Drawing, paper: Paper) -> None:
    """Write a figure, its data beside it as CSV and its caption as text, and say so."""
    from eyeshot.cli.terminal import echo

    data, caption = output.with_suffix(".csv"), output.with_suffix(".txt")
    write_file(output, drawing.content(output.suffix[1:].lower(), width=paper.width, title=paper.title))
    write_file(data, as_csv_text(drawing.records).encode())
    write_file(caption, f"{drawing.caption}\n".encode())
    echo(f"its data are in {data}, its caption in {caption}", err=True)
