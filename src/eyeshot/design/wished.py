"""What a user wishes of a design, in the words of ``eyeshot.designs``, and the designs that come nearest."""

from __future__ import annotations

from typing import Any

from eyeshot.design.amounts import amount, span, whole_numbers
from eyeshot.design.search import Wishes
from eyeshot.design.space import space
from eyeshot.design.wishes import Answer, answer
from eyeshot.errors import UsageError
from eyeshot.read.inputs import shape_given

_MOST_LAYERS = 20
_LARGEST_FIELD = 20_000


def wished(
    input_shape: Any,
    *,
    field: Any = None,
    stride: int | None = None,
    macs_max: int | str | None = None,
    params_max: int | str | None = None,
    layers: Any = "4-8",
    kernels: Any = (3, 4, 5),
    strides: Any = None,
    pools: Any = None,
    dilations: Any = None,
    widths: Any = 64,
    padding: str = "half",
) -> Answer:
    """The designs that meet wishes, or the nearest; the arguments are those of ``eyeshot.designs``.

    Raises:
        UsageError: a wish or choice is none, or no design fits the input.
    """
    shape = tuple(shape_given(input_shape, "design"))
    is_causal = padding == "causal"
    low, high = span(layers, "layers")
    if high is None or high > _MOST_LAYERS:
        raise UsageError(f"layers: a design has at most {_MOST_LAYERS}; give a range such as 4-8")
    usual = ((1,), (), tuple(2**i for i in range(10))) if is_causal else ((1, 2, 4), (2, 3), (1,))
    looked_through = space(
        shape,
        layers=(low, high),
        kernels=whole_numbers(kernels, "kernels", 99),
        strides=usual[0] if strides is None else whole_numbers(strides, "strides", 32),
        pools=usual[1] if pools is None else () if pools in ("none", ()) else whole_numbers(pools, "pools", 3),
        dilations=usual[2] if dilations is None else whole_numbers(dilations, "dilations", 4096),
        widths=whole_numbers(widths, "widths", 65536),
        padding=padding,
    )
    least, most = (1, None) if field is None else span(field, "field")
    wishes = Wishes(
        # from twice the image on, less one pixel, every unit sees all of it
        field=(least, max(least, 2 * max(shape[1:]) - 1) if most is None else most),
        stride=stride,
        macs_max=None if macs_max is None else amount(macs_max, "macs_max"),
        params_max=None if params_max is None else amount(params_max, "params_max"),
    )
    if wishes.field[1] > _LARGEST_FIELD:
        raise UsageError(f"field: at most {_LARGEST_FIELD:,} pixels are looked for, found {wishes.field[1]:,}")
    if stride is not None and stride < 1:
        raise UsageError(f"stride is 1 or more, found {stride}")
    return answer(looked_through, wishes)
