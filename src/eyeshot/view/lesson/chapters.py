"""What the lesson says: four chapters of ten sentences at most, their numbers computed from the designs."""

from __future__ import annotations

import math

from eyeshot.analyse.inspection import Inspection
from eyeshot.analyse.landmarks import last_convolution
from eyeshot.design.named import network_named
from eyeshot.report.quantities import quantities
from eyeshot.report.wording import field_stride, image_share, percent, relative, short, times
from eyeshot.view.lesson.passages import Chapter, Passage, Picture

_NEIGHBOURS = ((9, 9), (9, 10))
_DILATED = "C3-8 C3-8 C3d6-8"


def _field(report: Inspection, name: str | None = None) -> str:
    layer = report[name] if name else last_convolution(report)
    assert layer is not None
    return times(layer.field.size)


def _value(reports: list[Inspection], key: str, i: int) -> str:
    return next(quantity.texts[i] for quantity in quantities(reports) if quantity.key == key)


def _change(reports: list[Inspection], key: str, i: int) -> str:
    return next(quantity.change_texts[i] for quantity in quantities(reports) if quantity.key == key)


def _seen_share(report: Inspection, layer: str, *at: int) -> str:
    """What one unit sees inside the image, of the image."""
    unit = report[layer].unit(*at)
    return percent(unit.footprint.count / math.prod(report.network.extent))


def _grown(stack: Inspection, design: str, layer: str) -> str:
    """What another design makes of a layer's field: before → after."""
    changed = Inspection(network_named(design, stack.network.input.shape[1:]))
    return f"{_field(stack, layer)} → {_field(changed, layer)}"


def _sees(reports: list[Inspection]) -> list[Passage]:
    (stack,) = reports
    return [
        Passage(
            sentences=[
                "A unit of a 3×3 convolution sees 3×3 units of the layer below it.",
                f"Each of those sees 3×3 of the next, so two layers down it is {_field(stack, 'conv2')},"
                f" and three layers down {_field(stack, 'conv3')}: that is its receptive field.",
                "A is the middle unit (blue), B its neighbour to the right (orange); grey is what both see.",
                "They share all but one column: neighbours look at nearly the same patch.",
            ],
            pictures=[Picture(kind="plates", design=0, units=_NEIGHBOURS)],
        ),
        Passage(
            sentences=[
                "A layer with kernel k adds (k − 1)·J to the side of the field, where J is the number of pixels from"
                " one unit to the next.",
                "Nothing strides here, so J is 1 and every layer adds two.",
            ],
            pictures=[Picture(kind="cone", design=0, units=_NEIGHBOURS)],
        ),
        Passage(
            sentences=[
                "A pool with stride 2 doubles J, and every later layer adds twice as much: that is how fields get"
                " large.",
            ],
            pictures=[Picture(kind="cone", design="C3-8 P2 C3-8 C3-8", name="a pool after the first")],
        ),
        Passage(
            sentences=["Dilation widens a field, too, but leaves holes."],
            pictures=[Picture(kind="plates", design=_DILATED, name="the last one dilated by 6")],
        ),
    ]


def _try_stride(reports: list[Inspection]) -> str:
    (stack,) = reports
    strided = _grown(stack, "C3s2-8 C3-8 C3-8", "conv3")
    dilated = _grown(stack, _DILATED, "conv3")
    return (
        f"Choose conv1 in the list and set its stride to 2: below the steppers you read conv3: {strided}. Undo that,"
        f" choose conv3 and set its dilation to 6: conv3: {dilated}, and the picture shows the holes."
    )


