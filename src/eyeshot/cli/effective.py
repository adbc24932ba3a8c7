"""`eyeshot effective`: what does a unit really use?"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.figures import Paper, paper_options, write_figure
from eyeshot.cli.options import (
    check_figure,
    colour_option,
    end_bounded,
    input_option,
    is_index,
    json_option,
    one_format,
    print_json,
    print_records,
    say_module,
    say_next,
    typed,
    users_code,
)
from eyeshot.errors import UsageError
from eyeshot.shown import quoted

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.effective import EffectiveField

    _UnitType = click.ParamType[tuple[int, ...] | str]
    _ChannelType = click.ParamType[int | str]
    _ShareType = click.ParamType[float]
    _NumbersType = click.ParamType[tuple[float, ...]]
else:
    _UnitType = _ChannelType = _ShareType = _NumbersType = click.ParamType

_OF_GRADIENTS = (
    "measure", "channel", "images", "limit", "mean", "std", "weights", "seeds", "per_seed", "precision", "batch",
    "device", "dtype", "run",
)  # fmt: skip
"""Options that say nothing to the density."""


class Unit(_UnitType):
    """The middle unit, all, or one by its indices."""

    name = "unit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...] | str:
        """A word as it is, indices as a tuple."""
        if isinstance(value, tuple):
            return value
        word = {"center": "centre"}.get(value, value)
        if word in ("centre", "all"):
            return str(word)
        parts = [part.strip() for part in str(value).split(",")]
        if not all(is_index(part) for part in parts):
            self.fail(
                f"{quoted(str(value))} is no unit; write centre, all, or indices counted from 0, such as 6,6",
                param,
                ctx,
            )
        return tuple(int(part) for part in parts)


class Channel(_ChannelType):
    """All channels, or one by its index."""

    name = "channel"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """A word as it is, an index as a number."""
        if value in ("mixed", "sum"):
            return str(value)
        if not is_index(str(value)):
            self.fail(f"{quoted(str(value))} is no channel; write mixed, sum, or an index counted from 0", param, ctx)
        return int(value)


class Share(_ShareType):
    """A share such as 2% or 0.02."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share as a number from 0 to 1."""
        text = str(value).strip()
        try:
            share = float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share < 1:
            self.fail(f"{value!r} is no precision; write a share such as 2%", param, ctx)
        return share


