"""`eyeshot check`: does a network still keep what was promised of it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    input_option,
    json_option,
    known_models,
    print_json,
    users_code,
)

if TYPE_CHECKING:
    from eyeshot.analyse.promises import Promise

SCHEMA = "eyeshot.check/1"


def _fields(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[str]]:
    """LAYER=163, LAYER>=100 or LAYER<=300 by layers, of which one may have several."""
    fields: dict[str, list[str]] = {}
    for text in texts:
        name, sign, rest = text.partition("=")
        if not sign or not name.strip("<>") or not rest:
            raise click.BadParameter(
                f"{text!r} is none; write LAYER=163, 'LAYER>=100' or 'LAYER<=300'", context, parameter
            )
        less = name[-1] if name[-1] in "<>" else ""
        fields.setdefault(name.removesuffix(less), []).append(f"{less}={rest}")
    return fields


@click.command(short_help="does it still keep what was promised of it?")
@click.argument("model", shell_complete=known_models, required=False)
@input_option
@click.option("--field", callback=_fields, multiple=True, metavar="LAYER=163",
              help="What a layer's units see; also 'LAYER>=100', 'LAYER<=300', LAYER=9x7.")  # fmt: skip
@click.option("--macs-max", metavar="NUMBER", help="The most multiply-accumulates, such as 2G.")
@click.option("--params-max", metavar="NUMBER", help="The most weights, such as 30M.")
@click.option("--peak-max", metavar="NUMBER", help="The most elements alive at once.")
@click.option("--no-unproductive", is_flag=True, help="No layer only widens a view of the whole image.")
@click.option("--centred", is_flag=True, help="No layer's units look half a step or more beside their places.")
@click.option("--config", type=click.Path(path_type=Path), default=Path("pyproject.toml"), show_default=True,
              metavar="FILE", help="Where promises are written, without MODEL.")  # fmt: skip
@json_option
@colour_option
def check(model: str | None, input_shape: Any, config: Path, as_json: bool, no_colour: bool, **given: Any) -> None:
    """Hold MODEL to promises, or every model of [tool.eyeshot.check] in pyproject.toml: a line for each promise.

    The exit code is 1 where one is broken.

    \b
    Examples:
      eyeshot check alexnet --field conv5=163 --macs-max 1G --no-unproductive --centred
      eyeshot check my_net.py:make_net --input 3x640x640 --field "head>=400" --params-max 30M
      eyeshot check
    """
    from eyeshot.api.promises import Configured, configured, held, promised
    from eyeshot.cli.terminal import Terminal
    from eyeshot.errors import UsageError

    if model is None:
        unused = [f"--{key.replace('_', '-')}" for key, value in given.items() if value]
        if unused or input_shape is not None:
            raise UsageError(f"{', '.join(unused or ['--input'])}: give a model too, or write it into {config}")
        every = configured(config)
    else:
        every = [Configured(model=model, input_shape=input_shape, promises=promised(**given))]
    answers = []
    for each in every:
        with users_code(each.model):
            answers.append((each.model, held(each.model, each.input_shape, each.promises)))
    if as_json:
        print_json({"schema": SCHEMA, "checks": [_document(name, promises) for name, promises in answers]})
    else:
        _print(answers, Terminal(colour=not no_colour))
    if not all(promise.is_kept for _, promises in answers for promise in promises):
        raise click.exceptions.Exit(1)


def _document(name: str, promises: list[Promise]) -> dict[str, Any]:
    records = [{"name": p.name, "kept": p.is_kept, "promised": p.asked, "has": p.has} for p in promises]
    return {"model": name, "kept": all(p.is_kept for p in promises), "promises": records}


def _print(answers: list[tuple[str, list[Promise]]], terminal: Any) -> None:
    from eyeshot.report.promises import promise_words

    for name, promises in answers:
        for promise in promises:
            before = f"{name}: " if len(answers) > 1 else ""
            word, *rest = promise_words(promise)
            terminal.say(word, before, *rest)
