"""The gallery of docs/figures.md: every picture comes from a command beside it, every kind of figure is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from eyeshot.cli.plot import QUESTIONS
from tests.cli.conftest import Eyeshot, eyeshot

__all__ = ["eyeshot"]

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "figures.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^eyeshot (plot .* -o [\w-]+\.png)$", PAGE, re.MULTILINE)


def test_every_picture_has_its_command_and_is_there() -> None:
    drawn = {shlex.split(command)[-1] for command in COMMANDS}

    assert set(re.findall(r"\]\(images/([\w.-]+)\)", PAGE)) == drawn
    assert all((DOCS / "images" / name).stat().st_size < 300_000 for name in drawn)


def test_every_kind_is_told_of() -> None:
    assert [kind for kind in QUESTIONS if f"{kind} " not in PAGE and f"`{kind}`" not in PAGE] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_draws(command: str, tmp_path: Path, eyeshot: Eyeshot) -> None:
    *words, name = shlex.split(command)

    assert eyeshot(*words, str(tmp_path / name)).exit_code == 0
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
