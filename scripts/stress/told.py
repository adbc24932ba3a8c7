"""What runs on files of models have in common: what is a clear message, what is a network, what `show` ends with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from eyeshot.api.report import Report
from eyeshot.cli import main
from eyeshot.errors import EyeshotError
from eyeshot.network.graph import Network
from eyeshot.shown import visible

Read = Callable[[], Network]


def wrong(read: Read) -> str | None:
    """What is wrong with what a file is read as, or with the message that refuses it."""
    try:
        network = read()
        report = Report(network)
        for layer in report:
            _ = layer.field, layer.data.field, layer.macs, layer.params
        _ = report.totals, report.notes
    except EyeshotError as error:
        return _unclear(error)
    return _unlike(network)


def _unclear(error: EyeshotError) -> str | None:
    """A message is a line or few, of what a terminal can show, and says which file it is about."""
    lines = str(error).split("\n")
    if len(str(error)) > 2_000 or any(visible(line) != line for line in lines) or "net." not in str(error):
        return f"the message is {str(error)[:500]!r}"
    return None


def _unlike(network: Network) -> str | None:
    """What no network is: nodes of one name, of no size, or that read what comes later."""
    seen: set[str] = set()
    for node in network:
        if node.name in seen:
            return f"two layers are called {node.name!r}"
        if any(n < 1 for n in node.shape) or node.params < 0:
            return f"{node.name!r} is {node.shape} of {node.params} weights"
        if any(name not in seen for name in node.inputs):
            return f"{node.name!r} reads what comes after it"
        seen.add(node.name)
    return None


def shown(path: Path) -> str | None:
    """What is wrong with `eyeshot show` of a file."""
    for words in ((), ("--json",)):
        result = CliRunner().invoke(main, ["show", str(path), *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if result.exit_code not in (0, 3, 4):
            return f"show {' '.join(words)} ends with {result.exit_code}: {result.output[-300:]!r}"
    return None


def without_names(read: Read) -> Any:
    """A network but for its names; None where there is none."""
    try:
        network = read()
    except EyeshotError:
        return None
    place = {node.name: i for i, node in enumerate(network)}
    nodes = [
        (node.op, node.shape, node.params, tuple(place[name] for name in node.inputs), node.reads) for node in network
    ]
    return nodes, [place[name] for name in network.outputs]
