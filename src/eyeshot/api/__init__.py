"""What users hold: the functions that most programs need, and what they answer with.

Each function's module is imported when it is first asked for: whoever shows a network needs nothing of tiles and moves.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eyeshot.api.advice import advise
    from eyeshot.api.promises import check
    from eyeshot.api.rewriting import rewrite
    from eyeshot.api.studied import study
    from eyeshot.api.tiles import tile_plan, tiled
    from eyeshot.api.verbs import compare, effective, inspect, sizes
    from eyeshot.api.wishes import designs

__all__ = [
    "advise",
    "check",
    "compare",
    "designs",
    "effective",
    "inspect",
    "rewrite",
    "sizes",
    "study",
    "tile_plan",
    "tiled",
]

_HOMES = {
    "advise": "advice",
    "check": "promises",
    "compare": "verbs",
    "designs": "wishes",
    "effective": "verbs",
    "inspect": "verbs",
    "rewrite": "rewriting",
    "sizes": "verbs",
    "study": "studied",
    "tile_plan": "tiles",
    "tiled": "tiles",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eyeshot.api' has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
