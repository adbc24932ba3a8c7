"""Where in the user's code an equation was called, as JAX noted it while it traced."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def line_of(eqn: Any) -> str:
    """The innermost line that is neither JAX's, nor of a library of modules, nor ours, as ``file:line``."""
    traceback = eqn.source_info.traceback
    for frame in traceback.frames if traceback is not None else ():
        if not frame.file_name.startswith(_libraries()) and not frame.file_name.startswith("<"):
            return f"{frame.file_name}:{frame.line_num}"
    return ""


@cache
def _libraries() -> tuple[str, ...]:
    specs = [find_spec(name) for name in ("jax", "flax", "equinox", "eyeshot")]
    return tuple(f"{Path(spec.origin).parent}{os.sep}" for spec in specs if spec is not None and spec.origin)
