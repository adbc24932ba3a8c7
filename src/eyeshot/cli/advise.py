"""`eyeshot advise`: what is wrong with a network for this image and these objects, and what mends it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    end_if_bounded,
    input_option,
    json_option,
    print_json,
    say_next,
    typed,
    users_code,
)

if TYPE_CHECKING:
    from eyeshot.api.advice import Advice
    from eyeshot.cli.terminal import Terminal


@click.command(short_help="what is wrong for this image and these objects, and what mends it?")
@click.argument("model")
@input_option
@click.option("--objects", metavar="32-180|FILE|DIR", help="Sizes in pixels, or annotations: COCO, VOC, YOLO, masks.")
@click.option("--trained-at", metavar="CxHxW", help="The input it was trained on, where that is another size.")
@json_option
@colour_option
def advise(
    model: str, input_shape: Any, objects: str | None, trained_at: str | None, as_json: bool, no_colour: bool
) -> None:
    """Say what is wrong with MODEL for its image and objects, the costliest first, and which moves mend it.

    \b
    Examples:
      eyeshot advise torchvision:resnet18 --input 3x32x32
      eyeshot advise my_net.py:detector --input 3x640x640 --objects 32-180
      eyeshot advise my_net.py:detector --input 3x640x640 --objects instances.json
    """
    from eyeshot.api.advice import advise as advised
    from eyeshot.cli.terminal import Terminal

    with users_code(model):
        advice = advised(model, input_shape, objects=objects, trained_at=trained_at)
    if as_json:
        print_json(advice.to_json())
    else:
        _print(advice, Terminal(colour=not no_colour), model, input_shape)
    end_if_bounded(advice.report, no_colour=no_colour)


def _print(advice: Advice, terminal: Terminal, model: str, input_shape: Any) -> None:
    from eyeshot.report.advice import cure, drawn, effect_words, says, suiting_table
    from eyeshot.report.published import evidence_sentences

    if not len(advice):
        known = "" if advice.report.is_exact else ", as far as it was read exactly"
        terminal.say(("Nothing is wrong: ", "good"), f"no finding passes its threshold (docs/advise.md){known}.")
    elif not advice.report.is_exact:
        terminal.say(("it was not all read exactly, and what rests on bounds may be none", "dim"))
    told: set[str] = set()
    for finding in advice:
        terminal.say((f"{finding.kind}: ", "warn"), says(finding))
        if would := cure(finding):
            terminal.say((f"  {would}", "dim"))
        for text in evidence_sentences(finding.kind):
            terminal.say((f"  trained with and without: {text}", "dim"))
        if again := ", ".join(effect.move for effect in finding.moves if effect.move in told):
            terminal.say(("  mended too by ", "dim"), (again, "strong"))
        for effect in finding.moves:
            if effect.move in told:
                continue
            told.add(effect.move)
            terminal.say((f"  {effect.move}: ", "strong"), effect_words(effect))
            if command := advice.command(effect.move):
                terminal.say((f"    {command}", "dim"))
    if advice.is_only_read and any(finding.moves for finding in advice):
        terminal.say(("moves are told as they would be: this is only read; make them on what it came from", "dim"))
    if advice.ends and advice.maps:
        terminal.say()
        terminal.table(suiting_table(advice.maps, advice.ends, advice.objects))
    if advice.bins:
        terminal.say()
        for line in drawn(advice.bins):
            terminal.say(line)
    if advice.left_out:
        out = ", ".join(f"{count:,} {why}" for why, count in advice.left_out.items())
        terminal.say((f"left out: {out}", "dim"))
    terminal.say()
    say_next(terminal, typed(model, verb="show", input_shape=input_shape))
