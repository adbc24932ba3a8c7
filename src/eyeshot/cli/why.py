"""`eyeshot why`: why does a layer see that many pixels?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    end_bounded,
    input_option,
    inspected,
    json_option,
    print_json,
    say_next,
    typed,
)

if TYPE_CHECKING:
    from eyeshot.analyse.inspection import Layer
    from eyeshot.analyse.recurrence import Recurrence
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import Terminal


@click.command(short_help="why does a layer see that many pixels?")
@click.argument("model")
@click.argument("layer")
@input_option
@json_option
@colour_option
def why(model: str, layer: str, input_shape: Any, as_json: bool, no_colour: bool) -> None:
    """Print the sum that makes the receptive field of a LAYER of MODEL, term by term.

    \b
    Examples:
      eyeshot why alexnet conv5
      eyeshot why resnet50 layer4.2.conv2
    """
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.reasons import reasons, to_json

    report = inspected(model, input_shape)
    found = report[layer]
    if as_json:
        print_json(to_json(found, reasons(found)))
    else:
        terminal = Terminal(colour=not no_colour)
        _print(report, found, reasons(found), terminal)
        terminal.say()
        say_next(terminal, typed(model, layer, verb="field", input_shape=input_shape))
    if not found.field.is_exact:
        import sys

        end_bounded(Terminal(sys.stderr, colour=not no_colour), [layer])


def _print(report: Report, layer: Layer, found: list[Recurrence], terminal: Terminal) -> None:
    from eyeshot.report.reasons import axis_names, headline, sentences, table

    terminal.say((layer.name, "strong"), f" of {report.network.name} ", headline(layer))
    names = axis_names(len(found))
    alike = len({(r.terms, r.meetings) for r in found}) == 1
    for i, recurrence in enumerate(found[:1] if alike else found):
        terminal.say()
        if not alike:
            terminal.say((f"along {names[i]}", "strong"))
        terminal.table(table(recurrence))
        for text in sentences(recurrence):
            terminal.say((text, "dim"))
