"""Which models the libraries at hand have, read from their source text: importing them takes seconds."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

from eyeshot.read.module_names import LIBRARIES

_REGISTERED = re.compile(r"^@register_model\b[^\n]*\n(?:@[^\n]*\n)*?def (\w+)\(", re.MULTILINE)


@cache
def library_models() -> dict[str, str]:
    """What a user types for each model of a library, such as torchvision:resnet50, by the model's bare name."""
    models: dict[str, str] = {}
    for library in LIBRARIES:
        for name in _models_of(library):
            models.setdefault(name, f"{library}:{name}")
    return models


def _models_of(library: str) -> list[str]:
    spec = importlib.util.find_spec(library)
    places = [] if spec is None else spec.submodule_search_locations or []
    names: list[str] = []
    for place in places:
        for path in sorted((Path(place) / "models").rglob("*.py")):
            names += _REGISTERED.findall(path.read_text("utf-8", "replace"))
    return names
