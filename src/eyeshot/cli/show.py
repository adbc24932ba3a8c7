"""`eyeshot show`: what does each layer see and cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    end_if_bounded,
    input_option,
    inspected,
    json_option,
    known_models,
    lesson_of,
    one_format,
    print_json,
    print_records,
    rate_option,
    say_next,
    table_options,
    typed,
)
from eyeshot.errors import ReadError, UsageError

if TYPE_CHECKING:
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import Terminal

CONVENTIONS = (
    "sees: receptive field in input pixels, unclipped · stride: input pixels per step · "
    "MACs: one multiply-accumulate; convolutions, fc and matrix products; FLOPs = 2 MACs"
)
OWN = "back, ahead: positions seen before and after a unit's own, which is its index times the stride"


@click.command(short_help="what does each layer see and cost?")
@click.argument("model", shell_complete=known_models)
@input_option
@click.option("--all", "all_layers", is_flag=True, help="A line for every layer; nothing folded.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="A line for each module, N names deep.")
@rate_option
@click.option("--centre", "with_centre", is_flag=True, help="Columns of where unit 0's field starts and is centred.")
@click.option("--lines", is_flag=True, help="For modules: the line of code that called each layer.")
@json_option
@table_options
@colour_option
def show(
    model: str,
    input_shape: Any,
    all_layers: bool,
    depth: int | None,
    rate: float | None,
    with_centre: bool,
    lines: bool,
    as_json: bool,
    as_csv: bool,
    plain: bool,
    no_colour: bool,
) -> None:
    """Print what each layer of MODEL sees and costs.

    \b
    Examples:
      eyeshot show alexnet
      eyeshot show resnet50 --input 3x384x384
      eyeshot show "C3-64 C3-64 P2 C3-128" --csv
      eyeshot show torchvision:resnet50 --depth 1
      eyeshot show my_net.py:make_net --json
      eyeshot show my_net.py:speech --input 1x16000 --rate 16000
      eyeshot show my_net.py:make_net --input 224x224x3:HWC --lines
    """
    from eyeshot.api.report import Report
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.ledger import records
    from eyeshot.report.looking import check_rate

    one_format(json=as_json, csv=as_csv, plain=plain)
    if depth is not None and (as_json or all_layers):
        other = "--json has every layer" if as_json else "--all gives every layer a line"
        raise UsageError(f"{other}, --depth folds them; give one of the two")
    told: dict[str, Any] = {"folded": not all_layers, "depth": depth, "with_centre": with_centre, "rate": rate}
    try:
        report = inspected(model, input_shape, lines=lines)
    except ReadError as error:
        if error.partial is not None and not (as_json or as_csv or plain):
            _print_up_to_failure(Report(error.partial), Terminal(colour=not no_colour), told)
        raise
    check_rate(report, rate)
    if as_json:
        print_json(report.to_json(rate=rate))
    elif as_csv or plain:
        print_records(records(report, **told), is_csv=as_csv)
    else:
        _print_ledger(report, Terminal(colour=not no_colour), told)
        _print_what_next(report, Terminal(colour=not no_colour), model, input_shape)
    end_if_bounded(report, no_colour=no_colour)


def _print_up_to_failure(report: Report, terminal: Terminal, told: dict[str, Any]) -> None:
    from eyeshot.report.ledger import ledger

    terminal.say((report.network.name, "strong"), (", up to where it fails", "dim"))
    terminal.say()
    terminal.table(ledger(report, **told))
    terminal.say()


def _print_ledger(report: Report, terminal: Terminal, told: dict[str, Any]) -> None:
    from eyeshot.analyse.landmarks import differing
    from eyeshot.report.folded import folded_notes
    from eyeshot.report.ledger import ledger
    from eyeshot.report.looking import causal_sentence, is_sequence
    from eyeshot.report.outputs import outputs, outputs_table
    from eyeshot.report.verdict import on_one
    from eyeshot.report.wording import memory_words, times

    network = report.network
    terminal.say((network.name, "strong"), (f" · input {times(network.input.shape[1:])}", "dim"))
    terminal.say()
    terminal.table(ledger(report, **told))
    terminal.say()
    terminal.say(memory_words(report.totals))
    terminal.say((CONVENTIONS, "dim"))
    if is_sequence(report):
        terminal.say((OWN, "dim"))
    if turning := differing(report):
        others = f" and {len(turning) - 1} more layers" if len(turning) > 1 else ""
        words = f"units of {turning[0].name}{others} differ in a fixed turn: the largest is told; `field` tells each"
        terminal.say((words, "dim"))
    for note in folded_notes(report):
        place = f"{note.layer}: " if note.layer else ""
        terminal.say((f"{note.kind}: ", "warn"), place + note.text)
    if (ends := outputs_table(report, told["rate"])) is not None:
        terminal.say()
        terminal.table(ends)
    terminal.say()
    terminal.say(on_one(report))
    if causal := causal_sentence(outputs(report), told["rate"]):
        terminal.say(causal)


def _print_what_next(report: Report, terminal: Terminal, model: str, input_shape: Any) -> None:
    from eyeshot.analyse.landmarks import last_convolution

    layer = last_convolution(report) or (report.layers[-1] if report.layers else None)
    verbs = ("why", "field") if layer and report.network.axes else ()
    commands = [typed(model, layer.name, verb=verb, input_shape=input_shape) for verb in verbs if layer]
    rival = f"{model}-alternating"
    from eyeshot.design.zoo import entries

    if rival in entries():
        commands.append(typed(model, rival, verb="compare", input_shape=input_shape))
    terminal.say()
    say_next(terminal, *commands, *lesson_of(report.network.name))
