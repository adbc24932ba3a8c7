"""Options that say how the use of a field is measured, for all verbs that measure it, and what was measured."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eyeshot.cli.options import inspected, is_index, users_code
from eyeshot.errors import UsageError
from eyeshot.shown import quoted

if TYPE_CHECKING:
    from eyeshot.report.effective import EffectiveField

    _UnitType = click.ParamType[tuple[int, ...] | str]
    _ChannelType = click.ParamType[int | str]
    _ShareType = click.ParamType[float]
    _NumbersType = click.ParamType[tuple[float, ...]]
else:
    _UnitType = _ChannelType = _ShareType = _NumbersType = click.ParamType

Command = TypeVar("Command", bound=Callable[..., Any])
_OF_GRADIENTS = (
    "measure", "channel", "images", "limit", "mean", "std", "weights", "seeds", "per_seed", "precision", "batch",
    "device", "dtype", "run",
)  # fmt: skip
"""Options that say nothing to the density."""


class Unit(_UnitType):
    """The middle unit, all, or one by its indices."""

    name = "unit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...] | str:
        """A word as it is, indices as a tuple."""
        if isinstance(value, tuple):
            return value
        word = {"center": "centre"}.get(value, value)
        if word in ("centre", "all"):
            return str(word)
        parts = [part.strip() for part in str(value).split(",")]
        if not all(is_index(part) for part in parts):
            self.fail(
                f"{quoted(str(value))} is no unit; write centre, all, or indices counted from 0, such as 6,6",
                param,
                ctx,
            )
        return tuple(int(part) for part in parts)


class Channel(_ChannelType):
    """All channels, or one by its index."""

    name = "channel"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """A word as it is, an index as a number."""
        if value in ("mixed", "sum"):
            return str(value)
        if not is_index(str(value)):
            self.fail(f"{quoted(str(value))} is no channel; write mixed, sum, or an index counted from 0", param, ctx)
        return int(value)


class Share(_ShareType):
    """A share such as 2% or 0.02."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share as a number from 0 to 1."""
        text = str(value).strip()
        try:
            share = float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share < 1:
            self.fail(f"{value!r} is no precision; write a share such as 2%", param, ctx)
        return share


class Numbers(_NumbersType):
    """Numbers such as 0.5,0.5,0.5."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers as a tuple."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if not numbers or not all(map(math.isfinite, numbers)):
            self.fail(
                f"{quoted(str(value))} are no numbers; write one, or one a channel, as in 0.5,0.5,0.5", param, ctx
            )
        return numbers


_OPTIONS = (
    click.option(
        "--source",
        type=click.Choice(["density", "paths", "init", "weights"]),
        help="Paths of the network alone, by weight or each alike; gradients at random weights, or of given ones."
        " [default: density; with --weights: weights]",
    ),
    click.option(
        "--measure",
        type=click.Choice(["abs", "square", "signed", "positive"]),
        help="Of the gradients; positive also gives RepLKNet's area ratios. [default: abs]",
    ),
    click.option(
        "--channel",
        "--class",
        type=Channel(),
        metavar="mixed|sum|K",
        help="All channels in a direction drawn for each image, their sum, or one. [default: mixed]",
    ),
    click.option("--images", metavar="DIR", help="Images of any size, or: sample, fashion-mnist. [init: noise]"),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="So many of the images, a random choice."),
    click.option(
        "--mean", type=Numbers(), metavar="M,M,M", help="Of the images' channels, 0 to 1. [default: as trained]"
    ),
    click.option("--std", type=Numbers(), metavar="S,S,S", help="Their deviations; with --mean."),
    click.option(
        "--weights",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="A state dict, or a training run's checkpoint.pt, with its images. [weights: the model's own]",
    ),
    click.option(
        "--seeds", type=click.IntRange(min=1), metavar="N", help="init: random initialisations. [default: 16]"
    ),
    click.option("--per-seed", type=click.IntRange(min=1), metavar="N", help="init: images for each. [default: 4]"),
    click.option("--precision", type=Share(), metavar="2%", help="Stop once σ is known that well."),
    click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Images at once. [default: by memory]"),
    click.option("--device", metavar="NAME", help="cpu, cuda … [default: a GPU where there is one]"),
    click.option("--dtype", type=click.Choice(["float32", "bf16"]), help="[default: float32]"),
    click.option(
        "--run",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Keep what is done there; the same command goes on from it.",
    ),
)


def measure_options(command: Command) -> Command:
    """``--source`` and all that says how gradients are measured."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def source_asked(source: str | None, chosen: dict[str, Any], gates: bool) -> str:
    """The source that was asked for, in words or by giving weights; complains of options that it has no use for."""
    source = source or ("weights" if "weights" in chosen else "density")
    if source in ("density", "paths"):
        unused = [name for name in _OF_GRADIENTS if name in chosen]
    else:
        others = ("seeds", "per_seed") if source == "weights" else ("weights",)
        unused = [name for name in others if name in chosen] + ["gates"] * gates
    if unused:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in unused)
        other = "density" if gates else {"init": "weights", "weights": "init"}.get(source)
        fitting = "init or weights" if source in ("density", "paths") else other
        raise UsageError(f"{names}: source {source} has no use for it; give --source {fitting}, or leave it out")
    return source