def _stacks(reports: list[Inspection]) -> list[Passage]:
    two, five, three, seven = reports
    assert (_field(two), _field(three)) == (_field(five), _field(seven))
    pairs = [two, five], [three, seven]
    return [
        Passage(
            sentences=[
                f"Two 3×3 convolutions see {_field(two)} and three see {_field(three)}, exactly the pixels that one"
                " 5×5 or one 7×7 sees.",
            ],
            pictures=[Picture(kind="plates", design=i) for i in range(4)],
        ),
        Passage(
            sentences=[
                f"With C channels in and out, the two take {_value(pairs[0], 'kernel_weights_c2', 0)} weights for"
                f" {_value(pairs[0], 'kernel_weights_c2', 1)}, the three {_value(pairs[1], 'kernel_weights_c2', 0)} for"
                f" {_value(pairs[1], 'kernel_weights_c2', 1)}: the 7×7 has"
                f" {_change(pairs[1], 'kernel_weights_c2', 1).removeprefix('+')} more.",
                "Three layers rectify three times, one layer once, so the stack computes what one layer cannot.",
                "Nor is the stack cheaper in everything: three maps are kept for one,"
                f" {short(three.totals.activations)} activations for {short(seven.totals.activations)}.",
            ],
            quantities=("field_last_conv", "kernel_weights_c2", "macs", "activations", "rectifications"),
        ),
        Passage(
            sentences=[
                "And they see the same without using it alike: paths from pixels to the unit crowd in the middle of a"
                " stack’s field.",
                f"Their standard deviation is {_value(pairs[1], 'width_last_conv', 0)} px in the stack of three and"
                f" {_value(pairs[1], 'width_last_conv', 1)} px in the 7×7.",
            ],
            pictures=[Picture(kind="uses", design=i) for i in (2, 3)],
        ),
        Passage(
            sentences=[
                "Simonyan and Zisserman (2014) report that a net with one 5×5 in place of each pair had a top-1 error"
                " 7 % higher on ImageNet.",
                "Here are small nets of both kinds, their widths scaled until they cost the same, on 10,000 images of"
                " clothes.",
                "The interval says what five seeds allow one to say; where it holds 0, no difference was seen.",
            ],
            studies=[("two", ["two 3×3", "one 5×5"]), ("three", ["three 3×3", "one 7×7"])],
        ),
    ]


def _try_kernel(reports: list[Inspection]) -> str:
    grown = _grown(reports[0], "C3-64 C5-64", "conv2")
    return (
        f"Two 3×3: choose conv2 and set its kernel to 5: conv2: {grown}, as three 3×3 see. Compare what half of the"
        " use lies in, and the MACs under Cost, with those of three 3×3."
    )


def _strides(reports: list[Inspection]) -> list[Passage]:
    pool, strided, convs = reports
    macs = [report.totals.macs for report in reports]
    return [
        Passage(
            sentences=[
                "A pool with stride 2 halves the map, and from there on every layer widens the field twice as fast.",
                "A convolution can take the stride itself and make the pool superfluous.",
            ],
            pictures=[Picture(kind="cone", design=0), Picture(kind="cone", design=1)],
        ),
        Passage(
            sentences=[
                "But dropping the pool drops a layer: the field of the last convolution falls from"
                f" {_field(pool)} to {_field(strided)}, the operations by"
                f" {relative(macs[1], macs[0]).removeprefix('−')}.",
                "So a strided net that scores worse may do so because it sees less or computes less, and not for want"
                " of a pool.",
            ],
            pictures=[Picture(kind="plates", design=0), Picture(kind="plates", design=1)],
        ),
        Passage(
            sentences=[
                "The third design puts a 3×3 convolution with stride 2 where each pool was: the same field of"
                f" {_field(convs)}, and {relative(macs[2], macs[0]).removeprefix('+')} more operations.",
            ],
            pictures=[Picture(kind="plates", design=2)],
            quantities=("field_last_conv", "width_last_conv", "params", "macs", "activations", "weighted_layers"),
        ),
        Passage(
            sentences=[
                "Springenberg and others (2014) made both changes to three nets on CIFAR-10.",
                "Striding alone raised the errors, from 9.74 % to 10.19 % in their model C; convolutions in the"
                " pools’ place lowered that to 9.08 %.",
                "Here are the same three forms, small, at equal widths.",
                "They do not cost the same, so read the scores together with the operations in the table.",
            ],
            studies=[("stride", ["pools", "strides", "convolutions for pools"])],
        ),
    ]


