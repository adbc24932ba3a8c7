"""What each unit of a convolutional network sees, uses and costs, and whether the design pays.

    import eyeshot
    report = eyeshot.inspect("alexnet")
    report["conv5"].field.size            # (163, 163)

Importing eyeshot loads neither a framework nor NumPy; each name is loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eyeshot.api import advise, check, compare, designs, effective, inspect, rewrite, sizes, study, tile_plan, tiled
    from eyeshot.errors import EyeshotError

__version__ = "0.1.0"
__all__ = [
    "EyeshotError",
    "__version__",
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
    "EyeshotError": "eyeshot.errors",
    "advise": "eyeshot.api",
    "check": "eyeshot.api",
    "compare": "eyeshot.api",
    "designs": "eyeshot.api",
    "effective": "eyeshot.api",
    "inspect": "eyeshot.api",
    "rewrite": "eyeshot.api",
    "sizes": "eyeshot.api",
    "study": "eyeshot.api",
    "tile_plan": "eyeshot.api",
    "tiled": "eyeshot.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eyeshot' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