def designs_and_layers(words: Sequence[str], layers: Sequence[str], input_shape: Any) -> list[tuple[str, str | None]]:
    """What words and ``--layer`` ask for: one model and its layer, or several models, each with a layer or the default.

    Two words are a model and its layer unless the second is a model, too, and no layer of the first. Of more words one
    that is a layer of the model before it is that: conv5 is a design as well, and never meant behind alexnet.
    """
    models, named = list(words), list(layers)
    if len(words) > 2 and (pairs := _paired(words, input_shape)):
        if layers:
            raise UsageError(f"{layers[0]}: give layers behind their models or by --layer, not both ways")
        return pairs
    if len(words) == 2 and not (_is_model(words[1]) and not _has_layer(words[0], words[1], input_shape)):
        models, named = [words[0]], [words[1], *layers]
    if len(named) > 1 and len(named) != len(models):
        raise UsageError(f"{len(named)} layers for {len(models)} designs: give one layer for all, or one for each")
    each = named if len(named) > 1 else [*named, *[None] * (not named)] * len(models)
    return list(zip(models, each, strict=True))


def _paired(words: Sequence[str], input_shape: Any) -> list[tuple[str, str | None]]:
    """Models with the layers that stand behind them; nothing where no word is a layer."""
    pairs: list[tuple[str, str | None]] = []
    for word in words:
        if pairs and pairs[-1][1] is None and _has_layer(pairs[-1][0], word, input_shape):
            pairs[-1] = (pairs[-1][0], word)
        else:
            pairs.append((word, None))
    return pairs if any(layer for _, layer in pairs) else []


def _is_model(word: str) -> bool:
    from eyeshot.design.named import design_named
    from eyeshot.read.module_names import is_module_name

    if is_module_name(word) or word.lower().endswith((".onnx", ".py")):
        return True
    try:
        design_named(word)
    except UsageError:
        return False
    return True


def _has_layer(model: str, word: str, input_shape: Any) -> bool:
    from eyeshot.read.module_names import is_module_name

    if is_module_name(word) or word.lower().endswith((".onnx", ".py")):
        return False
    network = inspected(model, input_shape).network
    return word in network or word in network.module_outputs


def measured_fields(
    asked: Sequence[tuple[str, str | None]], *, no_colour: bool = False, **terms: Any
) -> list[EffectiveField]:
    """What units of several designs use, measured alike; the arguments are those of ``eyeshot.effective``."""
    from eyeshot.api import effective
    from eyeshot.cli.progress import measured
    from eyeshot.cli.terminal import Terminal

    errors = Terminal(sys.stderr, colour=not no_colour)
    if len(asked) > 1 and terms.get("weights") is not None:
        raise UsageError("--weights FILE is of one design; of several each has its own")
    results: list[EffectiveField] = []
    run = terms.pop("run", None)
    for number, (model, layer) in enumerate(asked, start=1):
        directory = run if run is None or len(asked) == 1 else run / str(number)
        with users_code(model), measured(directory) as on_progress:
            result = effective(
                model, layer, on_progress=on_progress, notice=lambda text: errors.say((text, "warn")), run=directory,
                **terms,
            )  # fmt: skip
        results.append(result)
    return results
