"""`eyeshot field`: which pixels does one unit see?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    Position,
    colour_option,
    end_bounded,
    input_option,
    inspected,
    json_option,
    known_layers,
    known_models,
    print_json,
    rate_option,
    say_module,
    say_next,
    typed,
)

if TYPE_CHECKING:
    from eyeshot.analyse.inspection import Layer, Unit
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import Terminal


@click.command(short_help="which pixels does one unit see?")
@click.argument("model", shell_complete=known_models)
@click.argument("layer", shell_complete=known_layers)
@click.option("--at", type=Position(), metavar="y,x", help="The unit, counted from 0. [default: the middle one]")
@input_option
@rate_option
@json_option
@colour_option
def field(
    model: str,
    layer: str,
    at: tuple[int, ...] | None,
    input_shape: Any,
    rate: float | None,
    as_json: bool,
    no_colour: bool,
) -> None:
    """Print which pixels one unit of a LAYER of MODEL sees.

    \b
    Examples:
      eyeshot field alexnet conv5
      eyeshot field alexnet conv5 --at 0,12
      eyeshot field "C3d2-64 C3d2-64" conv2 --input 1x32x32
    """
    from eyeshot.analyse.footprint import centre_unit
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.looking import check_rate

    report = inspected(model, input_shape)
    check_rate(report, rate)
    chosen = report[layer]
    unit = chosen.unit(*(centre_unit(report.network, chosen.name) if at is None else at))
    if as_json:
        print_json(unit.to_dict(rate=rate))
    else:
        terminal = Terminal(colour=not no_colour)
        _print(report, chosen, unit, terminal, rate)
        say_module(terminal, layer, chosen.name)
        terminal.say()
        say_next(terminal, typed(model, layer, verb="why", input_shape=input_shape))
    if not chosen.field.is_exact:
        import sys

        end_bounded(Terminal(sys.stderr, colour=not no_colour), [chosen.name])


def _print(report: Report, layer: Layer, unit: Unit, terminal: Terminal, rate: float | None) -> None:
    from eyeshot.report import footprints

    terminal.say(*footprints.sentence(report, layer, unit))
    terminal.say()
    terminal.table(footprints.ranges(report, layer, unit))
    for text in footprints.remarks(report, layer, unit, rate):
        terminal.say(text)
    for title, lines in footprints.maps(unit, terminal.width):
        terminal.say()
        terminal.say((title, "dim"))
        terminal.lines([[(line, "")] for line in lines])
