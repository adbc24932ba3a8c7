"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eyeshot.cli.terminal import Terminal, in_encoding_of, is_unicode
from eyeshot.errors import UsageError
from eyeshot.shown import quoted, visible, visible_json

if TYPE_CHECKING:
    from pathlib import Path

    from eyeshot.api.report import Report

    # Generic since click 8.2; older ones know no type arguments when they run.
    _ParamType = click.ParamType[tuple[int, ...]]
else:
    _ParamType = click.ParamType

BOUND = 4
"""Exit code: done, but some result is only a bound."""
Command = TypeVar("Command", bound=Callable[..., Any])


def _input(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> Any:
    """What was given by ``--input``: None, one shape, or several inputs."""
    if not texts:
        return None
    from eyeshot.read.inputs import parse_input

    specs = []
    for text in texts:
        try:
            specs.append(parse_input(text, is_either_way=True))  # the model's reader knows what it takes
        except UsageError as error:
            raise click.BadParameter(str(error), context, parameter) from None
    return specs[0].shape if len(specs) == 1 and specs[0].is_plain else specs


class Position(_ParamType):
    """Row and column of a unit, such as 6,6."""

    name = "y,x"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The indices as a tuple."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(is_index(part) for part in parts) or len(parts) > 3:
            self.fail(f"{quoted(value)} is no unit; write one index per axis, counted from 0, such as 6,6", param, ctx)
        return tuple(int(part) for part in parts)


def is_index(text: str) -> bool:
    """Whether a text counts something from 0; of more digits than any tensor has elements it does not."""
    return text.isdecimal() and len(text) < 20


def input_option(command: Command) -> Command:
    """``--input``: what goes in."""
    words = (
        "Shape of the input [default: the design's own, or 3x224x224]. For modules also: a layout (224x224x3:HWC), a"
        " type (128:T:int64), names for several (--input left=3x64x64 --input right=3x64x64)."
    )
    option = click.option("--input", "input_shape", callback=_input, multiple=True, metavar="CxHxW", help=words)
    return option(command)


def known_models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """What a shell proposes for a model."""
    from eyeshot.cli import completion  # only a shell that completes needs it

    return completion.models(incomplete)


def known_layers(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """What a shell proposes for a layer of the model that stands before."""
    from eyeshot.cli import completion

    return completion.layers(context.params, incomplete)


def known_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """What a shell proposes for a model, and behind one for its layer or another model."""
    layers = known_layers(context, parameter, incomplete) if context.params.get("words") else []
    return layers or known_models(context, parameter, incomplete)


def json_option(command: Command) -> Command:
    """``--json``: the result for programs."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document, numbers unrounded.")(command)


def rate_option(command: Command) -> Command:
    """``--rate``: positions of a sequence a second."""
    words = "Of sequences: positions a second, such as 16000; fields are told in seconds."
    option = click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="HZ", help=words)
    return option(command)


def table_options(command: Command) -> Command:
    """``--csv`` and ``--plain``: a table for programs."""
    plain = click.option("--plain", is_flag=True, help="The table alone, columns parted by tabs, for grep and awk.")
    comma = click.option("--csv", "as_csv", is_flag=True, help="The table as CSV, numbers unrounded.")
    return comma(plain(command))


def colour_option(command: Command) -> Command:
    """``--no-color``; colour is for terminals only in any case."""
    words = "No colour (also: NO_COLOR=1)."
    return click.option("--no-color", "--no-colour", "no_colour", is_flag=True, help=words)(command)


def one_format(**chosen: bool) -> None:
    """Complain of two formats asked for at once."""
    names = [f"--{name}" for name, is_chosen in chosen.items() if is_chosen]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} cannot go together; give one")


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on stdout, numbers unrounded."""
    import json

    text = json.dumps(document, ensure_ascii=not is_unicode(sys.stdout), indent=1, allow_nan=False)
    sys.stdout.write(visible_json(text) + "\n")


def print_records(records: Sequence[Mapping[str, Any]], *, is_csv: bool = True) -> None:
    """Records on stdout as CSV, or parted by tabs."""
    sys.stdout.write(in_encoding_of(sys.stdout, as_csv_text(records, is_csv=is_csv)))


def as_csv_text(records: Sequence[Mapping[str, Any]], *, is_csv: bool = True) -> str:
    """Records with their names in the first line; truth values as true and false, nothing as an empty cell.

    Texts are as people see them, and none is a formula to a program that opens a CSV file.
    """
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, delimiter="," if is_csv else "\t", lineterminator="\n")
    for row in (list(records[0]) if records else [], *(record.values() for record in records)):
        writer.writerow([_cell(value, is_csv=is_csv) for value in row])
    return text.getvalue()


_FORMULA = re.compile(r"[=+\-−@＝＋－＠]")
_NUMBERS = re.compile(r"[-+]?[\d.]+(x[-+]?[\d.]+)*")


def _cell(value: Any, *, is_csv: bool) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return "" if value is None else value
    text = visible(value)
    return f"'{text}" if is_csv and _FORMULA.match(text) and not _NUMBERS.fullmatch(text) else text


def tile_sizes(context: click.Context, parameter: click.Parameter, given: str | None) -> Any:
    """A tile's sizes, one for all axes or one per axis."""
    if given is None:
        return None
    parts = given.lower().replace("×", "x").split("x")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(
            f"{given!r} is no tile; write one size, or one per axis, such as 512x512", context, parameter
        )
    return int(parts[0]) if len(parts) == 1 else tuple(map(int, parts))


def check_figure(path: Path, *, force: bool) -> None:
    """Complain of a figure that cannot be drawn or written, before anything long is computed."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{path}: figures are .png, .svg or .pdf")
    from eyeshot.report.figures.style import check_installed
    from eyeshot.report.files import check_new

    check_installed()
    for each in (path, path.with_suffix(".csv"), path.with_suffix(".txt")):
        check_new(each, force=force)


def typed(model: str, *more: str, verb: str, input_shape: Any = None) -> str:
    """A command line as a user would type it."""
    import shlex

    words = ["eyeshot", verb, model, *more]
    if input_shape:
        from eyeshot.read.inputs import inputs_given

        words += [word for spec in inputs_given(input_shape, is_either_way=True) for word in ("--input", str(spec))]
    return " ".join(word if word == "…" else shlex.quote(word) for word in words)


def users_code(*models: str) -> AbstractContextManager[object]:
    """While the code of users' models may run: what it prints goes to stderr, and who waits for it is told of it."""
    from eyeshot.read.module_names import is_module_name

    if not any(map(is_module_name, models)):
        return redirect_stdout(sys.stderr)
    from eyeshot.cli.patience import patience

    return patience()


def ray_options(command: Command) -> Command:
    """``--ray`` and ``--gpus``, of all verbs that train."""
    gpus = click.option(
        "--gpus",
        type=float,
        metavar="SHARE",
        help="GPUs that Ray sets aside for each training, such as 0.25, and that trainings then compute on; without it"
        " they compute on processors.",
    )
    ray = click.option(
        "--ray",
        metavar="local|auto|ADDRESS",
        help="Train on a Ray cluster: one that starts here, the one that runs, or the one at host:port.",
    )
    return ray(gpus(command))


def inspected(model: str, input_shape: Any, *, is_named: bool = False, lines: bool = False) -> Report:
    """The report of what a user typed for a model; ``is_named`` lets failures name the model, one of several."""
    from contextlib import nullcontext

    from eyeshot.api import inspect
    from eyeshot.design.named import naming

    with users_code(model), naming(model) if is_named else nullcontext():
        return inspect(model, input_shape, lines=lines)


def say_module(terminal: Terminal, asked: str, layer: str) -> None:
    """Say which layer a module's name stands for."""
    if asked != layer:
        terminal.say((f"{asked} gives what {layer} makes", "dim"))


def say_next(terminal: Terminal, *commands: str) -> None:
    """Commands that a reader may want next."""
    terminal.lines([[("next  " if i == 0 else "      ", "dim"), (text, "")] for i, text in enumerate(commands)])


def lesson_of(*models: str) -> list[str]:
    """The command that writes the lesson, for designs that it is about."""
    return ["eyeshot report --lesson -o lesson.html"] if any(model.startswith("alexnet") for model in models) else []


def end_if_bounded(report: Report, *, no_colour: bool) -> None:
    """End so where a report has such results, and go on where it has none."""
    import sys

    if not report.is_exact:
        layers = [layer.name for layer in report if not layer.field.is_exact]
        end_bounded(Terminal(sys.stderr, colour=not no_colour), layers)


def end_bounded(terminal: Terminal, layers: Sequence[str]) -> None:
    """Say which results are only bounds, and end with the exit code for that."""
    if not layers:  # what was read is exact, and not all
        terminal.say(
            ("the network was read in part, so that totals are at least; a note says where it stopped", "warn")
        )
        raise click.exceptions.Exit(BOUND)
    more = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
    terminal.say(("≤ marks a bound from above, not the exact field: ", "warn"), layers[0] + more)
    raise click.exceptions.Exit(BOUND)
