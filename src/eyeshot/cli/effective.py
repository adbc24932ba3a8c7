"""`eyeshot effective`: what does a unit really use?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.figures import Paper, paper_options, write_figure
from eyeshot.cli.measuring import Unit, designs_and_layers, measure_options, measured_fields, source_asked
from eyeshot.cli.options import (
    check_figure,
    colour_option,
    end_bounded,
    input_option,
    json_option,
    known_layers,
    known_words,
    one_format,
    print_json,
    print_records,
    say_module,
    say_next,
    typed,
)

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.effective import EffectiveField
    from eyeshot.report.figures.style import Drawing


@click.command(short_help="what does a unit really use?")
@click.argument("words", shell_complete=known_words, nargs=-1, required=True, metavar="MODEL [LAYER | MODEL…]")
@click.option(
    "--layer",
    "layers",
    shell_complete=known_layers,
    multiple=True,
    metavar="NAME",
    help="Of several models: one for all, or one for each.",
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
@measure_options
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
    words: tuple[str, ...],
    layers: tuple[str, ...],
    source: str | None,
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

    Of several models, side by side and on one scale.

    \b
    Examples:
      eyeshot effective alexnet conv5
      eyeshot effective resnet50 layer4.2.conv2 --unit all
      eyeshot effective "C3-64 C3-64 C3-64" C7-64 --input 3x32x32 --source init
      eyeshot effective timm:convnext_tiny --source weights --images photos --run runs/convnext
      eyeshot effective alexnet-28 --weights runs/pays/1-alexnet-28/seed-0/checkpoint.pt
    """
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.effective_sides import document, records

    one_format(json=as_json, csv=as_csv)
    if output is not None:
        check_figure(output, force=force)
    chosen = {name: value for name, value in options.items() if value is not None}
    source = source_asked(source, chosen, gates)
    asked = designs_and_layers(words, layers, input_shape)
    results = measured_fields(
        asked, no_colour=no_colour, source=source, unit=unit, gates=gates, input_shape=input_shape, **chosen
    )
    if output is not None:
        write_figure(output, _drawing(results), paper)
    if as_json:
        print_json(document(results))
    elif as_csv:
        print_records(records(results))
    else:
        _print(asked, results, Terminal(colour=not no_colour), input_shape)
    if bounded := [result.layer for result in results if not result.is_exact]:
        end_bounded(Terminal(sys.stderr, colour=not no_colour), bounded)


def _drawing(results: Sequence[EffectiveField]) -> Drawing:
    from eyeshot.report.effective_sides import figure_labels
    from eyeshot.report.figures.effective import maps_beside, profile_panel
    from eyeshot.report.figures.style import Drawing

    if all(result.map.ndim == 2 for result in results):
        return maps_beside(results, [None] if len(results) == 1 else figure_labels(results))
    names = [results[0].origin.source] if len(results) == 1 else figure_labels(results)
    return Drawing(rows=[[profile_panel(results, names)]])


def _print(
    asked: Sequence[tuple[str, str | None]], results: Sequence[EffectiveField], terminal: Terminal, input_shape: Any
) -> None:
    if len(results) > 1:
        _print_beside(results, terminal)
        terminal.say()
        words = [word for pair in asked for word in pair if word is not None]
        if len({layer for _, layer in asked}) == 1 and asked[0][1] is not None:
            words = [*(model for model, _ in asked), "--layer", asked[0][1]]
        say_next(terminal, typed(*words, "profile", "-o", "profile.svg", verb="plot", input_shape=input_shape))
        return
    ((model, layer),), (result,) = asked, results
    _print_one(result, terminal)
    say_module(terminal, layer or result.layer, result.layer)
    terminal.say()
    say_next(terminal, *_next(model, result, input_shape))


def _print_beside(results: Sequence[EffectiveField], terminal: Terminal) -> None:
    from eyeshot.report.effective_sides import called, sentences, table
    from eyeshot.report.effective_text import source

    names = called(results)
    for name, result in zip(names, results, strict=True):
        terminal.say((f"{name} ", "strong"), ("" if name == result.network else f"= {result.network} ", "dim"),
                     (source(result), "dim"))  # fmt: skip
    terminal.say()
    terminal.table(table(results, names))
    for text in sentences(results, names):
        terminal.say(text)


def _print_one(result: EffectiveField, terminal: Terminal) -> None:
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
