"""The page's modules as one script: each in a scope of its own, in the order in which they need each other.

No build tool is needed: the modules are plain JavaScript, and what runs in the page is their text without its comments
and indentation (so no string of theirs goes over several lines), imports and exports written as constants.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|const|let|class) (\w+))", re.MULTILINE)
_BLOCK = r"/\*\*(?:(?!\*/).)*\*/"
_COMMENT = re.compile(rf"^[ \t]*(?://[^\n]*|{_BLOCK})\n|{_BLOCK} ?", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_LIST = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)


@cache
def asset(name: str) -> str:
    """The text of one of the page's files."""
    return (files("eyeshot.view") / "page" / name).read_text(encoding="utf-8")


@cache
def script(entry: str = "main") -> str:
    """A module with all that it needs, as one script in strict mode.

    Raises:
        AssertionError: modules need each other in a circle.
    """
    order: list[str] = []
    _visit(entry, order, ())
    return '"use strict";\n(() => {\n' + "".join(map(_scoped, order)) + "})();\n"


def _visit(name: str, order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise AssertionError(f"{name} needs itself: {' → '.join((*above, name))}")
    if name in order:
        return
    for _, needed in _IMPORT.findall(asset(f"{name}.js")):
        _visit(needed, order, (*above, name))
    order.append(name)


def _scoped(name: str) -> str:
    """A module as a constant that holds what it exports."""
    text = asset(f"{name}.js")
    exported = [name for _, name in _EXPORT.findall(text)]
    for names in _LIST.findall(text):
        exported += [each.strip() for each in names.split(",")]
    body = _COMMENT.sub("", _LIST.sub("", _EXPORT.sub(r"\1", _IMPORT.sub(r"const {\1} = $\2;\n", text))))
    body = _INDENT.sub("", body)
    return f"const ${name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"
