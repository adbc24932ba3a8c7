"""`eyeshot design`: which designs see what I want?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    input_option,
    json_option,
    one_format,
    print_json,
    print_records,
    say_next,
    table_options,
    typed,
)

if TYPE_CHECKING:
    from eyeshot.api.wishes import Designs
    from eyeshot.cli.terminal import Terminal

_SHOWN = 10


@click.command(short_help="which designs see what I want?")
@input_option
@click.option("--field", metavar="PIXELS", help="What a unit of the output sees: 70, 60-80 or 100-.")
@click.option("--stride", type=click.IntRange(1), metavar="PIXELS", help="From one unit of the output to the next.")
@click.option("--macs-max", metavar="NUMBER", help="The most multiply-accumulates, such as 1G.")
@click.option("--params-max", metavar="NUMBER", help="The most weights, such as 2M.")
@click.option("--layers", default="4-8", show_default=True, metavar="N-M", help="How many convolutions.")
@click.option("--kernels", default="3,4,5", show_default=True, metavar="K,K…", help="Their kernels.")
@click.option("--strides", metavar="S,S…", help="Their strides; above 2 for the first alone.  [default: 1,2,4]")
@click.option("--pools", metavar="2,3|none", help="Pools behind them: 2/2, 3/2.  [default: both]")
@click.option("--dilations", metavar="D,D…", help="Their dilations.  [default: 1; with --causal 1,2,4…512]")
@click.option("--widths", default="64", show_default=True, metavar="W|W,W…",
              help="Of the first, doubled after each halving up to 512; or one a layer.")  # fmt: skip
@click.option("--no-padding", is_flag=True, help="Pad nothing.")
@click.option("--causal", is_flag=True, help="Along time: see nothing of what is to come.")
@click.option("--all", "all_designs", is_flag=True, help=f"All designs, not the first {_SHOWN}.")
@json_option
@table_options
@colour_option
def design(
    input_shape: Any,
    no_padding: bool,
    causal: bool,
    all_designs: bool,
    as_json: bool,
    as_csv: bool,
    plain: bool,
    no_colour: bool,
    **wishes: Any,
) -> None:
    """Find designs that meet wishes, and list those that no other beats in what they see, use and cost.

    \b
    Examples:
      eyeshot design --input 3x256x256 --field 70 --stride 8 --kernels 4
      eyeshot design --input 3x224x224 --field 150-250 --macs-max 1G --params-max 2M
      eyeshot design --input 1x1000 --field 100 --causal --kernels 2,3
    """
    from eyeshot.api import designs
    from eyeshot.cli.terminal import Terminal
    from eyeshot.errors import UsageError

    one_format(json=as_json, csv=as_csv, plain=plain)
    if no_padding and causal:
        raise UsageError("--no-padding and --causal cannot go together; give one")
    if input_shape is None:
        raise UsageError("designs are for an input: give --input, such as --input 3x256x256")
    padding = "causal" if causal else "none" if no_padding else "half"
    answer = designs(input_shape, padding=padding, **wishes)
    if as_json:
        print_json(answer.to_json())
    elif as_csv or plain:
        print_records([each.to_dict() for each in answer], is_csv=as_csv)
    else:
        _print(answer, Terminal(colour=not no_colour), input_shape, all_designs)
    if answer.broken:
        raise click.exceptions.Exit(1)


def _print(answer: Designs, terminal: Terminal, input_shape: Any, all_designs: bool) -> None:
    from eyeshot.report.designs import broken_words, designs_table, searched_words

    shown = answer[:] if all_designs else answer[:_SHOWN]
    for line in broken_words(answer.broken):
        terminal.say(*line)
    if answer.broken:
        terminal.say("No design meets all wishes; the nearest:")
    terminal.table(designs_table(shown))
    if not answer.broken:
        terminal.say((searched_words(answer.searched, answer.is_complete, len(shown), len(answer)), "dim"))
    terminal.say()
    commands = [typed(shown[0].notation, verb="show", input_shape=input_shape)]
    if len(shown) > 1:
        commands.append(typed(*(each.notation for each in shown[:2]), verb="compare", input_shape=input_shape))
    say_next(terminal, *commands)
