"""How fast are effective fields, against bare PyTorch and against the loops that other tools run? In one run, medians.

    python benchmarks/effective.py                 # or: --device cuda --images 512 --repeats 5

Contestants take turns, so that the machine's drift hits all alike. Times are of the whole call: reading the module,
measuring, intervals; once going, without the first batch and what it takes to begin and to end.

    bare        forward and backward to the images, same module, unit and batch, weights frozen; nothing is kept
    eyeshot     the same, with maps, groups, intervals, and all measures; on the part of the image that the unit
                depends on, as far as the layer, and in channels-last order, where that works
    per image   what scripts do (openerf, RepLKNet's): one image at a time, gradients of weights, too
    per unit    the mean over all units: a forward and a backward pass for each

Then the same number of images at another: peak memory grows with the batch, not with the images.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

import eyeshot
from eyeshot.read.pretrained import drawn_module

ONE_UNIT = (
    ("torchvision:resnet18", "layer4.1.conv2", 224),
    ("torchvision:alexnet", "features.10", 224),
    ("torchvision:resnet18", "layer2.1.conv2", 224),
    ("torchvision:resnet18", "layer1.1.conv2", 224),
    ("torchvision:vgg16", "features.14", 224),
)
ALL_UNITS = (
    ("torchvision:resnet18", "layer3.1.conv2", 64, 8, "4×4 units, each sees all"),
    ("torchvision:alexnet", "features.3", 159, 1, "19×19 units of 51 px"),
)


def hooked(module: nn.Module, layer: str) -> tuple[list[torch.Tensor], Callable[[], None]]:
    kept: list[torch.Tensor] = []
    handle = module.get_submodule(layer).register_forward_hook(lambda child, inputs, output: kept.append(output))
    return kept, handle.remove


def bare(module: nn.Module, layer: str, images: torch.Tensor, batch: int) -> None:
    module.requires_grad_(False)
    kept, remove = hooked(module, layer)
    for part in images.split(batch):
        kept.clear()
        x = part.clone().requires_grad_()
        module(x)
        height, width = (n // 2 for n in kept[0].shape[2:])
        torch.autograd.grad(kept[0][:, :, height, width].sum(), x)
    remove()
    module.requires_grad_(True)
    settle(images)


def ours(module: nn.Module, layer: str, images: torch.Tensor, batch: int, unit: str = "centre") -> None:
    eyeshot.effective(
        module, layer, source="weights", images=images, batch=batch, unit=unit, device=str(images.device),
        input_shape=tuple(images.shape[1:]),
    )  # fmt: skip


def per_image(module: nn.Module, layer: str, images: torch.Tensor, batch: int) -> None:
    kept, remove = hooked(module, layer)
    total = np.zeros(images.shape[2:])
    for image in images:
        kept.clear()
        x = image[None].clone().requires_grad_()
        module.zero_grad()
        module(x)
        height, width = (n // 2 for n in kept[0].shape[2:])
        kept[0][:, :, height, width].sum().backward()
        assert x.grad is not None
        total += x.grad.abs().sum((0, 1)).cpu().numpy()
    remove()
    module.zero_grad(set_to_none=True)


def per_unit(module: nn.Module, layer: str, images: torch.Tensor, batch: int) -> None:
    kept, remove = hooked(module, layer)
    module(images[:1])
    sizes = kept[0].shape[2:]
    maps = []
    for image in images:
        for row, column in np.ndindex(*sizes):
            kept.clear()
            x = image[None].clone().requires_grad_()
            module.zero_grad()
            module(x)
            kept[0][:, :, row, column].sum().backward()
            assert x.grad is not None
            maps.append(x.grad.abs().sum((0, 1)).cpu().numpy())
    remove()
    module.zero_grad(set_to_none=True)


def settle(images: torch.Tensor) -> None:
    if images.device.type == "cuda":
        torch.cuda.synchronize()


def clock() -> float:
    """Seconds; with one thread on a CPU those of the process, which other work on the machine does not stretch."""
    is_alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    return time.process_time() if is_alone else time.perf_counter()


def timed(contestants: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        if repeats > 1:
            run()
    for _ in range(repeats):
        for name, run in contestants.items():
            began = clock()
            run()
            found[name].append(clock() - began)
    return {name: statistics.median(times) for name, times in found.items()}


def module_of(name: str, device: str) -> nn.Module:
    torch.manual_seed(0)
    module: nn.Module = drawn_module(name)
    return module.eval().to(device)


def one_unit(name: str, layer: str, size: int, args: argparse.Namespace) -> None:
    module = module_of(name, args.device)
    images = torch.randn(args.images, 3, size, size, device=args.device)
    times = timed(
        {
            "bare": lambda: bare(module, layer, images, args.batch),
            "eyeshot": lambda: ours(module, layer, images, args.batch),
            "per image": lambda: per_image(module, layer, images, args.batch),
            "one batch": lambda: ours(module, layer, images[: args.batch], args.batch),
        },
        args.repeats,
    )
    first = times.pop("one batch")
    going = (args.images - args.batch) / (times["eyeshot"] - first)
    print(f"\n{name} {layer}, middle unit, {args.images} images of {size}×{size}, batch {args.batch}")
    for who, seconds in times.items():
        against = f"{times['bare'] / seconds:6.2f} of bare" if who != "bare" else ""
        print(f"  {who:<10} {args.images / seconds:9.1f} images/s  {against}".rstrip())
    print(
        f"  once going {going:9.1f} images/s  {going * times['bare'] / args.images:6.2f} of bare (first batch left out)"
    )
    print(f"  eyeshot is {times['per image'] / times['eyeshot']:.1f}× the loop over images")


def all_units(name: str, layer: str, size: int, count: int, what: str, args: argparse.Namespace) -> None:
    module = module_of(name, args.device)
    images = torch.randn(count, 3, size, size, device=args.device)
    ours(module, layer, images, args.batch)
    times = timed(
        {
            "eyeshot": lambda: ours(module, layer, images, args.batch, "all"),
            "per unit": lambda: per_unit(module, layer, images, args.batch),
        },
        1,
    )
    print(f"\n{name} {layer}, mean over all units ({what}), {count} image{'s' * (count > 1)} of {size}×{size}")
    for who, seconds in times.items():
        print(f"  {who:<10} {len(images) / seconds:9.2f} images/s")
    print(f"  eyeshot is {times['per unit'] / times['eyeshot']:.1f}× the loop over units")


MEMORY = """
import resource, sys
import eyeshot
eyeshot.effective("alexnet", "conv5", source="init", seeds=1, per_seed=int(sys.argv[1]), batch=4, device="cpu")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def memory() -> None:
    print("\nalexnet conv5, batch 4: peak memory of the whole process")
    for count in (8, 64, 256):
        words = [sys.executable, "-c", MEMORY, str(count)]
        run = subprocess.run(words, capture_output=True, text=True, check=True)
        print(f"  {count:>4} images  {int(run.stdout):>6,} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    threads = torch.get_num_threads()
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {args.device}, threads: {threads}")
    for name, layer, size in ONE_UNIT:
        one_unit(name, layer, size, args)
    for name, layer, size, count, what in ALL_UNITS:
        all_units(name, layer, size, count, what, args)
    memory()


if __name__ == "__main__":
    main()