def _try_pool(reports: list[Inspection]) -> str:
    grown = _grown(reports[0], "C3-12 P3s1p1 C3-24 P3s2p1 C3-48 G F10", "conv3")
    return (
        f"Pools: choose pool1 and set its stride to 1: conv3: {grown}. Look under Cost what finer maps do to the"
        " operations of conv2 and conv3."
    )


def _pools(reports: list[Inspection]) -> list[Passage]:
    original, pooled = reports
    last, other = original["conv5"], pooled["conv5"]
    middle, corner = (6, 6), (0, 0)
    assert _seen_share(original, "conv5", *middle) == percent(image_share(last.field, original.network.extent))
    return [
        Passage(
            sentences=[
                "AlexNet pools after its first, second and fifth convolution; the third, fourth and fifth follow each"
                " other directly.",
                "Put the same pool after the third and fourth as well, and the maps shrink from"
                f" {times(last.out[1:])} to {times(other.out[1:])}.",
            ],
            pictures=[Picture(kind="plates", design=0), Picture(kind="plates", design=1)],
        ),
        Passage(
            sentences=[
                f"The field of conv5 grows from {_field(original, 'conv5')} to {_field(pooled, 'conv5')} on an image of"
                f" {times(original.network.extent)}.",
                f"The pool after conv4 already sees {_field(pooled, 'pool4')}, more than there is: what comes after it"
                " cannot bring new context in.",
            ],
            pictures=[Picture(kind="cone", design=0), Picture(kind="cone", design=1)],
        ),
        Passage(
            sentences=[
                "Fewer places cost less: conv4 takes"
                f" {relative(pooled['conv4'].macs, original['conv4'].macs).removeprefix('−')} and conv5"
                f" {relative(pooled['conv5'].macs, original['conv5'].macs).removeprefix('−')} fewer operations.",
            ],
            quantities=(
                "field_last_conv",
                "map_last_conv",
                "sees_all_from",
                "params",
                "macs",
                "macs_conv",
                "activations",
            ),
        ),
        Passage(
            sentences=[
                "AlexNet’s three convolutions in a row are the stack of the second step, on a grid of"
                f" {field_stride(last.field)} pixels: they widen the field from {_field(original, 'pool2')} to"
                f" {_field(original, 'conv5')} and keep {times(last.out[1:])} places apart.",
                f"A unit in the middle of the map (A) has {_seen_share(original, 'conv5', *middle)} of the image before"
                f" it, one in the corner (B) {_seen_share(original, 'conv5', *corner)}; in the other design"
                f" {math.prod(other.out[1:])} units all see everything.",
            ],
            pictures=[Picture(kind="plates", design=0, units=[middle, corner])],
        ),
        Passage(
            sentences=[
                "Here are both layouts made small for 28×28 pixels.",
                "At this budget the finer maps score a little higher, and five seeds do not tell whether that is more"
                " than chance.",
                "So the answer is a trade: extra pools buy field that the image cannot fill and save operations, and"
                " pay in places.",
            ],
            studies=[("pools", ["AlexNet’s order, 28×28", "a pool after each, 28×28"])],
        ),
    ]


def _try_alternating(reports: list[Inspection]) -> str:
    return (
        "AlexNet: choose conv5 and move over the picture: units at the border see less. A pool after each: choose pool3"
        " and set its stride to 1, and see how many places conv5 has then; the classifier behind it would have to be"
        " made for them, as the page says."
    )


CHAPTERS = (
    Chapter(
        name="sees",
        title="What does a unit see?",
        designs=[("C3-8 C3-8 C3-8", "three 3×3 convolutions")],
        shape=(1, 19, 19),
        passages=_sees,
        exercise=_try_stride,
        published=("effective", "field"),
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
        passages=_stacks,
        exercise=_try_kernel,
        published=("stacks",),
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
        passages=_strides,
        exercise=_try_pool,
        published=("strides", "shift"),
    ),
    Chapter(
        name="pools",
        title="A pool after every convolution?",
        designs=[("alexnet", "AlexNet"), ("alexnet-alternating", "a pool after each")],
        passages=_pools,
        exercise=_try_alternating,
        published=("pool-placement", "lrn-and-overlap"),
    ),
)
