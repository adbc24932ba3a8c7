"""`eyeshot models`: which designs are built in?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eyeshot.cli.options import (
    colour_option,
    json_option,
    one_format,
    print_json,
    print_records,
    say_next,
    table_options,
    typed,
)

if TYPE_CHECKING:
    from eyeshot.cli.terminal import Terminal

SCHEMA = "eyeshot.models/1"


@click.command(short_help="which designs are built in?")
@click.argument("name", required=False)
@click.option("--notation", is_flag=True, help="How designs are written down.")
@json_option
@table_options
@colour_option
def models(name: str | None, notation: bool, as_json: bool, as_csv: bool, plain: bool, no_colour: bool) -> None:
    """List the designs of the zoo; with NAME, print how that one is written down.

    \b
    Examples:
      eyeshot models
      eyeshot models vgg-d
      eyeshot models --notation
    """
    from eyeshot.cli.terminal import Terminal

    one_format(json=as_json, csv=as_csv, plain=plain)
    terminal = Terminal(colour=not no_colour)
    if notation:
        _print_notation(terminal)
    elif name is not None:
        record = _record(_known(name))
        if as_json:
            print_json({"schema": SCHEMA, "models": [record]})
        elif as_csv or plain:
            print_records([record], is_csv=as_csv)
        else:
            _print_one(record, terminal)
    elif as_json or as_csv or plain:
        from eyeshot.design.zoo import entries

        records = [_record(each) for each in entries()]
        if as_json:
            print_json({"schema": SCHEMA, "models": records})
        else:
            print_records(records, is_csv=as_csv)
    else:
        _print_all(terminal)


def _known(name: str) -> str:
    from eyeshot.design.zoo import entries
    from eyeshot.errors import UsageError
    from eyeshot.nearest import did_you_mean

    if name.lower() in entries():
        return name.lower()
    raise UsageError(f"{name!r} is no model of the zoo; {did_you_mean(name, entries())} `eyeshot models` lists it")


def _record(name: str) -> dict[str, Any]:
    from eyeshot.analyse.landmarks import last_convolution
    from eyeshot.api import inspect
    from eyeshot.design.zoo import entries

    entry, report = entries()[name], inspect(name)
    layer = last_convolution(report)
    return {
        "name": name,
        "input": "x".join(map(str, entry.input_shape)),
        "params": report.totals.params,
        "macs": report.totals.macs,
        "field_last_conv": layer.field.size[0] if layer else None,
        "description": entry.description,
        "slip": entry.slip,
        "notation": entry.notation,
    }


def _print_all(terminal: Terminal) -> None:
    from eyeshot.design.zoo import entries
    from eyeshot.report.table import Column, Table
    from eyeshot.report.wording import NONE, short

    table = Table(
        [
            Column(heading="model", is_number=False, style="strong"),
            Column(heading="input", priority=4),
            Column(heading="params", priority=2),
            Column(heading="MACs", priority=1),
            Column(heading="last conv sees", priority=3),
            Column(heading="what it is", is_number=False, priority=5, wraps=True),
        ]
    )
    for name in entries():
        record = _record(name)
        field = record["field_last_conv"]
        table.add(
            name,
            record["input"].replace("x", "×"),
            short(record["params"]),
            short(record["macs"]),
            NONE if field is None else str(field),
            record["description"],
        )
    terminal.table(table)
    terminal.say()
    say_next(terminal, "eyeshot models alexnet", "eyeshot show alexnet", "eyeshot models --notation")


def _print_one(record: dict[str, Any], terminal: Terminal) -> None:
    terminal.say((record["name"], "strong"), f": {record['description']}")
    if record["slip"]:
        terminal.say(("slip: ", "warn"), record["slip"])
    terminal.say()
    terminal.say(record["notation"])
    terminal.say()
    terminal.say((f"input {record['input'].replace('x', '×')}", "dim"))
    say_next(terminal, typed(record["name"], verb="show"))


def _print_notation(terminal: Terminal) -> None:
    from eyeshot.design import notation

    for line in (notation.__doc__ or "").strip().splitlines():
        terminal.lines([[(line, "")]])
