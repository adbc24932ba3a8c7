"""The page on moves: its list is the table of moves, and its examples are made."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import eyeshot
from eyeshot.design.moves.table import MOVES
from tests.cli.conftest import Eyeshot
from tests.cli.conftest import eyeshot as command
from tests.cli.conftest import golden as recorded

__all__ = ["command", "recorded"]

PAGE = Path(__file__).parents[2] / "docs" / "moves.md"


def listed() -> str:
    lines = []
    for move in MOVES.values():
        lines += [f"### {move.name}", "", f"{move.does[0].upper()}{move.does[1:]}.", ""]
        lines += [f"Keeps {move.keeps}. Changes {move.changes}.", ""]
        lines += [f"- `{word}`: {meaning}" for word, meaning in move.options.items()]
        lines += [""] * bool(move.options)
    return "\n".join(lines)


def test_the_page_lists_every_move_with_its_words() -> None:
    text = PAGE.read_text(encoding="utf-8")
    whole = re.sub(r"(?<=<!-- moves -->\n).*(?=<!-- /moves -->)", lambda _: f"\n{listed()}\n", text, flags=re.DOTALL)
    if os.environ.get("EYESHOT_UPDATE_GOLDEN"):
        PAGE.write_text(whole, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == whole


def test_every_word_of_the_page_is_one_that_the_commands_know() -> None:
    typed = re.findall(r"`([a-z0-9]+(?:-[a-z]+)+):([^`]*)`", PAGE.read_text(encoding="utf-8"))

    assert typed
    for name, words in typed:
        known = {word.partition("=")[0] for word in MOVES[name].options}
        assert all(word.partition("=")[0] in known for word in words.split(",")), f"{name}:{words}"


def test_the_python_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    scope = {"eyeshot": eyeshot, "module": eyeshot.rewrite("resnet18", "stem:half", input_shape=(3, 32, 32)).model}

    exec(code.replace('"layer4"', '"layer4.1.conv2"'), scope)

    assert scope["result"].after["conv1"].node.op.kernel == (3, 3)


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "rewrite-list.txt": ["rewrite", "--list"],
        "rewrite-resnet18-stem.txt": ["rewrite", "resnet18", "stem:fine", "--input", "3x32x32"],
        "rewrite-alexnet-pools.txt": ["rewrite", "alexnet", "pool-to-stride:kernel"],
        "rewrite-stack.txt": ["rewrite", "C3-64~ C3-64~ C3-64 P2 C3-128", "stack-to-kernel", "--input", "64x32x32"],
        "rewrite-kernel.txt": ["rewrite", "C7s2b-64 P3s2p1 C3b-64", "kernel-to-stack:params", "fold-batch-norm"],
        "rewrite-stack.json": ["rewrite", "C3-8~ C3-8", "stack-to-kernel", "--input", "8x32x32", "--json"],
    }.items(),
)
def test_the_output_is_as_recorded(
    name: str, words: list[str], command: Eyeshot, recorded: Callable[[str, str], None]
) -> None:
    result = command(*words)

    assert (result.exit_code, result.stderr) == (0, "")
    recorded(name, result.stdout)