class Numbers(_NumbersType):
    """Numbers such as 0.5,0.5,0.5."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers as a tuple."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if not numbers or not all(map(math.isfinite, numbers)):
            self.fail(
                f"{quoted(str(value))} are no numbers; write one, or one a channel, as in 0.5,0.5,0.5", param, ctx
            )
        return numbers


@click.command(short_help="what does a unit really use?")
@click.argument("model")
@click.argument("layer", required=False)
@click.option(
    "--source",
    type=click.Choice(["density", "paths", "init", "weights"]),
    default="density",
    show_default=True,
    help="Paths of the network alone, by weight or each alike; gradients at random weights, or of given ones.",
)
@click.option(
    "--unit",
    type=Unit(),
    default="centre",
    show_default=True,
    metavar="centre|all|y,x",
    help="One unit, or the mean over all, moved by their fields' centres.",
)
@click.option("--gates", is_flag=True, help="density: count paths through gates and statistics, too.")
@click.option(
    "--measure",
    type=click.Choice(["abs", "square", "signed", "positive"]),
    help="Of the gradients; positive also gives RepLKNet's area ratios. [default: abs]",
)
@click.option(
    "--channel",
    "--class",
    type=Channel(),
    metavar="mixed|sum|K",
    help="All channels in a direction drawn for each image, their sum, or one. [default: mixed]",
)
@click.option("--images", metavar="DIR", help="Images of any size, or: sample, fashion-mnist. [init: noise]")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="So many of the images, a random choice.")
@click.option("--mean", type=Numbers(), metavar="M,M,M", help="Of the images' channels, 0 to 1. [default: as trained]")
@click.option("--std", type=Numbers(), metavar="S,S,S", help="Their deviations; with --mean.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A state dict, or a training run's checkpoint.pt. [weights: the model's own]",
)
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="init: random initialisations. [default: 16]")
@click.option("--per-seed", type=click.IntRange(min=1), metavar="N", help="init: images for each. [default: 4]")
@click.option("--precision", type=Share(), metavar="2%", help="Stop once σ is known that well.")
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Images at once. [default: by memory]")
@click.option("--device", metavar="NAME", help="cpu, cuda … [default: a GPU where there is one]")
@click.option("--dtype", type=click.Choice(["float32", "bf16"]), help="[default: float32]")
@click.option(
    "--run",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep what is done there; the same command goes on from it.",
)
@input_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="The map as CSV, one line per pixel.")
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The map as a figure: .png, .svg or .pdf; beside it its data as .csv, its caption as .txt.",
)
@paper_options
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@colour_option
def effective(
    model: str,
    layer: str | None,
    source: str,
    unit: tuple[int, ...] | str,
    gates: bool,
    input_shape: tuple[int, ...] | None,
    as_json: bool,
    as_csv: bool,
    output: Path | None,
    paper: Paper,
    force: bool,
    no_colour: bool,
    **options: Any,
) -> None:
    """Print how much of what a unit of a LAYER of MODEL sees it really uses; the last convolution's unless given.

    \b
    Examples:
      eyeshot effective alexnet conv5
      eyeshot effective resnet50 layer4.2.conv2 --unit all
      eyeshot effective "C3-64 C3-64 C3-64" --input 3x32x32 --source init --precision 2%
      eyeshot effective timm:convnext_tiny --source weights --images photos --run runs/convnext
      eyeshot effective alexnet-28 --source weights --weights checkpoint.pt --images sample
    """
    from eyeshot.api import effective as measure
    from eyeshot.cli.progress import measured
    from eyeshot.cli.terminal import Terminal

    one_format(json=as_json, csv=as_csv)
    if output is not None:
        check_figure(output, force=force)
    chosen = {name: value for name, value in options.items() if value is not None}
    _check_source(source, chosen, gates)
    errors = Terminal(sys.stderr, colour=not no_colour)
    with users_code(model), measured(chosen.get("run")) as on_progress:
        result = measure(
            model, layer, source=source, unit=unit, gates=gates, input_shape=input_shape, on_progress=on_progress,
            notice=lambda text: errors.say((text, "warn")), **chosen,
        )  # fmt: skip
    if output is not None:
        _draw(result, output, paper)
    if as_json:
        print_json(result.to_json())
    elif as_csv:
        print_records(result.to_records())
    else:
        terminal = Terminal(colour=not no_colour)
        _print(result, terminal)
        say_module(terminal, layer or result.layer, result.layer)
        terminal.say()
        say_next(terminal, *_next(model, result, input_shape))
    if not result.is_exact:
        end_bounded(errors, [result.layer])


def _check_source(source: str, chosen: dict[str, Any], gates: bool) -> None:
    """Complain of options that the source has no use for."""
    if source in ("density", "paths"):
        unused = [name for name in _OF_GRADIENTS if name in chosen]
    else:
        others = ("seeds", "per_seed") if source == "weights" else ("weights",)
        unused = [name for name in others if name in chosen] + ["gates"] * gates
    if unused:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in unused)
        other = "density" if gates else "the other of init and weights"
        fitting = "init or weights" if source in ("density", "paths") else other
        raise UsageError(f"{names}: source {source} has no use for it; give --source {fitting}, or leave it out")


def _draw(result: EffectiveField, output: Path, paper: Paper) -> None:
    from eyeshot.report.figures.effective import map_panel, profile_panel
    from eyeshot.report.figures.style import Drawing

    panel = map_panel(result) if result.map.ndim == 2 else profile_panel([result], [result.origin.source])
    write_figure(output, Drawing(rows=[[panel]]), paper)


def _print(result: EffectiveField, terminal: Terminal) -> None:
    from eyeshot.report import effective_text as text

    terminal.say(*text.sentence(result))
    terminal.say((text.source(result), "dim"))
    terminal.say()
    terminal.table(text.widths_table(result))
    for line in text.remarks(result):
        terminal.say(line)
    drawn = text.map_of(result, terminal.width)
    if drawn is not None:
        title, lines = drawn
        terminal.say()
        terminal.say((title, "dim"))
        terminal.lines([[(line, "")] for line in lines])


def _next(model: str, result: EffectiveField, input_shape: tuple[int, ...] | None) -> list[str]:
    from eyeshot.report.effective import WITHOUT_WEIGHTS

    def command(verb: str, *more: str) -> str:
        return typed(model, result.layer, *more, verb=verb, input_shape=input_shape)

    commands = []
    if result.origin.source in WITHOUT_WEIGHTS:
        commands.append(command("effective", "--source", "init"))
    if result.origin.unit is not None and result.origin.source == "density":
        commands.append(command("effective", "--unit", "all"))
    return [*commands, command("field")]
