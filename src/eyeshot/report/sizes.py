"""Which input sizes a network takes, in words and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from eyeshot.analyse.axes import axis_names
from eyeshot.analyse.input_sizes import AxisSizes, InputSizes, Progression, Unread
from eyeshot.report.table import Column, Pieces, Table
from eyeshot.report.wording import NONE, listed, number, times

_MOST_RESIDUES = 4
_MOST_OUTPUTS = 3
_MOST_LAYERS = 2
_READING = dict.fromkeys(("zoo", "notation"), "building the design") | {"onnx": "reading the file's shapes"}


def headline(sizes: InputSizes) -> Pieces:
    """Whether the size asked for fits, and why not."""
    asked = f" · input {times(sizes.asked)} "
    verdict = (f"{asked}fits", "") if sizes.fits else (f"{asked}does not fit", "warn")
    return [(sizes.network.name, "strong"), verdict]


def axes_table(sizes: InputSizes) -> Table:
    """What fits along each axis; one line for axes that are alike."""
    table = Table(
        [
            Column(heading="axis", is_number=False),
            Column(heading="sizes that fit", is_number=False, style="strong"),
            Column(heading="of these read to the end", is_number=False),
        ]
    )
    named = zip(axis_names(len(sizes.axes)), sizes.axes, strict=True)
    for axis, group in groupby(named, key=lambda pair: pair[1]):
        table.add(listed([name for name, _ in group]), progressions(axis.fits), _whole(axis))
    return table


def _whole(axis: AxisSizes) -> str:
    if axis.whole is None:
        return NONE
    if axis.whole == axis.fits:
        return "all of them"
    return progressions(axis.whole) if axis.whole else "none of them"


def progressions(several: Sequence[Progression]) -> str:
    """Sizes in words.

    >>> progressions([Progression(16, 16)]), progressions([Progression(188, 16)]), progressions([Progression(188, 1)])
    ('multiples of 16', '188 + 16k', 'every size from 188 on')
    >>> progressions([Progression(63, 32), Progression(64, 32)]), progressions([Progression(224, 1, 224)])
    ('63 or 64 + 32k', '224 only')
    """
    first = several[0]
    if len(several) > 1 and any((each.step, each.last is None) != (first.step, True) for each in several):
        return "; ".join(progressions([each]) for each in several)
    if len(several) > _MOST_RESIDUES:
        return f"{len(several)} of every {first.step} sizes, from {first.first} on"
    if len(several) > 1:
        return f"{listed([str(each.first) for each in several], 'or')} + {first.step}k"
    if first.last == first.first:
        return f"{first.first} only"
    if first.step == 1:
        return f"every size from {first.first} on" if first.last is None else f"{first.first} to {first.last}"
    end = "" if first.last is None else f", up to {first.last}"
    if first.first % first.step:
        return f"{first.first} + {first.step}k{end}"
    return f"multiples of {first.step}" + ("" if first.first == first.step else f" from {first.first} on") + end


def trials_table(sizes: InputSizes) -> Table:
    """A line for each of a few sizes: what comes out, and what is left unread."""
    names = list(dict.fromkeys(name for trial in sizes.trials for name in trial.outputs))[:_MOST_OUTPUTS]
    table = Table(
        [
            Column(heading="input", style="strong"),
            *(Column(heading=name, priority=1 + i) for i, name in enumerate(names)),
            Column(heading="left unread at the end", is_number=False),
        ]
    )
    for trial in sizes.trials:
        mark = " asked" if trial.sizes == sizes.asked and len(sizes.trials) > 1 else ""
        outputs = [times(trial.outputs[name]) if name in trial.outputs else NONE for name in names]
        table.add(f"{times(trial.sizes)}{mark}", *outputs, _left(trial.unread, len(trial.sizes)) or "nothing")
    return table


def _left(unread: Sequence[Unread], axes: int) -> str:
    """The layers that leave something unread, the first of them with how much."""
    layers = [_of_layer(list(group), axes) for _, group in groupby(unread, key=lambda each: each.layer)]
    more = len(layers) - _MOST_LAYERS
    return "; ".join(layers[:_MOST_LAYERS]) + (f" and {more} more" if more > 0 else "")


def _of_layer(unread: Sequence[Unread], axes: int) -> str:
    first, names = unread[0], axis_names(axes)
    if len(unread) == axes > 1 and len({(each.positions, each.of) for each in unread}) == 1:
        return f"{first.layer}: {first.positions} of {first.of} along each axis{_pixels(first)}"
    told = [f"{each.positions} of {each.of} {names[each.axis]}{_pixels(each)}" for each in unread]
    return f"{first.layer}: {listed(told)}"


def _pixels(unread: Unread) -> str:
    return "" if unread.pixels in (None, unread.positions) else f" ({number(unread.pixels or 0)} pixels)"


def how(sizes: InputSizes) -> Iterator[str]:
    """How it was found out, and what the words mean."""
    reading = "forward passes without numbers"
    if sizes.network.source in _READING:
        reading = _READING[sizes.network.source]
    if any(axis.is_tried for axis in sizes.axes):
        yield f"found by {reading} at {sizes.tried} sizes; along each axis the others stay as they are"
    else:
        yield f"found by the arithmetic of its windows, and by {reading} at {sizes.tried} sizes, which agree"
    yield "left unread: positions at the end of each axis that no window of a strided convolution or pool reaches"
