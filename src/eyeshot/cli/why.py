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
    known_layers,
    known_models,
    print_json,
    say_module,
    say_next,
    typed,
)

if TYPE_CHECKING:
    from eyeshot.analyse.inspection import Layer
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import Terminal


@click.command(short_help="why does a layer see that many pixels?")
@click.argument("model", shell_complete=known_models)
@click.argument("layer", shell_complete=known_layers)
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
    from eyeshot.report.reasons import to_json

    report = inspected(model, input_shape)
    asked = report[layer]
    if as_json:
        print_json(to_json(asked))
    else:
        terminal = Terminal(colour=not no_colour)
        print_reasons(report, asked, terminal)
        say_module(terminal, layer, asked.name)
        terminal.say()
        say_next(terminal, typed(model, layer, verb="field", input_shape=input_shape))
    if not asked.field.is_exact:
        import sys

        end_bounded(Terminal(sys.stderr, colour=not no_colour), [asked.name])


def print_reasons(report: Report, layer: Layer, terminal: Terminal) -> None:
    """Print what a layer sees and the sums that make it."""
    from eyeshot.report.reasons import gate_sentence, headline, parts, sentences, table, without_sum

    terminal.say((layer.name, "strong"), f" of {report.network.name} ", headline(layer))
    for part in parts(layer):
        for title, recurrence in part.told():
            terminal.say()
            if title:
                terminal.say((title, "strong"))
            if reason := without_sum(recurrence):
                terminal.say(reason)
                continue
            terminal.table(table(recurrence))
            for text in sentences(recurrence):
                terminal.say((text, "dim"))
    if gate := gate_sentence(layer):
        terminal.say()
        terminal.say(gate)
