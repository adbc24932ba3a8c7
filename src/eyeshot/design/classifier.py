"""A design made to tell a number of classes apart."""

from __future__ import annotations

from dataclasses import replace

from eyeshot.design.lower import lower
from eyeshot.design.notation import parse
from eyeshot.design.syntax import Design, Full


def classifier(design: Design, input_shape: tuple[int, ...], classes: int) -> Design:
    """The design with one output a class: as it is, its last layer resized, or a head G F added.

    Raises:
        ShapeError: if the design does not fit the input.

    Example:
        >>> str(classifier(parse("CONV-POOL-CONV"), (1, 28, 28), 10))
        'C3 P2 C3 G F10'
    """
    *body, last = design.items
    if isinstance(last, Full):
        resized = (*body, replace(last, width=classes))
        return parse(str(Design(resized, "")))
    network = lower(design, input_shape, name=design.text, source="notation", classes=classes)
    out = network.output.shape[1:]
    if out[0] == classes and all(n == 1 for n in out[1:]):
        return design
    head = "G " if any(n > 1 for n in out[1:]) else ""
    return parse(f"{design} {head}F{classes}")
