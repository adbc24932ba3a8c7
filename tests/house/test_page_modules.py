"""The page's JavaScript: read in one sitting, of known types, one line never wider than the screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eyeshot

PAGE = Path(eyeshot.__file__).parent / "view" / "page"
MODULES = sorted(PAGE.glob("*.js"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_page_can_be_read(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert len(lines) < 500
    assert [line for line in lines if len(line) >= 140] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_string_of_the_page_goes_over_several_lines_since_indentation_is_not_shipped(path: Path) -> None:
    odd = [line for line in path.read_text(encoding="utf-8").splitlines() if line.count("`") % 2]

    assert odd == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_types_of_the_page_say_what_they_take(path: Path) -> None:
    """TypeScript refuses what has no type; ``any`` would switch it off."""
    comments = re.findall(r"/\*\*.*?\*/", path.read_text(encoding="utf-8"), re.DOTALL)
    types = [each for comment in comments for each in re.findall(r"@\w+ (\{[^@]*\})", comment)]

    assert [each for each in types if re.search(r"\bany\b", each)] == []
