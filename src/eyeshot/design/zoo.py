"""Designs by name, in the notation, one line a net where possible.

Sources: AlexNet: Krizhevsky, Sutskever & Hinton 2012, layer table of the Caffe replica; one weird trick: Krizhevsky
2014, arXiv:1404.5997; VGG: Simonyan & Zisserman 2014, arXiv:1409.1556, table 1; All-CNN: Springenberg et al. 2014,
arXiv:1412.6806, table 1; ResNet: He et al. 2015, arXiv:1512.03385, table 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

IMAGENET, CIFAR, GREY28 = (3, 224, 224), (3, 32, 32), (1, 28, 28)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A design of the zoo: how it is written, the input it is meant for, and what it is."""

    notation: str
    input_shape: tuple[int, ...]
    classes: int
    description: str
    slip: str | None = None


def _alexnet() -> dict[str, Entry]:
    head = "D0.5 F4096 D0.5 F4096 F1000"
    return {
        "alexnet": Entry(
            notation="C11s4p0-96 N5 P3s2 C5g2-256 N5 P3s2 C3-384 C3g2-384 C3g2-256 P3s2 F4096 D0.5 F4096 D0.5 F1000",
            input_shape=(3, 227, 227),
            classes=1000,
            description="AlexNet of 2012: two groups, LRN, overlapping pools; 227 pixels, as its 55×55 maps need",
            slip="the paper's 253,440 neurons for conv1 do not follow from its map: 55·55·96 = 290,400",
        ),
        "alexnet-owt": Entry(
            notation=f"C11s4p2-64 P3s2 C5-192 P3s2 C3-384 C3-256 C3-256 P3s2 {head}",
            input_shape=IMAGENET,
            classes=1000,
            description="AlexNet of 'one weird trick', 2014: no groups, no LRN (torchvision's)",
        ),
        "alexnet-alternating": Entry(
            notation="C11s4p0-96 N5 P3s2 C5g2-256 N5 P3s2 C3-384 P3s2 C3g2-384 P3s2 C3g2-256 P3s2c"
            " F4096 D0.5 F4096 D0.5 F1000",
            input_shape=(3, 227, 227),
            classes=1000,
            description="AlexNet with CONV-POOL all the way: the same 3/2 pool after conv3 and conv4 as well;"
            " the last pool rounds up, since its map is 2×2",
        ),
        "alexnet-28": Entry(
            notation="C5-16 P3s2p1 C5-32 P3s2p1 C3-48 C3-48 C3-32 P3s2p1 F64 F64 F10",
            input_shape=GREY28,
            classes=10,
            description="AlexNet's order of layers for 28×28 images: conv1 5×5 at stride 1 and pools padded by 1,"
            " so that five halvings fit; widths a sixth (conv1), an eighth and a 64th (fc), no LRN, groups or dropout,"
            " so that it trains in seconds",
        ),
        "alexnet-28-alternating": Entry(
            notation="C5-16 P3s2p1 C5-32 P3s2p1 C3-48 P3s2p1 C3-48 P3s2p1 C3-32 P3s2p1 F64 F64 F10",
            input_shape=GREY28,
            classes=10,
            description="alexnet-28 with CONV-POOL all the way: the same pool after conv3 and conv4 as well;"
            " all else as in alexnet-28",
        ),
    }


def _vgg() -> dict[str, Entry]:
    head = "F4096 D0.5 F4096 D0.5 F1000"

    def net(blocks: str, description: str) -> Entry:
        layers = " ".join(f"block{i}:({block} P2)" for i, block in enumerate(blocks.split(" / "), start=1))
        return Entry(notation=f"{layers} {head}", input_shape=IMAGENET, classes=1000, description=description)

    nets = {
        "vgg-a": net("C3-64 / C3-128 / C3-256x2 / C3-512x2 / C3-512x2", "VGG A, 11 layers with weights"),
        "vgg-a-lrn": net("C3-64 N5 / C3-128 / C3-256x2 / C3-512x2 / C3-512x2", "VGG A with LRN after conv1"),
        "vgg-b": net("C3-64x2 / C3-128x2 / C3-256x2 / C3-512x2 / C3-512x2", "VGG B, 13 layers with weights"),
        "vgg-c": net(
            "C3-64x2 / C3-128x2 / C3-256x2 C1-256 / C3-512x2 C1-512 / C3-512x2 C1-512",
            "VGG C: B and a 1×1 convolution closing blocks 3, 4 and 5",
        ),
        "vgg-d": net("C3-64x2 / C3-128x2 / C3-256x3 / C3-512x3 / C3-512x3", "VGG D, 16 layers with weights"),
        "vgg-e": net("C3-64x2 / C3-128x2 / C3-256x4 / C3-512x4 / C3-512x4", "VGG E, 19 layers with weights"),
        "vgg-b-5x5": net(
            "C5-64 / C5-128 / C5-256 / C5-512 / C5-512",
            "VGG B with each pair of 3×3 made one 5×5 (section 4.1)",
        ),
    }
    twins = {"vgg11": "vgg-a", "vgg13": "vgg-b", "vgg16": "vgg-d", "vgg19": "vgg-e"}
    return nets | {
        twin: replace(nets[name], description=f"{nets[name].description}: {name} by its other name")
        for twin, name in twins.items()
    }


