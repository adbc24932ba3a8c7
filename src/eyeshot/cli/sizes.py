"""`eyeshot sizes`: which input sizes fit?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    input_option,
    json_option,
    known_models,
    print_json,
    say_next,
    typed,
    users_code,
)

if TYPE_CHECKING:
    from eyeshot.analyse.input_sizes import InputSizes
    from eyeshot.cli.terminal import Terminal


@click.command(short_help="which input sizes fit, and what comes out?")
@click.argument("model", shell_complete=known_models)
@input_option
@json_option
@colour_option
def sizes(model: str, input_shape: Any, as_json: bool, no_colour: bool) -> None:
    """Print which input sizes MODEL takes: multiples, the smallest, what comes out, and what strides leave unread.

    \b
    Examples:
      eyeshot sizes alexnet
      eyeshot sizes torchvision:resnet50
      eyeshot sizes my_net.py:unet --input 1x250x250
    """
    from eyeshot.api import sizes as input_sizes
    from eyeshot.cli.terminal import Terminal

    with users_code(model):
        answer = input_sizes(model, input_shape)
    if as_json:
        print_json(answer.to_json())
    else:
        _print(answer, Terminal(colour=not no_colour), model, input_shape)


def _print(answer: InputSizes, terminal: Terminal, model: str, input_shape: Any) -> None:
    from eyeshot.api.models import inputs_of
    from eyeshot.report.sizes import axes_table, headline, how, trials_table

    terminal.say(*headline(answer))
    if answer.why:
        terminal.say((answer.why, "dim"))
    terminal.say()
    terminal.table(axes_table(answer))
    terminal.say()
    terminal.table(trials_table(answer))
    for note in answer.network.notes:
        if note.kind == "bound" and note.layer is None:
            terminal.say(("bound: ", "warn"), note.text)
    for text in how(answer):
        terminal.say((text, "dim"))
    terminal.say()
    fitting = input_shape if answer.fits else inputs_of(answer.network)
    say_next(terminal, typed(model, verb="show", input_shape=fitting))
