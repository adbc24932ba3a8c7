"""Do eyeshot and torchlens say the same, unit by unit? Writes docs/torchlens.md.

    make torchlens                                    # all networks, up to a minute each
    python scripts/torchlens_agreement.py resnet18    # some, printed only

torchlens (pip install -r requirements-bench.txt) is the other tool that says what a unit at a position sees. Compared
are the clipped ranges along both axes of the units on the diagonal of every convolution and pool, which meets each row
and each column of a square map. The ends and some between are asked of every layer first, then all others, for as long
as PATIENCE lasts. Where the two differ, NaN put into the network settles it.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from eyeshot import inspect
from eyeshot.analyse.inspection import Layer
from eyeshot.api.report import Report
from eyeshot.network.ops import Sliding
from eyeshot.read.loading import load_module

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests.oracles.poisoning import hull_of, poisoned_lines, prepared  # noqa: E402

PAGE = ROOT / "docs" / "torchlens.md"
PATIENCE = 60
"""Seconds for which torchlens is asked about one network; one question may take it a second and more."""
Range = tuple[int, int]
"""First and last position; (0, -1) for nothing."""
Unit = tuple[int, int]
Seen = dict[Unit, tuple[Range, ...]]
"""Per unit, the range along each axis."""

TORCHVISION = (
    *("alexnet", "vgg11_bn", "squeezenet1_1", "resnet18", "resnet50", "resnext50_32x4d", "densenet121", "googlenet"),
    *("inception_v3", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0", "mnasnet1_0", "efficientnet_b0"),
    *("regnet_x_400mf", "regnet_y_400mf", "convnext_tiny", "swin_t", "fcn_resnet50", "deeplabv3_resnet50"),
    "lraspp_mobilenet_v3_large",
)
TIMM = (
    *("resnet26d", "seresnet18", "repvgg_a0", "hrnet_w18_small", "dla34", "ese_vovnet19b_dw", "ghostnet_100"),
    *("mixnet_s", "cspresnet50", "res2net50_26w_4s", "dpn68", "mobileone_s0", "fbnetc_100", "poolformer_s12"),
)
SIDES = {"inception_v3": 96, "squeezenet1_1": 80, "dpn68": 80}
"""Side of the input where 64 pixels are too few, or say too little."""


class UNet(nn.Module):
    """Two steps down, two up, by interpolation or by transposed convolution."""

    def __init__(self, *, transposed: bool) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(c, 8, 3, padding=1) for c in (3, 8, 8))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(8, 8, 2, 2) if transposed else nn.Upsample(scale_factor=2, mode="bilinear")
            for _ in range(2)
        )
        self.join = nn.ModuleList(nn.Conv2d(16, 8, 3, padding=1) for _ in range(2))
        self.pool, self.head = nn.MaxPool2d(2), nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From an image to a map."""
        a = self.down[0](x)
        b = self.down[1](self.pool(a))
        c = self.down[2](self.pool(b))
        b = self.join[0](torch.cat([self.up[0](c), b], 1))
        return self.head(self.join[1](torch.cat([self.up[1](b), a], 1)))


class Functional(nn.Module):
    """Pools and padding called as functions, with the defaults that people leave."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 5, stride=2), nn.Conv2d(8, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From an image to a map."""
        return self.last(functional.pad(functional.max_pool2d(self.first(x), 2), (1, 2, 0, 1)))


