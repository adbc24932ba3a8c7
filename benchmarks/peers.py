"""How fast is reading a module with all its fields, against every tool that summarises one? In one run, medians.

    make bench-peers            # installs the peers beside the rest first (requirements-bench.txt)
    python benchmarks/peers.py resnet50 vgg16 --repeats 5

Tools take turns, in a new order each round, so that the machine's drift hits all alike and none always follows the one
that empties the caches. Each runs at its best setting: on tensors without numbers where it takes them, without saving
or printing. Peers that are not installed, or fail, are named. eyeshot stands twice: `inspect` reads the module,
`+ fields` also computes all fields and costs as one JSON document, which is what no summary tool gives at all. The last
columns are the fastest rival's time by that of `inspect` and of `+ fields`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import platform
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import torch
from torch import nn

from eyeshot import inspect
from eyeshot.read.loading import load_module

MODELS = ("resnet50", "resnet152", "densenet201", "vgg16", "inception_v3", "swin_t", "efficientnet_b0")
Contestant = Callable[[nn.Module, torch.Tensor], object]


def eyeshot_reads(module: nn.Module, x: torch.Tensor) -> object:
    return inspect(module, tuple(x.shape[1:]))


def eyeshot_answers(module: nn.Module, x: torch.Tensor) -> object:
    return inspect(module, tuple(x.shape[1:])).to_json()


def torch_counter(module: nn.Module, x: torch.Tensor) -> object:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        module(x)
    return counter.get_total_flops()


def torchinfo(module: nn.Module, x: torch.Tensor) -> object:
    from torchinfo import summary

    columns = ("output_size", "num_params", "mult_adds")
    return summary(module, input_data=x, device="meta", verbose=0, col_names=columns).total_mult_adds


def ptflops_modules(module: nn.Module, x: torch.Tensor) -> object:
    return _ptflops(module, x, "pytorch")


def ptflops_aten(module: nn.Module, x: torch.Tensor) -> object:
    return _ptflops(module, x, "aten")


def _ptflops(module: nn.Module, x: torch.Tensor, backend: str) -> object:
    from ptflops import get_model_complexity_info

    with torch.no_grad():
        return get_model_complexity_info(
            module,
            tuple(x.shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            verbose=False,
            backend=backend,
            input_constructor=lambda shape: x,
        )


def thop(module: nn.Module, x: torch.Tensor) -> object:
    from thop import profile

    return profile(module, inputs=(x,), verbose=False)


def torchscan(module: nn.Module, x: torch.Tensor) -> object:
    from torchscan import crawl_module

    return crawl_module(module, tuple(x.shape[1:]))


def fvcore(module: nn.Module, x: torch.Tensor) -> object:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(module, x).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return analysis.total()


def torchlens(module: nn.Module, x: torch.Tensor) -> object:
    import torchlens as tl

    with torch.no_grad():
        return tl.trace(module, x, save=None).receptive_fields()


def one_gradient(module: nn.Module, x: torch.Tensor) -> object:
    """The field of the middle unit of the last convolution, as scripts do: the support of one gradient."""
    kept: list[torch.Tensor] = []
    last = [child for child in module.modules() if isinstance(child, nn.Conv2d)][-1]
    handle = last.register_forward_hook(lambda child, inputs, output: kept.append(output))
    x = x.clone().requires_grad_()
    module(x)
    handle.remove()
    (gradient,) = torch.autograd.grad(kept[0][(0, slice(None), *(n // 2 for n in kept[0].shape[2:]))].sum(), x)
    return gradient.abs().sum((0, 1)).nonzero().aminmax()


OURS: dict[str, Contestant] = {"inspect": eyeshot_reads, "+ fields": eyeshot_answers}
SUMMARIES: dict[str, Contestant] = {
    "torch counter": torch_counter,
    "torchinfo": torchinfo,
    "ptflops": ptflops_modules,
    "ptflops aten": ptflops_aten,
    "thop": thop,
    "torchscan": torchscan,
    "fvcore": fvcore,
}
WITH_FIELDS: dict[str, Contestant] = {"torchlens": torchlens, "one gradient": one_gradient}
NEEDS_NUMBERS = frozenset({"fvcore", "torchlens", "one gradient"})
"""Tools that refuse tensors without numbers: they get real weights."""
PACKAGES = {"torch counter": "torch", "ptflops aten": "ptflops", "one gradient": "torch"}


def build(model: str, *, numbers: bool) -> nn.Module:
    """The model without memory for its weights, or with weights of one value each, which no tool looks at."""
    module: nn.Module = load_module(f"torchvision:{model}").eval()
    if numbers:
        module = module.to_empty(device="cpu")
        for tensor in (*module.parameters(), *module.buffers()):
            tensor.detach().fill_(0 if not tensor.is_floating_point() else 0.01)
    return module


def medians(model: str, contestants: dict[str, Contestant], repeats: int) -> tuple[dict[str, float], dict[str, str]]:
    """Milliseconds of each contestant, and why others gave no answer."""
    failed: dict[str, str] = {}
    modules, times = {}, {}
    side = 299 if model == "inception_v3" else 224
    for name, contestant in contestants.items():
        numbers = name in NEEDS_NUMBERS
        # every tool has a module of its own, since some leave hooks and buffers behind
        modules[name] = (
            build(model, numbers=numbers),
            torch.empty(1, 3, side, side, device="cpu" if numbers else "meta"),
        )
        try:
            run(contestant, *modules[name])
        except ImportError:
            failed[name] = "not installed"
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
        else:
            times[name] = []
    turns = random.Random(0)
    for _ in range(repeats):
        for name in turns.sample(list(times), len(times)):
            start = time.perf_counter()
            run(contestants[name], *modules[name])
            times[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(taken) for name, taken in times.items()}, failed


def run(contestant: Contestant, module: nn.Module, x: torch.Tensor) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        contestant(module, x)


MEMORY = """
import resource, sys, tracemalloc
import torch
from torch import nn
import eyeshot
from eyeshot.read.loading import load_module
name = sys.argv[1]
if name == "10 G params":
    with torch.device("meta"):
        blocks = [nn.TransformerEncoderLayer(5120, 40, 20480, batch_first=True) for _ in range(32)]
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.patches, self.blocks = nn.Conv2d(3, 5120, 16, 16), nn.Sequential(*blocks)
            def forward(self, x):
                return self.blocks(self.patches(x).flatten(2).transpose(1, 2))
        module = Net()
