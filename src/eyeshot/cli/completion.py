"""What a shell proposes as one types: designs of the zoo, models of the libraries at hand, and layers of a design.

Neither a user's code nor PyTorch runs for that: of a module's layers nothing is proposed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from click.shell_completion import CompletionItem

_MOST = 200
"""Names that a shell is given at most."""


def models(incomplete: str) -> list[CompletionItem]:
    """Names of models that begin so; those of a library once its name stands there."""
    from eyeshot.design.zoo import entries
    from eyeshot.read.library_names import library_models
    from eyeshot.read.module_names import LIBRARIES

    library, colon, bare = incomplete.partition(":")
    if colon and library in LIBRARIES:
        # Shells part words at colons, and complete what stands behind.
        names = [name.partition(":")[2] for name in library_models().values() if name.startswith(f"{library}:")]
        return [CompletionItem(f"{library}:{name}") for name in sorted(names) if name.startswith(bare)][:_MOST]
    words = [*entries(), *(f"{each}:" for each in LIBRARIES)]
    items = [CompletionItem(name) for name in words if name.startswith(incomplete.lower())]
    return items or [CompletionItem(incomplete, type="file")]


def layers(params: Mapping[str, Any], incomplete: str) -> list[CompletionItem]:
    """Layers of the design that stands before, which begin so."""
    model: Any = params.get("model") or (params.get("words") or params.get("models") or [None])[0]
    from eyeshot.errors import EyeshotError
    from eyeshot.read.module_names import is_module_name

    if not isinstance(model, str) or is_module_name(model):
        return []
    from eyeshot.design.named import network_named

    try:
        network = network_named(model, params.get("input_shape"))
    except EyeshotError:
        return []
    return [CompletionItem(node.name) for node in network.layers if node.name.startswith(incomplete)][:_MOST]
