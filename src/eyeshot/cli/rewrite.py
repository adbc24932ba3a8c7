"""`eyeshot rewrite`: what becomes of a network by a move?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    end_if_bounded,
    input_option,
    json_option,
    known_models,
    print_json,
    say_next,
    typed,
    users_code,
)

if TYPE_CHECKING:
    from eyeshot.api.rewriting import Rewrite
    from eyeshot.cli.terminal import Terminal


@click.command(short_help="what becomes of a network by a move?")
@click.argument("model", shell_complete=known_models, required=False)
@click.argument("moves", nargs=-1)
@input_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the result: .py, or .txt (notation)."
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.option("--list", "as_list", is_flag=True, help="All moves, and the words that each takes.")
@json_option
@colour_option
def rewrite(
    model: str | None,
    moves: tuple[str, ...],
    input_shape: Any,
    output: Path | None,
    force: bool,
    as_list: bool,
    as_json: bool,
    no_colour: bool,
) -> None:
    """Change MODEL by MOVES, one after the other: MOVE, MOVE:LAYERS or MOVE:words,LAYERS.

    What changes is announced for every layer, made on a copy, read back and compared.

    \b
    Examples:
      eyeshot rewrite --list
      eyeshot rewrite resnet18 stem:fine --input 3x32x32
      eyeshot rewrite torchvision:resnet50 fold-batch-norm -o folded.py
      eyeshot rewrite my_net.py:make_net "stem:3x3" "fold-batch-norm:layer1.*"
    """
    from eyeshot.api.rewriting import rewrite as rewritten
    from eyeshot.cli.terminal import Terminal
    from eyeshot.errors import UsageError
    from eyeshot.report.files import check_new

    terminal = Terminal(colour=not no_colour)
    if as_list:
        _list(terminal, as_json)
        return
    if model is None or not moves:
        raise UsageError("give a model and a move, such as: eyeshot rewrite resnet18 stem:fine (--list has all moves)")
    if output is not None:
        check_new(output, force=force)
    with users_code(model):
        result = rewritten(model, *moves, input_shape=input_shape, weights=False)
    if output is not None:
        result.save(output, force=force)
    if as_json:
        print_json(result.to_json())
    else:
        _print(result, terminal, model, input_shape, output)
    end_if_bounded(result.after, no_colour=no_colour)


def _print(result: Rewrite, terminal: Terminal, model: str, input_shape: Any, output: Path | None) -> None:
    from eyeshot.report.rewriting import table, words

    for step in result.steps:
        for line in words(step):
            terminal.say(*line)
    terminal.say()
    terminal.table(table(result.steps))
    terminal.say()
    terminal.say(("announced and read back: equal in every layer", "good"))
    if result.design is not None:
        terminal.say((str(result.design), ""))
    terminal.say()
    if output is not None:
        terminal.say(str(output))
        again = f"{output}:net" if output.suffix == ".py" else str(result.design)
        say_next(terminal, typed(model, again, verb="compare", input_shape=input_shape))
    elif result.design is not None:
        say_next(terminal, typed(model, str(result.design), verb="compare", input_shape=input_shape))
    else:
        moves = [step.text for step in result.steps]
        say_next(terminal, typed(model, *moves, "-o", "changed.py", verb="rewrite", input_shape=input_shape))


def _list(terminal: Terminal, as_json: bool) -> None:
    from eyeshot.design.moves.table import MOVES

    if as_json:
        print_json(
            {
                "schema": "eyeshot.moves/1",
                "moves": [
                    {"name": m.name, "does": m.does, "keeps": m.keeps, "changes": m.changes, "words": dict(m.options)}
                    for m in MOVES.values()
                ],
            }
        )
        return
    for move in MOVES.values():
        terminal.say((move.name, "strong"), f" {move.does}")
        for word, meaning in move.options.items():
            terminal.say((f"    {word:<14}", ""), (meaning, "dim"))
