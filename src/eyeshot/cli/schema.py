"""`eyeshot schema`: what do the JSON documents hold?"""

from __future__ import annotations

import click


@click.command(short_help="what do the --json documents hold?")
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of what --json prints; without NAME, which documents there are.

    \b
    Examples:
      eyeshot schema
      eyeshot schema field
    """
    from eyeshot import schemas
    from eyeshot.cli.options import print_json
    from eyeshot.cli.terminal import Terminal

    if name is not None:
        print_json(schemas.schema(name))
        return
    terminal = Terminal()
    for each, kind in schemas.KINDS.items():
        words = (kind.__doc__ or "").splitlines()[0].replace("``", "`")
        terminal.say((each, "strong"), f" {words}")
