"""Any model that can be changed, made as costly as another."""

from __future__ import annotations

from typing import Any

from eyeshot.design.lower import lower
from eyeshot.design.match import QUANTITIES, listed_or, match
from eyeshot.design.match_modules import match_module
from eyeshot.design.named import KERAS_FILES, check_typed, design_named, network_named
from eyeshot.design.zoo import entries
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network
from eyeshot.read.module_names import is_module_name


def matched(model: Any, input_shape: Any, *, quantity: str, target: int, by: str | None = None) -> tuple[Network, str]:
    """The network of a model whose ``quantity`` is made to agree with a target, and in words how.

    Args:
        model: a design, a module or what makes one.
        input_shape: as for ``inspect``.
        quantity: params, macs or activations.
        target: what it is to be.
        by: the argument of a module's maker that is scaled.

    Raises:
        UsageError: no widths of a design come within 1 %, or the model has none that could be changed.
        ReadError: a module cannot be made or traced.
    """
    check_changeable(model)
    if not isinstance(model, str) or is_module_name(model):
        found = match_module(model, input_shape, quantity=quantity, target=target, by=by)
        return found.network, found.how
    check_typed(model)
    network = network_named(model, input_shape)
    entry, shape = entries().get(model.lower()), network.input.shape[1:]
    classes = entry.classes if entry else 1000
    design = match(design_named(model), shape, classes, quantity=quantity, target=target, name=network.name)
    after = lower(design.design, shape, name=network.name, source="notation", classes=classes)
    return after, f"{design.design}; {design.how}"


def check_asked(quantity: str | None, by: str | None) -> None:
    """Complain of what nothing can be matched in."""
    if quantity not in (None, "none", *QUANTITIES):
        raise UsageError(f"match {quantity!r}: needed is {listed_or((*QUANTITIES, 'none'))}")
    if by is not None and quantity in (None, "none"):
        raise UsageError(f"match_by {by}: in what shall they agree? Give match, such as macs")


def check_changeable(model: Any) -> None:
    """Complain of what is only read."""
    if isinstance(model, Network) or type(model).__name__ == "ModelProto":
        raise UsageError("match scales the widths of designs and PyTorch modules, not those of a network that was read")
    if isinstance(model, str) and model.lower().endswith((".onnx", *KERAS_FILES)):
        raise UsageError(f"{model}: match scales the widths of designs and PyTorch modules; a file is only read")