def _allcnn() -> dict[str, Entry]:
    """Base nets by their convolutions before each of the two pools; the last before a pool takes its stride."""
    bases = {"a": ("C5{0}-{1}",), "b": ("C5-{1}", "C1{0}-{1}"), "c": ("C3-{1}", "C3{0}-{1}")}
    forms = {
        "": ("", " P3s2p1", "pools of 3/2, padded by 1"),
        "-strided": ("s2", "", "no pools: the convolution before takes the stride"),
        "-convpool": ("", " C3-{1} P3s2p1", "one more 3×3 convolution before each pool"),
        "-all": ("", " C3s2-{1}", "each pool made a 3×3 convolution of stride 2"),
    }
    nets = {}
    for letter, layers in bases.items():
        for form, (stride, reduction, words) in forms.items():
            body = " ".join((" ".join(layers) + reduction + " D0.5").format(stride, width) for width in (96, 192))
            slip = (
                "the paper's ~1.3M params do not follow from its layer table, which gives 954,730 with this head"
                if letter == "c" and form in {"", "-strided"}
                else None
            )
            nets[f"allcnn-{letter}{form}"] = Entry(
                notation=f"D0.2 {body} C3-192 C1-192 C1-10 G",
                input_shape=CIFAR,
                classes=10,
                description=f"The All Convolutional Net's {letter.upper()}: {words}",
                slip=slip,
            )
    return nets


def _resnet() -> dict[str, Entry]:
    depths = {
        18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3),
    }  # fmt: skip
    nets = {}
    for depth, counts in depths.items():
        for version in ("", "-v1"):
            stages = [_stage(i, count, depth >= 50, stride_on_1x1=version == "-v1") for i, count in enumerate(counts)]
            place = "1×1 (He et al.)" if version else "3×3 (torchvision's)"
            nets[f"resnet{depth}{version}"] = Entry(
                notation=f"C7s2b-64 P3s2p1 {' '.join(stages)} G fc:F1000",
                input_shape=IMAGENET,
                classes=1000,
                description=f"ResNet-{depth}"
                + (f", stride on the {place}" if depth >= 50 else ", which has no 1×1 to stride" * bool(version)),
            )
    return nets


def _stage(index: int, count: int, bottleneck: bool, stride_on_1x1: bool) -> str:
    width = 64 * 2**index
    s = "s2" if index else ""
    if bottleneck:
        first, second = (s, "") if stride_on_1x1 else ("", s)
        head = f"C1{first}b-{width} C3{second}b-{width} C1b-{4 * width}~"
        body = f"C1b-{width} C3b-{width} C1b-{4 * width}~"
        shortcut = f"C1{s}b-{4 * width}~"
    else:
        head, body = f"C3{s}b-{width} C3b-{width}~", f"C3b-{width} C3b-{width}~"
        shortcut = f"C1{s}b-{width}~" if index else "ID"
    rest = f" layer{index + 1}:([{body} + ID] R)x{count - 1}" if count > 1 else ""
    return f"layer{index + 1}:([{head} + {shortcut}] R){rest}"


def _patchgan() -> dict[str, Entry]:
    """The discriminators of pix2pix by their patch: so many convolutions of stride 2, one of stride 1, and the score.

    Batch norm and leaky slopes change neither what is seen nor, but for the norms' own weights, what it costs; the
    70×70 one has the 2,764,737 weights of CycleGAN's, whose instance norms have none.
    """
    nets = {}
    for patch, halvings in ((16, 1), (70, 3), (286, 5)):
        widths = [64 * min(2**i, 8) for i in range(halvings + 1)]
        strided = " ".join(f"C4s2p1-{width}" for width in widths[:-1])
        nets["patchgan" if patch == 70 else f"patchgan-{patch}"] = Entry(
            notation=f"{strided} C4p1-{widths[-1]} C4p1-1~",
            input_shape=(3, 256, 256),
            classes=1,
            description=f"PatchGAN: a score for every {patch}×{patch} patch (Isola et al. 2017), norms left out",
        )
    return nets


def _causal() -> dict[str, Entry]:
    """Nets along time that see nothing of what is to come; dilation doubles from layer to layer."""

    def tcn(level: int) -> str:
        conv = f"C7{f'd{2**level}' if level else ''}p({6 * 2**level},0)-25"
        return f"[{conv} {conv} + {'ID' if level else 'C1-25~'}] R"

    def wavenet(stacks: int) -> str:
        layer = "[C2{0}p({1},0)-64 C1-64~ + ID]"
        stack = " ".join(layer.format(f"d{2**i}" if i else "", 2**i) for i in range(10))
        return f"C1-64~ ({stack})" + (f"x{stacks}" if stacks > 1 else "")

    words = "WaveNet's dilations 1, 2 … 512 (van den Oord et al. 2016)"
    return {
        "tcn": Entry(
            notation=" ".join(map(tcn, range(8))),
            input_shape=(1, 784),
            classes=10,
            description="TCN for digits read pixel by pixel (Bai et al. 2018): 8 levels of two causal convolutions",
        ),
        "wavenet": Entry(
            notation=wavenet(1),
            input_shape=(256, 4000),
            classes=256,
            description=f"{words}, one stack: 1024 steps; its gated units written as rectified ones",
        ),
        "wavenet-30": Entry(
            notation=wavenet(3),
            input_shape=(256, 8000),
            classes=256,
            description=f"{words}, three times over: 3070 steps",
        ),
    }


@cache
def entries() -> dict[str, Entry]:
    """All designs of the zoo by name."""
    return _alexnet() | _vgg() | _allcnn() | _resnet() | _patchgan() | _causal()