else:
    module = load_module(f"torchvision:{name}")
eyeshot.inspect("C3-8 P2").to_json()
eyeshot.inspect(nn.Conv2d(3, 8, 3), (3, 32, 32)).to_json()
def resident():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024
before = resident()
report = eyeshot.inspect(module)
report.to_json()
after = resident()
tracemalloc.start()
report = eyeshot.inspect(module)
report.to_json()
peak = tracemalloc.get_traced_memory()[1] / 2**20
params = sum(p.numel() for p in module.parameters())
print(f"{name:18} {params:>15,} {len(report):>7} {peak:8.1f} {after - before:9.1f}")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, help=f"names of torchvision [default: {' '.join(MODELS)}]")
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--slow-repeats", type=int, default=3, help="of tools that run on numbers")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, torch {torch.__version__.split('+')[0]}, one thread, milliseconds\n")
    print("Summaries, which give no fields:")
    print(f"{'model':16}" + "".join(f"{name:>14}" for name in (*OURS, *SUMMARIES)) + "   fastest / inspect  / + fields")
    reasons: dict[str, str] = {}
    for model in options.models:
        found, failed = medians(model, OURS | SUMMARIES, options.repeats)
        reasons |= failed
        best = min(found[name] for name in SUMMARIES if name in found)
        cells = "".join(f"{found[name]:14.1f}" if name in found else f"{'–':>14}" for name in (*OURS, *SUMMARIES))
        print(f"{model:16}{cells}{best / found['inspect']:20.2f}{best / found['+ fields']:12.2f}", flush=True)
    print("\nTools that give fields:")
    print(f"{'model':16}" + "".join(f"{name:>14}" for name in ("+ fields", *WITH_FIELDS)) + "   fastest / + fields")
    for model in options.models:
        found, failed = medians(model, {"+ fields": eyeshot_answers, **WITH_FIELDS}, options.slow_repeats)
        reasons |= failed
        rivals = [found[name] for name in WITH_FIELDS if name in found]
        cells = "".join(f"{found[n]:14.1f}" if n in found else f"{'–':>14}" for n in ("+ fields", *WITH_FIELDS))
        print(f"{model:16}{cells}{min(rivals) / found['+ fields'] if rivals else float('nan'):14.1f}", flush=True)
    print("\nMemory above what importing and one small network take, MiB:")
    print(f"{'model':18} {'params':>15} {'layers':>7} {'traced':>8} {'resident':>9}", flush=True)
    for model in ("resnet50", "densenet201", "10 G params"):
        subprocess.run([sys.executable, "-W", "ignore", "-c", MEMORY, model], check=True)
    print()
    for name in (*SUMMARIES, *WITH_FIELDS):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            version = importlib.metadata.version(PACKAGES.get(name, name))
            print(f"{name} {version.split('+')[0]}" + (f": no answer ({reasons[name]})" if name in reasons else ""))


if __name__ == "__main__":
    main()