class Gridded(nn.Module):
    """Dilations in parallel, as in atrous pyramids, then a cross."""

    def __init__(self) -> None:
        super().__init__()
        self.paths = nn.ModuleList(nn.Conv2d(3, 4, 3, padding=d, dilation=d) for d in (1, 2, 5))
        self.row, self.column = nn.Conv2d(12, 4, (1, 5), padding=(0, 2)), nn.Conv2d(12, 4, (5, 1), padding=(2, 0))
        self.last = nn.Conv2d(4, 4, 3, stride=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From an image to a map."""
        x = torch.cat([path(x) for path in self.paths], 1)
        return self.last(self.row(x) + self.column(x))


OWN: dict[str, Callable[[], nn.Module]] = {
    "U-Net, bilinear": lambda: UNet(transposed=False),
    "U-Net, transposed": lambda: UNet(transposed=True),
    "pools as functions": Functional,
    "dilations and a cross": Gridded,
    "ceil, uneven and wide": lambda: nn.Sequential(
        nn.Conv2d(3, 4, (3, 5), (2, 1), (0, 4)), nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2, 3, 1, True),
        nn.Conv2d(4, 4, 1, padding=1), nn.Conv2d(4, 4, 3, dilation=3),
    ),
}  # fmt: skip


@dataclass
class Outcome:
    """What came of one network: layers compared, and how units fared."""

    name: str
    side: int
    layers: int = 0
    shared: int = 0
    whole: int = 0
    units: int = 0
    equal: int = 0
    ours: int = 0
    theirs: int = 0
    neither: int = 0
    wider: int = 0
    seconds: tuple[float, float] = (0.0, 0.0)
    unasked: int = 0
    stops: str = ""
    differing: list[str] = field(default_factory=list)


def diagonal(layer: Layer) -> tuple[list[Unit], list[Unit]]:
    """Units that meet each row and column: the ends, their neighbours and some evenly between; then all others."""
    height, width = layer.out[1:]
    last = max(height, width) - 1
    chosen = {0, 1, last - 1, last, *(i * last // 4 for i in range(4))}
    units = [(min(i, height - 1), min(i, width - 1)) for i in range(last + 1)]
    return [units[i] for i in sorted(chosen) if 0 <= i <= last], [units[i] for i in range(last + 1) if i not in chosen]


def ours(layer: Layer, units: Iterable[Unit]) -> Seen:
    """What eyeshot says of units."""
    hulls = [[(int(a), int(b)) for a, b in zip(*ends, strict=True)] for ends in layer.hulls]
    return {unit: _nothing_or(tuple(hulls[axis][i] for axis, i in enumerate(unit))) for unit in units}


def _nothing_or(seen: tuple[Range, ...]) -> tuple[Range, ...]:
    """A unit that sees nothing along one axis sees nothing."""
    return ((0, -1),) * len(seen) if any(last < first for first, last in seen) else seen


def theirs(op: Any, units: list[Unit], extent: tuple[int, ...], deadline: float) -> tuple[Seen, bool] | str:
    """What torchlens says of them until a deadline, and whether it says that this is exact; else why it does not."""
    try:
        view = op.receptive_field
        axes = {axis.input_axis: axis for axis in view.axes or ()}
        if not {2, 3} <= set(axes):
            return "no axes given"
        if any(axes[axis].kind == "unknown" for axis in (2, 3)):
            return "unknown"
        windowed = [axis for axis in (2, 3) if axes[axis].kind == "windowed"]
        if [axes[axis].output_axis for axis in windowed] != windowed:
            return "its positions stand on other axes"
        result: Seen = {}
        is_exact = True
        for unit in units:
            if result and time.perf_counter() > deadline:
                break
            box = view.at(tuple(unit[axis - 2] for axis in windowed))
            is_exact = is_exact and box.exact
            found = {axis.input_axis: axis for axis in box.axes}
            ranges = tuple(
                (found[a].clipped_start, found[a].clipped_stop - 1)
                if found[a].clipped_start is not None
                else (0, extent[a - 2] - 1)
                for a in (2, 3)
            )
            result[unit] = _nothing_or(((0, -1),) * 2 if box.empty else ranges)
        return result, is_exact
    except Exception as error:  # another tool's failure is a result
        return f"{type(error).__name__}: {error}".splitlines()[0][:100]


def pairs(report: Report, trace: Any) -> Iterator[tuple[Layer, Any]]:
    """Convolutions and pools, with torchlens' op of the same module and call."""
    layers = {layer.name: layer for layer in report}
    seen = set()
    for op in trace.layer_list:
        for call in op.output_of_module_calls[:1]:
            path, _, number = call.rpartition(":")
            layer = layers.get(path if number == "1" else f"{path}#{number}")
            if layer is None or layer.name in seen or not isinstance(layer.node.op, Sliding):
                continue
            if len(layer.out) == 3 and tuple(op.shape)[1:] == layer.out:
                seen.add(layer.name)
                yield layer, op


def compare(name: str, module: nn.Module, side: int) -> Outcome:
    """Both tools on one network."""
    import torchlens as tl

    module = module.eval()
    outcome = Outcome(name, side)
    start = time.perf_counter()
    report = inspect(module, (3, side, side))
    report.to_json()
    outcome.layers = len([layer for layer in report if len(layer.out) == 3 and isinstance(layer.node.op, Sliding)])
    middle = time.perf_counter()
    with torch.no_grad():
        trace = tl.trace(module, torch.rand(1, 3, side, side), save=None)
        trace.receptive_fields()
    outcome.seconds = (middle - start, time.perf_counter() - middle)
    found = list(pairs(report, trace))
    found = [pair for start in range(7) for pair in found[start::7]]  # early, middle and late ones first
    deadline = time.perf_counter() + PATIENCE
    said: dict[str, tuple[Layer, Seen, bool]] = {}
    for layer, op in found:
        if time.perf_counter() > deadline:
            outcome.unasked += 1
            continue
        answer = theirs(op, diagonal(layer)[0], report.network.extent, deadline)
        if isinstance(answer, str):
            outcome.stops = outcome.stops or f"{layer.name}: {answer}"
        else:
            said[layer.name] = (layer, *answer)
    for layer, op in found:
        if layer.name in said and time.perf_counter() < deadline:
            answer = theirs(op, diagonal(layer)[1], report.network.extent, deadline)
            if not isinstance(answer, str):
                said[layer.name][1].update(answer[0])
    outcome.shared = len(said)
    outcome.whole = sum(len(seen) == sum(map(len, diagonal(layer))) for layer, seen, _ in said.values())
    outcome.units = sum(len(seen) for _, seen, _ in said.values())
    differing = {name: answer for name, answer in said.items() if ours(answer[0], answer[1]) != answer[1]}
    settle(outcome, module, differing)
    outcome.equal = outcome.units - outcome.ours - outcome.theirs - outcome.neither
    return outcome


def settle(outcome: Outcome, module: nn.Module, differing: dict[str, tuple[Layer, Seen, bool]]) -> None:
    """Ask the network itself about the units on which the tools differ."""
    if not differing:
        return
    module = prepared(module)
    shape = (1, 3, outcome.side, outcome.side)
    names = list(differing)
    lines = [poisoned_lines(module, names, shape, axis, one_by_one=True) for axis in (2, 3)]
    for name, (layer, other, is_exact) in differing.items():
        hulls = [hull_of(found[name]) for found in lines]
        outcome.differing.append(name)
        mine = ours(layer, other)
        for unit, b in other.items():
            a = mine[unit]
            truth = _nothing_or(tuple((int(hulls[x][0][i]), int(hulls[x][1][i])) for x, i in enumerate(unit)))
            if a == b:
                continue
            holds = all(p <= t and u <= q for (p, q), (t, u) in zip(b, truth, strict=True))
            outcome.ours += a == truth
            outcome.theirs += b == truth
            outcome.neither += truth not in (a, b)
            outcome.wider += a == truth and not is_exact and holds


def networks(chosen: list[str]) -> Iterator[tuple[str, Callable[[], nn.Module]]]:
    """Names and how each network is made; all of them where none is chosen."""
    for library, names in (("torchvision", TORCHVISION), ("timm", TIMM)):
        for name in names:
            if not chosen or name in chosen:
                yield name, lambda library=library, name=name: on_cpu(load_module(f"{library}:{name}"))
    for name, make in OWN.items():
        if not chosen or name in chosen:
            yield name, make


def on_cpu(module: nn.Module) -> nn.Module:
    """With small positive weights in memory; torchlens runs the network."""
    module = module.to_empty(device="cpu")
    for tensor in (*module.parameters(), *module.buffers()):
        with torch.no_grad():
            tensor.fill_(0.01 if tensor.is_floating_point() else 0)
    return rebuilt(module)


def rebuilt(module: nn.Module) -> nn.Module:
    """Buffers that say what is read, made anew."""
    for child in module.modules():
        if hasattr(child, "define_relative_position_index"):
            child.define_relative_position_index()
    return module


def page(outcomes: list[Outcome], failed: dict[str, str]) -> str:
    """The page."""
    from importlib.metadata import version

    keys = ("layers", "shared", "whole", "unasked", "units", "equal", "ours", "theirs", "neither", "wider")
    total = {key: sum(getattr(outcome, key) for outcome in outcomes) for key in keys}
    seconds = [sum(o.seconds[i] for o in outcomes) for i in (0, 1)]
    lines = [
        "# Side by side with torchlens",
        "",
        "Written by `make torchlens`. Both tools say which rows and columns a unit sees. Compared are the units on the",
        "diagonal of every convolution and pool, which meets each row and each column; its ends and some between for",
        f"every layer first, then all others, for as long as {PATIENCE} seconds a network last, as torchlens answers",
        "unit by unit. Where the two differ, NaN put into the network says who is right.",
        "",
        ", ".join(f"{name} {version(name).split('+')[0]}" for name in ("torchlens", "torch", "torchvision", "timm"))
        + f", Python {platform.python_version()}.",
        "",
        f"{len(outcomes)} networks: of {total['layers']:,} convolutions and pools both answer for {total['shared']:,};"
        f" {total['equal']:,} of {total['units']:,} units are equal."
        f" Every row and column was asked for of {total['whole']:,} layers, none of {total['unasked']:,}: time was up."
        + (
            f" On the others eyeshot is right for {total['ours']:,}, torchlens for {total['theirs']:,}, neither for"
            f" {total['neither']:,}; {total['wider']:,} of torchlens' answers there are wider bounds, and say so."
            if total["equal"] < total["units"]
            else ""
        )
        + f" Reading and all fields took {seconds[0]:.1f} s and {seconds[1]:.1f} s.",
        "",
        "| network | side | convolutions, pools | both answer | in full | units | equal | eyeshot right |"
        " torchlens right | first layer without torchlens' answer |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {o.name} | {o.side} | {o.layers} | {o.shared} | {o.whole} | {o.units:,} | {o.equal:,} |"
        f" {o.ours or ''} | {o.theirs or ''} | {o.stops.replace('|', '/')} |"
        for o in outcomes
    ]
    lines += [f"| {name} | | | | | | | | | {why.replace('|', '/')} |" for name, why in failed.items()]
    return "\n".join([*lines, ""])


def main() -> None:
    """Compare, print as it goes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    outcomes, failed = [], {}
    for name, make in networks(options.networks):
        try:
            outcome = compare(name, make(), SIDES.get(name, 64))
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            print(f"{name}: {failed[name]}", flush=True)
            continue
        outcomes.append(outcome)
        print(outcome, flush=True)
    if options.networks:
        return
    PAGE.write_text(page(outcomes, failed), encoding="utf-8")
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
