"""What the lesson says: four chapters of ten sentences at most, their numbers computed from the designs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.landmarks import last_convolution
from eyeshot.design.named import network_named
from eyeshot.report.quantities import quantities
from eyeshot.report.wording import field_stride, image_share, percent, relative, short, times


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One chapter of the lesson.

    Attributes:
        name: for links.
        title: as a question.
        designs: names or notation, and what the lesson calls them.
        shape: of the input; the designs' own unless given.
        units: of the last convolution, drawn in the pictures; the middle one unless given.
        sentences: what the chapter says of its reports, at most ten.
        quantities: keys of the comparison's quantities in the table of costs.
        studies: names of the trained studies in the record, each with what the lesson calls its arms.
    """

    name: str
    title: str
    designs: Sequence[tuple[str, str]]
    shape: tuple[int, ...] | None = None
    units: Sequence[tuple[int, ...]] = ()
    sentences: Callable[[list[Inspection]], list[str]]
    quantities: Sequence[str] = ()
    studies: Sequence[tuple[str, Sequence[str]]] = ()

    def reports(self) -> list[Inspection]:
        """The designs, inspected."""
        return [Inspection(network_named(design, self.shape)) for design, _ in self.designs]


def _field(report: Inspection, name: str | None = None) -> str:
    layer = report[name] if name else last_convolution(report)
    assert layer is not None
    return times(layer.field.size)


def _value(reports: list[Inspection], key: str, i: int) -> str:
    return next(quantity.texts[i] for quantity in quantities(reports) if quantity.key == key)


def _change(reports: list[Inspection], key: str, i: int) -> str:
    return next(quantity.change_texts[i] for quantity in quantities(reports) if quantity.key == key)


def _sees(reports: list[Inspection]) -> list[str]:
    (stack,) = reports
    return [
        "A unit of a 3×3 convolution sees 3×3 units of the layer below it.",
        f"Each of those sees 3×3 of the next, so two layers down it is {_field(stack, 'conv2')},"
        f" and three layers down {_field(stack, 'conv3')}: that is its receptive field.",
        "A is the middle unit (blue), B its neighbour to the right (orange); grey is what both see.",
        "They share all but one column: neighbours look at nearly the same patch.",
        "A layer with kernel k adds (k − 1)·J to the side of the field, where J is the number of pixels from one"
        " unit to"
        " the next.",
        "Nothing strides here, so J is 1 and every layer adds two.",
        "A pool with stride 2 doubles J, and every later layer adds twice as much: that is how fields get large.",
        "Try it below: choose conv1, set its stride to 2 and watch the field of conv3.",
        "Dilation widens a field, too, but leaves holes: set that of conv3 to 4.",
    ]


def _stacks(reports: list[Inspection]) -> list[str]:
    two, five, three, seven = reports
    assert (_field(two), _field(three)) == (_field(five), _field(seven))
    pairs = [two, five], [three, seven]
    return [
        f"Two 3×3 convolutions see {_field(two)} and three see {_field(three)}, exactly the pixels that one 5×5"
        " or one"
        " 7×7 sees.",
        f"With C channels in and out, the two take {_value(pairs[0], 'kernel_weights_c2', 0)} weights for"
        f" {_value(pairs[0], 'kernel_weights_c2', 1)}, the three {_value(pairs[1], 'kernel_weights_c2', 0)} for"
        f" {_value(pairs[1], 'kernel_weights_c2', 1)}: the 7×7 has"
        f" {_change(pairs[1], 'kernel_weights_c2', 1).removeprefix('+')} more.",
        "Three layers rectify three times, one layer once, so the stack computes what one layer cannot.",
        "And they see the same without using it alike: paths from pixels to the unit crowd in the middle of a"
        " stack’s field.",
        f"Their standard deviation is {_value(pairs[1], 'width_last_conv', 0)} px in the stack of three and"
        f" {_value(pairs[1], 'width_last_conv', 1)} px in the 7×7.",
        f"Nor is the stack cheaper in everything: three maps are kept for one, {short(three.totals.activations)}"
        " activations"
        f" for {short(seven.totals.activations)}.",
        "Simonyan and Zisserman (2014) report that a net with one 5×5 in place of each pair had a top-1 error 7"
        " % higher on"
        " ImageNet.",
        "Below, small nets of both kinds, their widths scaled until they cost the same, on 10,000 images of clothes.",
        "The interval says what five seeds allow one to say; where it holds 0, no difference was seen.",
    ]


