"""`eyeshot tile`: how is a network run on an image that does not fit, and will it be the same?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    input_option,
    json_option,
    known_layers,
    known_models,
    print_json,
    say_next,
    tile_sizes,
    typed,
    users_code,
)

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal
    from eyeshot.tile.plan import TilePlan


@click.command(short_help="how to run it on an image that does not fit, and will it be the same?")
@click.argument("model", shell_complete=known_models)
@input_option
@click.option("--memory", metavar="SIZE", help="Choose the tile of the least work that fits into, say, 4G.")
@click.option("--tile", "tile", callback=tile_sizes, metavar="HxW", help="A tile's size.")
@click.option("--tolerance", type=float, metavar="SHARE", help="The smallest halo whose error stays below, say, 1e-3.")
@click.option(
    "--layer",
    shell_complete=known_layers,
    metavar="NAME",
    help="The layer whose output is wanted. [default: the model's outputs]",
)
@click.option("--dtype", metavar="TYPE", help="float32, float64, float16 or bfloat16. [default: the weights']")
@click.option("--for", "runner", metavar="NAME", help="Settings of bioimageio, monai, careamics, nnunet or diffusers.")
@click.option(
    "--split-after", "split_after", metavar="LAYER", help="Run only the layers up to LAYER by patches (MCUNetV2)."
)
@click.option(
    "--run",
    "image",
    type=click.Path(path_type=Path),
    metavar="IN",
    help="Run it on an image: .npy, .zarr, .tif, or a folder of them.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="With --run: .npy, .zarr, a folder."
)
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="With --run: a state dict to load.")
@click.option("--verify", is_flag=True, help="With --run: compare with the whole image, or a part that fits.")
@click.option("--force", is_flag=True, help="With --run: replace an output that exists.")
@click.option("--approximate", is_flag=True, help="With --run: also where tiles differ; the error is measured.")
@json_option
@colour_option
def tile(
    model: str,
    input_shape: Any,
    memory: str | None,
    tile: Any,
    tolerance: float | None,
    layer: str | None,
    dtype: str | None,
    runner: str | None,
    split_after: str | None,
    image: Path | None,
    output: Path | None,
    weights: Path | None,
    verify: bool,
    approximate: bool,
    force: bool,
    as_json: bool,
    no_colour: bool,
) -> None:
    """Plan how to run MODEL on an image piece by piece, and say whether the pieces give the whole's numbers.

    \b
    Examples:
      eyeshot tile my_net.py:unet --input 1x8192x8192 --memory 4G
      eyeshot tile my_net.py:unet --input 1x8192x8192 --tile 512x512
      eyeshot tile alexnet --input 3x4096x4096 --layer conv5
      eyeshot tile torchvision:mobilenet_v2 --input 3x224x224 --split-after features.4.conv.2
      eyeshot tile my_net.py:unet --memory 4G --run slide.npy -o probabilities.npy
    """
    from eyeshot.api import tile_plan
    from eyeshot.cli.terminal import Terminal
    from eyeshot.errors import UsageError

    if split_after is not None:
        _refuse("--split-after", {"--tile": tile, "--tolerance": tolerance, "--layer": layer, "--dtype": dtype,
                                  "--for": runner, "--run": image})  # fmt: skip
        _split(model, input_shape, split_after, memory, as_json, Terminal(colour=not no_colour))
        return
    if image is not None:
        if output is None:
            raise UsageError("--run IN needs -o OUT: where the output goes")
        _refuse("--run", {"--for": runner, "--dtype": dtype})
        _run(model, image, output, weights, as_json, no_colour, input_shape=input_shape, tile=tile, memory=memory,
             layer=layer, tolerance=tolerance, verify=verify, approximate=approximate, force=force)  # fmt: skip
        return
    only = {"-o": output, "--weights": weights, "--verify": verify, "--approximate": approximate, "--force": force}
    if any(only.values()):
        raise UsageError(f"{' and '.join(name for name, value in only.items() if value)}: only with --run IN")
    with users_code(model):
        plan = tile_plan(model, input_shape, memory=memory, tile=tile, layer=layer, dtype=dtype, tolerance=tolerance)
    others = None
    if runner is not None:
        from eyeshot.tile.others import settings_for

        others = settings_for(plan, runner)
    if as_json:
        print_json(plan.to_json() | ({} if others is None else {"runner": others.to_dict()}))
    elif others is not None:
        from eyeshot.report.tiles import settings_words

        for line in settings_words(others):
            Terminal(colour=not no_colour).say(*line)
    else:
        _print(plan, Terminal(colour=not no_colour), model, input_shape)


def _refuse(verb: str, others: dict[str, Any]) -> None:
    """Complain of options that another has no use for."""
    from eyeshot.errors import UsageError

    unused = [name for name, value in others.items() if value is not None]
    if unused:
        raise UsageError(f"{' and '.join(unused)}: not together with {verb}")


def _split(model: str, input_shape: Any, layer: str, memory: str | None, as_json: bool, terminal: Terminal) -> None:
    from eyeshot.cli.options import inspected
    from eyeshot.report.tiles import splits_table
    from eyeshot.tile.plan import bytes_of
    from eyeshot.tile.split import best, splits

    network = inspected(model, input_shape).network
    every = list(splits(network, layer))
    chosen = None if memory is None else best(network, bytes_of(memory), layer)
    if as_json:
        document = {"schema": "eyeshot.split/1", "splits": [each.to_dict() for each in every]}
        print_json(document | ({} if chosen is None else {"best": chosen.to_dict()}))
        return
    terminal.table(splits_table(every, chosen))
    terminal.say()
    terminal.say(("memory: activations in one byte each; norms, depthwise convolutions and sums in place", "dim"))


def _run(
    model: str, source: Path, output: Path, weights: Path | None, as_json: bool, no_colour: bool, **terms: Any
) -> None:
    from eyeshot.cli.progress import measured
    from eyeshot.cli.terminal import Terminal
    from eyeshot.report.tiles import run_words
    from eyeshot.tile.files import tiled_files

    with users_code(model), measured(output, _progress_words) as on_progress:
        runs = tiled_files(model, source, output, weights=weights, on_progress=on_progress, **terms)
    if as_json:
        print_json({"schema": "eyeshot.tiled/1", "runs": [run.to_json() for run in runs]})
        return
    terminal = Terminal(colour=not no_colour)
    for run in runs:
        terminal.say(*run_words(run))


def _progress_words(progress: Any) -> str:
    """How far a run is."""
    left = progress.seconds / max(progress.done, 1) * (progress.tiles - progress.done)
    return f"tile {progress.done} of {progress.tiles}, {left:.0f} s left"


def _print(plan: TilePlan, terminal: Terminal, model: str, input_shape: Any) -> None:
    from eyeshot.report.tiles import curve_table, words

    for line in words(plan):
        terminal.say(*line)
    if plan.tolerance is not None:
        terminal.say()
        terminal.table(curve_table(plan.tolerance))
    terminal.say()
    layer = plan.prevents[0].layer if plan.prevents else plan.layers[0]
    say_next(terminal, typed(model, layer, verb="why", input_shape=input_shape))
