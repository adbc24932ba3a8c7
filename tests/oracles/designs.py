"""Random designs: chains and branches, dilation, groups, uneven padding, rounding up, 1-D and 2-D."""

from __future__ import annotations

from hypothesis import strategies as st

from eyeshot.design.syntax import Branches, Conv, Design, Group, Item, Plain, Pool


def sizes(axes: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(low, high)] * axes)


def paddings(axes: int, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> st.SearchStrategy[object]:
    side = st.tuples(st.integers(0, 3), st.integers(0, 3))
    return st.one_of(st.just("half"), st.just("same"), st.tuples(*[side] * axes))


@st.composite
def convs(draw: st.DrawFn, axes: int, *, keeps_size: bool = False) -> Item:
    kernel = draw(sizes(axes, 1, 4))
    dilation = draw(sizes(axes, 1, 3))
    stride = (1,) * axes if keeps_size else draw(sizes(axes, 1, 3))
    groups = draw(st.sampled_from([1, 1, 2, 0]))
    return Conv(
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding="half" if keeps_size else draw(paddings(axes, kernel, dilation)),  # type: ignore[arg-type]
        groups=groups,
        width=None if groups == 0 else draw(st.sampled_from([2, 4])),
        normalised=draw(st.booleans()),
        linear=draw(st.booleans()),
    )


@st.composite
def pools(draw: st.DrawFn, axes: int) -> Item:
    kernel = draw(sizes(axes, 1, 4))
    padding = tuple((p, p) for p in (draw(st.integers(0, k // 2)) for k in kernel))
    return Pool(
        mode=draw(st.sampled_from(["max", "avg"])),
        kernel=kernel,
        stride=draw(st.one_of(st.none(), sizes(axes, 1, 3))),
        padding=padding,
        ceil=draw(st.booleans()),
    )


@st.composite
def branches(draw: st.DrawFn, axes: int) -> Item:
    """Branches that keep the map's size; summed ones end in one width."""
    summed = draw(st.booleans())
    paths = []
    for _ in range(draw(st.integers(2, 3))):
        path = draw(st.lists(convs(axes, keeps_size=True), min_size=1, max_size=2))
        if summed:
            path.append(Conv(kernel=(1,) * axes, width=4, linear=True))
        elif draw(st.integers(0, 3)) == 0:
            path = [Plain(letter="ID")]
        paths.append(tuple(path))
    return Branches(branches=tuple(paths), summed=summed)


@st.composite
def designs(draw: st.DrawFn, axes: int) -> Design:
    plain = st.sampled_from([Plain(letter="B"), Plain(letter="R"), Plain(letter="N", value=3.0)])
    item = st.one_of(convs(axes), convs(axes), pools(axes), branches(axes), plain)
    first = Conv(kernel=(draw(st.integers(1, 3)),), width=4)
    items: list[Item] = [first, *draw(st.lists(item, min_size=1, max_size=5))]
    if draw(st.integers(0, 3)) == 0:
        items.append(Group(items=(draw(convs(axes, keeps_size=True)),), repeat=2))
    tail = draw(st.sampled_from([(), (), (Plain(letter="G"),)]))
    return Design((*items, *tail), "")
