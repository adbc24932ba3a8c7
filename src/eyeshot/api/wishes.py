"""From wishes to designs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from eyeshot.design.search import Found
    from eyeshot.design.wishes import Answer, Broken

SCHEMA = "eyeshot.designs/1"


class Designs(Sequence["Found"]):
    """The designs that no other beats, the least costly for what it uses first; or the nearest, where none fits.

    Attributes:
        searched: designs that were decided on.
        is_complete: those were all; otherwise they were drawn.
        broken: the wishes that the nearest design breaks; empty where all are met.
    """

    def __init__(self, answer: Answer) -> None:
        self.searched, self.is_complete = answer.result.searched, answer.result.is_complete
        self.evaluated = answer.result.evaluated
        self.broken: tuple[Broken, ...] = answer.broken
        self._designs = answer.result.designs

    @overload
    def __getitem__(self, index: int) -> Found: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Found]: ...
    def __getitem__(self, index: int | slice) -> Found | Sequence[Found]:
        return self._designs[index]

    def __len__(self) -> int:
        return len(self._designs)

    def __iter__(self) -> Iterator[Found]:
        return iter(self._designs)

    def __repr__(self) -> str:
        return f"<Designs: {len(self)}, the first {self._designs[0]}>"

    def to_json(self) -> dict[str, Any]:
        """The document of schema eyeshot.designs/1."""
        return {
            "schema": SCHEMA,
            "searched": self.searched,
            "evaluated": self.evaluated,
            "complete": self.is_complete,
            "broken": [{"wish": b.wish, "asked": b.asked, "nearest": b.nearest} for b in self.broken],
            "designs": [design.to_dict() for design in self],
        }


def designs(
    input_shape: Any,
    *,
    field: int | str | tuple[int, int] | None = None,
    stride: int | None = None,
    macs_max: int | str | None = None,
    params_max: int | str | None = None,
    layers: int | str | tuple[int, int] = "4-8",
    kernels: int | str | Sequence[int] = (3, 4, 5),
    strides: int | str | Sequence[int] | None = None,
    pools: int | str | Sequence[int] | None = None,
    dilations: int | str | Sequence[int] | None = None,
    widths: int | str | Sequence[int] = 64,
    padding: str = "half",
) -> Designs:
    """Designs that meet wishes: convolutions in a row, with pools between them.

    All combinations are decided on, or, where too many of more than 10⁷ meet field and stride, a sample of them.

    Args:
        input_shape: channels and sizes.
        field: pixels that a unit of the output sees along every axis, or a range such as "60-80" or "100-".
        stride: pixels from one unit of the output to the next.
        macs_max, params_max: the most that it may cost, such as "1G".
        layers: the number of convolutions, or a range of it.
        kernels, strides, dilations: what convolutions may have; strides above 2 are for the first. Strides 1, 2 and 4,
            and no dilation, unless given; for causal designs stride 1, and dilations 1, 2, 4 … 512.
        pools: 2 for 2/2 and 3 for 3/2, none for an empty sequence; both unless given, none for causal designs.
        widths: of the first layer, doubled after each halving of the map up to 512; or one a layer.
        padding: "half" of what keeps the map's size on both sides, "none", or "causal".

    Raises:
        UsageError: a wish or choice is none, or no design fits the input.

    Example:
        >>> found = designs((3, 256, 256), field=70, stride=8, layers=5, kernels=4, pools=())
        >>> found[0].notation, found.is_complete
        ('C4s2p1-64 C4s2p1-128 C4s2p1-256 C4p1-512 C4p1-512', True)
    """
    from eyeshot.design.wished import wished

    found = wished(
        input_shape,
        field=field,
        stride=stride,
        macs_max=macs_max,
        params_max=params_max,
        layers=layers,
        kernels=kernels,
        strides=strides,
        pools=pools,
        dilations=dilations,
        widths=widths,
        padding=padding,
    )
    return Designs(found)
