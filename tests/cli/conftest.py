"""The command as typed, and its output against files: EYESHOT_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eyeshot.cli import main

GOLDEN = Path(__file__).parent.parent / "golden"
Eyeshot = Callable[..., Result]


@pytest.fixture
def eyeshot(monkeypatch: pytest.MonkeyPatch) -> Eyeshot:
    """Run a command line, given as words, in this process."""
    for name in ("NO_COLOR", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> Result:
        result = CliRunner().invoke(main, list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a file of tests/golden, or write the file."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("EYESHOT_UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no {path.name} yet: EYESHOT_UPDATE_GOLDEN=1 writes it"
        assert text == path.read_text(encoding="utf-8")

    return compare
