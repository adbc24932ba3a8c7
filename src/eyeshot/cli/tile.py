"""`eyeshot tile`: how is a network run on an image that does not fit, and will it be the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import colour_option, input_option, json_option, print_json, say_next, stdout_for_data, typed

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.tile.plan import TilePlan


def _tile(context: click.Context, parameter: click.Parameter, given: str | None) -> Any:
    """A tile's sizes, one for all axes or one per axis."""
    if given is None:
        return None
    parts = given.lower().replace("×", "x").split("x")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(
            f"{given!r} is no tile; write one size, or one per axis, such as 512x512", context, parameter
        )
    return int(parts[0]) if len(parts) == 1 else tuple(map(int, parts))


@click.command(short_help="how to run it on an image that does not fit, and will it be the same?")
@click.argument("model")
@input_option
@click.option("--memory", metavar="SIZE", help="Choose the tile of the least work that fits into, say, 4G.")
@click.option("--tile", "tile", callback=_tile, metavar="HxW", help="A tile's size.")
@click.option("--layer", metavar="NAME", help="The layer whose output is wanted. [default: the model's outputs]")
@click.option("--dtype", metavar="TYPE", help="float32, float64, float16 or bfloat16. [default: the weights']")
@json_option
@colour_option
def tile(
    model: str,
    input_shape: Any,
    memory: str | None,
    tile: Any,
    layer: str | None,
    dtype: str | None,
    as_json: bool,
    no_colour: bool,
) -> None:
    """Plan how to run MODEL on an image piece by piece, and say whether the pieces give the whole's numbers.

    \b
    Examples:
      eyeshot tile my_net.py:unet --input 1x8192x8192 --memory 4G
      eyeshot tile my_net.py:unet --input 1x8192x8192 --tile 512x512
      eyeshot tile alexnet --input 3x4096x4096 --layer conv5
    """
    from eyeshot.api import tile_plan
    from eyeshot.cli.terminal import Terminal

    with stdout_for_data():
        plan = tile_plan(model, input_shape, memory=memory, tile=tile, layer=layer, dtype=dtype)
    if as_json:
        print_json(plan.to_json())
    else:
        _print(plan, Terminal(colour=not no_colour), model, input_shape)


def _print(plan: TilePlan, terminal: Terminal, model: str, input_shape: Any) -> None:
    from eyeshot.report.tiles import words

    for line in words(plan):
        terminal.say(*line)
    terminal.say()
    layer = plan.prevents[0].layer if plan.prevents else plan.layers[0]
    say_next(terminal, typed(model, layer, verb="why", input_shape=input_shape))
