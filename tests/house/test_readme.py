"""What the README shows is what the commands print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ eyeshot ([^\n]*)\n(.*?)\n```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("arguments", "shown"), BLOCKS, ids=[arguments for arguments, _ in BLOCKS])
def test_a_command_prints_what_the_readme_shows(arguments: str, shown: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "eyeshot", *shlex.split(arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )

    assert run.stdout.rstrip("\n") == shown


def test_the_first_screen_says_what_it_is_the_one_command_and_shows_its_picture() -> None:
    screen = README.splitlines()[:16]

    assert "**sees**" in screen[2]
    assert sum(line.startswith(("make ", "eyeshot ")) for line in screen) == 1
    assert any(line.startswith("![") for line in screen)


def test_the_readme_shows_commands_and_python() -> None:
    assert len(BLOCKS) >= 3
    assert len(PYTHON) == 1


def test_the_python_lines_print_what_their_comments_say(capsys: pytest.CaptureFixture[str]) -> None:
    exec(PYTHON[0], {})

    expected = re.findall(r"^print\(.*\)  # (.*)$", PYTHON[0], re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == expected