def _strides(reports: list[Inspection]) -> list[str]:
    pool, strided, convs = reports
    macs = [report.totals.macs for report in reports]
    return [
        "A pool with stride 2 halves the map, and from there on every layer widens the field twice as fast.",
        "A convolution can take the stride itself and make the pool superfluous.",
        f"But dropping the pool drops a layer: the field of the last convolution falls from {_field(pool)} to"
        f" {_field(strided)}, the operations by {relative(macs[1], macs[0]).removeprefix('−')}.",
        "So a strided net that scores worse may do so because it sees less or computes less, and not for want of"
        " a pool.",
        "The third design puts a 3×3 convolution with stride 2 where each pool was: the same field of"
        f" {_field(convs)}, and"
        f" {relative(macs[2], macs[0]).removeprefix('+')} more operations.",
        "Springenberg and others (2014) made both changes to three nets on CIFAR-10.",
        "Striding alone raised the errors, from 9.74 % to 10.19 % in their model C; convolutions in the pools'"
        " place lowered"
        " that to 9.08 %.",
        "Below, the same three forms, small, at equal widths.",
        "They do not cost the same, so read the scores together with the operations in the table.",
    ]


def _pools(reports: list[Inspection]) -> list[str]:
    original, pooled = reports
    last, other = original["conv5"], pooled["conv5"]
    return [
        "AlexNet pools after its first, second and fifth convolution; the third, fourth and fifth follow each"
        " other directly.",
        f"Put the same pool after the third and fourth as well, and the maps shrink from {times(last.out[1:])} to"
        f" {times(other.out[1:])}.",
        f"The field of conv5 grows from {_field(original, 'conv5')} to {_field(pooled, 'conv5')} on an image of"
        f" {times(original.network.extent)}.",
        f"The pool after conv4 already sees {_field(pooled, 'pool4')}, more than there is: what comes after it"
        " cannot bring"
        " new context in.",
        "Fewer places cost less: conv4 takes"
        f" {relative(pooled['conv4'].macs, original['conv4'].macs).removeprefix('−')} and"
        f" conv5 {relative(pooled['conv5'].macs, original['conv5'].macs).removeprefix('−')} fewer operations.",
        "AlexNet’s three convolutions in a row are the stack of the second step, on a grid of"
        f" {field_stride(last.field)} pixels: they widen the field from {_field(original, 'pool2')} to"
        f" {_field(original, 'conv5')} and keep {times(last.out[1:])} places apart.",
        f"Each place has {percent(image_share(last.field, original.network.extent))} of the image before it,"
        " where in the"
        f" other design {math.prod(other.out[1:])} units all see everything.",
        "Below, both layouts made small for 28×28 pixels.",
        "At this budget the finer maps score a little higher, and five seeds do not tell whether that is more than"
        " chance.",
        "So the answer is a trade: extra pools buy field that the image cannot fill and save operations, and pay in"
        " places.",
    ]


CHAPTERS = (
    Chapter(
        name="sees",
        title="What does a unit see?",
        designs=[("C3-8 C3-8 C3-8", "three 3×3 convolutions")],
        shape=(1, 15, 15),
        units=[(7, 7), (7, 8)],
        sentences=_sees,
    ),
    Chapter(
        name="stacks",
        title="Three 3×3 or one 7×7?",
        designs=[
            ("C3-64 C3-64", "two 3×3"),
            ("C5-64", "one 5×5"),
            ("C3-64 C3-64 C3-64", "three 3×3"),
            ("C7-64", "one 7×7"),
        ],
        shape=(64, 15, 15),
        sentences=_stacks,
        quantities=("field_last_conv", "width_last_conv", "kernel_weights_c2", "macs", "activations", "rectifications"),
        studies=[("two", ["two 3×3", "one 5×5"]), ("three", ["three 3×3", "one 7×7"])],
    ),
    Chapter(
        name="strides",
        title="Pool or stride?",
        designs=[
            ("C3-12 P3s2p1 C3-24 P3s2p1 C3-48 G F10", "pools"),
            ("C3s2-12 C3s2-24 C3-48 G F10", "strides"),
            ("C3-12 C3s2-12 C3-24 C3s2-24 C3-48 G F10", "convolutions for pools"),
        ],
        shape=(1, 28, 28),
        sentences=_strides,
        quantities=("field_last_conv", "width_last_conv", "params", "macs", "activations", "weighted_layers"),
        studies=[("stride", ["pools", "strides", "convolutions for pools"])],
    ),
    Chapter(
        name="pools",
        title="A pool after every convolution?",
        designs=[("alexnet", "AlexNet"), ("alexnet-alternating", "a pool after each")],
        sentences=_pools,
        quantities=(
            "field_last_conv",
            "map_last_conv",
            "sees_all_from",
            "params",
            "macs",
            "macs_conv",
            "activations",
        ),
        studies=[("pools", ["AlexNet’s order, 28×28", "a pool after each, 28×28"])],
    ),
)
